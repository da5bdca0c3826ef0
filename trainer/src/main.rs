//! The program `byecaptcha-trainer`: trains, evaluates and exports the networks.

use std::{
    io::{self, Write},
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use anyhow::Result;
use byecaptcha_trainer::{
    active::{self, Active, Pick},
    calibrate::{self, Calibrate},
    config::Config,
    evaluate::{self, Evaluate},
    export,
    finetune::{self, Finetune},
    leave_out::{self, LeaveOut},
    locate::{self, TrainLocator, TrainRefiner},
    table6::{self, Table},
    train,
};
use clap::{Parser, Subcommand};
use tch::Device;

#[derive(Parser)]
#[command(version, about)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
    /// Threads that libtorch computes with; all cores by default.
    #[arg(long, global = true, value_parser = clap::value_parser!(i32).range(1..=1024))]
    threads: Option<i32>,
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
        #[arg(long, value_parser = clap::value_parser!(u64).range(1..))]
        steps: Option<u64>,
    },
    /// Reads labelled pictures (TEXT_numN.jpg) through the path that serves, and prints how well.
    Evaluate(Evaluate),
    /// Fits a model's confidence to labelled pictures, and writes the map, a threshold for abstaining, and what was
    /// measured on other pictures to its card.
    Calibrate(Calibrate),
    /// Trains what finds a picture in a screenshot; Ctrl-C saves and stops, and no file is written before the last step.
    TrainLocator(TrainLocator),
    /// Trains what finds the edges of such a picture exactly; Ctrl-C does the same.
    TrainRefiner(TrainRefiner),
    /// Trains the report's networks under one budget of images and writes the table; Ctrl-C saves and stops.
    Table6(Table),
    /// Measures how styles are read that a model never saw; Ctrl-C saves and stops, and the same command goes on.
    LeaveOut(LeaveOut),
    /// Picks the pictures of a folder that a model is least sure of, for people to label.
    Pick(Pick),
    /// Measures what picking by uncertainty is worth against picking at random; Ctrl-C stops after the round.
    Active(Active),
    /// Makes a model for one site's captcha out of a few hundred labelled pictures; Ctrl-C stops and keeps what there is.
    Finetune(Finetune),
    /// Writes a run's averaged weights as ONNX and safetensors, with a measured model card.
    Export(export::Export),
}

fn main() -> Result<()> {
    let Arguments { command, threads } = Arguments::parse();
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    if let Err(error) = byecaptcha_trainer::environment::settle() {
        let told =
            writeln!(io::stderr(), "training takes longer, since this program cannot be begun anew: {error}");
        // Where standard error is closed there is nobody left to tell.
        drop(told);
    }
    if let Some(threads) = threads {
        tch::set_num_threads(threads);
    }
    match run(command) {
        // Whoever read what was printed has enough.
        Err(error) if broken_pipe(&error) => Ok(()),
        end => end,
    }
}

fn broken_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

fn run(command: Command) -> Result<()> {
    let device = Device::cuda_if_available();
    match command {
        Command::Train { config, folder, steps } => {
            let mut config = Config::read(&config)?;
            config.steps = steps.unwrap_or(config.steps);
            let folder = folder.unwrap_or_else(|| PathBuf::from("runs").join(&config.name));
            train::train(&config, &folder, device, &*stop_at_ctrl_c()?)
        }
        Command::Evaluate(arguments) => evaluate::evaluate(&arguments),
        Command::Calibrate(arguments) => calibrate::calibrate(&arguments),
        Command::TrainLocator(arguments) => locate::train_locator(&arguments, device, &*stop_at_ctrl_c()?),
        Command::TrainRefiner(arguments) => locate::train_refiner(&arguments, device, &*stop_at_ctrl_c()?),
        Command::Table6(table) => table6::table6(&table, device, &*stop_at_ctrl_c()?),
        Command::LeaveOut(arguments) => leave_out::leave_out(&arguments, device, &*stop_at_ctrl_c()?),
        Command::Pick(arguments) => active::pick(&arguments),
        Command::Active(arguments) => active::active(&arguments, device, &*stop_at_ctrl_c()?),
        Command::Finetune(arguments) => finetune::finetune(&arguments, device, &*stop_at_ctrl_c()?),
        Command::Export(arguments) => export::export(&arguments),
    }
}

/// A flag that Ctrl-C and SIGTERM set.
fn stop_at_ctrl_c() -> Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stop);
    ctrlc::set_handler(move || flag.store(true, Ordering::Relaxed))?;
    Ok(stop)
}
