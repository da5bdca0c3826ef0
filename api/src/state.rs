//! What every request handler needs: the broker, the result store, and the settings.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use byecaptcha_queue::{
    BatchStore, Broker, FeedbackStore, MemoryFeedback, MemoryResults, ResultOptions, ResultStore,
};
use metrics_exporter_prometheus::PrometheusHandle;
use serde::Serialize;
use tokio_util::sync::CancellationToken;
use utoipa::ToSchema;

use crate::{access::Access, batches, metrics, room::Room};

/// A model that the workers behind the queue can read with, as `GET /v1/models` shows it.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Model)]
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
    /// The confidence below which its readings had better be left to a person: of those that have it or more, 99.5% were
    /// right on held-out pictures of the styles that it knows. Absent where that was not measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 1, nullable = false)]
    pub recommended_min_confidence: Option<f32>,
}

/// Limits on what is taken in.
#[derive(Clone, Copy, Debug)]
pub struct ApiSettings {
    /// Most bytes in a request's body.
    pub max_upload_bytes: usize,
    /// Most pixels from left to right, as the picture's header has it.
    pub max_width: u32,
    /// Most pixels from top to bottom.
    pub max_height: u32,
    /// How long a request's body may take to arrive, from its first byte to its last.
    pub body_timeout: Duration,
    /// Most pictures in a batch.
    pub max_batch_items: u64,
    /// Most bytes in a batch, as it comes and once it is unpacked.
    pub max_batch_bytes: u64,
    /// Most bytes of single pictures on their way to the broker that are in memory at once. Those of up to 64 KiB are not
    /// counted; a body counts once, and takes up to twice as much while it is read.
    pub max_held_bytes: usize,
    /// The same for all batches together.
    pub max_held_batch_bytes: usize,
    /// Most bytes of archives on the disk at once; as many as the largest has in any case.
    pub max_spooled_bytes: usize,
    /// How long a request for one picture waits for room among those.
    pub room_timeout: Duration,
    /// How long a batch waits for room among those, and for a queue that is full, which has a place again at every job that
    /// a worker takes.
    pub batch_patience: Duration,
    /// How long a batch is kept with its results, from its submission.
    pub keep_batches: Duration,
    /// How long a request's head may take to arrive; and how long a connection may stay open without a next request.
    pub header_timeout: Duration,
    /// How long requests that are under way at shutdown may take to finish.
    pub grace: Duration,
}

/// Most bytes in a request's body where the settings say nothing else: a captcha has 1 to 50 kB, a phone's photo a few
/// megabytes.
pub const DEFAULT_MAX_UPLOAD_BYTES: usize = 10 << 20;

/// Most pixels in either direction where the settings say nothing else: as large as a phone's photo is, and 64 MiB once
/// a worker has decoded it.
pub const DEFAULT_MAX_SIDE: u32 = 4096;

/// How long batches are kept where the settings say nothing else.
pub const DEFAULT_KEEP_BATCHES: Duration = Duration::from_hours(24);

impl Default for ApiSettings {
    fn default() -> Self {
        Self {
            max_upload_bytes: DEFAULT_MAX_UPLOAD_BYTES,
            max_width: DEFAULT_MAX_SIDE,
            max_height: DEFAULT_MAX_SIDE,
            body_timeout: Duration::from_secs(60),
            max_batch_items: 100_000,
            max_batch_bytes: 2 << 30,
            // With all that goes along with both of them, in a process of 256 MiB.
            max_held_bytes: 40 << 20,
            max_held_batch_bytes: 24 << 20,
            max_spooled_bytes: u32::MAX as usize,
            room_timeout: Duration::from_secs(5),
            batch_patience: Duration::from_secs(60),
            keep_batches: DEFAULT_KEEP_BATCHES,
            header_timeout: Duration::from_secs(30),
            grace: Duration::from_secs(10),
        }
    }
}

/// Shared by all handlers; cheap to clone.
#[derive(Clone)]
pub struct ApiState {
    pub(crate) broker: Arc<dyn Broker>,
    /// The queue for bulk jobs.
    pub(crate) bulk: Arc<dyn Broker>,
    pub(crate) results: Arc<dyn ResultStore>,
    pub(crate) batches: Arc<dyn BatchStore>,
    pub(crate) feedback: Arc<dyn FeedbackStore>,
    /// For how long pictures are kept, where they are.
    pub(crate) keep_images: Option<Duration>,
    pub(crate) models: Arc<[ModelInfo]>,
    pub(crate) settings: ApiSettings,
    /// Room in memory for single pictures.
    pub(crate) room: Arc<Room>,
    /// The same for those of batches: bulk jobs leave people their room.
    pub(crate) batch_room: Arc<Room>,
    /// Room on the disk for archives of batches.
    pub(crate) spool: Arc<Room>,
    /// Who may use it.
    pub(crate) access: Access,
    /// Set when the server ends, so that held answers are given at once.
    pub(crate) closing: CancellationToken,
    /// What `GET /metrics` shows.
    pub(crate) metrics: Option<PrometheusHandle>,
    ready: Arc<AtomicBool>,
}

impl ApiState {
    /// A state whose `/readyz` says no until [`ApiState::set_ready`] is called. Jobs are taken from the start: they
    /// wait in the queue.
    pub fn new(
        broker: Arc<dyn Broker>,
        results: Arc<dyn ResultStore>,
        models: Vec<ModelInfo>,
        settings: ApiSettings,
    ) -> Self {
        Self {
            bulk: Arc::clone(&broker),
            broker,
            results,
            batches: Arc::new(MemoryResults::new(ResultOptions::default())),
            feedback: Arc::new(MemoryFeedback::default()),
            keep_images: None,
            models: models.into(),
            settings,
            room: Arc::new(Room::new(
                settings.max_held_bytes,
                settings.max_upload_bytes,
                settings.room_timeout,
            )),
            batch_room: Arc::new(batches::room(&settings)),
            spool: Arc::new(batches::spool(&settings)),
            access: Access::default(),
            closing: CancellationToken::new(),
            metrics: None,
            ready: Arc::default(),
        }
    }

    /// Has bulk jobs wait in a queue of their own, and not in that of all others.
    #[must_use]
    pub fn with_bulk(mut self, broker: Arc<dyn Broker>) -> Self {
        self.bulk = broker;
        self
    }

    /// Has batches kept here, which must be where the results are: it is the result store that counts the ends of their
    /// jobs. Without this no end is ever counted.
    #[must_use]
    pub fn with_batches(mut self, store: Arc<dyn BatchStore>) -> Self {
        self.batches = store;
        self
    }

    /// Has feedback kept here, and, where a time is given, all pictures for so long. Without this, feedback is gone with
    /// the process.
    #[must_use]
    pub fn with_feedback(mut self, store: Arc<dyn FeedbackStore>, keep_images: Option<Duration>) -> Self {
        (self.feedback, self.keep_images) = (store, keep_images);
        self
    }

    /// Sets who may use the API. Without this, everybody who reaches it may.
    #[must_use]
    pub fn with_access(mut self, access: Access) -> Self {
        self.access = access;
        self
    }

    /// Has `GET /metrics` show what this recorder counts.
    #[must_use]
    pub fn with_metrics(mut self, handle: PrometheusHandle) -> Self {
        metrics::describe();
        self.metrics = Some(handle);
        self
    }

    /// Whether `/readyz` may say yes, for what this crate cannot see: an engine in the same process.
    pub fn set_ready(&self, ready: bool) {
        self.ready.store(ready, Ordering::Relaxed);
    }

    pub(crate) fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Relaxed)
    }
}
