//! The start of jobs, as the result store hears of it, and whether it had better be asked before the engine is: the jobs of
//! a canceled batch come to workers all the same, and to read them would be for nothing.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering::Relaxed},
};

use byecaptcha_queue::{JobId, ResultStore};

/// Batches that the store is asked of first, from the last on of which a job had ended. Between those of a canceled batch may
/// be some of others'.
const WARY: u32 = 32;

/// What the starts of late have shown. Clones share it.
#[derive(Clone, Default)]
pub(crate) struct Starts {
    wary: Arc<AtomicU32>,
}

impl Starts {
    /// Whether the store had better be asked of the next batch before the engine is. Each call is for one.
    pub(crate) fn ask_first(&self) -> bool {
        self.wary.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1)).is_ok()
    }

    /// Notes that these have started. Gives which of them are still to be done: all, where the store does not say.
    pub(crate) async fn note(&self, results: &dyn ResultStore, ids: &[JobId]) -> Vec<bool> {
        let to_do = results.start(ids).await.unwrap_or_else(|error| {
            tracing::warn!(%error, jobs = ids.len(), "the start of jobs was not noted");
            vec![true; ids.len()]
        });
        if to_do.contains(&false) {
            self.wary.store(WARY, Relaxed);
        }
        to_do
    }
}
