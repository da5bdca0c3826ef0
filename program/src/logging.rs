//! Log lines go to standard error; standard output is for what was asked for.

use std::io;

use clap::ValueEnum;
use tracing_subscriber::{EnvFilter, Layer, Registry, fmt, layer::SubscriberExt, util::SubscriberInitExt};

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For programs: one object a line.
    Json,
}

/// Something else that hears of spans.
pub type SpanLayer = Box<dyn Layer<Registry> + Send + Sync>;

/// Starts logging from this level up, or as RUST_LOG says. `spans` hears of all spans, whatever is logged.
pub fn start(format: LogFormat, level: &str, spans: Option<SpanLayer>) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level));
    let lines = fmt::layer().with_writer(io::stderr);
    let lines = match format {
        LogFormat::Text => lines.with_target(false).boxed(),
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
    };
    tracing_subscriber::registry().with(spans).with(lines.with_filter(filter)).init();
}
