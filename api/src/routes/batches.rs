//! Submitting many pictures at once, asking after them, and reading what became of them.

use std::time::Duration;

use axum::{
    Json,
    body::Body,
    extract::{Path, Request, State, rejection::PathRejection},
    http::{HeaderMap, HeaderValue, StatusCode, Uri, header, request::Parts},
    response::{IntoResponse, Response},
};
use byecaptcha_queue::{Batch, BatchCounts, BatchId, BatchLookup, BatchStatus, job::now_ms};
use futures::stream;
use serde::Serialize;
use tokio::time::Instant;
use tracing::Instrument;
use utoipa::ToSchema;

use crate::{
    access::Caller,
    batches::{self, Form, Format, Stop, Table, rows::Rows},
    idempotency,
    linger::linger,
    openapi::{BATCHES, answers, refusals, requests},
    options::{LARGEST, Options},
    prefer,
    problem::{self, Problem},
    state::ApiState,
};

/// Seconds between polls that a client is asked to keep.
const POLL_AFTER: HeaderValue = HeaderValue::from_static("2");
/// Between two looks at a batch whose end is waited for.
const LOOK: Duration = Duration::from_millis(200);
/// Rows in a page where the request says nothing else, and at most.
const PAGE: usize = 1_000;
const LARGEST_PAGE: usize = 10_000;

/// A batch as clients see it.
#[derive(Serialize, ToSchema)]
#[schema(as = Batch)]
pub(crate) struct BatchBody {
    /// The batch's name.
    id: BatchId,
    /// Where it stands.
    status: BatchStatus,
    /// When its upload began, in milliseconds since the Unix epoch.
    created_at_ms: u64,
    /// When it goes with all its results, in milliseconds since the Unix epoch.
    expires_at_ms: u64,
    /// When the last of its jobs ended, in milliseconds since the Unix epoch; absent until then.
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    finished_at_ms: Option<u64>,
    /// How its items stand.
    counts: BatchCounts,
}

impl From<&Batch> for BatchBody {
    fn from(batch: &Batch) -> Self {
        Self {
            id: batch.id,
            status: batch.status(),
            created_at_ms: batch.created_at_ms,
            expires_at_ms: batch.expires_at_ms,
            finished_at_ms: batch.last_end_ms.filter(|_| is_over(batch)),
            counts: batch.counts,
        }
    }
}

/// Submits many pictures
///
/// 202 once every one of them is queued for good, or refused in a row of its own. They are accepted while the rest is on
/// its way. An upload that broke off goes on where it was, when it is sent again under the same `Idempotency-Key`.
#[utoipa::path(
    post, path = "/v1/batches", operation_id = "submitBatch", tag = BATCHES,
    params(requests::BatchOptions, requests::IdempotencyKey),
    request_body(content(
        (requests::BatchLines = "application/jsonl"),
        (requests::BatchArchive = "application/zip"),
        (requests::BatchForm = "multipart/form-data"),
    )),
    responses(answers::SubmittedBatch, refusals::OfBatch),
)]
pub(super) async fn submit(
    State(state): State<ApiState>,
    caller: Caller,
    request: Request,
) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let opened = open(&state, &caller, &parts).await;
    let Opened { batch, form, options, is_new, is_keyed } = match opened {
        Ok(opened) => opened,
        Err(problem) => {
            linger(body);
            return Err(problem);
        }
    };
    // In a task of its own, so that it is brought to an end also where the client hangs up.
    let receiving = state.clone();
    let received = tokio::spawn(
        async move {
            let received = batches::receive(&receiving, &batch, form, options, parts, body).await;
            if let Err(Stop { may_pass, .. }) = &received
                && is_new
                && !(is_keyed && *may_pass)
            {
                // Nobody could go on with it. What came before under the same key is not this request's to undo.
                batches::take_back(&receiving, &batch).await;
            }
            received.map(|counts| Batch { closed: true, counts, ..batch })
        }
        .in_current_span(),
    );
    let ended =
        received.await.map_err(|_| Problem::new(problem::INTERNAL, "The batch could not be taken."))?;
    let taken = ended.map_err(|stop| stop.problem)?;
    let batch = match state.batches.batch(taken.id).await {
        Ok(BatchLookup::Found(batch)) => batch,
        // The batch is accepted, and an error here would have the client send all of it again.
        Ok(BatchLookup::Expired | BatchLookup::Unknown) | Err(_) => taken,
    };
    let mut response = answer(StatusCode::ACCEPTED, &batch);
    if let Ok(location) = HeaderValue::try_from(format!("/v1/batches/{}", batch.id)) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(response)
}

