//! The program `bench-pipeline`: what a job costs on its way through HTTP, RabbitMQ, a worker and Redis. It starts the
//! servers and the programs, loads them over HTTP, and prints a table; `bench-pipeline memory` watches their memory.

mod client;
mod engine_alone;
mod instant;
mod latency;
mod load;
mod measure;
mod memory;
mod mixture;
mod pictures;
mod processes;
mod settings;
mod stack;
mod table;

use std::{
    io::{self, Write},
    process::ExitCode,
};

use anyhow::{Context, Result};
use byecaptcha_program::logging::{self, LogFormat};
use clap::Parser;
use settings::{Arguments, Command};
use tokio::runtime;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    logging::start(LogFormat::Text, "warn", None);
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Where standard error is closed there is nobody left to tell.
            drop(writeln!(io::stderr(), "bench-pipeline: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<()> {
    match &arguments.command {
        None => load_generator()?.block_on(measure::run(&arguments.measure)),
        Some(Command::Memory(settings)) => load_generator()?.block_on(memory::run(settings)),
        Some(Command::InstantWorker(settings)) => instant::run(settings),
        Some(Command::EngineAlone(settings)) => engine_alone::run(settings),
    }
}

/// One thread: the load generator shares the machine with what it measures.
fn load_generator() -> Result<runtime::Runtime> {
    runtime::Builder::new_current_thread().enable_all().build().context("no runtime")
}
