//! The training loop: draw, run, compare by CTC, step; now and then evaluate, log and save.

use std::{
    fs::{self, OpenOptions},
    io::Write,
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use byecaptcha_models::{
    Predictor,
    card::Figures,
    decode,
    networks::Outline,
    preprocess,
    torch::{TorchPredictor, initialize},
};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use tch::Device;

use crate::{
    checkpoint::{self, State},
    command,
    config::Config,
    data::{LabelledBatch, Source},
    metrics::Metrics,
    optimizer::Optimizer,
    progress::tell,
    step::step,
    stream::stream,
    whole,
};

/// Parts held-out images from training images.
const HELD_OUT_SEED: u64 = 0x5eed_0e1d_0a7e_4e1d;
/// Images in a batch of the evaluation, which reads one window of them.
const EVALUATION_BATCH: usize = 32;

/// What the first line of a run's `config.toml` begins with, before the command that trains it.
const COMMENT: &str = "# ";

/// One line of the log.
#[derive(Serialize)]
struct LogLine {
    step: u64,
    images: u64,
    loss: f64,
    gradient_norm: f64,
    learning_rate: f64,
    images_per_second: f64,
    /// Share of the time for which the network waited for pictures to be drawn.
    waited: f64,
    held_out: Option<Figures>,
}

/// A fresh state for a run.
pub fn start(config: &Config, device: Device) -> Result<State> {
    tch::manual_seed(i64::try_from(config.seed & 0x7fff_ffff).unwrap_or(0));
    let outline = Outline::of(config.network, preprocess::HEIGHT, preprocess::WIDTH, config.charset.labels());
    let mut parameters = initialize(&outline.parameters, device);
    if let Some(path) = &config.from {
        checkpoint::read_weights(path, &config.charset, &mut parameters)?;
    }
    let averages = tch::no_grad(|| {
        parameters.iter().map(|(name, tensor)| (name.clone(), tensor.detach().copy())).collect()
    });
    let optimizer = Optimizer::new(config.optimizer, config.schedule.peak, &parameters);
    Ok(State { step: 0, parameters, averages, optimizer })
}

/// Checks that the run in a folder, if there is one, is this one: it may have other steps and other intervals, and nothing else.
pub(crate) fn is_of(config: &Config, folder: &Path) -> Result<()> {
    let file = folder.join("config.toml");
    if !file.exists() {
        return Ok(());
    }
    let lines = |config: &Config| -> Result<Vec<String>> {
        let alike = Config { steps: 1, evaluate_every: 1, checkpoint_every: 1, ..config.clone() };
        Ok(toml::to_string(&alike)?.lines().map(str::to_owned).collect())
    };
    let (there, here) = (lines(&Config::read(&file)?)?, lines(config)?);
    if there == here {
        return Ok(());
    }
    let of = |lines: &[String], others: &[String]| {
        lines.iter().find(|line| !others.contains(line)).cloned().unwrap_or_else(|| "other styles".to_owned())
    };
    bail!(
        "{} holds another run, of {:?} and not {:?}; give another folder, or remove it",
        folder.display(),
        of(&there, &here),
        of(&here, &there)
    )
}

/// The command that the run in a folder was begun or gone on with last; none where the folder is of before that was kept.
pub(crate) fn command_of(folder: &Path) -> Option<String> {
    let config = fs::read_to_string(folder.join("config.toml")).ok()?;
    let first = config.lines().next()?.strip_prefix(COMMENT)?;
    first.starts_with(command::PROGRAM).then(|| first.to_owned())
}

/// Checks that the run in a folder, if there is one, is as long as this one: its rate has a fall, which comes once.
pub(crate) fn is_as_long(config: &Config, folder: &Path) -> Result<()> {
    let file = folder.join("config.toml");
    if file.exists() {
        let steps = Config::read(&file)?.steps;
        ensure!(
            steps == config.steps,
            "{} was begun for {steps} steps and not {}; give another folder, or remove it",
            folder.display(),
            config.steps
        );
    }
    Ok(())
}

/// Trains until the last step or until `stop` is set; either way the state is saved. Goes on from a checkpoint where
/// the folder holds one.
pub fn train(config: &Config, folder: &Path, device: Device, stop: &AtomicBool) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let checkpoint = folder.join("checkpoint.safetensors");
    let mut state = if checkpoint.exists() {
        is_of(config, folder)?;
        // The weights that it began with may be gone by now.
        let mut state = start(&Config { from: None, ..config.clone() }, device)?;
        state.restore(&checkpoint)?;
        state
    } else {
        start(config, device)?
    };
    ensure!(
        state.step <= config.steps,
        "the run in {} has done {} steps, which is more than {}",
        folder.display(),
        state.step,
        config.steps
    );
    let begun = format!("{COMMENT}{}\n{}", command::given(), toml::to_string(config)?);
    whole::write(&folder.join("config.toml"), begun)?;
    let log_path = folder.join("log.jsonl");
    let mut log = OpenOptions::new().create(true).append(true).open(log_path)?;

    let held_out = Source::new(config, config.seed ^ HELD_OUT_SEED)?.window(0, EVALUATION_BATCH)?;
    let drawn = config.clone();
    let source = move || Source::new(&drawn, drawn.seed);
    let batches = stream(source, config.batch, config.echo, state.step..config.steps);
    let bar = ProgressBar::new(config.steps)
        .with_position(state.step)
        .with_style(ProgressStyle::with_template("{wide_bar} step {pos}/{len} {msg} eta {eta}")?);
    let (mut since, mut since_step, mut smoothed) = (Instant::now(), state.step, None);
    let mut waited = Duration::ZERO;
    loop {
        let from = Instant::now();
        let Ok(batch) = batches.recv() else { break };
        waited += from.elapsed();
        let rate = config.schedule.rate(state.step, config.steps);
        let (loss, gradient_norm) = step(config, &mut state, &*batch?, rate, device)?;
        let smooth = smoothed.map_or(loss, |old: f64| old * 0.98 + loss * 0.02);
        smoothed = Some(smooth);
        let speed = (state.step - since_step) as f64 * config.batch as f64 / since.elapsed().as_secs_f64();
        bar.set_position(state.step);
        bar.set_message(format!("loss {smooth:.3} {speed:.0} images/s"));

        let last = state.step == config.steps || stop.load(Ordering::Relaxed);
        // Before anything is told: whoever listens may be gone.
        if last || state.step.is_multiple_of(config.checkpoint_every) {
            state.save(&checkpoint)?;
        }
        let evaluating = last || state.step.is_multiple_of(config.evaluate_every);
        if evaluating || state.step.is_multiple_of(100) {
            let figures = evaluating.then(|| evaluate(config, &state, &held_out, device)).transpose()?;
            if let Some(figures) = &figures {
                let line = format!(
                    "step {}: loss {smooth:.3}, held out {:.1}% exact, {:.1}% ignoring case, {speed:.0} images/s",
                    state.step,
                    figures.exact * 100.0,
                    figures.ignoring_case * 100.0,
                );
                // Without a terminal the bar draws nothing, and a run in the background still shall tell.
                if bar.is_hidden() { tell(line) } else { bar.println(line) }
            }
            let line = LogLine {
                step: state.step,
                images: state.step * config.batch as u64,
                loss: smooth,
                gradient_norm,
                learning_rate: rate,
                images_per_second: speed,
                waited: waited.as_secs_f64() / since.elapsed().as_secs_f64(),
                held_out: figures,
            };
            writeln!(log, "{}", serde_json::to_string(&line)?)?;
            (since, since_step, waited) = (Instant::now(), state.step, Duration::ZERO);
        }
        if last {
            break;
        }
    }
    bar.finish();
    // A thread that draws and fails takes the stream with it.
    ensure!(state.step == config.steps || stop.load(Ordering::Relaxed), "the drawing of images broke off");
    Ok(())
}

/// Reads images with the averaged weights, as they would be served.
fn evaluate(config: &Config, state: &State, held_out: &[LabelledBatch], device: Device) -> Result<Figures> {
    let parameters =
        state.averages.iter().map(|(name, tensor)| (name.clone(), tensor.shallow_clone())).collect();
    let mut predictor = TorchPredictor::new(config.network, config.charset.labels(), parameters, device);
    let mut metrics = Metrics::default();
    for batch in held_out {
        for (distributions, truth) in predictor.predict(&batch.images)?.iter().zip(&batch.texts) {
            let labels = decode::greedy(distributions);
            let reading: String =
                labels.into_iter().filter_map(|label| config.charset.character(label)).collect();
            metrics.add(truth, &reading);
        }
    }
    Ok(metrics.figures("held out"))
}
