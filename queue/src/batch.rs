//! Batches: many jobs that were submitted together, counted together and asked after together. What a batch is, and the
//! trait that every result store keeps them by; jobs themselves are what they are everywhere.

use std::{fmt, str::FromStr};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::{Builder, Uuid};

use crate::{
    job::{Failure, JobId, JobStatus},
    results::ResultError,
};

/// Names one batch. A version 7 UUID (RFC 9562), so ids sort by the time of their making.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(transparent)]
pub struct BatchId(Uuid);

impl BatchId {
    /// A fresh id.
    pub fn new() -> Self {
        Self(Uuid::now_v7())
    }

    /// The sixteen bytes, for stores that keep ids in binary.
    pub fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }

    /// The id that [`BatchId::as_bytes`] gave.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(Uuid::from_bytes(bytes))
    }

    /// The job of the item with this number. It follows from the two alone, so an item that is submitted again, since
    /// nobody knows what became of it, is the same job. A version 8 UUID that sorts beside the batch's own.
    pub fn job(&self, number: u64) -> JobId {
        let mut bytes = *self.as_bytes();
        let digest = Sha256::new().chain_update(bytes).chain_update(number.to_be_bytes()).finalize();
        // The first six bytes are the time.
        bytes[6..].copy_from_slice(&digest[..10]);
        JobId::from_bytes(Builder::from_custom_bytes(bytes).into_uuid().into_bytes())
    }
}

impl Default for BatchId {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Display for BatchId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

impl FromStr for BatchId {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Uuid::try_parse(text).map(Self)
    }
}

/// The batch that a job belongs to, and for how long its result is kept on that account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Membership {
    /// The batch.
    pub batch: BatchId,
    /// When the batch and the results of all its jobs go, in milliseconds since the Unix epoch.
    pub expires_at_ms: u64,
}

/// One picture of a batch, as it came.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchItem {
    /// What its sender calls it.
    pub custom_id: String,
    /// SHA-256, in hexadecimal, of the picture and its options: tells whether what is sent again is the same.
    pub fingerprint: String,
    /// Why it never became a job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<Failure>,
}

/// How many items of a batch stand how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BatchCounts {
    /// All that have come.
    pub total: u64,
    /// Jobs that have not ended.
    pub pending: u64,
    /// Jobs that were read.
    pub succeeded: u64,
    /// Jobs that could not be read.
    pub failed: u64,
    /// Jobs that were taken back.
    pub canceled: u64,
    /// Jobs whose deadline passed.
    pub expired: u64,
    /// Items that never became jobs.
    pub refused: u64,
}

impl BatchCounts {
    /// Counts the end of a job; a status that is none counts nothing.
    pub(crate) fn end(&mut self, status: JobStatus) {
        match status {
            JobStatus::Succeeded => self.succeeded += 1,
            JobStatus::Failed => self.failed += 1,
            JobStatus::Canceled => self.canceled += 1,
            JobStatus::Expired => self.expired += 1,
            JobStatus::Queued | JobStatus::Processing => {}
        }
    }

    /// These counts with what is left of their total pending.
    #[must_use]
    pub(crate) fn with_pending(mut self) -> Self {
        let over = self.succeeded + self.failed + self.canceled + self.expired + self.refused;
        self.pending = self.total.saturating_sub(over);
        self
    }
}

/// Where a batch stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum BatchStatus {
    /// Its upload is under way, or broke off and can be sent again.
    Receiving,
    /// All of it is there.
    Processing,
    /// It was taken back; what workers had started goes on to its end.
    Canceling,
    /// Every item has its end.
    Completed,
    /// The same, after it was taken back.
    Canceled,
}

/// A batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// Its name.
    pub id: BatchId,
    /// The id of the key whose holder submitted it; nobody's where there are no keys.
    pub owner: Option<String>,
    /// When its upload began, in milliseconds since the Unix epoch.
    pub created_at_ms: u64,
    /// When it goes with all its results.
    pub expires_at_ms: u64,
    /// Whether all items have come.
    pub closed: bool,
    /// Whether it was taken back.
    pub canceled: bool,
    /// When the last of the jobs that have ended did.
    pub last_end_ms: Option<u64>,
    /// How its items stand.
    pub counts: BatchCounts,
}

impl Batch {
    /// A batch whose upload begins at `now_ms` and that is kept until `expires_at_ms`.
    pub fn new(owner: Option<String>, now_ms: u64, expires_at_ms: u64) -> Self {
        Self {
            id: BatchId::new(),
            owner,
            created_at_ms: now_ms,
            expires_at_ms,
            closed: false,
            canceled: false,
            last_end_ms: None,
            counts: BatchCounts::default(),
        }
    }

