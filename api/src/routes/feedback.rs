//! The right text of a picture, from those who know it, and the labelled set that grows of that.

use std::collections::VecDeque;

use axum::{
    body::{Body, Bytes},
    extract::{Path, Query, State, rejection::PathRejection},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use byecaptcha_queue::{Feedback, JobId, JobRecord, JobStatus, Labelled, job::now_ms};
use futures::stream;
use serde::{Deserialize, Serialize};

use super::jobs::well_formed;
use crate::{
    access::Caller,
    problem::{self, Problem},
    state::ApiState,
};

/// Most characters in a text.
const LONGEST: usize = 64;
/// How many of the set are in memory for one reader.
const PAGE: usize = 32;

/// The body of a `POST`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Right {
    text: String,
}

/// `POST /v1/jobs/{id}/feedback`: what the picture of an ended job says. Given again, the last word counts.
pub(super) async fn give(
    State(state): State<ApiState>,
    id: Result<Path<JobId>, PathRejection>,
    caller: Caller,
    body: Bytes,
) -> Result<StatusCode, Problem> {
    let id = well_formed(id)?;
    let Right { text } = serde_json::from_slice(&body).map_err(|error| {
        Problem::new(problem::MALFORMED_BODY, format!("The JSON is no feedback: {error}."))
    })?;
    let count = text.chars().count();
    if count == 0 || count > LONGEST || text.chars().any(char::is_control) {
        let detail = format!("A text has 1 to {LONGEST} characters, none of them a control character.");
        return Err(Problem::new(problem::MALFORMED_OPTION, detail).in_field("text"));
    }
    let JobRecord { status, result, .. } = caller.own(id, state.results.get(id).await?)?;
    if !matches!(status, JobStatus::Succeeded | JobStatus::Failed) {
        let detail = format!("It is {}, and nothing was read yet.", status.name());
        return Err(Problem::new(problem::JOB_NOT_READ, detail));
    }
    let (read, confidence) = result.map(|result| (result.text, result.confidence)).unzip();
    state.feedback.record(&Feedback { job: id, text, read, confidence, given_at_ms: now_ms() }).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Where in the set to begin.
#[derive(Deserialize)]
pub(super) struct After {
    #[serde(default)]
    after: u64,
}

/// One line of the set.
#[derive(Serialize)]
struct Line<'a> {
    number: u64,
    #[serde(flatten)]
    feedback: &'a Feedback,
    /// Base64; absent where the picture is not kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    image: Option<String>,
}

/// `GET /v1/feedback`: the set as lines of JSON, in the order in which it was given. `?after=N` leaves out what a reader
/// has already, up to that number.
pub(super) async fn list(
    State(state): State<ApiState>,
    query: Result<Query<After>, axum::extract::rejection::QueryRejection>,
) -> Result<Response, Problem> {
    let Query(After { after }) = query.map_err(|error| {
        Problem::new(problem::MALFORMED_OPTION, format!("{}.", error.body_text())).in_field("after")
    })?;
    // The first page before the answer begins, so that a store that is away is a 503.
    let page = state.feedback.labelled(after, PAGE).await?;
    let reader = Reader { state, page: page.into() };
    let lines = Body::from_stream(stream::try_unfold(reader, Reader::line));
    Ok(([(header::CONTENT_TYPE, "application/jsonl"), (header::CACHE_CONTROL, "no-store")], lines)
        .into_response())
}

/// Reads the set page by page.
struct Reader {
    state: ApiState,
    page: VecDeque<Labelled>,
}

impl Reader {
    async fn line(mut self) -> Result<Option<(Bytes, Self)>, byecaptcha_queue::ResultError> {
        let Some(Labelled { number, feedback, image }) = self.page.pop_front() else { return Ok(None) };
        if self.page.is_empty() {
            self.page = self.state.feedback.labelled(number, PAGE).await?.into();
        }
        let line = Line { number, feedback: &feedback, image: image.map(|image| STANDARD.encode(image)) };
        let mut line = serde_json::to_vec(&line)
            .map_err(|error| byecaptcha_queue::ResultError::Storage(error.to_string()))?;
        line.push(b'\n');
        Ok(Some((line.into(), self)))
    }
}
