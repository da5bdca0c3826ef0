//! Trains the refiner: pictures of the Python library in drawn pages and alone, edges taken for a little off, as the locator
//! finds them, and how far off each of them is to be told from the strip across it.

use std::{ops::Range, path::PathBuf, sync::atomic::AtomicBool};

use anyhow::{Result, anyhow};
use byecaptcha_dataset::{Draw, Sample, open};
use byecaptcha_models::{
    load::sha256,
    networks::{Outline, REFINER_ACROSS, REFINER_ALONG, REFINER_CHANNELS, refiner},
    onnx,
    preprocess::{EDGES, REACHES, strips},
    torch::{Parameters, Precision, TorchGraph},
};
use rand::{Rng, RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use rayon::prelude::*;
use tch::{Device, Tensor};

use super::{BATCH, Batch, HELD_OUT, Run, SEED, percent, write};
use crate::{command, export};

/// Of ten pictures, how many are files, whose edges are those of the picture.
const WHOLE: u64 = 3;
/// What the strips that it learns from reach: those of its first look.
const REACH: f32 = REACHES[0];
/// How far the locator is off, most of the time and at worst, as a share of the picture's side.
const OFF: [f32; 2] = [0.06, 0.14];
/// How often it is off by as much as the second.
const OFTEN: f64 = 0.15;
/// Where a Huber loss turns from squares to distances, as a share of [`REACH`].
const TURN: f64 = 0.05;

/// What `train-refiner` is told.
#[derive(clap::Args)]
pub struct TrainRefiner {
    /// Steps in all, of 64 pictures with four edges each.
    #[arg(long, default_value_t = 12_000, value_parser = clap::value_parser!(u64).range(1..))]
    steps: u64,
    /// Where the checkpoint goes; a run that is there is gone on with.
    #[arg(long, default_value = "runs/refiner")]
    folder: PathBuf,
    /// The file to write.
    #[arg(long, default_value = "models/weights/refiner.onnx")]
    out: PathBuf,
}

/// Pictures of the Python library.
struct Source {
    styles: Vec<Box<dyn Draw>>,
    seed: u64,
}

impl Source {
    fn new(seed: u64) -> Result<Self> {
        let styles = ["hku", "hku", "default"].iter().map(|name| open(name, seed));
        Ok(Self { styles: styles.collect::<Result<_, _>>()?, seed })
    }

    /// The strips of one picture, and how far inside of where it was taken to be each edge is, as a share of [`REACH`].
    fn example(&self, index: u64) -> Result<(Vec<f32>, [f32; EDGES])> {
        let mut rng = Pcg64Mcg::seed_from_u64(self.seed ^ index);
        let style = &self.styles[rng.random_range(0..self.styles.len())];
        let as_it_is = rng.random_range(0..10) < WHOLE;
        let Sample { image, place, .. } = if as_it_is { style.sample(index) } else { style.page(index) };
        let sides = [image.width(), image.height()].map(|side| side as f32);
        let edges = std::array::from_fn(|edge| (place[edge] as f32 / sides[edge % 2]).clamp(0.0, 1.0));
        let found = nearly(edges, &mut rng);
        let off = std::array::from_fn(|edge| {
            let inward = if edge < 2 { edges[edge] - found[edge] } else { found[edge] - edges[edge] };
            (inward / (REACH * (found[edge % 2 + 2] - found[edge % 2]).max(0.01))).clamp(-1.0, 1.0)
        });
        let seen =
            strips(&image, found, REACH).map_err(|error| anyhow!("cannot look at a screenshot: {error}"))?;
        Ok((seen, off))
    }

    fn batch(&self, range: Range<u64>) -> Result<Batch> {
        let examples = range.into_par_iter().map(|index| self.example(index)).collect::<Result<Vec<_>>>()?;
        let seen: Vec<f32> = examples.iter().flat_map(|(seen, _)| seen.iter().copied()).collect();
        let off: Vec<f32> = examples.iter().flat_map(|(_, off)| *off).collect();
        let sides = [REFINER_CHANNELS, REFINER_ACROSS, REFINER_ALONG].map(|side| side as i64);
        Ok((
            Tensor::from_slice(&seen).reshape([-1, sides[0], sides[1], sides[2]]),
            Tensor::from_slice(&off).reshape([-1, 1]),
        ))
    }
}

/// Edges as a locator finds them.
fn nearly(edges: [f32; EDGES], rng: &mut impl Rng) -> [f32; EDGES] {
    std::array::from_fn(|edge| {
        let most = OFF[usize::from(rng.random_bool(OFTEN))];
        let side = edges[edge % 2 + 2] - edges[edge % 2];
        // The difference of two even spreads: small errors are the common ones.
        (edges[edge] + (rng.random::<f32>() - rng.random::<f32>()) * most * side).clamp(0.0, 1.0)
    })
}

/// Trains until the last step or until `stop` is set, and writes the file at the end.
pub fn train_refiner(arguments: &TrainRefiner, device: Device, stop: &AtomicBool) -> Result<()> {
    let held_out = Source::new(SEED + 1)?.batch(0..HELD_OUT)?;
    let source = Source::new(SEED)?;
    let run = Run { folder: &arguments.folder, steps: arguments.steps, outline: Outline::of_refiner() };
    let state = run.train(
        move |range| source.batch(range),
        |graph, (seen, off)| {
            Ok(refiner(graph, seen).squeeze_dim(0).f_huber_loss(off, tch::Reduction::Mean, TURN)?)
        },
        |averages| evaluate(averages, &held_out, device),
        device,
        stop,
    )?;
    if state.step < arguments.steps {
        return Ok(());
    }
    let onnx = onnx::write_refiner(&export::weights(&state.averages)?)?;
    let card = serde_json::json!({
        "name": "refiner",
        "finds": "how far off each edge is that the locator found of a picture of the Python library, from a strip of the screenshot \
                  across it; it looks twice, the second time more finely, and learned from the first look alone",
        "parameters": Outline::of_refiner().trainable_values(),
        "multiply_adds": Outline::of_refiner().multiply_adds * EDGES * REACHES.len(),
        "training": {
            "data": "drawn afresh for each step: presets hku (two thirds) and default, 70% of them cut out of drawn pages",
            "steps": state.step,
            "images": state.step * BATCH,
            "command": command::given(),
        },
        "figures": evaluate(&state.averages, &held_out, device),
        "onnx_sha256": sha256(&onnx),
        "license": "MIT OR Apache-2.0",
    });
    write(&arguments.out, &onnx, &card)
}

/// The shares of held-out pictures of which every edge is within a hundredth and a fortieth of the picture's side, before and after.
fn evaluate(averages: &Parameters, (seen, off): &Batch, device: Device) -> String {
    tch::no_grad(|| {
        let mut graph = TorchGraph::new(averages, false, Precision::Float32);
        let found = refiner(&mut graph, &seen.to_device(device)).squeeze_dim(0);
        let off = off.to_device(device);
        let within = |left: &Tensor, limit: f64| {
            let worst = left.abs().reshape([-1, EDGES as i64]).amax([1], false);
            percent(&worst.le(limit / f64::from(REACH)))
        };
        let [before, after] = [off.shallow_clone(), found - &off].map(|left| {
            format!("{:.1}% within 1%, {:.1}% within 2.5%", within(&left, 0.01), within(&left, 0.025))
        });
        format!("all edges {after}; before {before}")
    })
}
