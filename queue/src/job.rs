//! The wire types: what the API, the broker, the workers and the result store say to one another.
//! Their JSON form is frozen by snapshot tests, since two versions of a program meet over it during an upgrade.

use std::{
    fmt,
    str::FromStr,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::batch::Membership;

/// Names one job for its whole life. A UUID (RFC 9562): of version 7, so ids sort by the time of their making, or that of a batch and
/// the place in it, of version 8.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(transparent)]
pub struct JobId(Uuid);

impl JobId {
    /// A fresh id.
    pub fn new() -> Self {
        Self(Uuid::now_v7())
    }

    /// The sixteen bytes, for stores that keep ids in binary.
    pub fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }

    /// The id that [`JobId::as_bytes`] gave.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(Uuid::from_bytes(bytes))
    }
}

impl Default for JobId {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

impl FromStr for JobId {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Uuid::try_parse(text).map(Self)
    }
}

/// What a caller may send along beside the picture itself.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct JobOptions {
    /// The model to read with; the worker's default where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The only characters that the text may hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub charset: Option<String>,
    /// Fewest characters in the text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_length: Option<u32>,
    /// Most characters in the text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_length: Option<u32>,
    /// Most texts in the result, the likeliest among them; the worker's usual number where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub top_k: Option<u32>,
    /// A reading that is less sure than this, from 0 to 1, is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_confidence: Option<f32>,
    /// The moment, in milliseconds since the Unix epoch, from which on nobody wants the result: a job that has not
    /// been started by then ends as expired.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline_at_ms: Option<u64>,
    /// The span that submitted the job, as a W3C Trace Context `traceparent`, so that the worker's spans join its
    /// trace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
}

/// One picture to read, as it travels through the broker. The picture goes as bytes, never as base64.
#[derive(Clone, Debug, PartialEq)]
pub struct Job {
    /// The job's name.
    pub id: JobId,
    /// When the API accepted it, in milliseconds since the Unix epoch.
    pub submitted_at_ms: u64,
    /// What the caller asked for.
    pub options: JobOptions,
    /// The encoded picture, as it was uploaded.
    pub image: Bytes,
}

impl Job {
    /// A new job for this picture, submitted now.
    pub fn new(image: Bytes, options: JobOptions) -> Self {
        Self { id: JobId::new(), submitted_at_ms: now_ms(), options, image }
    }
}

/// Milliseconds since the Unix epoch, by this machine's clock.
pub fn now_ms() -> u64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX)
}

/// Where a job stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum JobStatus {
    /// Accepted, waiting for a worker.
    Queued,
    /// A worker has it.
    Processing,
    /// Read; the recognition is there.
    Succeeded,
    /// It cannot be read; the failure says why.
    Failed,
    /// Taken back by the caller before it started.
    Canceled,
    /// Its deadline passed before it started.
    Expired,
}

impl JobStatus {
    /// Whether nothing will change this status any more.
    pub fn is_terminal(self) -> bool {
        !matches!(self, Self::Queued | Self::Processing)
    }

    /// Its name in JSON, in stores and in metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Processing => "processing",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Canceled => "canceled",
            Self::Expired => "expired",
        }
    }
}

/// One character of the text and how sure the model is of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CharacterConfidence {
    /// The character as it was read.
    pub character: char,
    /// Probability, 0 to 1, that this character is right.
    #[cfg_attr(feature = "openapi", schema(minimum = 0, maximum = 1))]
    pub confidence: f32,
}

/// Another reading of the same picture.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Alternative {
    /// The text of this reading.
    pub text: String,
    /// Its probability, 0 to 1.
    #[cfg_attr(feature = "openapi", schema(minimum = 0, maximum = 1))]
    pub confidence: f32,
}

/// What was read from a picture.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Recognition {
    /// The likeliest text.
    pub text: String,
    /// Probability, 0 to 1, that the whole text is right.
    #[cfg_attr(feature = "openapi", schema(minimum = 0, maximum = 1))]
    pub confidence: f32,
    /// One entry for each character of `text`, in its order.
    pub characters: Vec<CharacterConfidence>,
    /// The next likeliest texts, likeliest first.
    pub alternatives: Vec<Alternative>,
    /// The model that read it.
    pub model: String,
    /// That model's version.
    pub model_version: String,
    /// Milliseconds from acceptance until a worker took the job.
    pub queue_ms: f64,
    /// Milliseconds in preparation, engine and decoding, for the batch that the job was part of.
    pub engine_ms: f64,
}

/// Why a job failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Failure {
    /// A stable, hyphenated word for programs: `image-truncated`, `image-too-large`, ...
    pub kind: String,
    /// A sentence for people.
    pub detail: String,
}

/// How a job ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// It was read.
    Succeeded(Recognition),
    /// It cannot be read.
    Failed(Failure),
    /// The caller took it back.
    Canceled,
    /// Its deadline passed.
    Expired,
}

impl Outcome {
    /// The status that a job with this outcome has.
    pub fn status(&self) -> JobStatus {
        match self {
            Self::Succeeded(_) => JobStatus::Succeeded,
            Self::Failed(_) => JobStatus::Failed,
            Self::Canceled => JobStatus::Canceled,
            Self::Expired => JobStatus::Expired,
        }
    }
}

/// A job as clients see it: what `GET /v1/jobs/{id}` answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = Job))]
pub struct JobRecord {
    /// The job's name.
    pub id: JobId,
    /// Where it stands.
    pub status: JobStatus,
    /// When it was accepted, in milliseconds since the Unix epoch.
    pub submitted_at_ms: u64,
    /// When it ended, in milliseconds since the Unix epoch; absent until then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub finished_at_ms: Option<u64>,
    /// What was read; there when the status is `succeeded`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub result: Option<Recognition>,
    /// Why not; there when the status is `failed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub error: Option<Failure>,
    /// The id of the key whose holder submitted it; nobody's where there are no keys. Not for clients' eyes.
    #[serde(skip)]
    pub owner: Option<String>,
    /// The batch that it belongs to, if any. Not for clients' eyes.
    #[serde(skip)]
    pub batch: Option<Membership>,
    /// Whether the broker is known to have it; see [`crate::ResultStore::confirm`]. Not for clients' eyes.
    #[serde(skip)]
    pub confirmed: bool,
}

impl JobRecord {
    /// The record of a job that was just accepted.
    pub fn queued(job: &Job) -> Self {
        Self {
            id: job.id,
            status: JobStatus::Queued,
            submitted_at_ms: job.submitted_at_ms,
            finished_at_ms: None,
            result: None,
            error: None,
            owner: None,
            batch: None,
            confirmed: false,
        }
    }

    /// This record with its owner.
    #[must_use]
    pub fn owned_by(self, owner: Option<String>) -> Self {
        Self { owner, ..self }
    }

    /// This record as one of a batch.
    #[must_use]
    pub fn in_batch(self, batch: Membership) -> Self {
        Self { batch: Some(batch), ..self }
    }

    /// This record with its end written in: `at_ms` is milliseconds since the Unix epoch.
    pub fn finished(mut self, outcome: Outcome, at_ms: u64) -> Self {
        self.status = outcome.status();
        self.finished_at_ms = Some(at_ms);
        match outcome {
            Outcome::Succeeded(recognition) => self.result = Some(recognition),
            Outcome::Failed(failure) => self.error = Some(failure),
            Outcome::Canceled | Outcome::Expired => {}
        }
        self
    }
}
