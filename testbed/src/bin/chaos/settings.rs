//! What is done to the installation, from the command line.

use std::time::Duration;

use clap::Parser;

/// Breaks a whole installation under load and holds it to its word: no accepted job is lost, none changes after its
/// end, none has another's text. Prints a ledger in Markdown; the exit status says whether the word was kept.
#[derive(Clone, Parser)]
#[command(name = "chaos", version, about)]
pub(crate) struct Settings {
    /// How long there is load and faults.
    #[arg(long, default_value = "5", value_name = "MINUTES", value_parser = minutes)]
    pub(crate) minutes: Duration,
    /// Submit so many jobs, in place of a time.
    #[arg(long, value_name = "COUNT", conflicts_with = "minutes", requires = "no_faults")]
    pub(crate) jobs: Option<u64>,
    /// Jobs begun each second, whatever became of those before; 0 for as many as the clients get done.
    #[arg(long, default_value = "300", value_name = "JOBS")]
    pub(crate) rate: u32,
    /// Most jobs that clients look after at once; beyond that, none are begun.
    #[arg(long, default_value = "1024", value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..=4096))]
    pub(crate) clients: u32,
    /// API processes.
    #[arg(long, default_value = "2", value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..=16))]
    pub(crate) apis: u32,
    /// Workers.
    #[arg(long, default_value = "3", value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..=16))]
    pub(crate) workers: u32,
    /// Distinct pictures, no two of which read the same.
    #[arg(long, default_value = "1000", value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) pictures: u32,
    /// The share of pictures that bring workers down.
    #[arg(long, default_value = "0.001", value_name = "SHARE", value_parser = share)]
    pub(crate) poison: f64,
    /// Leave everything whole: `byecaptcha-worker` as it is, no proxies, no poison, every job asked for in one request.
    #[arg(long)]
    pub(crate) no_faults: bool,
    /// Which faults, when, and which jobs: the same seed, the same schedule.
    #[arg(long, default_value = "1", value_name = "NUMBER")]
    pub(crate) seed: u64,
}

fn minutes(text: &str) -> Result<Duration, String> {
    let minutes: f64 = text.parse().map_err(|_| "expected a number")?;
    Duration::try_from_secs_f64(minutes * 60.0).map_err(|error| error.to_string())
}

fn share(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(share @ 0.0..=1.0) => Ok(share),
        _ => Err("expected a number from 0 to 1".to_owned()),
    }
}
