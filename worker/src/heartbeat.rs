//! Whether the consumer loop still turns and its engine gets through its batches: what a liveness probe asks, so that a
//! worker that hangs is started again.

use std::{
    convert::Infallible,
    future,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

/// How often the loop beats when nothing else happens.
pub(crate) const INTERVAL: Duration = Duration::from_secs(1);
/// An engine that is not warm after this time hangs.
const LONGEST_WARM_UP: Duration = Duration::from_secs(300);

/// The time of the last turn. Clones share it.
#[derive(Clone)]
pub struct Heartbeat(Arc<Mutex<Instant>>);

impl Heartbeat {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Mutex::new(Instant::now())))
    }

    pub(crate) fn beat(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    /// Beats while the engine warms up, for as long as that may take. Does not return.
    pub(crate) async fn beat_through_warm_up(&self) -> Infallible {
        let mut pulse = tokio::time::interval(INTERVAL);
        let beating = async {
            loop {
                pulse.tick().await;
                self.beat();
            }
        };
        drop(tokio::time::timeout(LONGEST_WARM_UP, beating).await);
        future::pending().await
    }

    /// How long ago the loop last turned, or the batch that the engine is at was begun if that is longer; a second or two
    /// where all is well.
    pub fn age(&self) -> Duration {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).elapsed()
    }
}
