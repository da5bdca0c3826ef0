//! Where results wait for the clients that poll for them: written once, kept for a set time.
//! Each backend is a file or a folder; all of them pass the same contract suite.

use std::time::Duration;

use async_trait::async_trait;

use crate::{
    batch::Membership,
    job::{JobId, JobRecord, Outcome},
};

mod call;
mod memory;
#[cfg(feature = "redis")]
mod redis;
mod sqlite;
mod waiters;

pub use call::CallId;
pub use memory::MemoryResults;
#[cfg(feature = "redis")]
pub use redis::RedisResults;
pub use sqlite::SqliteResults;
pub(crate) use waiters::Waiters;

/// How long a result store keeps what it knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResultOptions {
    /// How long the result of an ended job can be fetched. 1 hour by default.
    pub keep: Duration,
    /// How long after that the id still answers [`Lookup::Expired`] before it is forgotten. 24 hours by default.
    pub remember: Duration,
}

impl Default for ResultOptions {
    fn default() -> Self {
        Self { keep: Duration::from_hours(1), remember: Duration::from_hours(24) }
    }
}

impl ResultOptions {
    /// The moment from which on the time counts that a job's result is kept: its end, or later where its batch is kept
    /// for longer. In milliseconds since the Unix epoch, as all these.
    fn kept_from(&self, finished_at_ms: u64, batch: Option<Membership>) -> u64 {
        let keep = u64::try_from(self.keep.as_millis()).unwrap_or(u64::MAX);
        batch.map_or(0, |batch| batch.expires_at_ms.saturating_sub(keep)).max(finished_at_ms)
    }

    /// What is left at `now_ms` of a job whose result is kept from this moment on.
    fn age(&self, kept_from_ms: u64, now_ms: u64) -> Age {
        let age = Duration::from_millis(now_ms.saturating_sub(kept_from_ms));
        if age < self.keep {
            Age::Kept
        } else if age < self.keep.saturating_add(self.remember) {
            Age::Remembered
        } else {
            Age::Forgotten
        }
    }
}

/// The stages that an ended job goes through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Age {
    /// Its result is there.
    Kept,
    /// Its id is known.
    Remembered,
    /// Nothing is left.
    Forgotten,
}

/// What can go wrong between a program and its result store.
#[derive(Debug, thiserror::Error)]
pub enum ResultError {
    /// The store was closed or cannot be reached.
    #[error("the result store is unavailable: {0}")]
    Unavailable(String),
    /// The store failed or holds something unreadable.
    #[error("the result store failed: {0}")]
    Storage(String),
}

/// What the store knows of an id.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "nearly every answer is a record, and none is kept for long")]
pub enum Lookup {
    /// The job, as it stands.
    Found(JobRecord),
    /// There was such a job; its result was kept for its time and is gone.
    Expired,
    /// No such job.
    Unknown,
}

/// What came of the wish to take a job back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cancellation {
    /// This call ended it: it is canceled now.
    Canceled,
    /// A worker has it already; it goes on.
    Started,
    /// It had ended before, canceled or otherwise, and stays as it is. True also of results that expired.
    Ended,
    /// No such job.
    Unknown,
}

/// What a caller's idempotency key stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// From now on, for the job it was claimed with.
    New,
    /// For this job, which an earlier request of the same fingerprint made.
    Same(JobId),
    /// For another request.
    Other,
}

/// A request as one number: what is equal in this is the same request. SHA-256 of what it asks for.
pub type Fingerprint = [u8; 32];

/// Keeps the records of jobs.
#[async_trait]
pub trait ResultStore: Send + Sync {
    /// Writes the record of a new job. Done before the job is published, so that a worker never finishes a job that
    /// the store has not heard of. A record that is already there stays as it is, and is the caller's as well.
    async fn create(&self, record: &JobRecord) -> Result<(), ResultError>;

    /// Takes back a record that the caller made, and whose job it could not publish. It goes with the last of those who made it, and
    /// only while it is queued: what a worker has begun, somebody has published.
    async fn discard(&self, id: JobId) -> Result<(), ResultError>;

    /// Notes that the broker has these jobs, so that a request that is sent again need not publish them once more. Changes
    /// only records that are still queued.
    async fn confirm(&self, ids: &[JobId]) -> Result<(), ResultError>;

    /// Has a key stand for a job, within what its owner has used before; kept for [`ResultOptions::remember`].
    async fn claim(
        &self,
        owner: &str,
        key: &str,
        fingerprint: &Fingerprint,
        id: JobId,
    ) -> Result<Claim, ResultError>;

    /// Notes that a worker has these jobs; changes only records that are still queued. The answer holds, in the same
    /// order, whether the job is still to be done: false where it has ended already, by its cancellation or another
    /// worker's hand. True for an id without a record.
    async fn start(&self, ids: &[JobId]) -> Result<Vec<bool>, ResultError>;

    /// Notes that a job is about to go through the engine with nothing else held by its worker, and gives how many other
    /// calls have noted that; one that is made again counts once. A broker counts an attempt at every job that a dying
    /// worker held; this tells at which of them it died. `None` where the job has ended already. An id without a record
    /// is counted too, and given none.
    async fn begin_alone_as(&self, call: CallId, id: JobId) -> Result<Option<u32>, ResultError>;

    /// The same for those who do not ask again.
    async fn begin_alone(&self, id: JobId) -> Result<Option<u32>, ResultError> {
        self.begin_alone_as(CallId::new(), id).await
    }

    /// Writes how jobs ended; the answer holds, in the same order, whether this call was the first to end the job, as
    /// long as the job is known. One that is made again, with the same outcomes, is told what the first one was. A later
    /// outcome changes nothing. An id without a record is given one.
    async fn finish_as(&self, call: CallId, outcomes: &[(JobId, Outcome)]) -> Result<Vec<bool>, ResultError>;

    /// The same for those who do not ask again.
    async fn finish(&self, outcomes: &[(JobId, Outcome)]) -> Result<Vec<bool>, ResultError> {
        self.finish_as(CallId::new(), outcomes).await
    }

    /// Ends a job as canceled if it is still queued. Wakes those who wait for it.
    async fn cancel(&self, id: JobId) -> Result<Cancellation, ResultError>;

    /// What is known of this id now.
    async fn get(&self, id: JobId) -> Result<Lookup, ResultError>;

    /// Like [`ResultStore::get`], but holds the answer of a known job until it has ended or `patience` is over.
    async fn wait(&self, id: JobId, patience: Duration) -> Result<Lookup, ResultError>;

    /// Whether the store can be read and written now.
    async fn ready(&self) -> Result<(), ResultError>;
}
