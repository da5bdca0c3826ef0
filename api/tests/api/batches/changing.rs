//! A store of batches that is another one from some moment on.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use async_trait::async_trait;
use byecaptcha_queue::{
    Appended, Batch, BatchId, BatchItem, BatchLookup, BatchStore, MemoryResults, ResultError, ResultOptions,
};

/// What becomes of it, and when.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    /// It cannot be read once a batch is closed.
    Unreadable,
    /// An item more is there when items are first read.
    MoreComes,
    /// The batch is gone when some of its items were read.
    Gone,
}

pub(super) struct Changing {
    inner: MemoryResults,
    change: Change,
    changed: AtomicBool,
}

impl Changing {
    pub(super) fn store(change: Change) -> Arc<Self> {
        let inner = MemoryResults::new(ResultOptions::default());
        Arc::new(Self { inner, change, changed: false.into() })
    }
}

#[async_trait]
impl BatchStore for Changing {
    async fn open_batch(&self, batch: &Batch) -> Result<(), ResultError> {
        self.inner.open_batch(batch).await
    }
    async fn append_items(
        &self,
        id: BatchId,
        first: u64,
        items: &[BatchItem],
    ) -> Result<Appended, ResultError> {
        self.inner.append_items(id, first, items).await
    }
    async fn close_batch(&self, id: BatchId) -> Result<(), ResultError> {
        self.changed.store(self.change == Change::Unreadable, Ordering::Relaxed);
        self.inner.close_batch(id).await
    }
    async fn cancel_batch(&self, id: BatchId) -> Result<(), ResultError> {
        self.inner.cancel_batch(id).await
    }
    async fn batch(&self, id: BatchId) -> Result<BatchLookup, ResultError> {
        match self.change {
            _ if !self.changed.load(Ordering::Relaxed) => self.inner.batch(id).await,
            Change::Unreadable => Err(ResultError::Unavailable("as the test wants it".to_owned())),
            Change::Gone => Ok(BatchLookup::Expired),
            Change::MoreComes => self.inner.batch(id).await,
        }
    }
    async fn items(&self, id: BatchId, after: u64, limit: usize) -> Result<Vec<BatchItem>, ResultError> {
        let changed = self.changed.swap(true, Ordering::Relaxed);
        if self.change == Change::MoreComes && !changed {
            let BatchLookup::Found(batch) = self.inner.batch(id).await? else { return Ok(Vec::new()) };
            let late = BatchItem { custom_id: "late".to_owned(), fingerprint: String::new(), refused: None };
            self.inner.append_items(id, batch.counts.total + 1, &[late]).await?;
        }
        if self.change == Change::Gone && changed {
            return Ok(Vec::new());
        }
        self.inner.items(id, after, limit).await
    }
}