    /// What its jobs' records say of it.
    pub fn membership(&self) -> Membership {
        Membership { batch: self.id, expires_at_ms: self.expires_at_ms }
    }

    /// What there is of it at `now_ms`; once it is gone, its id is remembered for so many milliseconds.
    pub(crate) fn look_up(&self, now_ms: u64, remember_ms: u64) -> BatchLookup {
        if now_ms < self.expires_at_ms {
            BatchLookup::Found(Self { counts: self.counts.with_pending(), ..self.clone() })
        } else if now_ms < self.expires_at_ms.saturating_add(remember_ms) {
            BatchLookup::Expired
        } else {
            BatchLookup::Unknown
        }
    }

    /// Where it stands.
    pub fn status(&self) -> BatchStatus {
        match (self.canceled, self.closed, self.counts.pending) {
            (true, _, 0) => BatchStatus::Canceled,
            (true, ..) => BatchStatus::Canceling,
            (false, false, _) => BatchStatus::Receiving,
            (false, true, 0) => BatchStatus::Completed,
            (false, true, _) => BatchStatus::Processing,
        }
    }
}

/// What the store knows of a batch's id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BatchLookup {
    /// The batch, as it stands.
    Found(Batch),
    /// There was such a batch; it was kept for its time and is gone.
    Expired,
    /// No such batch.
    Unknown,
}

/// What came of adding items.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Appended {
    /// All are there now; so many of them, the last ones, were not before.
    Added {
        /// How many.
        fresh: usize,
    },
    /// The item with this number is another one, or none, and the batch takes no more.
    Differs {
        /// Counted from 1.
        number: u64,
    },
    /// The batch was taken back.
    Canceled,
    /// There is no such batch.
    Unknown,
}

/// Keeps batches beside the records of their jobs. The store counts the ends of the jobs whose records name a batch, each
/// once, in the same step that writes the end.
#[async_trait]
pub trait BatchStore: Send + Sync {
    /// Writes a new batch. One that is there already stays as it is.
    async fn open_batch(&self, batch: &Batch) -> Result<(), ResultError>;

    /// Adds items whose numbers, from 1, follow one another from `first`, which is at most one above the last that is
    /// there. Of those that are there already nothing is written, and they have to be the same.
    async fn append_items(
        &self,
        id: BatchId,
        first: u64,
        items: &[BatchItem],
    ) -> Result<Appended, ResultError>;

    /// Notes that all items have come.
    async fn close_batch(&self, id: BatchId) -> Result<(), ResultError>;

    /// Notes that the batch is taken back: no items come any more. Its jobs are for the caller to cancel.
    async fn cancel_batch(&self, id: BatchId) -> Result<(), ResultError>;

    /// The batch as it stands.
    async fn batch(&self, id: BatchId) -> Result<BatchLookup, ResultError>;

    /// Up to `limit` (at least 1) items whose numbers come after `after`, in their order.
    async fn items(&self, id: BatchId, after: u64, limit: usize) -> Result<Vec<BatchItem>, ResultError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_items_job_follows_from_batch_and_number() {
        let (one, other) = (BatchId::new(), BatchId::new());
        assert_eq!(one.job(7), one.job(7));
        let mut ids: Vec<JobId> = (1..500).flat_map(|number| [one.job(number), other.job(number)]).collect();
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), 998);
        let uuid = Uuid::from_bytes(*one.job(1).as_bytes());
        assert_eq!((uuid.get_version_num(), uuid.get_variant()), (8, uuid::Variant::RFC4122));
    }

    #[test]
    fn the_status_follows_from_what_happened() {
        let mut batch = Batch::new(None, 1, 2);
        assert_eq!(batch.status(), BatchStatus::Receiving);
        batch.counts = BatchCounts { total: 3, refused: 1, ..BatchCounts::default() }.with_pending();
        assert_eq!(batch.counts.pending, 2);
        batch.closed = true;
        assert_eq!(batch.status(), BatchStatus::Processing);
        batch.canceled = true;
        assert_eq!(batch.status(), BatchStatus::Canceling);
        batch.counts.end(JobStatus::Canceled);
        batch.counts.end(JobStatus::Succeeded);
        batch.counts = batch.counts.with_pending();
        assert_eq!((batch.counts.pending, batch.status()), (0, BatchStatus::Canceled));
        batch.canceled = false;
        assert_eq!(batch.status(), BatchStatus::Completed);
    }
}
