//! Submitting jobs and asking after them.

use std::time::Duration;

use axum::{
    Json,
    extract::{Path, Request, State, rejection::PathRejection},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use byecaptcha_queue::{Cancellation, Job, JobId, JobRecord, JobStatus, Lookup};
use tracing::Instrument;

use crate::{
    acceptance::accept,
    access::Caller,
    idempotency::{self, Claimed},
    linger::linger,
    metrics,
    openapi::{JOBS, answers, examples, refusals, requests},
    options::Options,
    prefer,
    problem::{self, Problem},
    state::ApiState,
    upload::{self, Upload},
};

/// Seconds between polls that a client is asked to keep.
const POLL_AFTER: HeaderValue = HeaderValue::from_static("1");

/// Submits a picture
///
/// 202 once the job is queued for good; or 200 with its end, where `Prefer: wait=N` left it the time. Options stand in
/// the address, in the form's fields or in the JSON, each once.
#[utoipa::path(
    post, path = "/v1/jobs", operation_id = "submitJob", tag = JOBS,
    params(Options, requests::Wait, requests::IdempotencyKey),
    request_body(content(
        (requests::JobRequest = "application/json", example = json!(examples::submission())),
        (requests::JobForm = "multipart/form-data"),
        (requests::Picture = "image/*"),
        (requests::Picture = "application/octet-stream"),
    )),
    responses(answers::Submitted, refusals::OfSubmission),
)]
pub(super) async fn submit(
    State(state): State<ApiState>,
    caller: Caller,
    request: Request,
) -> Result<Response, Problem> {
    let wait = prefer::wait(request.headers());
    let key = match idempotency::key(request.headers()) {
        Ok(key) => key,
        Err(problem) => {
            linger(request.into_body());
            return Err(problem);
        }
    };
    let Upload { image, options, queue, fingerprint, place } = upload::extract(&state, request).await?;
    let mut job = Job::new(image, options);
    let is_keyed = key.is_some();
    if let Some(key) = key {
        let claimed = idempotency::claim(&state, &caller, &key, &fingerprint, &mut job).await?;
        if let Claimed::Known(record) = claimed {
            // The answer may be held for long.
            drop((job, place));
            return submitted(&state, *record, wait).await;
        }
    }
    let record = JobRecord::queued(&job).owned_by(caller.owner());
    // In a task of its own: a client that hangs up between the two writes must not leave a record without a job.
    let (accepting, created) = (state.clone(), record.clone());
    let accepting = async move {
        let _place = place;
        accept(&accepting, &created, job, queue, is_keyed).await
    };
    let accepted = tokio::spawn(accepting.in_current_span());
    accepted.await.map_err(|_| Problem::new(problem::INTERNAL, "The job could not be queued."))??;
    submitted(&state, record, wait).await
}

/// The answer to a submission: the job as it stands, or, where the client waits, as it ends.
async fn submitted(state: &ApiState, record: JobRecord, wait: Option<Duration>) -> Result<Response, Problem> {
    let record = match wait {
        Some(wait) => match held(state, record.id, wait).await {
            Ok(Lookup::Found(record)) => record,
            // The job is accepted, and an error here would have the client send it again.
            Ok(Lookup::Expired | Lookup::Unknown) | Err(_) => record,
        },
        None => record,
    };
    let status = if record.status.is_terminal() { StatusCode::OK } else { StatusCode::ACCEPTED };
    let location = HeaderValue::from_str(&format!("/v1/jobs/{}", record.id));
    let mut response = answer(status, &record, wait);
    if let Ok(location) = location {
        response.headers_mut().insert(header::LOCATION, location);
    }
    // For the log line.
    response.extensions_mut().insert(record.id);
    Ok(response)
}

/// Shows a job
///
/// As it stands or, with `Prefer: wait=N`, as it ends.
#[utoipa::path(
    get, path = "/v1/jobs/{id}", operation_id = "getJob", tag = JOBS,
    params(requests::Id, requests::Wait),
    responses(answers::Job, refusals::OfJob),
)]
pub(super) async fn show(
    State(state): State<ApiState>,
    id: Result<Path<JobId>, PathRejection>,
    caller: Caller,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let id = well_formed(id)?;
    let wait = prefer::wait(&headers);
    if caller.key.is_some() && wait.is_some() {
        // Before the wait, since it is nobody else's business how long the job takes.
        caller.own(id, state.results.get(id).await?)?;
    }
    let record = caller.own(id, held(&state, id, wait.unwrap_or_default()).await?)?;
    Ok(answer(StatusCode::OK, &record, wait))
}

/// Takes a job back
///
/// Where no worker has started it. It stays to be asked after, as `canceled`.
#[utoipa::path(
    delete, path = "/v1/jobs/{id}", operation_id = "cancelJob", tag = JOBS,
    params(requests::Id),
    responses(answers::Canceled, refusals::OfCancellation),
)]
pub(super) async fn cancel(
    State(state): State<ApiState>,
    id: Result<Path<JobId>, PathRejection>,
    caller: Caller,
) -> Result<Response, Problem> {
    let id = well_formed(id)?;
    caller.own(id, state.results.get(id).await?)?;
    let cancellation = state.results.cancel(id).await?;
    if cancellation == Cancellation::Canceled {
        metrics::canceled();
    }
    let record = caller.own(id, state.results.get(id).await?)?;
    match (record.status, cancellation) {
        // Asked twice, it is done all the same.
        (JobStatus::Canceled, _) => Ok(answer(StatusCode::OK, &record, None)),
        (_, Cancellation::Started) => Err(Problem::new(problem::JOB_STARTED, "A worker has it.")),
        _ => Err(Problem::new(problem::JOB_STARTED, "It has ended.")),
    }
}

pub(super) fn well_formed(id: Result<Path<JobId>, PathRejection>) -> Result<JobId, Problem> {
    id.map(|Path(id)| id)
        .map_err(|_| Problem::new(problem::JOB_ID_MALFORMED, "The last part of the path is no UUID."))
}

/// Looks up, holding the answer for as long as the client is willing and the server stays.
pub(crate) async fn held(state: &ApiState, id: JobId, wait: Duration) -> Result<Lookup, Problem> {
    if wait.is_zero() {
        return Ok(state.results.get(id).await?);
    }
    tokio::select! {
        lookup = state.results.wait(id, wait) => Ok(lookup?),
        () = state.closing.cancelled() => Ok(state.results.get(id).await?),
    }
}

fn answer(status: StatusCode, record: &JobRecord, wait: Option<Duration>) -> Response {
    let mut response = (status, Json(record)).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if !record.status.is_terminal() {
        headers.insert(header::RETRY_AFTER, POLL_AFTER);
    }
    if let Some(Ok(applied)) = wait.map(prefer::applied) {
        headers.insert(prefer::PREFERENCE_APPLIED, applied);
    }
    response
}
