//! The settings of `bench-pipeline`.

use byecaptcha_program::backends::BackendSettings;
use clap::{Args, Parser, Subcommand, ValueEnum};

/// Measures what a job costs on its way through HTTP, RabbitMQ, a worker and Redis.
///
/// Starts its own RabbitMQ and Redis on free ports, and the programs byecaptcha-api and byecaptcha-worker, which must
/// have been built: cargo build --release -p byecaptcha-api -p byecaptcha-worker
#[derive(Parser)]
#[command(name = "bench-pipeline", version)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) measure: MeasureSettings,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// What to measure, and for how long.
#[derive(Args)]
pub(crate) struct MeasureSettings {
    /// What to measure [default: all].
    #[arg(long, value_enum, value_delimiter = ',', value_name = "PART")]
    pub(crate) only: Vec<Part>,
    /// Connections that submit one job after the other.
    #[arg(long, default_value = "64", value_name = "COUNT")]
    pub(crate) clients: usize,
    /// How long each measurement lasts, after a second for warming up.
    #[arg(long, default_value = "10", value_name = "SECONDS")]
    pub(crate) seconds: u64,
    /// How often everything is measured.
    #[arg(long, default_value = "1", value_name = "COUNT")]
    pub(crate) rounds: usize,
    /// The pipeline with the model: the core of the worker, and of the engine alone. All else has the others.
    #[arg(long, default_value = "1", value_name = "CORE")]
    pub(crate) worker_core: usize,
}

/// One of the measurements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Part {
    /// One job at a time, with an instant predictor and with the model.
    Idle,
    /// As many jobs as go through with an instant predictor, the answers held until they are there.
    Overhead,
    /// The same, the answers asked for again and again.
    Poll,
    /// As many as go through with the model, against the engine alone.
    Model,
}

/// What else there is to do.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Loads the pipeline with jobs of all kinds, at a steady rate, and watches the memory of its programs.
    Memory(MemorySettings),
    /// The worker with an instant predictor; started by the bench.
    #[command(hide = true)]
    InstantWorker(InstantSettings),
    /// The engine without a pipeline; started by the bench.
    #[command(hide = true)]
    EngineAlone(EngineSettings),
}

/// For how long, and how much.
#[derive(Args)]
pub(crate) struct MemorySettings {
    /// How long to go on.
    #[arg(long, default_value = "30", value_name = "MINUTES")]
    pub(crate) minutes: u64,
    /// Requests started in a second.
    #[arg(long, default_value = "40", value_name = "COUNT")]
    pub(crate) rate: u32,
    /// Connections.
    #[arg(long, default_value = "8", value_name = "COUNT")]
    pub(crate) clients: usize,
    /// How long results are kept. Shorter than the whole run, so that forgetting is part of it.
    #[arg(long, default_value = "5m", value_name = "TIME")]
    pub(crate) keep: String,
}

/// Where the jobs are.
#[derive(Args)]
pub(crate) struct InstantSettings {
    #[command(flatten)]
    pub(crate) backends: BackendSettings,
}

/// How long the engine runs, and in which batches.
#[derive(Args)]
pub(crate) struct EngineSettings {
    #[arg(long)]
    pub(crate) seconds: u64,
    #[arg(long, default_value = "8")]
    pub(crate) batch: usize,
}
