//! What every request handler needs: the broker, the result store, and the settings.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use byecaptcha_queue::{Broker, ResultStore};
use serde::Serialize;
use tokio_util::sync::CancellationToken;

/// A model that the workers behind the queue can read with, as `GET /v1/models` shows it.
#[derive(Clone, Debug, Serialize)]
pub struct ModelInfo {
    /// Its name in requests.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Whether it reads where a request names none.
    pub default: bool,
    /// The characters that it can read.
    pub charset: String,
    /// What was measured on held-out sets, as its card has it.
    pub figures: serde_json::Value,
}

/// Limits on what is taken in.
#[derive(Clone, Copy, Debug)]
pub struct ApiSettings {
    /// Most bytes in a request's body.
    pub max_upload_bytes: usize,
    /// Most pixels from left to right.
    pub max_width: u32,
    /// Most pixels from top to bottom.
    pub max_height: u32,
}

impl Default for ApiSettings {
    fn default() -> Self {
        Self { max_upload_bytes: 10 << 20, max_width: 4096, max_height: 4096 }
    }
}

/// Shared by all handlers; cheap to clone.
#[derive(Clone)]
pub struct ApiState {
    pub(crate) broker: Arc<dyn Broker>,
    pub(crate) results: Arc<dyn ResultStore>,
    pub(crate) models: Arc<[ModelInfo]>,
    pub(crate) settings: ApiSettings,
    /// Set when the server ends, so that held answers are given at once.
    pub(crate) closing: CancellationToken,
    ready: Arc<AtomicBool>,
}

impl ApiState {
    /// Not ready until [`ApiState::set_ready`] says so.
    pub fn new(
        broker: Arc<dyn Broker>,
        results: Arc<dyn ResultStore>,
        models: Vec<ModelInfo>,
        settings: ApiSettings,
    ) -> Self {
        Self {
            broker,
            results,
            models: models.into(),
            settings,
            closing: CancellationToken::new(),
            ready: Arc::default(),
        }
    }

    /// Whether `/readyz` may say yes, for what this crate cannot see: an engine in the same process.
    pub fn set_ready(&self, ready: bool) {
        self.ready.store(ready, Ordering::Relaxed);
    }

    pub(crate) fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Relaxed)
    }
}
