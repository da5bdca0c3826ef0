//! The settings of `byecaptcha-api`, from the command line or the environment, checked before anything is bound.

use std::{fs, net::SocketAddr, path::PathBuf, time::Duration};

use anyhow::{Context, Result, bail};
use byecaptcha_api::{ApiSettings, ModelInfo, access::AccessSettings};
use byecaptcha_program::{address, backends::BackendSettings, logging::LogFormat, traces::TraceSettings};
use clap::{Parser, Subcommand, builder::RangedU64ValueParser};
use serde::Deserialize;

/// Takes pictures over HTTP, has workers read them, and tells the results.
#[derive(Parser)]
#[command(name = "byecaptcha-api", version, about, after_help = "Without a command, it serves.")]
pub(crate) struct Settings {
    /// The address to listen on; port 0 takes a free one.
    #[arg(long, env = "BYECAPTCHA_LISTEN", default_value = "127.0.0.1:8080", value_name = "HOST:PORT", value_parser = address::parse)]
    pub(crate) listen: SocketAddr,
    #[command(flatten)]
    pub(crate) access: AccessSettings,
    #[command(flatten)]
    pub(crate) backends: BackendSettings,
    /// Most jobs that may wait in each of the two queues; beyond that submitters are asked to come back later.
    #[arg(long, env = "BYECAPTCHA_QUEUE_CAPACITY", default_value = "10000", value_name = "COUNT", value_parser = RangedU64ValueParser::<usize>::new().range(1..=100_000_000))]
    pub(crate) queue_capacity: usize,
    /// Keep all pictures for so long, so that those with feedback make a labelled set; none are kept otherwise.
    #[arg(long, env = "BYECAPTCHA_KEEP_IMAGES", value_name = "TIME", value_parser = humantime::parse_duration)]
    pub(crate) keep_images: Option<Duration>,
    /// How long batches are kept with their results.
    #[arg(long, env = "BYECAPTCHA_KEEP_BATCHES", default_value = "24h", value_name = "TIME", value_parser = humantime::parse_duration)]
    keep_batches: Duration,
    /// The card (NAME.json) of the model that the workers read with, where it is not the one that ships.
    #[arg(long, env = "BYECAPTCHA_MODEL_CARD", value_name = "FILE")]
    model_card: Option<PathBuf>,
    /// How log lines look, which go to standard error; RUST_LOG says which there are.
    #[arg(long, env = "BYECAPTCHA_LOG_FORMAT", default_value = "text", value_name = "FORMAT")]
    pub(crate) log_format: LogFormat,
    #[command(flatten)]
    pub(crate) traces: TraceSettings,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// What else there is to do.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Asks the server that has these settings whether it is ready; exit status 0 if it is.
    Healthcheck,
}

/// What of a model card the API shows. Its other members are the engine's business.
#[derive(Deserialize)]
struct Card {
    name: String,
    version: String,
    charset: String,
    figures: serde_json::Value,
    calibration: Option<Calibration>,
}

/// What of a model's calibration the API shows.
#[derive(Deserialize)]
struct Calibration {
    abstain_below: Option<f32>,
}

/// The card of the model that ships.
const SHIPPED: &str = include_str!("../../models/weights/general.json");

impl Settings {
    pub(crate) fn check(&self) -> Result<()> {
        if self.keep_batches < Duration::from_secs(1) {
            bail!("--keep-batches: batches must be kept for a second at least");
        }
        self.access.check(self.listen, None).map_err(anyhow::Error::msg)
    }

    /// Limits on what is taken in.
    pub(crate) fn limits(&self) -> ApiSettings {
        ApiSettings { keep_batches: self.keep_batches, ..ApiSettings::default() }
    }

    /// The models that the workers have.
    pub(crate) fn models(&self) -> Result<Vec<ModelInfo>> {
        let text = match &self.model_card {
            Some(path) => {
                fs::read_to_string(path).with_context(|| format!("--model-card {}", path.display()))?
            }
            None => SHIPPED.to_owned(),
        };
        let Card { name, version, charset, figures, calibration } =
            serde_json::from_str(&text).context("--model-card: this is no model card")?;
        let recommended_min_confidence = calibration.and_then(|calibration| calibration.abstain_below);
        Ok(vec![ModelInfo { name, version, default: true, charset, figures, recommended_min_confidence }])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_leaves_room_for_nothing_is_refused() {
        let urls = ["byecaptcha-api", "--broker-url", "amqp://a", "--results-url", "redis://a"];
        let checked = |more: &[&str]| Settings::try_parse_from(urls.iter().chain(more))?.check();
        checked(&["--queue-capacity", "1", "--keep-batches", "1s"]).unwrap();
        for wrong in [["--queue-capacity", "0"], ["--keep-batches", "0s"]] {
            let error = checked(&wrong).unwrap_err().to_string();
            assert!(error.contains(wrong[0]), "{error}");
        }
    }
}
