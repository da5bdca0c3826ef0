//! The program `byecaptcha-api`: the HTTP face alone, before workers that run elsewhere.

mod settings;

use std::{
    io::{self, Write},
    process::ExitCode,
};

use anyhow::{Context, Result};
use byecaptcha_api::ApiState;
use byecaptcha_program::{address, backends::Backends, descriptors, healthcheck, logging, metrics, signals};
use clap::Parser;
use settings::{Command, Settings};
use tokio::runtime;
use tokio_util::sync::CancellationToken;

fn main() -> ExitCode {
    let settings = Settings::parse();
    let ended = match settings.command {
        None => start(&settings),
        Some(Command::Healthcheck) => healthcheck::ask(settings.listen, settings.access.a_host().as_deref()),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Where standard error is closed there is nobody left to tell.
            drop(writeln!(io::stderr(), "byecaptcha-api: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn start(settings: &Settings) -> Result<()> {
    let (_traces, spans) = settings.traces.start("byecaptcha-api")?;
    logging::start(settings.log_format, "info", Some(spans));
    descriptors::raise();
    let runtime = runtime::Builder::new_multi_thread().enable_all().build().context("no runtime")?;
    runtime.block_on(run(settings))
}

async fn run(settings: &Settings) -> Result<()> {
    let models = settings.models()?;
    settings.check()?;
    let Backends { broker, bulk, results, batches, feedback } =
        settings.backends.open(settings.queue_capacity)?;
    let shutdown = CancellationToken::new();
    signals::watch(shutdown.clone()).context("signals cannot be caught")?;
    let access = settings.access.open(settings.listen, None).context("--keys")?;
    if !settings.listen.ip().is_loopback() && !access.needs_keys() {
        tracing::warn!("other machines can reach this address, and there are no API keys");
    }
    let (listener, address) = address::bind(settings.listen).await?;
    let state = ApiState::new(broker, results, models, settings.limits())
        .with_bulk(bulk)
        .with_batches(batches)
        .with_feedback(feedback, settings.keep_images)
        .with_access(access)
        .with_metrics(metrics::start()?);
    // There is no engine here to wait for; `/readyz` asks the broker and the result store.
    state.set_ready(true);
    tracing::info!(%address, "serving");
    byecaptcha_api::serve(listener, state, shutdown.cancelled_owned())
        .await
        .context("the HTTP server has failed")
}
