//! What people said was right: the labelled set that grows out of use. Pictures are kept only where the operator wants
//! that, and only for a time. On Redis it is the result store that keeps it. One contract suite
//! holds for all.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::{job::JobId, results::ResultError};

mod memory;
mod sqlite;

pub use memory::MemoryFeedback;
pub use sqlite::SqliteFeedback;

/// The right text of one job's picture, as a person gave it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Feedback {
    /// The job.
    pub job: JobId,
    /// What the picture says.
    pub text: String,
    /// What was read in it, where something was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub read: Option<String>,
    /// How sure the reading was, 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false, minimum = 0, maximum = 1))]
    pub confidence: Option<f32>,
    /// When it was given, in milliseconds since the Unix epoch.
    pub given_at_ms: u64,
}

/// One of the labelled set.
#[derive(Clone, Debug, PartialEq)]
pub struct Labelled {
    /// Its place in the set, from 1; what is given later has a higher one.
    pub number: u64,
    /// What was given.
    pub feedback: Feedback,
}

/// Keeps pictures for a time, and feedback.
#[async_trait]
pub trait FeedbackStore: Send + Sync {
    /// Keeps a job's picture for so long.
    async fn keep_image(&self, job: JobId, image: &Bytes, time: Duration) -> Result<(), ResultError>;

    /// A job's picture, where it is kept. One by one, since each may be as large as an upload.
    async fn image(&self, job: JobId) -> Result<Option<Bytes>, ResultError>;

    /// Adds to the set; what was given for the same job before is replaced, and the job has a new place.
    async fn record(&self, feedback: &Feedback) -> Result<(), ResultError>;

    /// Up to `limit` (at least 1) of the set that come after this place, in their order.
    async fn labelled(&self, after: u64, limit: usize) -> Result<Vec<Labelled>, ResultError>;
}
