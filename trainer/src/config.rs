//! What a training run is: read from a TOML file, checked whole before anything starts.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use byecaptcha_dataset::{CROSSED, LOOK_ALIKES, RANDOMIZED, Style, WRITTEN, composed, open};
use byecaptcha_models::{
    Charset,
    networks::{Alignment, Network, POSITIONS},
    torch::Precision,
};
use serde::{Deserialize, Serialize};

use crate::{optimizer::Settings, schedule::Schedule};

/// What stands for all composed styles.
pub const COMPOSED: &str = "composed";

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
    /// How many times each picture is shown, where drawing is slower than the network: a step's batch comes so many times
    /// among those that are drawn together (data echoing, Choi et al. 2019, arXiv:1907.05550).
    #[serde(default = "echo_default", skip_serializing_if = "is_echo_default")]
    pub echo: usize,
    /// Optimizer steps in all.
    pub steps: u64,
    /// What convolutions compute in.
    pub precision: Precision,
    /// The weights to start from, a safetensors file that `export` wrote for the same network, or for one that differs as
    /// [`crate::checkpoint::read_weights`] says; random ones without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<PathBuf>,
    /// A model, NAME.onnx and the rest beside where this one is exported to, which the Python library's pictures are to be
    /// handed to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub special: Option<String>,
    /// What can be read, in label order.
    #[serde(default = "Charset::unambiguous")]
    pub charset: Charset,
    /// The styles to draw, each with its share.
    pub data: Vec<Source>,
    /// The learning rate over time.
    pub schedule: Schedule,
    /// The optimizer's settings.
    #[serde(default)]
    pub optimizer: Settings,
    /// Decay of the running average of the weights; the average is what is evaluated and exported.
    #[serde(default = "average_default")]
    pub average: f64,
    /// Steps between evaluations on held-out images.
    pub evaluate_every: u64,
    /// Steps between checkpoints.
    pub checkpoint_every: u64,
}

fn echo_default() -> usize {
    1
}

fn is_echo_default(echo: &usize) -> bool {
    *echo == echo_default()
}

fn average_default() -> f64 {
    0.999
}

/// A style of image and how much of the training is drawn in it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// A style of the dataset by its name, or `composed` for all composed ones alike.
    pub style: String,
    /// Of `composed` and `crossed`, the styles that are left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub without: Vec<String>,
    /// Its share of the images, against the parts of the others.
    pub parts: u64,
    /// Whether the pictures are cut out of web pages, as screenshots bring them.
    #[serde(default)]
    pub pages: bool,
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
        ensure!(self.echo > 0, "echo: at least 1");
        ensure!(self.steps > 0, "steps: at least 1");
        ensure!((0.0..1.0).contains(&self.average), "average: from 0 to below 1");
        ensure!(
            self.evaluate_every > 0 && self.checkpoint_every > 0,
            "evaluate_every, checkpoint_every: at least 1"
        );
        ensure!(self.schedule.peak > 0.0, "schedule.peak: above 0");
        self.optimizer.check()?;
        ensure!(!self.data.is_empty(), "data: at least one style");
        for source in &self.data {
            source.check(self.network).with_context(|| format!("data: style {:?}", source.style))?;
        }
        Ok(())
    }

    /// Whether it learns from other drawing than the Python library's.
    pub fn is_general(&self) -> bool {
        let is_other = |source: &Source| {
            source.of_all_styles() || [RANDOMIZED, LOOK_ALIKES, WRITTEN].contains(&source.style.as_str())
        };
        self.data.iter().any(is_other)
    }
}

#[cfg(test)]
impl Config {
    /// One step with a small network on pictures of a style, for tests of what a run is made of.
    pub(crate) fn small(style: &str, batch: usize) -> Self {
        toml::from_str(&format!(
            "name = \"small\"\nnetwork = \"lean-residual\"\nseed = 1\nbatch = {batch}\nsteps = 1\nprecision = \"float32\"\n\
             evaluate_every = 1\ncheckpoint_every = 1\n[schedule]\npeak = 1e-3\n[[data]]\nstyle = \"{style}\"\nparts = 1\n",
        ))
        .unwrap()
    }
}

impl Source {
    /// Whether all composed styles have part in it, those left out aside.
    pub fn of_all_styles(&self) -> bool {
        self.style == COMPOSED || self.style == CROSSED
    }

    fn check(&self, network: Network) -> Result<()> {
        ensure!(self.parts > 0, "parts: at least 1");
        if self.of_all_styles() {
            let composed = composed();
            let foreign = self.without.iter().find(|name| !composed.contains(&name.as_str()));
            ensure!(foreign.is_none(), "without: {foreign:?} is no composed style");
            ensure!(self.without.len() < composed.len(), "without: no style is left");
        } else {
            ensure!(self.without.is_empty(), "without: of `composed` and `crossed` only");
            open(&self.style, 0)?;
        }
        ensure!(
            network.alignment() == Alignment::Ctc
                || Style::preset(&self.style).is_ok_and(|style| style.lengths == [POSITIONS]),
            "{network} reads texts of {POSITIONS} characters alone, and this draws others",
        );
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_runs_are_sound() {
        for entry in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/configs")).unwrap() {
            Config::read(&entry.unwrap().path()).unwrap();
        }
    }
}
