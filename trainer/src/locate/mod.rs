//! Trains what finds pictures and texts: the locator, which sees all of a screenshot, and the refiner, which sees its picture's
//! edges. Both learn a few numbers from small images that are drawn on the fly, by one loop.

mod locator;
mod refiner;

use std::{
    fs,
    ops::Range,
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use anyhow::{Result, ensure};
use byecaptcha_models::{
    networks::Outline,
    torch::{Parameters, Precision, TorchGraph, initialize},
};
use crossbeam_channel::bounded;
use tch::{Device, Tensor};

use crate::{
    checkpoint::State,
    optimizer::{self, Optimizer, Settings},
    progress::tell,
    schedule::{Schedule, Shape},
    whole,
};

pub use locator::{TrainLocator, train_locator};
pub use refiner::{TrainRefiner, train_refiner};

/// Screenshots in a step.
const BATCH: u64 = 64;
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

/// What a network sees, and what it is to say of it.
type Batch = (Tensor, Tensor);

/// A run: how long, where its checkpoint is, and of what.
struct Run<'a> {
    folder: &'a Path,
    steps: u64,
    outline: Outline,
}

impl Run<'_> {
    /// Trains until the last step or until `stop` is set, going on from the checkpoint where there is one. `batch` draws the
    /// screenshots of a range of numbers.
    fn train(
        &self,
        batch: impl Fn(Range<u64>) -> Result<Batch> + Send + 'static,
        loss: impl Fn(&mut TorchGraph<'_>, &Batch) -> Result<Tensor>,
        evaluate: impl Fn(&Parameters) -> String,
        device: Device,
        stop: &AtomicBool,
    ) -> Result<State> {
        fs::create_dir_all(self.folder)?;
        let checkpoint = self.folder.join("checkpoint.safetensors");
        let schedule =
            Schedule { shape: Shape::Cosine, peak: 3e-3, warmup: 200.min(self.steps / 4), cooldown: 0 };
        let mut state = self.start(schedule, device);
        if checkpoint.exists() {
            state.restore(&checkpoint)?;
        }
        ensure!(
            state.step <= self.steps,
            "the run in {} has done {} steps, which is more than {}",
            self.folder.display(),
            state.step,
            self.steps
        );
        let (sender, batches) = bounded(AHEAD);
        let steps = state.step..self.steps;
        thread::spawn(move || {
            for step in steps {
                if sender.send(batch(step * BATCH..(step + 1) * BATCH)).is_err() {
                    break;
                }
            }
        });
        for batch in batches {
            let (seen, wanted) = batch?;
            let mut graph = TorchGraph::new(&state.parameters, true, Precision::Float32);
            loss(&mut graph, &(seen.to_device(device), wanted.to_device(device)))?.f_backward()?;
            let rate = schedule.rate(state.step, self.steps);
            let gradients = optimizer::gradients(&state.parameters);
            state.optimizer.step(&mut state.parameters, &gradients, rate, state.step);
            optimizer::average(&mut state.averages, &state.parameters, AVERAGE, state.step);
            state.step += 1;
            let last = state.step == self.steps || stop.load(Ordering::Relaxed);
            if last || state.step.is_multiple_of(EVALUATE_EVERY) {
                state.save(&checkpoint)?;
                tell(format_args!("step {}: {}", state.step, evaluate(&state.averages)));
            }
            if last {
                break;
            }
        }
        // A thread that draws and fails takes the stream with it.
        ensure!(
            state.step == self.steps || stop.load(Ordering::Relaxed),
            "the drawing of screenshots broke off"
        );
        Ok(state)
    }

    fn start(&self, schedule: Schedule, device: Device) -> State {
        tch::manual_seed(SEED as i64);
        let parameters = initialize(&self.outline.parameters, device);
        let averages = tch::no_grad(|| {
            parameters.iter().map(|(name, tensor)| (name.clone(), tensor.detach().copy())).collect()
        });
        let optimizer = Optimizer::new(Settings::default(), schedule.peak, &parameters);
        State { step: 0, parameters, averages, optimizer }
    }
}

/// Writes a network and its card.
fn write(out: &Path, onnx: &[u8], card: &serde_json::Value) -> Result<()> {
    whole::write(out, onnx)?;
    whole::write(&out.with_extension("json"), serde_json::to_string_pretty(card)? + "\n")
}

/// The share of a mask that is true, in percent.
fn percent(of: &Tensor) -> f64 {
    of.to_kind(tch::Kind::Float).mean(None).double_value(&[]) * 100.0
}

#[cfg(test)]
mod tests {
    use byecaptcha_models::networks::{REFINER_ACROSS, REFINER_ALONG, REFINER_CHANNELS, refiner};

    use super::*;

    #[test]
    fn a_run_is_made_longer_and_not_shorter() {
        let folder = tempfile::tempdir().unwrap();
        let train = |steps| {
            let run = Run { folder: folder.path(), steps, outline: Outline::of_refiner() };
            let sides = [REFINER_CHANNELS, REFINER_ACROSS, REFINER_ALONG].map(|side| side as i64);
            let batch = move |range: Range<u64>| {
                let of = |sides: &[i64]| Tensor::full(sides, range.start as f64, tch::kind::FLOAT_CPU);
                Ok((of(&[4, sides[0], sides[1], sides[2]]), of(&[4, 1])))
            };
            let loss = |graph: &mut TorchGraph<'_>, (seen, off): &Batch| {
                Ok(refiner(graph, seen).squeeze_dim(0).f_mse_loss(off, tch::Reduction::Mean)?)
            };
            run.train(batch, loss, |_| String::new(), Device::Cpu, &AtomicBool::new(false))
        };
        assert_eq!(train(2).unwrap().step, 2);
        let error = train(1).map(drop).unwrap_err().to_string();
        assert!(error.contains("has done 2 steps, which is more than 1"), "{error}");
        assert_eq!(train(3).unwrap().step, 3);
    }
}
