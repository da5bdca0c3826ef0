//! What a training run is: read from a TOML file, checked whole before anything starts.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use byecaptcha_dataset::Style;
use byecaptcha_models::{Charset, networks::Network, torch::Precision};
use serde::{Deserialize, Serialize};

/// One training run.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The model's name; its checkpoints and log lie in `runs/NAME`.
    pub name: String,
    /// Which network.
    pub network: Network,
    /// Repeats the run: the same seed draws the same images and starts from the same parameters.
    pub seed: u64,
    /// Images in a step.
    pub batch: usize,
    /// Optimizer steps in all.
    pub steps: u64,
    /// What convolutions compute in.
    pub precision: Precision,
    /// What can be read, in label order.
    #[serde(default = "Charset::unambiguous")]
    pub charset: Charset,
    /// The styles to draw, each with its share.
    pub data: Vec<Source>,
    /// The learning rate over time.
    pub schedule: Schedule,
    /// The optimizer's settings.
    #[serde(default)]
    pub optimizer: AdamW,
    /// Decay of the running average of the weights; the average is what is evaluated and exported.
    #[serde(default = "average_default")]
    pub average: f64,
    /// Steps between evaluations on held-out images.
    pub evaluate_every: u64,
    /// Steps between checkpoints.
    pub checkpoint_every: u64,
}

fn average_default() -> f64 {
    0.999
}

/// A style of image and how much of the training is drawn in it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// A preset of the dataset.
    pub preset: String,
    /// Its part of every ten images; the parts of all sources make ten.
    pub tenths: u64,
}

/// A trapezoid: up, along, and down to nothing at the last step. The level part can be made longer while the run is
/// under way, by raising `steps`.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// The level part's learning rate.
    pub peak: f64,
    /// Steps of rising.
    pub warmup: u64,
    /// Steps of falling, the last of the run.
    pub cooldown: u64,
}

impl Schedule {
    /// The learning rate of a step, from 0, in a run of `steps`.
    pub fn rate(&self, step: u64, steps: u64) -> f64 {
        let rise = (step + 1) as f64 / self.warmup.max(1) as f64;
        let fall = steps.saturating_sub(step) as f64 / self.cooldown.max(1) as f64;
        self.peak * rise.min(fall).min(1.0)
    }
}

/// Settings of AdamW (Loshchilov and Hutter 2019, arXiv:1711.05101).
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdamW {
    /// Decay of the first moment.
    pub beta1: f64,
    /// Decay of the second moment.
    pub beta2: f64,
    /// Share of each weight that a step of rate 1 takes off.
    pub weight_decay: f64,
    /// Gradients longer than this, all taken together, are shortened to it.
    pub clip: f64,
}

impl Default for AdamW {
    fn default() -> Self {
        Self { beta1: 0.9, beta2: 0.99, weight_decay: 0.01, clip: 2.0 }
    }
}

impl Config {
    /// Reads and checks a file.
    pub fn read(path: &Path) -> Result<Self> {
        let text =
            std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        let config: Self =
            toml::from_str(&text).with_context(|| format!("{} is not a run", path.display()))?;
        config.check().with_context(|| format!("in {}", path.display()))?;
        Ok(config)
    }

    /// Checks what serde cannot.
    pub fn check(&self) -> Result<()> {
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        ensure!(!self.name.is_empty() && self.name.chars().all(plain), "name: letters, digits, - and _ only");
        ensure!(self.batch > 0, "batch: at least 1");
        ensure!(self.steps > 0, "steps: at least 1");
        ensure!((0.0..1.0).contains(&self.average), "average: from 0 to below 1");
        ensure!(
            self.evaluate_every > 0 && self.checkpoint_every > 0,
            "evaluate_every, checkpoint_every: at least 1"
        );
        ensure!(self.schedule.peak > 0.0, "schedule.peak: above 0");
        let tenths: u64 = self.data.iter().map(|source| source.tenths).sum();
        ensure!(tenths == 10, "data: the tenths of all sources make {tenths}, not 10");
        for source in &self.data {
            Style::preset(&source.preset).with_context(|| format!("data: preset {:?}", source.preset))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_rises_stays_and_falls() {
        let schedule = Schedule { peak: 1.0, warmup: 10, cooldown: 20 };
        let rate = |step| schedule.rate(step, 100);
        assert!(
            (rate(0) - 0.1).abs() < 1e-9 && (rate(9) - 1.0).abs() < 1e-9 && (rate(79) - 1.0).abs() < 1e-9
        );
        assert!((rate(90) - 0.5).abs() < 1e-9 && rate(99) > 0.0 && rate(100) == 0.0);
    }

    #[test]
    fn the_shipped_runs_are_sound() {
        for entry in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/configs")).unwrap() {
            Config::read(&entry.unwrap().path()).unwrap();
        }
    }
}
