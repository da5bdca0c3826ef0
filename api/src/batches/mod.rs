//! Batches on their way in and out: an upload of any size becomes entries, entries become jobs, and jobs become rows. None
//! of it is ever whole in memory.

mod archive;
mod intake;
mod lines;
mod multipart;
pub(crate) mod rows;
mod table;
mod upload;

use axum::{
    body::Body,
    http::{HeaderMap, request::Parts},
};
use byecaptcha_queue::{Batch, Failure};
use bytes::Bytes;
use tokio::sync::mpsc;

use crate::{
    body,
    options::Options,
    problem::{self, Problem},
    state::ApiState,
};
use intake::Intake;
use upload::Upload;

pub(crate) use table::{Format, Table};

/// Entries that wait for their acceptance. Each may be as large as one upload may be, so there are few.
const AHEAD: usize = 4;
/// Most characters in what a sender calls an item.
const LONGEST_NAME: usize = 256;

/// One picture of an upload, or why it is none.
pub(crate) struct Entry {
    /// What its sender calls it; nothing where it has no name.
    pub(crate) custom_id: String,
    pub(crate) picture: Result<Picture, Failure>,
}

/// An encoded picture with what its sender asks for.
pub(crate) struct Picture {
    pub(crate) image: Bytes,
    pub(crate) options: Options,
}

/// Why an upload ended early.
#[derive(Debug)]
pub(crate) struct Stop {
    pub(crate) problem: Problem,
    /// Whether the same upload, sent again, may come further.
    pub(crate) may_pass: bool,
}

impl From<Problem> for Stop {
    fn from(problem: Problem) -> Self {
        let may_pass = problem.status().is_server_error();
        Self { problem, may_pass }
    }
}

/// The forms that an upload may have.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Form {
    Multipart,
    Zip,
    JsonLines,
}

impl Form {
    /// The form that the headers declare.
    pub(crate) fn of(headers: &HeaderMap) -> Result<Self, Problem> {
        match body::media_type(headers).as_str() {
            "multipart/form-data" => Ok(Self::Multipart),
            "application/zip" | "application/x-zip-compressed" => Ok(Self::Zip),
            "application/jsonl" | "application/x-ndjson" | "application/jsonlines" => Ok(Self::JsonLines),
            other => Err(body::not_taken(other, "multipart/form-data, application/zip or application/jsonl")),
        }
    }
}

/// Reads the upload to its end and has every picture in it accepted. What comes again, from an earlier try of the same
/// upload, is not accepted twice.
pub(crate) async fn receive(
    state: &ApiState,
    batch: &Batch,
    form: Form,
    options: Options,
    parts: Parts,
    body: Body,
) -> Result<(), Stop> {
    let upload = Upload::new(body, &state.settings);
    let (entries, mut waiting) = mpsc::channel(AHEAD);
    let largest = state.settings.max_upload_bytes;
    let reading = async {
        match form {
            Form::Multipart => multipart::read(parts, upload, options, largest, &entries).await,
            Form::Zip => archive::read(upload, options, &state.settings, &entries).await,
            Form::JsonLines => lines::read(upload, options, largest, &entries).await,
        }?;
        drop(entries);
        Ok(())
    };
    let mut intake = Intake::new(state.clone(), batch);
    let accepting = async {
        while let Some(entry) = waiting.recv().await {
            intake.add(entry).await?;
        }
        intake.flush().await
    };
    let closing = async {
        state.closing.cancelled().await;
        Problem::new(problem::NOT_READY, "The service is stopping.").into()
    };
    tokio::select! {
        received = async { tokio::try_join!(reading, accepting) } => received?,
        stop = closing => return Err(stop),
    };
    if intake.count() == 0 {
        return Err(Problem::new(problem::EMPTY_IMAGE, "There is no picture in the batch.").into());
    }
    Ok(state.batches.close_batch(batch.id).await.map_err(Problem::from)?)
}

/// What a sender calls an item, as far as it can be kept.
fn checked_name(name: &str) -> Result<String, Failure> {
    if name.chars().count() > LONGEST_NAME || name.chars().any(char::is_control) {
        let detail =
            format!("custom_id: at most {LONGEST_NAME} characters, none of them a control character.");
        return Err(Problem::new(problem::MALFORMED_OPTION, detail).into_failure());
    }
    Ok(name.to_owned())
}

/// Why a picture of more bytes than these is not taken.
fn too_large(largest: usize) -> Failure {
    Problem::new(problem::BODY_TOO_LARGE, format!("At most {largest} bytes are taken.")).into_failure()
}
