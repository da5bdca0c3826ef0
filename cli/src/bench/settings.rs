//! The settings of `bench`.

use std::{path::PathBuf, time::Duration};

use clap::{Args, ValueEnum};

use crate::{client::ServerSettings, settings::count};

#[derive(Args)]
pub(crate) struct BenchSettings {
    /// What is sent, over and over: files or folders [default: four pictures that the program has in it].
    #[arg(value_name = "FILE|DIR")]
    pub(crate) pictures: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) server: ServerSettings,
    /// Clients, each with one picture at the server at a time.
    #[arg(long, default_value = "8", value_name = "COUNT", value_parser = count(1, 10_000))]
    pub(crate) clients: usize,
    /// How long new pictures are sent.
    #[arg(long, default_value = "10", value_name = "SECONDS", value_parser = positive, conflicts_with = "requests")]
    seconds: f64,
    /// How many pictures are sent, instead of for how long.
    // At the least rate the last of them is due in a time that is still in range.
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u64).range(1..=1_000_000_000))]
    requests: Option<u64>,
    /// Pictures a second that become due, whether or not the server keeps up; each one's time counts from when it was
    /// due. Without it, each client sends as soon as it has its answer.
    #[arg(long, value_name = "PER SECOND", value_parser = positive)]
    pub(crate) rate: Option<f64>,
    /// How the figures are written to standard output.
    #[arg(long, default_value = "text")]
    pub(crate) format: FiguresFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum FiguresFormat {
    /// For people.
    Text,
    /// One object.
    Json,
}

/// When no more pictures are sent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Length {
    Time(Duration),
    Requests(u64),
}

impl BenchSettings {
    /// What clap cannot see.
    pub(crate) fn check(&self) -> Result<(), String> {
        if self.pictures.iter().any(|picture| picture.as_os_str() == "-") {
            return Err("-: pictures are read from files and folders alone".to_owned());
        }
        Ok(())
    }

    pub(crate) fn length(&self) -> Length {
        self.requests.map_or(Length::Time(Duration::from_secs_f64(self.seconds)), Length::Requests)
    }
}

fn positive(text: &str) -> Result<f64, String> {
    let number = text.parse().map_err(|error| format!("{error}"))?;
    // So small and so large that no time made of it is out of range.
    if (1e-3..=1e6).contains(&number) {
        Ok(number)
    } else {
        Err("it must be between 0.001 and 1000000".to_owned())
    }
}
