//! The settings of `byecaptcha-worker`, from the command line or the environment.

use std::{net::SocketAddr, time::Duration};

use byecaptcha_program::{address, backends::BackendSettings, logging::LogFormat, traces::TraceSettings};
use byecaptcha_queue::JobId;
use clap::{Args, Parser, Subcommand, ValueEnum, builder::RangedU64ValueParser};

use crate::model::ModelSettings;

/// Takes jobs from the broker, reads their pictures and writes the results.
#[derive(Parser)]
#[command(name = "byecaptcha-worker", version, about, after_help = "Without a command, it works.")]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) backends: BackendSettings,
    /// The queues to take jobs from.
    #[arg(long, env = "BYECAPTCHA_QUEUE", default_value = "all", value_name = "QUEUE")]
    pub(crate) queue: Queue,
    #[command(flatten)]
    pub(crate) work: WorkSettings,
    /// How log lines look, which go to standard error; RUST_LOG says which there are.
    #[arg(long, env = "BYECAPTCHA_LOG_FORMAT", default_value = "text", value_name = "FORMAT", global = true)]
    pub(crate) log_format: LogFormat,
    #[command(flatten)]
    pub(crate) traces: TraceSettings,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// Which queues.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Queue {
    /// Bulk jobs, whenever nobody waits for an answer.
    All,
    /// Only those that someone waits for.
    Interactive,
    /// Only bulk jobs.
    Bulk,
}

/// How to work.
#[derive(Args)]
pub(crate) struct WorkSettings {
    /// Where probes are answered: /healthz while the consumer loop turns and the engine gets through its batches,
    /// /readyz once the model is warm and while the broker and the result store are there, /metrics for Prometheus.
    #[arg(long, env = "BYECAPTCHA_LISTEN", default_value = "127.0.0.1:8081", value_name = "HOST:PORT", value_parser = address::parse)]
    pub(crate) listen: SocketAddr,
    #[command(flatten)]
    pub(crate) model: ModelSettings,
    /// Most pictures that go through the engine together.
    #[arg(long, env = "BYECAPTCHA_BATCH", default_value = "8", value_name = "COUNT", value_parser = count())]
    pub(crate) batch: usize,
    /// Most jobs held, in the engine and before it [default: twice the batch].
    #[arg(long, env = "BYECAPTCHA_PREFETCH", value_name = "COUNT", value_parser = count())]
    pub(crate) prefetch: Option<usize>,
    /// How long a shutdown waits for what was started.
    #[arg(long, env = "BYECAPTCHA_DRAIN", default_value = "10s", value_name = "TIME", value_parser = humantime::parse_duration)]
    pub(crate) drain: Duration,
}

fn count() -> RangedU64ValueParser<usize> {
    RangedU64ValueParser::new().range(1..=256)
}

/// What else there is to do.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Asks the worker that has these settings whether it is ready; exit status 0 if it is.
    Healthcheck,
    /// Looks after the jobs of the queues that used up their attempts.
    #[command(subcommand)]
    DeadLetters(DeadLetterCommand),
}

/// What to do with dead letters.
#[derive(Subcommand)]
pub(crate) enum DeadLetterCommand {
    /// Prints them, oldest first, as lines of JSON: id, attempts, reason, submitted_at_ms, image_bytes.
    List,
    /// Submits them once more, as new jobs, and prints each old id with the new one. The failed jobs stay as they are.
    Replay {
        /// Which; all where none is named.
        ids: Vec<JobId>,
    },
    /// Throws them away. What is no job stays among them: RabbitMQ's own tools remove it.
    Purge {
        /// Which; all where none is named.
        ids: Vec<JobId>,
    },
}
