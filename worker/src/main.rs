//! The program `byecaptcha-worker`: takes jobs from the broker and reads them, and looks after dead letters.

mod dead_letters;
mod model;
mod probes;
mod settings;

use std::{
    io::{self, Write},
    process::ExitCode,
    sync::Arc,
};

use anyhow::{Context, Result};
use byecaptcha_program::{address, backends::Backends, healthcheck, logging, metrics, signals};
use byecaptcha_worker::{Worker, WorkerSettings};
use clap::Parser;
use settings::{Arguments, Command, Queue, WorkSettings};
use tokio::runtime;
use tokio_util::sync::CancellationToken;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match start(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Where standard error is closed there is nobody left to tell.
            drop(writeln!(io::stderr(), "byecaptcha-worker: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn start(arguments: &Arguments) -> Result<()> {
    let (_traces, spans) = arguments.traces.start("byecaptcha-worker")?;
    logging::start(arguments.log_format, "info", Some(spans));
    // One thread, since the engine has its own: what is left is waiting, and waking other threads for it costs more than
    // it does.
    let runtime = runtime::Builder::new_current_thread().enable_all().build().context("no runtime")?;
    runtime.block_on(run(arguments))
}

async fn run(arguments: &Arguments) -> Result<()> {
    // A worker publishes only what was accepted before, so it knows no full queue.
    let open = || arguments.backends.open(usize::MAX);
    match &arguments.command {
        None => work(&arguments.work, arguments.backends.delivery_limit, arguments.queue, open()?).await,
        Some(Command::DeadLetters(command)) => dead_letters::run(command, arguments.queue, &open()?).await,
        Some(Command::Healthcheck) => healthcheck::ask(arguments.work.listen, None),
    }
}

async fn work(settings: &WorkSettings, delivery_limit: u32, queue: Queue, backends: Backends) -> Result<()> {
    let shutdown = CancellationToken::new();
    // Before the model is there: process 1 of a container is not ended by a signal that it does not catch.
    signals::watch(shutdown.clone()).context("signals cannot be caught")?;
    let recognizer = settings.model.load()?;
    let (listener, address) = address::bind(settings.listen).await?;
    let worker_settings = WorkerSettings {
        max_batch: settings.batch,
        prefetch: settings.prefetch.unwrap_or(2 * settings.batch),
        delivery_limit,
        drain: settings.drain,
    };
    let Backends { broker: interactive, bulk, results, .. } = backends;
    let broker = if queue == Queue::Bulk { Arc::clone(&bulk) } else { interactive };
    let worker = Worker::new(broker.clone(), results.clone(), recognizer, worker_settings);
    let worker = if queue == Queue::All { worker.with_bulk(bulk) } else { worker };
    let probes = probes::router(worker.ready(), worker.heartbeat(), broker, results, metrics::start()?);
    let probing = tokio::spawn(axum::serve(listener, probes).into_future());
    tracing::info!(%address, ?queue, batch = settings.batch, "working; probes are answered at this address");
    let drained = worker.run(shutdown).await.context("the worker has failed")?;
    probing.abort();
    tracing::info!(released = drained.released, abandoned = drained.abandoned, "stopped");
    Ok(())
}
