//! The start of jobs, as the result store hears of it, and whether it had better be asked before the engine is: the jobs of
//! a canceled batch come to workers all the same, and to read them would be for nothing.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use byecaptcha_queue::{JobId, ResultStore};

/// What the starts of late have shown. Clones share it.
#[derive(Clone, Default)]
pub(crate) struct Starts {
    some_had_ended: Arc<AtomicBool>,
}

impl Starts {
    /// Whether some of the jobs noted last had ended already, as then the next may have.
    pub(crate) fn ask_first(&self) -> bool {
        self.some_had_ended.load(Ordering::Relaxed)
    }

    /// Notes that these have started. Gives which of them are still to be done: all, where the store does not say.
    pub(crate) async fn note(&self, results: &dyn ResultStore, ids: &[JobId]) -> Vec<bool> {
        let to_do = results.start(ids).await.unwrap_or_else(|error| {
            tracing::warn!(%error, jobs = ids.len(), "the start of jobs was not noted");
            vec![true; ids.len()]
        });
        self.some_had_ended.store(to_do.contains(&false), Ordering::Relaxed);
        to_do
    }
}
