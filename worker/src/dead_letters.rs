//! `byecaptcha-worker dead-letters`: jobs that used up their attempts, listed, tried once more or thrown away.

use std::io::{self, Write};

use anyhow::{Context, Result};
use byecaptcha_program::backends::Backends;
use byecaptcha_queue::{Broker, DeadLetter, Job, JobId, JobOptions, JobRecord, ResultStore};
use serde_json::json;

use crate::settings::{DeadLetterCommand, Queue};

pub(crate) async fn run(command: &DeadLetterCommand, queue: Queue, backends: &Backends) -> Result<()> {
    for (broker, wanted) in
        [(&backends.broker, queue != Queue::Bulk), (&backends.bulk, queue != Queue::Interactive)]
    {
        if wanted {
            look_after(command, broker.as_ref(), backends.results.as_ref()).await?;
        }
    }
    Ok(())
}

async fn look_after(
    command: &DeadLetterCommand,
    broker: &dyn Broker,
    results: &dyn ResultStore,
) -> Result<()> {
    let letters = broker.dead_letters().await.context("the dead letters cannot be read")?;
    let mut out = io::stdout().lock();
    match command {
        DeadLetterCommand::List => {
            for DeadLetter { job, attempts, reason } in &letters {
                let line = json!({
                    "id": job.id,
                    "attempts": attempts,
                    "reason": reason,
                    "submitted_at_ms": job.submitted_at_ms,
                    "image_bytes": job.image.len(),
                });
                writeln!(out, "{line}")?;
            }
        }
        DeadLetterCommand::Replay { ids } => {
            for letter in chosen(letters, ids) {
                let (old, new) = replay(letter.job, broker, results).await?;
                writeln!(out, "{}", json!({ "id": old, "replayed_as": new }))?;
            }
        }
        DeadLetterCommand::Purge { ids } => {
            let ids: Vec<JobId> = chosen(letters, ids).map(|letter| letter.job.id).collect();
            let removed = broker.remove_dead_letters(&ids).await?;
            writeln!(out, "{}", json!({ "removed": removed }))?;
        }
    }
    Ok(())
}

fn chosen(letters: Vec<DeadLetter>, ids: &[JobId]) -> impl Iterator<Item = DeadLetter> {
    letters.into_iter().filter(move |letter| ids.is_empty() || ids.contains(&letter.job.id))
}

/// As a new job: the old one has failed, its submitter has read so, and a result does not change. A deadline of then is
/// of no use now.
async fn replay(old: Job, broker: &dyn Broker, results: &dyn ResultStore) -> Result<(JobId, JobId)> {
    let job = Job::new(old.image, JobOptions { deadline_at_ms: None, ..old.options });
    results.create(&JobRecord::queued(&job)).await?;
    broker.publish(&job).await?;
    // Last, so that a failure on the way leaves one letter too many and none too few.
    broker.remove_dead_letters(&[old.id]).await?;
    Ok((old.id, job.id))
}