/// A batch that is about to be filled, and how.
struct Opened {
    batch: Batch,
    form: Form,
    options: Options,
    /// Whether this request made it.
    is_new: bool,
    is_keyed: bool,
}

/// The batch that a request is to fill: a new one, or that of an earlier request with its key.
async fn open(state: &ApiState, caller: &Caller, parts: &Parts) -> Result<Opened, Problem> {
    let key = idempotency::key(&parts.headers)?;
    let form = Form::of(&parts.headers)?;
    batches::refuse_declared_length(&parts.headers, state.settings.max_batch_bytes)?;
    let options = Options::from_query(&parts.uri)?.bulk()?;
    // Before the first picture: what cannot be asked for would be refused again in each of its rows.
    options.clone().checked(state)?;
    let (now, keep) = (now_ms(), state.settings.keep_batches.as_millis());
    let expires = now.saturating_add(u64::try_from(keep).unwrap_or(u64::MAX));
    let mut batch = Batch::new(caller.owner(), now, expires);
    let is_keyed = key.is_some();
    if let Some(key) = key
        && let Some(known) = idempotency::claim_batch(state, caller, &key, &mut batch).await?
    {
        return Ok(Opened { batch: known, form, options, is_new: false, is_keyed });
    }
    state.batches.open_batch(&batch).await?;
    Ok(Opened { batch, form, options, is_new: true, is_keyed })
}

/// Shows a batch
///
/// As it stands or, with `Prefer: wait=N`, as it ends.
#[utoipa::path(
    get, path = "/v1/batches/{id}", operation_id = "getBatch", tag = BATCHES,
    params(requests::BatchOf, requests::Wait),
    responses(answers::BatchShown, refusals::OfOneBatch),
)]
pub(super) async fn show(
    State(state): State<ApiState>,
    id: Result<Path<BatchId>, PathRejection>,
    caller: Caller,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let id = well_formed(id)?;
    let wait = prefer::wait(&headers);
    let until = Instant::now() + wait.unwrap_or_default();
    let batch = loop {
        let batch = caller.own_batch(id, state.batches.batch(id).await?)?;
        if is_over(&batch) || Instant::now() >= until || state.closing.is_cancelled() {
            break batch;
        }
        tokio::time::sleep(LOOK).await;
    };
    let mut response = answer(StatusCode::OK, &batch);
    if let Some(Ok(applied)) = wait.map(prefer::applied) {
        response.headers_mut().insert(prefer::PREFERENCE_APPLIED, applied);
    }
    Ok(response)
}

/// Takes a batch back
///
/// What no worker has started is canceled; the rest goes on to its end. One that has ended stays as it is.
#[utoipa::path(
    delete, path = "/v1/batches/{id}", operation_id = "cancelBatch", tag = BATCHES,
    params(requests::BatchOf),
    responses(answers::BatchShown, refusals::OfOneBatch),
)]
pub(super) async fn cancel(
    State(state): State<ApiState>,
    id: Result<Path<BatchId>, PathRejection>,
    caller: Caller,
) -> Result<Response, Problem> {
    let id = well_formed(id)?;
    let batch = caller.own_batch(id, state.batches.batch(id).await?)?;
    if batch.status() != BatchStatus::Completed {
        let taking = state.clone();
        let taken = tokio::spawn(async move { batches::take_back(&taking, &batch).await }.in_current_span());
        taken.await.map_err(|_| Problem::new(problem::INTERNAL, "Not all of it could be taken back."))?;
    }
    let batch = caller.own_batch(id, state.batches.batch(id).await?)?;
    Ok(answer(StatusCode::OK, &batch))
}

