//! What is there once the load is over: every record read again, and those found that no client knows.
//!
//! A client whose submission was not answered knows no id, and neither does anyone else know which submission a job
//! came from. But Redis holds a record for every job that was ever begun; those that no client was told of are of
//! submissions without an answer, or with a 503 though the broker had the job in the end.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use byecaptcha_queue::{JobId, JobRecord, JobStatus};
use bytes::Bytes;
use futures::{StreamExt, stream};
use redis::AsyncCommands;
use serde_json::Value;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::{
    client::Clients,
    installation::{Installation, PREFIX},
};

/// How long the queue may take to empty, and dead letters to come, once nothing is submitted any more.
const SETTLED: Duration = Duration::from_secs(60);
/// Records that are read at once.
const READERS: usize = 32;

/// What the installation holds at the end.
#[derive(Default)]
pub(crate) struct Found {
    /// Jobs that still wait for a worker.
    pub(crate) depth: usize,
    /// Ids of dead letters; how many were there more than once.
    pub(crate) dead: HashSet<JobId>,
    pub(crate) dead_twice: usize,
    /// Dead letters whose picture is no poison.
    pub(crate) dead_innocents: usize,
    /// Jobs that no client was told of, by how they ended. Those that are queued never reached the broker.
    pub(crate) untold: HashMap<JobId, JobStatus>,
    /// Those of them that were read as something that is on no picture.
    pub(crate) untold_wrong: usize,
    /// Outcomes that came when their job had ended already, as workers wrote in their logs.
    pub(crate) repeated: u64,
    /// How often workers were started beyond the first time.
    pub(crate) worker_deaths: usize,
}

/// Reads ended jobs again and again, one at a time, until there is nothing to compare any more.
pub(crate) async fn reread(clients: Arc<Clients>, over: CancellationToken) {
    // Strides through all of them in an order that is no order.
    let mut place = 0_usize;
    while !over.is_cancelled() {
        place = place.wrapping_add(7_919);
        if let Some(id) = clients.ledger.ended_at(place) {
            read(&clients, place, id).await;
        }
        sleep(Duration::from_millis(20)).await;
    }
}

/// Reads one job and compares; false where there was no answer.
async fn read(clients: &Clients, api: usize, id: JobId) -> bool {
    let address = &clients.addresses[api % clients.addresses.len()];
    let Ok(answer) = clients.http.get(format!("{address}/v1/jobs/{id}")).send().await else { return false };
    match answer.status().as_u16() {
        200 => match answer.bytes().await {
            Ok(body) => {
                clients.ledger.told(id, &body);
                true
            }
            Err(_) => false,
        },
        status @ (404 | 410) => {
            clients.ledger.unknown(id, status);
            true
        }
        _ => false,
    }
}

/// Reads everything that is there.
pub(crate) async fn audit(installation: &Installation, clients: &Clients) -> Result<Found> {
    let broker = installation.broker()?;
    let poison =
        clients.ledger.with_entries(|entries| entries.values().filter(|entry| entry.is_poison()).count());
    let start = Instant::now();
    let mut settled = 0;
    // A few times in a row: between two looks a job may be with a worker and on its way back.
    while settled < 5 && start.elapsed() < SETTLED {
        sleep(Duration::from_millis(500)).await;
        let quiet = broker.depth().await? == 0 && broker.dead_letters().await?.len() >= poison;
        settled = if quiet { settled + 1 } else { 0 };
    }

    let ids: Vec<JobId> = clients.ledger.with_entries(|entries| entries.keys().copied().collect());
    stream::iter(ids)
        .for_each_concurrent(READERS, |id| async move {
            // Nothing breaks any more, so one that is not answered is as good as lost; it stays without an end then.
            for api in 0..10 {
                if read(clients, api, id).await {
                    return;
                }
                sleep(Duration::from_millis(100)).await;
            }
            clients.ledger.unexpected(format!("{id} cannot be read at the end"));
        })
        .await;

    let mut found = Found { depth: broker.depth().await?, ..Found::default() };
    for letter in broker.dead_letters().await? {
        found.dead_twice += usize::from(!found.dead.insert(letter.job.id));
        found.dead_innocents += usize::from(letter.job.image != clients.poison);
    }
    for record in untold(installation, clients).await? {
        let read = record.result.filter(|_| record.status == JobStatus::Succeeded);
        if let Some(result) = read
            && !clients.pictures.iter().any(|picture| picture.text == result.text)
        {
            found.untold_wrong += 1;
        }
        found.untold.insert(record.id, record.status);
    }
    for worker in &installation.workers {
        found.worker_deaths += worker.starts() - 1;
        found.repeated += repeated(&worker.said());
    }
    Ok(found)
}

/// The records of jobs that no client was told of.
async fn untold(installation: &Installation, clients: &Clients) -> Result<Vec<JobRecord>> {
    let client = redis::Client::open(installation.redis.url())?;
    let mut connection = client.get_multiplexed_async_connection().await?;
    let prefix = format!("{PREFIX}:job:");
    let keys: Vec<String> = {
        let mut scan = connection.scan_match::<_, String>(format!("{prefix}*")).await?;
        let mut keys = Vec::new();
        while let Some(key) = scan.next().await {
            keys.push(key?);
        }
        keys
    };
    let ids: HashSet<JobId> = keys.iter().filter_map(|key| key.strip_prefix(&prefix)?.parse().ok()).collect();
    let unknown = clients
        .ledger
        .with_entries(|entries| ids.into_iter().filter(|id| !entries.contains_key(id)).collect::<Vec<_>>());
    let records = stream::iter(unknown).map(|id| async move {
        let address = &clients.addresses[0];
        let body: Bytes = clients
            .http
            .get(format!("{address}/v1/jobs/{id}"))
            .send()
            .await?
            .error_for_status()?
            .bytes()
            .await?;
        serde_json::from_slice(&body).with_context(|| format!("the record of {id}"))
    });
    records.buffer_unordered(READERS).collect::<Vec<_>>().await.into_iter().collect()
}

/// What a worker's log says of outcomes that came second.
fn repeated(log: &str) -> u64 {
    let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines.filter_map(|line| line["repeated"].as_u64()).sum()
}
