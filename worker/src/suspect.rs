//! What is to be found out of a job that comes again before it goes through the engine alone: whether it has ended by
//! now, and whether it has had its attempts.
//!
//! The broker counts an attempt at every job that a dying worker held. Where several jobs kill workers, one beside them
//! can be held by three of those and never have been in an engine. So the attempts that a job is given up for are those
//! that it was alone with, which the result store counts.

use std::sync::Arc;

use byecaptcha_queue::{CallId, JobId, JobRecord, JobStatus, Lookup, ResultError, ResultStore};

use crate::{
    backoff::Backoff,
    verdict::{ENGINE_FAILED, Verdict},
};

/// What is to happen to the job.
pub(crate) enum Finding {
    /// It goes through the engine.
    Try,
    /// It does not.
    Settle(Verdict),
}

/// Asks until the store answers: without its word a job that kills workers would kill for ever. `attempt` is the
/// broker's count, this delivery included.
pub(crate) async fn examine(
    results: Arc<dyn ResultStore>,
    id: JobId,
    attempt: u32,
    delivery_limit: u32,
) -> Finding {
    let mut backoff = Backoff::default();
    // One name for all tries: they are one attempt.
    let call = CallId::new();
    loop {
        match ask(results.as_ref(), call, id, attempt, delivery_limit).await {
            Ok(finding) => return finding,
            Err(error) => {
                backoff.failed();
                let retry_in = backoff.delay();
                tracing::warn!(%error, %id, ?retry_in, "an attempt cannot be noted");
                tokio::time::sleep(retry_in).await;
            }
        }
    }
}

async fn ask(
    results: &dyn ResultStore,
    call: CallId,
    id: JobId,
    attempt: u32,
    delivery_limit: u32,
) -> Result<Finding, ResultError> {
    if let Some(alone) = results.begin_alone_as(call, id).await? {
        // The first attempt was in a batch, unless there is only one; all others are made alone.
        let made = alone.saturating_add(1);
        let spent = attempt > delivery_limit && made >= delivery_limit;
        return Ok(if spent { Finding::Settle(Verdict::spent(made)) } else { Finding::Try });
    }
    Ok(Finding::Settle(match results.get(id).await? {
        // Given up by a worker that died before it could tell the broker.
        Lookup::Found(JobRecord { status: JobStatus::Failed, error: Some(failure), .. })
            if failure.kind == ENGINE_FAILED =>
        {
            Verdict::Dead(failure)
        }
        _ => Verdict::Over,
    }))
}
