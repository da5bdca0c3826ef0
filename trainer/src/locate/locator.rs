//! Trains the locator: screenshots drawn on the fly, their pictures' places known, and four edges to be found.

use std::{path::PathBuf, sync::atomic::AtomicBool};

use anyhow::{Result, anyhow};
use byecaptcha_dataset::{CROSSED, Draw, RANDOMIZED, Sample, composed, open};
use byecaptcha_models::{
    load::sha256,
    networks::{LOCATOR_HEIGHT, LOCATOR_WIDTH, Outline, locator},
    onnx,
    preprocess::{self, EDGES},
    torch::{Parameters, Precision, TorchGraph},
};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use rayon::prelude::*;
use tch::{Device, Tensor};

use super::{BATCH, Batch, HELD_OUT, Run, SEED, percent, write};
use crate::{command, export};

/// Of ten of the Python library's, how many are the picture itself, which is to be left alone.
const WHOLE: u64 = 4;
/// The same of others, in which a text is to be found either way.
const WHOLE_OF_OTHERS: u64 = 7;
/// Where a Huber loss turns from squares to distances, as a share of a side.
const TURN: f64 = 0.02;
/// What is to be said of a picture: its edges and its kind.
const WANTED: usize = EDGES + 1;
/// What a mistaken kind weighs against edges that are off.
const KIND: f64 = 0.002;
/// Odds from which a picture counts as the Python library's, in an evaluation.
const EVEN: f64 = 0.0;

/// What `train-locator` is told.
#[derive(clap::Args)]
pub struct TrainLocator {
    /// Steps in all, of 64 screenshots each.
    #[arg(long, default_value_t = 65_000, value_parser = clap::value_parser!(u64).range(1..))]
    steps: u64,
    /// Where the checkpoint goes; a run that is there is gone on with.
    #[arg(long, default_value = "runs/locator")]
    folder: PathBuf,
    /// The file to write.
    #[arg(long, default_value = "models/weights/locator.onnx")]
    out: PathBuf,
}

/// What the locator sees, `[3, 32, 96]`, and what it is to say: each edge less where it would be without surroundings, and
/// 1 for the Python library's pictures, 0 for others.
type Example = (Vec<f32>, [f32; WANTED]);

/// Screenshots of several styles of picture; the first half of them are the Python library's.
struct Source(Vec<Box<dyn Draw>>);

impl Source {
    fn new(seed: u64) -> Result<Self> {
        // Each composed style alone, as many that are crossed, and again as many of none.
        let composed = composed();
        let mixed = [CROSSED, RANDOMIZED].into_iter().flat_map(|name| vec![name; composed.len()]);
        let others: Vec<&str> = composed.iter().copied().chain(mixed).collect();
        let library = ["hku", "hku", "default"].into_iter().cycle().take(others.len());
        let styles = library.chain(others.iter().copied()).map(|name| open(name, seed));
        Ok(Self(styles.collect::<Result<_, _>>()?))
    }

    fn example(&self, index: u64) -> Result<Example> {
        // Kinds are drawn, and not by turns: a batch holds all of them, and so do the first thousand, which are held out.
        let mut rng = Pcg64Mcg::seed_from_u64(index);
        let number = rng.random_range(0..self.0.len());
        let style = &self.0[number];
        let (library, whole) = if number < self.0.len() / 2 { (1.0, WHOLE) } else { (0.0, WHOLE_OF_OTHERS) };
        let as_it_is = rng.random_range(0..10) < whole;
        let Sample { image, place, .. } = if as_it_is { style.sample(index) } else { style.page(index) };
        let seen =
            preprocess::seen(&image).map_err(|error| anyhow!("cannot look at a screenshot: {error}"))?;
        let sides = [image.width(), image.height()].map(f64::from);
        let [left, top, right, bottom] = std::array::from_fn(|edge| (place[edge] / sides[edge % 2]) as f32);
        Ok((seen, [left, top, right - 1.0, bottom - 1.0, library]))
    }

    fn batch(&self, range: std::ops::Range<u64>) -> Result<Batch> {
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
    let held_out = Source::new(SEED + 1)?.batch(0..HELD_OUT)?;
    let source = Source::new(SEED)?;
    let run = Run { folder: &arguments.folder, steps: arguments.steps, outline: Outline::of_locator() };
    let state = run.train(
        move |range| source.batch(range),
        loss,
        |averages| evaluate(averages, &held_out, device),
        device,
        stop,
    )?;
    if state.step < arguments.steps {
        return Ok(());
    }
    let onnx = onnx::write_locator(&export::weights(&state.averages)?)?;
    let card = serde_json::json!({
        "name": "locator",
        "finds": "in a screenshot scaled to 96x32, whether the Python library drew its captcha, and the four edges: of the picture if \
                  so, else of its text with a little room",
        "parameters": Outline::of_locator().trainable_values(),
        "multiply_adds": Outline::of_locator().multiply_adds,
        "training": {
            "data": "drawn afresh for each step: half of it presets hku (two thirds) and default, 60% of that cut out of drawn \
                     pages; half composed styles, crossed and randomized pictures, as many of each, 30% of them cut out",
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

fn loss(graph: &mut TorchGraph<'_>, (screenshots, wanted): &Batch) -> Result<Tensor> {
    let (edges, library) = (wanted.slice(1, 0, EDGES as i64, 1), wanted.select(1, EDGES as i64));
    let found = locator(graph, screenshots).squeeze_dim(0);
    let kind = found.select(1, 2 * EDGES as i64);
    let found = edges_of(&found, &library.ge(0.5));
    let mean = tch::Reduction::Mean;
    Ok(found.f_huber_loss(&edges, mean, TURN)?
        + KIND * kind.f_binary_cross_entropy_with_logits::<Tensor>(&library, None, None, mean)?)
}

/// The edges as they are for the kind that each picture is of.
fn edges_of(found: &Tensor, library: &Tensor) -> Tensor {
    let edges = EDGES as i64;
    let [library_s, others] = [0, edges].map(|first| found.slice(1, first, first + edges, 1));
    library_s.where_self(&library.unsqueeze(1), &others)
}

/// Of each kind, the shares of held-out screenshots of which every edge is found to a fortieth and to a twentieth of the whole,
/// and how often the kind itself is.
fn evaluate(averages: &Parameters, (screenshots, wanted): &Batch, device: Device) -> String {
    tch::no_grad(|| {
        let mut graph = TorchGraph::new(averages, false, Precision::Float32);
        let found = locator(&mut graph, &screenshots.to_device(device)).squeeze_dim(0);
        let wanted = wanted.to_device(device);
        let (edges, library) = (wanted.slice(1, 0, EDGES as i64, 1), wanted.select(1, EDGES as i64).ge(0.5));
        let kind = found.select(1, 2 * EDGES as i64).ge(EVEN);
        let right = percent(&kind.eq_tensor(&library));
        let worst = (edges_of(&found, &kind) - edges).abs().amax([1], false);
        let within = |of: &Tensor, limit: f64| percent(&worst.masked_select(of).le(limit));
        let [library_s, others] = [library.shallow_clone(), library.logical_not()]
            .map(|of| format!("{:.1}% within 2.5%, {:.1}% within 5%", within(&of, 0.025), within(&of, 0.05)));
        format!("the library's pictures: {library_s}; others' texts: {others}; kind right in {right:.2}%")
    })
}
