//! Where results wait for the clients that poll for them: written once, kept for a set time.
//! Each backend is one file; all of them pass the same contract suite.

use std::time::Duration;

use async_trait::async_trait;

use crate::job::{JobId, JobRecord, Outcome};

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
pub enum Lookup {
    /// The job, as it stands.
    Found(JobRecord),
    /// There was such a job; its result was kept for its time and is gone.
    Expired,
    /// No such job.
    Unknown,
}

/// Keeps the records of jobs.
#[async_trait]
pub trait ResultStore: Send + Sync {
    /// Writes the record of a new job. Done before the job is published, so that a worker never finishes a job that
    /// the store has not heard of.
    async fn create(&self, record: &JobRecord) -> Result<(), ResultError>;

    /// Takes back a record whose job could not be published.
    async fn discard(&self, id: JobId) -> Result<(), ResultError>;

    /// Notes that a worker has these jobs. Changes only records that are still queued.
    async fn start(&self, ids: &[JobId]) -> Result<(), ResultError>;

    /// Writes how jobs ended; the answer holds, in the same order, whether this call was the first to end the job.
    /// A later outcome changes nothing. An id without a record is given one.
    async fn finish(&self, outcomes: &[(JobId, Outcome)]) -> Result<Vec<bool>, ResultError>;

    /// What is known of this id now.
    async fn get(&self, id: JobId) -> Result<Lookup, ResultError>;

    /// Like [`ResultStore::get`], but holds the answer until the job has ended or `patience` is over.
    async fn wait(&self, id: JobId, patience: Duration) -> Result<Lookup, ResultError>;

    /// Whether the store can be read and written now.
    async fn ready(&self) -> Result<(), ResultError>;
}
