//! Flags and environment variables, checked before anything is opened or bound.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Reads text captchas: on a web page, over HTTP, or straight from files.
#[derive(Parser)]
#[command(name = "byecaptcha", version, about)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Serves the web page and the HTTP API, with a worker in the same process. The default.
    Serve(ServeSettings),
    /// Reads files, folders or standard input (`-`), without a server.
    Recognize(RecognizeSettings),
}

#[derive(Args)]
pub(crate) struct ServeSettings {
    /// Address and port to listen on; port 0 takes a free one.
    #[arg(long, env = "BYECAPTCHA_LISTEN", default_value = "127.0.0.1:8080")]
    pub(crate) listen: SocketAddr,
    /// Listen on an address that others can reach. There is no access control yet: put a proxy in front.
    #[arg(long, env = "BYECAPTCHA_ALLOW_PUBLIC")]
    pub(crate) allow_public: bool,
    /// The database file for jobs and results; in the user's data folder by default.
    #[arg(long, env = "BYECAPTCHA_DATA")]
    pub(crate) data: Option<PathBuf>,
    /// An ONNX file, its model card (NAME.json) beside it, in place of the model that ships.
    #[arg(long, env = "BYECAPTCHA_MODEL")]
    pub(crate) model: Option<PathBuf>,
    /// Most pictures that go through the engine together.
    #[arg(long, env = "BYECAPTCHA_BATCH", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(crate) batch: u16,
    /// Most jobs that may wait; beyond it, submitting answers 503.
    #[arg(long, env = "BYECAPTCHA_QUEUE_CAPACITY", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) queue_capacity: u32,
    /// How long results are kept, such as 90s, 15m or 1h.
    #[arg(long, env = "BYECAPTCHA_KEEP", default_value = "1h", value_parser = duration)]
    pub(crate) keep: Duration,
    /// How long a shutdown waits for what was started.
    #[arg(long, env = "BYECAPTCHA_DRAIN", default_value = "10s", value_parser = duration)]
    pub(crate) drain: Duration,
    /// How log lines look.
    #[arg(long, env = "BYECAPTCHA_LOG_FORMAT", value_enum, default_value_t = LogFormat::Text)]
    pub(crate) log_format: LogFormat,
}

impl ServeSettings {
    /// What `serve` without flags means, environment included.
    pub(crate) fn defaults() -> Self {
        /// Parses nothing but the flags of `serve`.
        #[derive(Parser)]
        struct Alone {
            #[command(flatten)]
            settings: ServeSettings,
        }
        Alone::parse_from(["byecaptcha"]).settings
    }
}

#[derive(Args)]
pub(crate) struct RecognizeSettings {
    /// Files, folders (read with all below them), or `-` for a picture on standard input.
    #[arg(required = true)]
    pub(crate) inputs: Vec<PathBuf>,
    /// How results look.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
    /// An ONNX file, its model card (NAME.json) beside it, in place of the model that ships.
    #[arg(long, env = "BYECAPTCHA_MODEL")]
    pub(crate) model: Option<PathBuf>,
    /// Most pictures that go through the engine together.
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(crate) batch: u16,
}

/// How `recognize` prints.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// The text; with several pictures, its file before it.
    Text,
    /// One JSON object a line, with confidences.
    Jsonl,
    /// Comma-separated values under a header.
    Csv,
}

/// How `serve` logs.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line, for programs.
    Json,
}

fn duration(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text).map_err(|error| error.to_string())
}
