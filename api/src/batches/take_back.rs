//! Takes a batch back, for whoever asks for that and where its upload ended badly.

use byecaptcha_queue::{Batch, Cancellation, Job, JobId, JobOptions, JobRecord, ResultError};
use bytes::Bytes;
use futures::future;

use crate::{metrics, state::ApiState};

/// Items that are read at a time.
const PAGE: usize = 10_000;
/// Jobs that are being taken back at a time.
const CANCELLATIONS: usize = 64;

/// Cancels the batch and its jobs. What fails is for the log: asked again, it goes on.
pub(crate) async fn take_back(state: &ApiState, batch: &Batch) {
    let id = batch.id;
    if let Err(error) = state.batches.cancel_batch(id).await {
        tracing::warn!(%error, "a batch could not be taken back");
        return;
    }
    let mut after = 0;
    loop {
        let items = match state.batches.items(id, after, PAGE).await {
            Ok(items) if items.is_empty() => return,
            Ok(items) => items,
            Err(error) => {
                tracing::warn!(%error, "a batch could not be taken back wholly");
                return;
            }
        };
        let numbered = (after + 1..).zip(&items).filter(|(_, item)| item.refused.is_none());
        let jobs: Vec<JobId> = numbered.map(|(number, _)| id.job(number)).collect();
        for jobs in jobs.chunks(CANCELLATIONS) {
            for cancellation in future::join_all(jobs.iter().map(|job| cancel(state, batch, *job))).await {
                match cancellation {
                    Ok(Cancellation::Canceled) => metrics::canceled(),
                    Ok(_) => {}
                    Err(error) => tracing::warn!(%error, "a job of a batch could not be taken back"),
                }
            }
        }
        after += items.len() as u64;
    }
}

/// Cancels one job. An item may be noted without its record, where the API died in between: it is given one, since
/// otherwise it would never end, nor would the batch.
async fn cancel(state: &ApiState, batch: &Batch, id: JobId) -> Result<Cancellation, ResultError> {
    let cancellation = state.results.cancel(id).await?;
    if cancellation != Cancellation::Unknown {
        return Ok(cancellation);
    }
    let job = Job { id, ..Job::new(Bytes::new(), JobOptions::default()) };
    let record = JobRecord::queued(&job).owned_by(batch.owner.clone()).in_batch(batch.membership());
    state.results.create(&record).await?;
    state.results.cancel(id).await
}
