//! The end of a job on the worker's side: first its outcome is written, only then does the broker hear of it. In this
//! order a crash between the two repeats work, where the other order would lose it.

use std::{sync::Arc, time::SystemTime};

use byecaptcha_queue::{BrokerError, CallId, Delivery, Failure, JobId, Outcome, ResultStore};
use futures::future;
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

use crate::{
    Drained,
    backoff::Backoff,
    metrics,
    trace::{self, Interval},
    verdict::Verdict,
};

/// Carries out the verdicts. While the store refuses, it is asked again; once `give_up` is cancelled, what is not
/// written goes back to the queue as if never started, since the fault is not the job's.
///
/// Returns how many went back so.
pub(crate) async fn settle(
    results: Arc<dyn ResultStore>,
    verdicts: Vec<(Delivery, Verdict)>,
    give_up: CancellationToken,
) -> usize {
    let outcomes: Vec<(JobId, Outcome)> = verdicts
        .iter()
        .filter_map(|(delivery, verdict)| Some((delivery.job.id, verdict.outcome()?)))
        .collect();
    let start = SystemTime::now();
    let written = outcomes.is_empty()
        || tokio::select! {
            biased;
            () = write(results.as_ref(), &outcomes) => true,
            () = give_up.cancelled() => false,
        };
    let writing = Interval { start, end: SystemTime::now() };
    let answers = verdicts.into_iter().map(|(delivery, verdict)| {
        let ended = verdict.outcome().is_some();
        if written && ended {
            trace::written(&delivery.job, writing);
        }
        let verdict = if !written && ended { Verdict::Release } else { verdict };
        answer(delivery, verdict)
    });
    future::join_all(answers).await.into_iter().filter(|&released| released).count()
}

async fn write(results: &dyn ResultStore, outcomes: &[(JobId, Outcome)]) {
    let mut backoff = Backoff::default();
    // One name for all tries: a store that wrote and could not say so answers the next as it would have the first.
    let call = CallId::new();
    let first = loop {
        match results.finish_as(call, outcomes).await {
            Ok(first) => break first,
            Err(error) => {
                backoff.failed();
                let retry_in = backoff.delay();
                tracing::warn!(%error, jobs = outcomes.len(), ?retry_in, "the results cannot be written");
                tokio::time::sleep(retry_in).await;
            }
        }
    };
    for ((_, outcome), &first) in outcomes.iter().zip(&first) {
        if first {
            metrics::finished(outcome.status());
        }
    }
    let repeated = first.iter().filter(|&&first| !first).count();
    if repeated > 0 {
        tracing::info!(repeated, "jobs had ended before; what was done again changes nothing");
    }
}

/// Tells the broker; true where the delivery went back unstarted.
async fn answer(delivery: Delivery, verdict: Verdict) -> bool {
    let (job, attempt) = (delivery.job.id, delivery.attempt);
    let released = matches!(verdict, Verdict::Release);
    let told: Result<(), BrokerError> = match verdict {
        Verdict::Done(_) | Verdict::Over => delivery.ack().await,
        Verdict::Dead(Failure { detail, .. }) => {
            let told = delivery.reject(&detail).await;
            if told.is_ok() {
                metrics::dead_lettered();
            }
            told
        }
        Verdict::Retry(reason) => {
            tracing::warn!(%job, attempt, reason, "an attempt failed");
            delivery.reject(&reason).await
        }
        Verdict::Release => delivery.release().await,
    };
    if let Err(error) = told {
        // The broker will hand the job out again, and the outcome that is written first stands.
        tracing::warn!(%job, attempt, %error, "the broker did not take the answer to a delivery");
    }
    released
}

/// Waits for all that is being settled, and counts what went back unstarted.
pub(crate) async fn join_all(settling: &mut JoinSet<usize>, drained: &mut Drained) {
    while let Some(settled) = settling.join_next().await {
        log_if_panicked(&settled);
        drained.released += settled.unwrap_or_default();
    }
}

pub(crate) fn log_if_panicked(settled: &Result<usize, JoinError>) {
    if let Err(error) = settled {
        // Its deliveries were dropped with it and go back to the queue.
        tracing::error!(%error, "a task that writes outcomes has panicked");
    }
}
