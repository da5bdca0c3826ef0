//! The program `byecaptcha-trainer`: trains, evaluates and exports the networks.
// A command-line program prints what it was asked for.
#![allow(clippy::print_stdout)]

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use anyhow::{Result, ensure};
use byecaptcha_models::Recognizer;
use byecaptcha_trainer::{
    active::{self, Active, Pick},
    calibrate::{self, Calibrate},
    config::Config,
    errors, evaluate, export,
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
    /// Reads labelled pictures (TEXT_numN.jpg) through the path that serves, and prints how well.
    Evaluate {
        /// A model that ships, by its name, or an ONNX file with its card beside it; the default model without.
        #[arg(long)]
        model: Option<PathBuf>,
        /// Folders of labelled pictures.
        folders: Vec<PathBuf>,
        /// Where a page with the misread pictures of the folders goes.
        #[arg(long)]
        errors: Option<PathBuf>,
        /// Reads fresh images of these styles, too; `composed` stands for all composed ones, one by one.
        #[arg(long, alias = "preset", value_delimiter = ',')]
        style: Vec<String>,
        /// Cuts the fresh images out of drawn pages.
        #[arg(long)]
        pages: bool,
        /// How many fresh images.
        #[arg(long, default_value_t = 5_000)]
        count: u64,
        /// Their seed; not one that was trained with.
        #[arg(long, default_value_t = 0xf4e5)]
        seed: u64,
    },
    /// Fits a model's confidence to labelled pictures, and writes the map, a threshold for abstaining, and what was
    /// measured on other pictures to its card.
    Calibrate(Calibrate),
    /// Trains what finds a picture in a screenshot; Ctrl-C saves and stops.
    TrainLocator(TrainLocator),
    /// Trains what finds the edges of such a picture exactly; Ctrl-C saves and stops.
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
    match Arguments::parse().command {
        Command::Train { config, folder, steps, threads } => {
            let mut config = Config::read(&config)?;
            config.steps = steps.unwrap_or(config.steps);
            if let Some(threads) = threads {
                tch::set_num_threads(threads);
            }
            let folder = folder.unwrap_or_else(|| PathBuf::from("runs").join(&config.name));
            train::train(&config, &folder, Device::cuda_if_available(), &*stop_at_ctrl_c()?)
        }
        Command::TrainLocator(arguments) => {
            if let Some(threads) = arguments.threads {
                tch::set_num_threads(threads);
            }
            locate::train_locator(&arguments, Device::cuda_if_available(), &*stop_at_ctrl_c()?)
        }
        Command::TrainRefiner(arguments) => {
            if let Some(threads) = arguments.threads {
                tch::set_num_threads(threads);
            }
            locate::train_refiner(&arguments, Device::cuda_if_available(), &*stop_at_ctrl_c()?)
        }
        Command::Table6(table) => {
            if let Some(threads) = table.threads {
                tch::set_num_threads(threads);
            }
            table6::table6(&table, Device::cuda_if_available(), &*stop_at_ctrl_c()?)
        }
        Command::Evaluate { model, folders, errors, style, pages, count, seed } => {
            let mut misread = Vec::new();
            ensure!(!folders.is_empty() || !style.is_empty(), "nothing to read: give folders or --style");
            let mut recognizer = Recognizer::open(model.as_deref())?;
            for folder in folders {
                let (metrics, wrong) = evaluate::on_folder_with_errors(&mut recognizer, &folder)?;
                misread.extend(wrong);
                println!("{}", evaluate::report(&metrics.figures(&folder.to_string_lossy()), &metrics));
            }
            if let Some(file) = errors {
                errors::write(&misread, &file)?;
            }
            for style in style.iter().flat_map(|style| evaluate::meant(style)) {
                let (read, cut) = match pages {
                    true => (evaluate::on_pages(&mut recognizer, style, count, seed)?, ", cut out of pages"),
                    false => (evaluate::on_style(&mut recognizer, style, count, seed)?, ""),
                };
                let (metrics, figures) = (&read, read.figures(&format!("fresh images of {style}{cut}")));
                println!("{}", evaluate::report(&figures, metrics));
            }
            Ok(())
        }
        Command::Calibrate(arguments) => calibrate::calibrate(&arguments),
        Command::LeaveOut(arguments) => {
            if let Some(threads) = arguments.threads {
                tch::set_num_threads(threads);
            }
            leave_out::leave_out(&arguments, Device::cuda_if_available(), &*stop_at_ctrl_c()?)
        }
        Command::Pick(arguments) => active::pick(&arguments),
        Command::Active(arguments) => {
            active::active(&arguments, Device::cuda_if_available(), &*stop_at_ctrl_c()?)
        }
        Command::Finetune(arguments) => {
            if let Some(threads) = arguments.threads {
                tch::set_num_threads(threads);
            }
            finetune::finetune(&arguments, Device::cuda_if_available(), &*stop_at_ctrl_c()?)
        }
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
