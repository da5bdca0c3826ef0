//! Batches on their way in and out: an upload of any size becomes entries, entries become jobs, and jobs become rows. None
//! of it is ever whole in memory.

mod archive;
mod intake;
mod lines;
mod multipart;
pub(crate) mod rows;
mod sips;
mod table;
mod take_back;
mod upload;

use std::time::Duration;

use axum::{
    body::Body,
    http::{HeaderMap, request::Parts},
};
use byecaptcha_queue::{Batch, BatchCounts, BatchLookup, Failure};
use bytes::Bytes;
use tokio::sync::mpsc;

use crate::{
    body,
    options::Options,
    problem::{self, Problem},
    room::{Place, Room},
    state::{ApiSettings, ApiState},
};
use intake::Intake;
use upload::Upload;

pub(crate) use table::{Format, Table};
pub(crate) use take_back::take_back;
pub(crate) use upload::refuse_declared_length;

/// Entries that wait for their acceptance. Each may be as large as one upload may be.
const AHEAD: usize = 1;
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
    /// What the picture takes of the room for such, if any.
    pub(crate) place: Option<Place>,
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

impl Stop {
    /// For what the same upload, on a better connection, may get past.
    fn of_connection(problem: Problem) -> Self {
        Self { problem, may_pass: true }
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

/// Room on the disk for archives that are still arriving or being unpacked.
pub(crate) fn spool(settings: &ApiSettings) -> Room {
    let largest = usize::try_from(settings.max_batch_bytes).unwrap_or(usize::MAX);
    Room::new(settings.max_spooled_bytes, largest, Duration::ZERO)
}

/// Room for the pictures of all batches. Each takes what the largest may need, once it is more than a small one, and gives
/// back what it does not need when it is there.
pub(crate) fn room(settings: &ApiSettings) -> Room {
    let largest = lines::longest(settings.max_upload_bytes);
    Room::new(settings.max_held_batch_bytes, largest, settings.batch_patience)
}

/// Reads the upload to its end and has every picture in it accepted. What comes again, from an earlier try of the same
/// upload, is not accepted twice. Gives what came.
pub(crate) async fn receive(
    state: &ApiState,
    batch: &Batch,
    form: Form,
    options: Options,
    parts: Parts,
    body: Body,
) -> Result<BatchCounts, Stop> {
    let upload = Upload::new(body, &state.settings);
    let (entries, mut waiting) = mpsc::channel(AHEAD);
    let (settings, room) = (&state.settings, &state.batch_room);
    // Either side ends the other by this. What is being accepted is not dropped half-way: its items would stay in the
    // batch without jobs.
    let over = state.closing.child_token();
    let reading = async {
        let form = async {
            match form {
                Form::Multipart => multipart::read(parts, upload, options, settings, room, &entries).await,
                Form::Zip => archive::read(upload, options, state, &entries).await,
                Form::JsonLines => lines::read(upload, options, settings, room, &entries).await,
            }
        };
        let read = tokio::select! {
            read = form => read,
            // The intake says why.
            () = over.cancelled() => Ok(()),
        };
        if read.is_err() {
            over.cancel();
        }
        drop(entries);
        read
    };
    let mut intake = Intake::new(state.clone(), batch, over.clone());
    let accepting = async {
        let accepted = intake.take_all(&mut waiting).await;
        if accepted.is_err() {
            over.cancel();
        }
        accepted
    };
    let (read, accepted) = tokio::join!(reading, accepting);
    read.and(accepted)?;
    let counts = intake.counts();
    if counts.total == 0 {
        return Err(Problem::new(problem::EMPTY_IMAGE, "There is no picture in the batch.").into());
    }
    // An upload that was cut off and yet has an end, as that of a pipe, is not the whole of what came under its key before.
    if let BatchLookup::Found(there) = state.batches.batch(batch.id).await.map_err(Problem::from)?
        && there.counts.total > counts.total
    {
        let detail = format!("It ends after picture {}, and more came under this key before.", counts.total);
        return Err(Problem::new(problem::IDEMPOTENCY_REUSED, detail).in_field("Idempotency-Key").into());
    }
    state.batches.close_batch(batch.id).await.map_err(Problem::from)?;
    Ok(counts)
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
