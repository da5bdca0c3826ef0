//! Feedback in this process's memory, for tests.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use async_trait::async_trait;
use bytes::Bytes;

use super::{Feedback, FeedbackStore, Labelled};
use crate::{job::JobId, results::ResultError};

/// Feedback in memory.
#[derive(Default)]
pub struct MemoryFeedback {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    images: HashMap<JobId, (Bytes, Instant)>,
    set: BTreeMap<u64, Feedback>,
    last: u64,
}

impl MemoryFeedback {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing under this lock can panic half-way through a change, so what a poisoned one guards is whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl FeedbackStore for MemoryFeedback {
    async fn keep_image(&self, job: JobId, image: &Bytes, time: Duration) -> Result<(), ResultError> {
        let mut state = self.lock();
        let now = Instant::now();
        state.images.retain(|_, (_, until)| *until > now);
        state.images.insert(job, (image.clone(), now + time));
        Ok(())
    }

    async fn image(&self, job: JobId) -> Result<Option<Bytes>, ResultError> {
        let state = self.lock();
        let kept = state.images.get(&job).filter(|(_, until)| *until > Instant::now());
        Ok(kept.map(|(image, _)| image.clone()))
    }

    async fn record(&self, feedback: &Feedback) -> Result<(), ResultError> {
        let mut state = self.lock();
        state.set.retain(|_, known| known.job != feedback.job);
        state.last += 1;
        let number = state.last;
        state.set.insert(number, feedback.clone());
        Ok(())
    }

    async fn labelled(&self, after: u64, limit: usize) -> Result<Vec<Labelled>, ResultError> {
        let state = self.lock();
        let later = state.set.range(after.saturating_add(1)..).take(limit.max(1));
        let labelled = later.map(|(&number, feedback)| Labelled { number, feedback: feedback.clone() });
        Ok(labelled.collect())
    }
}
