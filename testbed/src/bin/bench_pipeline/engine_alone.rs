//! The engine without a pipeline: the worker's engine thread, fed with full batches from memory. What the pipeline's
//! rate is held against.

use std::{
    io::{self, Write},
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use byecaptcha_models::{ReadingOptions, Recognizer};
use byecaptcha_worker::engine::{Answer, Engine, Picture};
use tokio::runtime;

use crate::{load, pictures, processes, settings::EngineSettings};

/// What the engine does by itself.
#[derive(Clone, Copy)]
pub(crate) struct Alone {
    /// Pictures a second.
    pub(crate) rate: f64,
    /// Seconds of processor time for 1,000 pictures.
    pub(crate) seconds: f64,
}

/// Prints what is measured as two numbers.
pub(crate) fn run(settings: &EngineSettings) -> Result<()> {
    let runtime = runtime::Builder::new_current_thread().enable_all().build().context("no runtime")?;
    let Alone { rate, seconds } = runtime.block_on(read(settings))?;
    writeln!(io::stdout(), "{rate} {seconds}").context("nobody reads the rate")
}

async fn read(settings: &EngineSettings) -> Result<Alone> {
    let pictures = pictures::captchas()?;
    let engine = Engine::start(Recognizer::embedded()?, settings.batch)?;
    engine.warm().await.map_err(anyhow::Error::msg)?;
    let mut next = pictures.iter().cycle().cloned();
    let usual = |image| Picture { image, options: ReadingOptions::default() };
    let mut submit = || engine.submit(next.by_ref().take(settings.batch).map(usual).collect());
    // One batch ahead, so that the engine never waits for this thread.
    let mut ahead = submit()?;
    let begin = Instant::now() + load::WARM_UP;
    let end = begin + Duration::from_secs(settings.seconds);
    let (mut count, mut since) = (0, None);
    loop {
        let answers = std::mem::replace(&mut ahead, submit()?).await?.answers;
        ensure!(
            answers.iter().all(|answer| matches!(answer, Answer::Read(_))),
            "the engine refused a picture"
        );
        let now = Instant::now();
        match since {
            // Whole batches only: from the end of one to the end of another.
            None if now >= begin => since = Some((now, processes::own_seconds())),
            None => {}
            Some((since, seconds)) => {
                count += u32::try_from(answers.len())?;
                if now >= end {
                    let seconds = processes::own_seconds() - seconds;
                    return Ok(Alone {
                        rate: f64::from(count) / (now - since).as_secs_f64(),
                        seconds: seconds * 1e3 / f64::from(count),
                    });
                }
            }
        }
    }
}

/// Measured in a process of its own on this core.
pub(crate) async fn measured(core: usize, seconds: u64) -> Result<Alone> {
    let program = std::env::current_exe()?;
    let running = tokio::task::spawn_blocking(move || {
        Command::new("taskset")
            .args(["--cpu-list", &core.to_string()])
            .arg(program)
            .args(["engine-alone", "--seconds", &seconds.to_string()])
            .output()
    });
    let output = running.await?.context("taskset cannot be started")?;
    ensure!(
        output.status.success(),
        "the engine alone does not run: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let said = String::from_utf8(output.stdout)?;
    let (rate, seconds) = said.trim().split_once(' ').context("the engine alone does not say two numbers")?;
    Ok(Alone { rate: rate.parse()?, seconds: seconds.parse()? })
}
