//! Trains the locator: screenshots drawn on the fly, their pictures' places known, and four edges to be found.

use std::{
    fs,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use anyhow::{Context, Result, anyhow, ensure};
use byecaptcha_dataset::{Draw, composed, open, page::Cut};
use byecaptcha_models::{
    load::sha256,
    networks::{LOCATOR_HEIGHT, LOCATOR_WIDTH, Outline, locator},
    onnx, preprocess,
    torch::{Parameters, Precision, TorchGraph, initialize},
};
use crossbeam_channel::bounded;
use rayon::prelude::*;
use tch::{Device, Tensor};

use crate::{
    checkpoint::State,
    export,
    optimizer::{self, Optimizer, Settings},
    schedule::{Schedule, Shape},
};

/// Screenshots in a step.
const BATCH: u64 = 64;
/// Of ten, how many are the picture itself, which is to be left alone.
const WHOLE: u64 = 4;
/// The seed of training; held-out screenshots have the next one.
const SEED: u64 = 0x10ca;
/// Screenshots that an evaluation looks at.
const HELD_OUT: u64 = 1_000;
/// Steps between evaluations and checkpoints.
const EVALUATE_EVERY: u64 = 1_000;
/// Decay of the running average of the weights.
const AVERAGE: f64 = 0.998;
/// Batches that may wait for the network.
const AHEAD: usize = 4;
/// Where a Huber loss turns from squares to distances, as a share of a side.
const TURN: f64 = 0.02;

/// Edges of a picture.
const EDGES: i64 = 4;
/// What is to be said of a picture: its edges and its kind.
const WANTED: usize = EDGES as usize + 1;
/// What a mistaken kind weighs against edges that are off.
const KIND: f64 = 0.002;
/// Odds from which a picture counts as the Python library's, in an evaluation.
const EVEN: f64 = 0.0;

/// What `train-locator` is told.
#[derive(clap::Args)]
pub struct TrainLocator {
    /// Steps in all, of 64 screenshots each.
    #[arg(long, default_value_t = 65_000)]
    steps: u64,
    /// Where the checkpoint goes; a run that is there is gone on with.
    #[arg(long, default_value = "runs/locator")]
    folder: PathBuf,
    /// The file to write.
    #[arg(long, default_value = "models/weights/locator.onnx")]
    out: PathBuf,
    /// Threads that libtorch computes with; all cores by default.
    #[arg(long)]
    pub threads: Option<i32>,
}

/// What the locator sees, `[3, 32, 96]`, and what it is to say: each edge less where it would be without surroundings, and
/// 1 for the Python library's pictures, 0 for others.
type Example = (Vec<f32>, [f32; WANTED]);

/// Screenshots of several styles of picture; the first half of them are the Python library's.
struct Source(Vec<Box<dyn Draw>>);

impl Source {
    fn new(seed: u64) -> Result<Self> {
        // The composed styles are many and take half of the pictures.
        let library = ["hku", "hku", "default"].into_iter().cycle().take(composed().len());
        let styles = library.chain(composed()).map(|name| open(name, seed));
        Ok(Self(styles.collect::<Result<_, _>>()?))
    }

    fn example(&self, index: u64) -> Result<Example> {
        let place = (index % self.0.len() as u64) as usize;
        let style = &self.0[place];
        let library = if place < self.0.len() / 2 { 1.0 } else { 0.0 };
        let seen =
            |image| preprocess::seen(image).map_err(|error| anyhow!("cannot look at a screenshot: {error}"));
        if index / self.0.len() as u64 % 10 < WHOLE {
            return Ok((seen(&style.sample(index).image)?, [0.0, 0.0, 0.0, 0.0, library]));
        }
        let (_, Cut { image, place: [left, top, right, bottom] }) = style.page(index);
        let share = |at: i64, length: u32| (at as f64 / f64::from(length)) as f32;
        let (width, height) = image.dimensions();
        let [left, top] = [share(left, width), share(top, height)];
        let [right, bottom] = [share(right, width) - 1.0, share(bottom, height) - 1.0];
        Ok((seen(&image)?, [left, top, right, bottom, library]))
    }

    fn batch(&self, range: std::ops::Range<u64>) -> Result<(Tensor, Tensor)> {
        let examples = range.into_par_iter().map(|index| self.example(index)).collect::<Result<Vec<_>>>()?;
        let pixels: Vec<f32> = examples.iter().flat_map(|(seen, _)| seen.iter().copied()).collect();
        let found: Vec<f32> = examples.iter().flat_map(|(_, found)| *found).collect();
        let shape = [examples.len() as i64, 3, LOCATOR_HEIGHT as i64, LOCATOR_WIDTH as i64];
        Ok((
            Tensor::from_slice(&pixels).reshape(shape),
            Tensor::from_slice(&found).reshape([-1, WANTED as i64]),
        ))
    }
}

/// Trains until the last step or until `stop` is set, and writes the file at the end.
pub fn train_locator(arguments: &TrainLocator, device: Device, stop: &AtomicBool) -> Result<()> {
    fs::create_dir_all(&arguments.folder)?;
    let checkpoint = arguments.folder.join("checkpoint.safetensors");
    let schedule =
        Schedule { shape: Shape::Cosine, peak: 3e-3, warmup: 200.min(arguments.steps / 4), cooldown: 0 };
    let mut state = start(schedule, device);
    if checkpoint.exists() {
        state.restore(&checkpoint)?;
    }
    let held_out = Source::new(SEED + 1)?.batch(0..HELD_OUT)?;
    let source = Arc::new(Source::new(SEED)?);
    let (sender, batches) = bounded(AHEAD);
    let steps = state.step..arguments.steps;
    thread::spawn(move || {
        for step in steps {
            if sender.send(source.batch(step * BATCH..(step + 1) * BATCH)).is_err() {
                break;
            }
        }
    });
    for batch in batches {
        let (screenshots, wanted) = batch?;
        let wanted = wanted.to_device(device);
        let (edges, library) = (wanted.slice(1, 0, EDGES, 1), wanted.select(1, EDGES));
        let mut graph = TorchGraph::new(&state.parameters, true, Precision::Float32);
        let found = locator(&mut graph, &screenshots.to_device(device)).squeeze_dim(0);
        let kind = found.select(1, 2 * EDGES);
        let found = edges_of(&found, &library.ge(0.5));
        let loss = found.f_huber_loss(&edges, tch::Reduction::Mean, TURN)?
            + KIND
                * kind.f_binary_cross_entropy_with_logits::<Tensor>(
                    &library,
                    None,
                    None,
                    tch::Reduction::Mean,
                )?;
        loss.f_backward()?;
        let rate = schedule.rate(state.step, arguments.steps);
        state.optimizer.step(&mut state.parameters, rate, state.step);
        optimizer::average(&mut state.averages, &state.parameters, AVERAGE, state.step);
        state.step += 1;
        let last = state.step == arguments.steps || stop.load(Ordering::Relaxed);
        if last || state.step.is_multiple_of(EVALUATE_EVERY) {
            state.save(&checkpoint)?;
            println!("step {}: {}", state.step, evaluate(&state.averages, &held_out, device));
        }
        if last {
            break;
        }
    }
    // A thread that draws and fails takes the stream with it.
    ensure!(
        state.step == arguments.steps || stop.load(Ordering::Relaxed),
        "the drawing of screenshots broke off"
    );
    let onnx = onnx::write_locator(&export::weights(&state.averages)?)?;
    let card = serde_json::json!({
        "name": "locator",
        "finds": "the four edges of a captcha in a screenshot of it, scaled to 96x32, and whether the Python library drew it",
        "parameters": Outline::of_locator().trainable_values(),
        "multiply_adds": Outline::of_locator().multiply_adds,
        "training": {
            "data": "drawn afresh for each step: half of it presets hku (two thirds) and default, half composed styles; 60% \
                     cut out of drawn pages and 40% as they are",
            "steps": state.step,
            "images": state.step * BATCH,
            "command": format!("byecaptcha-trainer train-locator --steps {}", arguments.steps),
        },
        "figures": evaluate(&state.averages, &held_out, device),
        "onnx_sha256": sha256(&onnx),
        "license": "MIT OR Apache-2.0",
    });
    let path = |extension| arguments.out.with_extension(extension);
    fs::write(&arguments.out, onnx).with_context(|| format!("cannot write {}", arguments.out.display()))?;
    fs::write(path("json"), serde_json::to_string_pretty(&card)? + "\n")
        .context("cannot write the locator's card")
}

fn start(schedule: Schedule, device: Device) -> State {
    tch::manual_seed(SEED as i64);
    let parameters = initialize(&Outline::of_locator().parameters, device);
    let averages = tch::no_grad(|| {
        parameters.iter().map(|(name, tensor)| (name.clone(), tensor.detach().copy())).collect()
    });
    let optimizer = Optimizer::new(Settings::default(), schedule.peak, &parameters);
    State { step: 0, parameters, averages, optimizer }
}

/// The edges as they are for the kind that each picture is of.
fn edges_of(found: &Tensor, library: &Tensor) -> Tensor {
    let [library_s, others] = [0, EDGES].map(|first| found.slice(1, first, first + EDGES, 1));
    library_s.where_self(&library.unsqueeze(1), &others)
}

/// The shares of held-out screenshots of which every edge is found to a fortieth and to a twentieth of the whole.
fn evaluate(averages: &Parameters, (screenshots, wanted): &(Tensor, Tensor), device: Device) -> String {
    tch::no_grad(|| {
        let mut graph = TorchGraph::new(averages, false, Precision::Float32);
        let found = locator(&mut graph, &screenshots.to_device(device)).squeeze_dim(0);
        let wanted = wanted.to_device(device);
        let (edges, library) = (wanted.slice(1, 0, EDGES, 1), wanted.select(1, EDGES).ge(0.5));
        let kind = found.select(1, 2 * EDGES).ge(EVEN);
        let right = kind.eq_tensor(&library).to_kind(tch::Kind::Float).mean(None).double_value(&[]);
        let worst = (edges_of(&found, &kind) - edges).abs().amax([1], false);
        let within =
            |limit: f64| worst.le(limit).to_kind(tch::Kind::Float).mean(None).double_value(&[]) * 100.0;
        format!(
            "{:.1}% of screenshots within 2.5%, {:.1}% within 5%; kind right in {:.2}%",
            within(0.025),
            within(0.05),
            right * 100.0
        )
    })
}
