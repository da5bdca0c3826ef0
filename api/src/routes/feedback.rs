//! The right text of a picture, from those who know it, and the labelled set that grows of that.

use std::collections::VecDeque;

use axum::{
    body::Body,
    extract::{
        Path, Query, Request, State,
        rejection::{PathRejection, QueryRejection},
    },
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use byecaptcha_queue::{Feedback, JobId, JobRecord, JobStatus, Labelled, job::now_ms};
use bytes::Bytes;
use futures::stream;
use serde::{Deserialize, Serialize, de::Unexpected};
use utoipa::ToSchema;

use super::jobs::well_formed;
use crate::{
    access::Caller,
    body,
    linger::linger,
    openapi::{FEEDBACK, answers, refusals, requests},
    options,
    problem::{self, Problem},
    state::ApiState,
};

/// Most characters in a text.
const LONGEST: usize = 64;
/// How many of the set are in memory for one reader.
const PAGE: usize = 32;

/// Bytes of a body that holds a short text.
const LARGEST: usize = 4096;

/// What a picture says.
#[derive(Deserialize, ToSchema)]
#[schema(as = RightText)]
#[serde(deny_unknown_fields)]
pub(crate) struct Right {
    /// The text, without control characters.
    #[schema(min_length = 1, max_length = 64, pattern = "^[^\\u0000-\\u001f\\u007f-\\u009f]*$")]
    text: String,
}

/// Reads a body. What is derived would take a list of the members' values, too.
fn right(body: &[u8]) -> serde_json::Result<Right> {
    if body.trim_ascii_start().starts_with(b"[") {
        return Err(serde::de::Error::invalid_type(Unexpected::Seq, &"an object"));
    }
    serde_json::from_slice(body)
}

/// Says what a picture says
///
/// Once its job has succeeded or failed. Given again, the last word counts.
#[utoipa::path(
    post, path = "/v1/jobs/{id}/feedback", operation_id = "giveFeedback", tag = FEEDBACK,
    params(requests::Id),
    request_body(content = Right, example = json!({ "text": "13G7" })),
    responses(answers::Given, refusals::OfFeedback),
)]
pub(super) async fn give(
    State(state): State<ApiState>,
    id: Result<Path<JobId>, PathRejection>,
    caller: Caller,
    request: Request,
) -> Result<StatusCode, Problem> {
    let (parts, body) = request.into_parts();
    let media_type = body::media_type(&parts.headers);
    let checked = well_formed(id).and_then(|id| match media_type.as_str() {
        "" | "application/json" => body::refuse_declared_length(&parts.headers, LARGEST).map(|()| id),
        other => Err(body::not_taken(other, "application/json")),
    });
    let id = match checked {
        Ok(id) => id,
        Err(problem) => {
            linger(body);
            return Err(problem);
        }
    };
    let (body, _) = body::read(body, LARGEST, state.settings.body_timeout, &state.room).await?;
    let Right { text } = right(&body).map_err(|error| {
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
#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct After {
    /// Leaves out what a reader has already, up to the line with this number.
    #[serde(default)]
    #[param(minimum = 0, maximum = 9007199254740991u64)]
    after: u64,
}

/// One line of the set.
#[derive(Serialize, ToSchema)]
#[schema(as = FeedbackLine)]
pub(crate) struct Line<'a> {
    /// Its place in the set; what is given later has a higher one.
    number: u64,
    #[serde(flatten)]
    feedback: &'a Feedback,
    /// The picture in base64; absent where it is not kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    image: Option<String>,
}

/// Lists what pictures say
///
/// The feedback of all callers as lines of JSON, in the order in which it was given, with the pictures that are kept.
#[utoipa::path(
    get, path = "/v1/feedback", operation_id = "listFeedback", tag = FEEDBACK,
    params(After),
    responses(answers::LabelledSet, refusals::OfLabelledSet),
)]
pub(super) async fn list(
    State(state): State<ApiState>,
    query: Result<Query<After>, QueryRejection>,
) -> Result<Response, Problem> {
    let Query(After { after }) = query.map_err(|error| {
        Problem::new(problem::MALFORMED_OPTION, format!("{}.", error.body_text())).in_field("after")
    })?;
    if after > options::LARGEST {
        let detail = format!("No line has a number above {}.", options::LARGEST);
        return Err(Problem::new(problem::MALFORMED_OPTION, detail).in_field("after"));
    }
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
        let Some(Labelled { number, feedback }) = self.page.pop_front() else { return Ok(None) };
        // One at a time: each may be as large as an upload.
        let image = self.state.feedback.image(feedback.job).await?;
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
