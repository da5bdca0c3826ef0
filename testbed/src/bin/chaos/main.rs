//! The program `chaos`: a whole installation under load, one part of it after the other killed, stopped or cut off, and
//! a ledger of what became of every job, in the manner of Jepsen's reports.

mod audit;
mod client;
mod faults;
mod installation;
mod ledger;
mod report;
mod settings;

use std::{
    io::{self, Write},
    process::ExitCode,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use byecaptcha_program::logging::{self, LogFormat};
use byecaptcha_testbed::{mark, pictures::Pictures};
use clap::Parser;
use tokio::{
    runtime,
    sync::Semaphore,
    task::JoinSet,
    time::{MissedTickBehavior, interval, timeout},
};
use tokio_util::sync::CancellationToken;

use crate::{
    client::Clients, faults::Happened, installation::Installation, ledger::Ledger, report::Report,
    settings::Settings,
};

/// How long jobs may take to end once nothing breaks any more.
const DRAINED: Duration = Duration::from_secs(120);

fn main() -> ExitCode {
    let settings = Settings::parse();
    logging::start(LogFormat::Text, "info", None);
    let done = runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("no runtime")
        .and_then(|runtime| runtime.block_on(run(&settings)));
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            // Where standard error is closed there is nobody left to tell.
            drop(writeln!(io::stderr(), "chaos: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

async fn run(settings: &Settings) -> Result<bool> {
    let pictures = settings.pictures as usize;
    let seed = settings.seed;
    let drawn = tokio::task::spawn_blocking(move || Pictures::draw(pictures, seed));
    let mut installation = Installation::start(settings).await?;
    let pictures = Arc::new(drawn.await??);
    let ledger = Arc::new(Ledger::new(Arc::clone(&pictures)));
    let clients = Arc::new(Clients {
        http: client::http(settings.clients)?,
        addresses: installation.addresses.clone(),
        pictures,
        poison: mark::picture()?.into(),
        poison_share: if settings.no_faults { 0.0 } else { settings.poison },
        all_hold: settings.no_faults,
        seed,
        ledger: Arc::clone(&ledger),
        closing: CancellationToken::new(),
        over: CancellationToken::new(),
    });

    let rereading = tokio::spawn(audit::reread(Arc::clone(&clients), clients.over.clone()));
    let start = Instant::now();
    let rain = async {
        let happened = match settings.no_faults {
            true => Vec::new(),
            false => faults::rain(&mut installation, &ledger, seed, start + settings.minutes).await?,
        };
        if settings.jobs.is_none() {
            tokio::time::sleep_until((start + settings.minutes).into()).await;
            clients.closing.cancel();
        }
        Ok::<Vec<Happened>, anyhow::Error>(happened)
    };
    let (load, happened) = tokio::join!(load(settings, &clients), rain);
    let (faults, Load { mut jobs, skipped, took }) = (happened?, load);
    // Nothing breaks any more; every job must end now.
    if timeout(DRAINED, async { while jobs.join_next().await.is_some() {} }).await.is_err() {
        tracing::warn!(left = jobs.len(), "jobs do not end");
    }
    clients.over.cancel();
    rereading.await?;
    let found = audit::audit(&installation, &clients).await?;
    let report = Report { settings, ledger: &ledger, faults: &faults, found: &found, load: took, skipped };
    let (text, kept) = report.write();
    io::stdout().write_all(text.as_bytes()).context("nobody reads the report")?;
    Ok(kept)
}

/// What was begun.
struct Load {
    /// Those that have not ended.
    jobs: JoinSet<()>,
    /// How many were not begun since all clients were busy.
    skipped: u64,
    took: Duration,
}

/// Begins jobs until it is closing time or all are begun, at their rate whatever becomes of them, but no more at once
/// than there are clients.
async fn load(settings: &Settings, clients: &Arc<Clients>) -> Load {
    let start = Instant::now();
    let free = Arc::new(Semaphore::new(settings.clients as usize));
    let mut jobs = JoinSet::new();
    let (mut begun, mut skipped) = (0, 0);
    let mut beat = (settings.rate > 0).then(|| interval(Duration::from_secs(1) / settings.rate));
    if let Some(beat) = &mut beat {
        beat.set_missed_tick_behavior(MissedTickBehavior::Burst);
    }
    while settings.jobs.is_none_or(|jobs| begun < jobs) && !clients.closing.is_cancelled() {
        if let Some(beat) = &mut beat {
            beat.tick().await;
        }
        let client = match (&beat, settings.jobs) {
            // At a rate and for a time, a client that would be late is none at all.
            (Some(_), None) => match Arc::clone(&free).try_acquire_owned() {
                Ok(client) => client,
                Err(_) => {
                    skipped += 1;
                    continue;
                }
            },
            _ => {
                let acquire = Arc::clone(&free).acquire_owned();
                let acquired = tokio::select! {
                    acquired = acquire => acquired,
                    () = clients.closing.cancelled() => break,
                };
                match acquired {
                    Ok(client) => client,
                    Err(_) => break,
                }
            }
        };
        let clients = Arc::clone(clients);
        jobs.spawn(async move {
            clients.live(begun).await;
            drop(client);
        });
        begun += 1;
        while jobs.try_join_next().is_some() {}
    }
    if settings.jobs.is_some() {
        while jobs.join_next().await.is_some() {}
    }
    Load { jobs, skipped, took: start.elapsed() }
}
