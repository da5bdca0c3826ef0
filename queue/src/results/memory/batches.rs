//! Batches in this process's memory.

use async_trait::async_trait;

use super::{MemoryResults, milliseconds};
use crate::{
    batch::{Appended, Batch, BatchId, BatchItem, BatchLookup, BatchStore},
    job::{JobStatus, now_ms},
    results::ResultError,
};

/// A batch, its counts of jobs that have ended, and what came.
pub(super) struct KnownBatch {
    batch: Batch,
    items: Vec<BatchItem>,
}

impl KnownBatch {
    pub(super) fn end(&mut self, status: JobStatus, now: u64) {
        self.batch.counts.end(status);
        self.batch.last_end_ms = Some(now);
    }

    fn append(&mut self, first: u64, items: &[BatchItem]) -> Appended {
        if self.batch.canceled {
            return Appended::Canceled;
        }
        let mut fresh = 0;
        for (number, item) in (first..).zip(items) {
            let place = usize::try_from(number.saturating_sub(1)).unwrap_or(usize::MAX);
            match self.items.get(place) {
                Some(known) if known == item => {}
                None if place == self.items.len() && !self.batch.closed => {
                    self.items.push(item.clone());
                    self.batch.counts.total += 1;
                    self.batch.counts.refused += u64::from(item.refused.is_some());
                    fresh += 1;
                }
                Some(_) | None => return Appended::Differs { number },
            }
        }
        Appended::Added { fresh }
    }
}

#[async_trait]
impl BatchStore for MemoryResults {
    async fn open_batch(&self, batch: &Batch) -> Result<(), ResultError> {
        let mut state = self.lock();
        let (now, remember) = (now_ms(), milliseconds(self.options.remember));
        state.batches.retain(|_, known| known.batch.expires_at_ms.saturating_add(remember) > now);
        let known = || KnownBatch { batch: batch.clone(), items: Vec::new() };
        state.batches.entry(batch.id).or_insert_with(known);
        Ok(())
    }

    async fn append_items(
        &self,
        id: BatchId,
        first: u64,
        items: &[BatchItem],
    ) -> Result<Appended, ResultError> {
        Ok(match self.lock().batches.get_mut(&id) {
            Some(known) => known.append(first, items),
            None => Appended::Unknown,
        })
    }

    async fn close_batch(&self, id: BatchId) -> Result<(), ResultError> {
        if let Some(known) = self.lock().batches.get_mut(&id) {
            known.batch.closed = true;
        }
        Ok(())
    }

    async fn cancel_batch(&self, id: BatchId) -> Result<(), ResultError> {
        if let Some(known) = self.lock().batches.get_mut(&id) {
            known.batch.canceled = true;
        }
        Ok(())
    }

    async fn batch(&self, id: BatchId) -> Result<BatchLookup, ResultError> {
        Ok(match self.lock().batches.get(&id) {
            Some(KnownBatch { batch, .. }) => batch.look_up(now_ms(), milliseconds(self.options.remember)),
            None => BatchLookup::Unknown,
        })
    }

    async fn items(&self, id: BatchId, after: u64, limit: usize) -> Result<Vec<BatchItem>, ResultError> {
        let after = usize::try_from(after).unwrap_or(usize::MAX);
        let state = self.lock();
        let items = state.batches.get(&id).map(|known| known.items.iter().skip(after).take(limit.max(1)));
        Ok(items.map(|items| items.cloned().collect()).unwrap_or_default())
    }
}
