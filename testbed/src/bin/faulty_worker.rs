//! The program `faulty-worker`: the real worker with the real model, but for one fault that the tests give
//! it: a marked picture brings it down, and its batch with it, as a defect in a decoder or in an engine would.

use std::{
    io::{self, Write},
    process::{self, ExitCode},
    thread,
    time::Duration,
};

use anyhow::{Context, Result};
use byecaptcha_models::{
    ImageBatch, LabelDistributions, ModelCard, PredictError, Predictor, Recognizer, onnx::OnnxPredictor,
    weights::LEAN,
};
use byecaptcha_program::{
    backends::{BackendSettings, Backends},
    logging::{self, LogFormat},
    signals,
};
use byecaptcha_testbed::mark;
use byecaptcha_worker::{Worker, WorkerSettings};
use clap::{Parser, ValueEnum};
use tokio::runtime;
use tokio_util::sync::CancellationToken;

/// A worker that marked pictures bring down.
#[derive(Parser)]
#[command(name = "faulty-worker")]
struct Settings {
    #[command(flatten)]
    backends: BackendSettings,
    /// How long a marked picture keeps the engine.
    #[arg(long, env = "FAULTY_DELAY", default_value = "0s", value_name = "TIME", value_parser = humantime::parse_duration)]
    delay: Duration,
    /// What happens then.
    #[arg(long, env = "FAULTY_THEN", default_value = "abort", value_name = "END")]
    then: End,
}

/// What becomes of the engine at a marked picture.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum End {
    /// The process is gone.
    Abort,
    /// The engine panics.
    Panic,
    /// The picture is read like any other.
    Read,
}

/// The model that ships, with a fault.
struct FaultyPredictor {
    engine: OnnxPredictor,
    delay: Duration,
    then: End,
}

impl Predictor for FaultyPredictor {
    fn engine(&self) -> &str {
        self.engine.engine()
    }

    #[allow(clippy::panic, reason = "to panic is what it is for")]
    fn predict(&mut self, batch: &ImageBatch) -> Result<Vec<LabelDistributions>, PredictError> {
        let size = (batch.height * batch.width).max(1);
        if batch.pixels.chunks(size).any(|pixels| mark::is_on(pixels, batch.width)) {
            thread::sleep(self.delay);
            match self.then {
                End::Abort => process::abort(),
                End::Panic => panic!("a marked picture"),
                End::Read => {}
            }
        }
        self.engine.predict(batch)
    }
}

fn main() -> ExitCode {
    let settings = Settings::parse();
    logging::start(LogFormat::Json, "info", None);
    let done = runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("no runtime")
        .and_then(|runtime| runtime.block_on(run(&settings)));
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Where standard error is closed there is nobody left to tell.
            drop(writeln!(io::stderr(), "faulty-worker: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

async fn run(settings: &Settings) -> Result<()> {
    let Backends { broker, results, .. } = settings.backends.open(usize::MAX)?;
    let card: ModelCard = serde_json::from_str(LEAN.card)?;
    let engine = OnnxPredictor::new(LEAN.onnx.to_vec(), card.charset.labels())?;
    let predictor = FaultyPredictor { engine, delay: settings.delay, then: settings.then };
    let recognizer = Recognizer::new(card, Box::new(predictor));
    let shutdown = CancellationToken::new();
    signals::watch(shutdown.clone()).context("signals cannot be caught")?;
    let worker_settings =
        WorkerSettings { delivery_limit: settings.backends.delivery_limit, ..WorkerSettings::default() };
    let worker = Worker::new(broker, results, recognizer, worker_settings);
    let drained = worker.run(shutdown).await.context("the worker has failed")?;
    tracing::info!(released = drained.released, abandoned = drained.abandoned, "stopped");
    Ok(())
}
