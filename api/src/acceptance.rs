//! How a job is accepted: its record, its picture where pictures are kept, and the broker's word that it has it.

use std::time::Instant;

use byecaptcha_queue::{BrokerError, Job, JobId, JobRecord, QueueName, trace};
use tracing::{Instrument, Span, field::Empty};
use tracing_opentelemetry::OpenTelemetrySpanExt;

use crate::{metrics, problem::Problem, state::ApiState};

/// Record first, so that no worker ends a job that nobody can ask for; a job that the broker does not take leaves no
/// record behind, unless another request of the same key has made it, too. Where nobody knows whether the broker has it, the record
/// of a request with a key stays for the one that is sent again, or the job might end without its owner. That the broker has a
/// job is noted where a request may be sent again: where it has a key. A picture is kept once its job is accepted: those of requests that are refused
/// again and again would fill the store.
pub(crate) async fn accept(
    state: &ApiState,
    created: &JobRecord,
    mut job: Job,
    queue: QueueName,
    is_keyed: bool,
) -> Result<(), Problem> {
    // Here and not where the record is written: a batch has a span for all of its jobs, and the log would name each in every line.
    Span::current().record("job", tracing::field::display(created.id));
    record(state, created).await?;
    if let Err(error) = publish(state, &mut job, queue).await {
        let is_refused = matches!(error, BrokerError::Full { .. });
        if (is_refused || !is_keyed)
            && let Err(error) = state.results.discard(job.id).await
        {
            tracing::warn!(%error, "the record of an unpublished job remains");
        }
        return Err(error.into());
    }
    if is_keyed {
        confirm(state, &[job.id]).await;
    }
    keep_image(state, &job).await;
    Ok(())
}

/// Notes that the broker has these jobs. Where that fails, a request that is sent again publishes them again: read twice,
/// they have one result all the same.
pub(crate) async fn confirm(state: &ApiState, jobs: &[JobId]) {
    if let Err(error) = state.results.confirm(jobs).await {
        tracing::warn!(%error, "it is not noted that the broker has a job");
    }
}

/// Writes the record.
pub(crate) async fn record(state: &ApiState, record: &JobRecord) -> Result<(), Problem> {
    Ok(state.results.create(record).await?)
}

/// Keeps the picture where the operator wants that.
pub(crate) async fn keep_image(state: &ApiState, job: &Job) {
    if let Some(time) = state.keep_images
        && let Err(error) = state.feedback.keep_image(job.id, &job.image, time).await
    {
        tracing::warn!(%error, "a picture is not kept");
    }
}

/// Hands the job to the broker.
pub(crate) async fn publish(state: &ApiState, job: &mut Job, queue: QueueName) -> Result<(), BrokerError> {
    let span = tracing::info_span!("publish", otel.kind = "producer", otel.status_description = Empty);
    job.options.traceparent = trace::traceparent(&span.context());
    let started = Instant::now();
    let broker = if queue == QueueName::Bulk { &state.bulk } else { &state.broker };
    let published = broker.publish(job).instrument(span).await;
    metrics::published(published.is_ok().then(|| started.elapsed()));
    published
}