/// Reads what became of a batch
///
/// Rows as they stand, page by page; or, with `follow`, all of them as one stream, each once it has ended.
#[utoipa::path(
    get, path = "/v1/batches/{id}/results", operation_id = "getBatchResults", tag = BATCHES,
    params(requests::BatchOf, requests::After, requests::Limit, requests::TableFormat, requests::Follow),
    responses(answers::BatchRows, refusals::OfBatchRows),
)]
pub(super) async fn results(
    State(state): State<ApiState>,
    id: Result<Path<BatchId>, PathRejection>,
    caller: Caller,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let id = well_formed(id)?;
    let Selection { after, limit, format, follow } = Selection::of(&uri, &headers)?;
    let batch = caller.own_batch(id, state.batches.batch(id).await?)?;
    let last = after.saturating_add(limit as u64);
    // No further than the link to the next page says, though more may have come by then.
    let there = usize::try_from(batch.counts.total.saturating_sub(after)).unwrap_or(usize::MAX);
    let rows = Rows::new(state, id, after, if follow { limit } else { limit.min(there) }, follow);
    let text =
        stream::try_unfold((rows, Table::new(format), true), |(mut rows, mut table, first)| async move {
            let read = rows.next().await.map_err(std::io::Error::other)?;
            // A table without rows still has its header.
            if read.is_empty() && !first {
                return Ok(None);
            }
            let text = table.write(&read)?;
            Ok::<_, std::io::Error>(Some((text, (rows, table, false))))
        });
    let mut response = Body::from_stream(text).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(format.media_type()));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // RFC 8288. There may be more while more may come.
    if !follow && (last < batch.counts.total || !(batch.closed || batch.canceled)) {
        let reached = last.min(batch.counts.total).max(after);
        let next = format!(
            "</v1/batches/{id}/results?after={reached}&limit={limit}&format={}>; rel=\"next\"",
            format.name()
        );
        if let Ok(next) = HeaderValue::try_from(next) {
            headers.insert(header::LINK, next);
        }
    }
    Ok(response)
}

/// Which rows, and how.
struct Selection {
    after: u64,
    limit: usize,
    format: Format,
    follow: bool,
}

impl Selection {
    fn of(uri: &Uri, headers: &HeaderMap) -> Result<Self, Problem> {
        let (mut after, mut limit, mut format, mut follow) = (None, None, None, None);
        for (name, value) in form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()) {
            let wrong = |field: &'static str, expected: &str| {
                let shown: String = value.chars().take(40).collect();
                let detail = format!("{field}: {shown:?} is not {expected}.");
                Problem::new(problem::MALFORMED_OPTION, detail).in_field(field)
            };
            let twice = match &*name {
                "after" => {
                    let number = value.parse().ok().filter(|number| *number <= LARGEST);
                    after.replace(number.ok_or_else(|| wrong("after", "the number of a row"))?).is_some()
                }
                "limit" => {
                    let count = value.parse().ok().filter(|count| (1..=LARGEST_PAGE).contains(count));
                    limit.replace(count.ok_or_else(|| wrong("limit", "a number from 1 to 10000"))?).is_some()
                }
                "format" => format
                    .replace(Format::named(&value).ok_or_else(|| wrong("format", "jsonl or csv"))?)
                    .is_some(),
                "follow" => {
                    follow.replace(value.parse().map_err(|_| wrong("follow", "true or false"))?).is_some()
                }
                _ => {
                    let detail = format!("There is no option {name:?}.");
                    return Err(Problem::new(problem::MALFORMED_OPTION, detail).in_field("query"));
                }
            };
            if twice {
                let detail = format!("{name} is given twice.");
                return Err(Problem::new(problem::MALFORMED_OPTION, detail).in_field("query"));
            }
        }
        let follow = follow.unwrap_or(false);
        Ok(Self {
            after: after.unwrap_or(0),
            limit: limit.unwrap_or(if follow { usize::MAX } else { PAGE }),
            format: format.unwrap_or_else(|| Format::accepted(headers)),
            follow,
        })
    }
}

fn well_formed(id: Result<Path<BatchId>, PathRejection>) -> Result<BatchId, Problem> {
    id.map(|Path(id)| id)
        .map_err(|_| Problem::new(problem::BATCH_ID_MALFORMED, "The last part of the path is no UUID."))
}

fn is_over(batch: &Batch) -> bool {
    matches!(batch.status(), BatchStatus::Completed | BatchStatus::Canceled)
}

fn answer(status: StatusCode, batch: &Batch) -> Response {
    let mut response = (status, Json(BatchBody::from(batch))).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if !is_over(batch) {
        headers.insert(header::RETRY_AFTER, POLL_AFTER);
    }
    response
}
