//! The program `byecaptcha-trainer`: trains, evaluates and exports the networks.
// A command-line program prints what it was asked for.
#![allow(clippy::print_stdout)]

mod checkpoint;
mod config;
mod data;
mod metrics;
mod optimizer;
mod train;

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use anyhow::Result;
use clap::{Parser, Subcommand};
use tch::Device;

#[derive(Parser)]
#[command(version, about)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Trains a run, going on from its checkpoint where there is one; Ctrl-C saves and stops.
    Train {
        /// The run's TOML file.
        #[arg(long)]
        config: PathBuf,
        /// Where checkpoints and logs go; `runs/NAME` by default.
        #[arg(long)]
        folder: Option<PathBuf>,
        /// Takes the place of the file's `steps`: a run may be made longer while its rate is level.
        #[arg(long)]
        steps: Option<u64>,
        /// Threads that libtorch computes with; all cores by default.
        #[arg(long)]
        threads: Option<i32>,
    },
}

fn main() -> Result<()> {
    match Arguments::parse().command {
        Command::Train { config, folder, steps, threads } => {
            let mut config = config::Config::read(&config)?;
            config.steps = steps.unwrap_or(config.steps);
            if let Some(threads) = threads {
                tch::set_num_threads(threads);
            }
            let folder = folder.unwrap_or_else(|| PathBuf::from("runs").join(&config.name));
            let stop = Arc::new(AtomicBool::new(false));
            let flag = Arc::clone(&stop);
            ctrlc::set_handler(move || flag.store(true, Ordering::Relaxed))?;
            train::train(&config, &folder, Device::cuda_if_available(), &stop)
        }
    }
}
