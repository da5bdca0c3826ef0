//! `byecaptcha-worker dead-letters`: jobs that used up their attempts, listed, tried once more or thrown away.

use std::io::{self, Write};

use anyhow::{Context, Result, ensure};
use byecaptcha_program::backends::Backends;
use byecaptcha_queue::{Broker, DeadLetter, Job, JobId, JobOptions, JobRecord, Lookup, ResultStore};
use serde_json::json;

use crate::settings::{DeadLetterCommand, Queue};

/// A broker may have to look at every dead letter in order to remove one, so they are removed so many at a time. A
/// crash between leaves so many, at most, that are replayed once more by the same command.
const REMOVED_AT_ONCE: usize = 50;

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
            let letters: Vec<DeadLetter> = chosen(letters, ids).collect();
            for some in letters.chunks(REMOVED_AT_ONCE) {
                replay_all(some, broker, results, &mut out).await?;
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

/// Replays these and removes them. Removed last, so that a crash on the way leaves letters too many and none too few.
async fn replay_all(
    letters: &[DeadLetter],
    broker: &dyn Broker,
    results: &dyn ResultStore,
    out: &mut impl Write,
) -> Result<()> {
    let mut replayed = Vec::with_capacity(letters.len());
    let mut ended = Ok(());
    for DeadLetter { job: old, .. } in letters {
        match replay(old, broker, results).await {
            Ok(new) => {
                replayed.push(old.id);
                ended = writeln!(out, "{}", json!({ "id": old.id, "replayed_as": new })).map_err(Into::into);
            }
            Err(error) => ended = Err(error),
        }
        if ended.is_err() {
            break;
        }
    }
    // Those before a failure, too: they are not to be replayed again.
    if !replayed.is_empty() {
        let removed = broker.remove_dead_letters(&replayed).await?;
        ensure!(
            removed >= replayed.len(),
            "only {removed} of the {} letters that were replayed are gone: somebody else is looking at them, and would replay them \
             again; purge those in `id` above",
            replayed.len()
        );
    }
    ended
}

/// As a new job: the old one has failed, its submitter has read so, and a result does not change. A deadline of then is
/// of no use now.
async fn replay(old: &Job, broker: &dyn Broker, results: &dyn ResultStore) -> Result<JobId> {
    let options = JobOptions { deadline_at_ms: None, ..old.options.clone() };
    let job = Job::new(old.image.clone(), options);
    // Whoever might read the old one may read the new one.
    let owner = match results.get(old.id).await? {
        Lookup::Found(record) => record.owner,
        Lookup::Expired | Lookup::Unknown => None,
    };
    results.create(&JobRecord::queued(&job).owned_by(owner)).await?;
    if let Err(error) = broker.publish(&job).await {
        if let Err(error) = results.discard(job.id).await {
            tracing::warn!(%error, "the record of an unpublished job remains");
        }
        return Err(error.into());
    }
    Ok(job.id)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may end by a panic")]
mod tests {
    use byecaptcha_queue::{BrokerOptions, MemoryBroker, MemoryResults, ResultOptions};
    use bytes::Bytes;

    use super::*;

    #[tokio::test]
    async fn what_was_replayed_before_a_failure_is_no_dead_letter_any_more() {
        let broker = MemoryBroker::new(BrokerOptions { capacity: 2, delivery_limit: 1 });
        let results = MemoryResults::new(ResultOptions::default());
        let mut consumer = broker.consumer().await.unwrap();
        let mut ids = Vec::new();
        for picture in ["a", "b", "c"] {
            let job = Job::new(Bytes::from(picture), JobOptions::default());
            results.create(&JobRecord::queued(&job).owned_by(Some(picture.to_owned()))).await.unwrap();
            broker.publish(&job).await.unwrap();
            consumer.receive(1).await.unwrap().remove(0).reject("no").await.unwrap();
            ids.push(job.id);
        }
        let mut out = Vec::new();
        let letters = broker.dead_letters().await.unwrap();
        // The third finds the queue full.
        assert!(replay_all(&letters, &broker, &results, &mut out).await.is_err());
        let left: Vec<JobId> =
            broker.dead_letters().await.unwrap().iter().map(|letter| letter.job.id).collect();
        assert_eq!(left, ids[2..]);
        assert_eq!(broker.depth().await.unwrap(), 2);
        let mut owners = Vec::new();
        for line in String::from_utf8(out).unwrap().lines() {
            let line: serde_json::Value = serde_json::from_str(line).unwrap();
            let id: JobId = line["replayed_as"].as_str().unwrap().parse().unwrap();
            let Lookup::Found(record) = results.get(id).await.unwrap() else {
                unreachable!("{id} has no record")
            };
            owners.push(record.owner.unwrap());
        }
        assert_eq!(owners, ["a", "b"], "whoever might read the old one may read the new one");
    }
}
