//! The training behind `finetune` and `active`: half of each step from labelled pictures, each time varied, and half drawn
//! in the styles that are not to be forgotten.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
};

use anyhow::{Result, bail, ensure};
use byecaptcha_models::{
    Charset, PreparedImage, load,
    networks::{Alignment, Network, POSITIONS},
    preprocess::prepare,
    torch::Precision,
};
use indicatif::ProgressBar;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use rayon::prelude::*;
use tch::Device;

use super::{labelled::Labelled, vary::vary};
use crate::{
    checkpoint::State,
    config::{Config, Source as Part},
    data::{LabelledBatch, Source},
    parallel,
    schedule::{Schedule, Shape},
    step::step,
    train,
};

/// Images in a step.
const BATCH: usize = 64;
/// The highest learning rate: a third of that of training, since most is known already.
const PEAK: f64 = 1e-3;

/// The run that adapts a model: its network and charset, the latter with what the pictures hold beside.
pub fn run(
    name: &str,
    weights: &Path,
    pictures: &[Labelled],
    styles: &[String],
    steps: u64,
    seed: u64,
) -> Result<Config> {
    let card = load::read_card(weights)?;
    fits(card.network, pictures)?;
    let mut symbols: String = card.charset.characters().iter().collect();
    for symbol in pictures.iter().flat_map(|labelled| labelled.text.chars()) {
        if !symbols.contains(symbol) {
            ensure!(!symbol.is_whitespace() && !symbol.is_control(), "a text holds {symbol:?}");
            symbols.push(symbol);
        }
    }
    let part = |style: &String| Part { style: style.clone(), without: Vec::new(), parts: 1, pages: false };
    let config = Config {
        name: name.to_owned(),
        network: card.network,
        seed,
        batch: BATCH,
        steps,
        precision: Precision::Bfloat16,
        from: Some(weights.with_extension("safetensors")),
        special: None,
        charset: Charset::new(&symbols)?,
        data: styles.iter().map(part).collect(),
        schedule: Schedule { shape: Shape::Cosine, peak: PEAK, warmup: steps / 20, cooldown: 0 },
        optimizer: crate::optimizer::Settings::default(),
        echo: 1,
        average: 0.99,
        evaluate_every: steps,
        checkpoint_every: steps,
    };
    config.check()?;
    Ok(config)
}

/// Checks that a network can read texts as long as these.
pub(super) fn fits(network: Network, pictures: &[Labelled]) -> Result<()> {
    let other = |labelled: &&Labelled| labelled.text.chars().count() != POSITIONS;
    match pictures.iter().find(other) {
        Some(Labelled { text, .. }) if network.alignment() == Alignment::Positions => {
            bail!("{network} reads texts of {POSITIONS} characters alone, and one of the labels is {text:?}")
        }
        _ => Ok(()),
    }
}

/// Trains until the last step or until `stop` is set.
pub fn adapt(
    config: &Config,
    pictures: &[Labelled],
    rehearsed: &Source,
    device: Device,
    stop: &AtomicBool,
) -> Result<State> {
    let mut state = train::start(config, device)?;
    let learned = Learned::new(config, pictures, rehearsed)?;
    let bar = ProgressBar::new(config.steps);
    while state.step < config.steps && !stop.load(Ordering::Relaxed) {
        let batch = learned.batch(state.step)?;
        let rate = config.schedule.rate(state.step, config.steps);
        step(config, &mut state, &batch, rate, device)?;
        bar.set_position(state.step);
    }
    bar.finish_and_clear();
    Ok(state)
}

/// The pictures by their width once prepared, and what is drawn beside them.
struct Learned<'a> {
    config: &'a Config,
    by_width: BTreeMap<usize, Vec<&'a Labelled>>,
    rehearsed: &'a Source,
}

impl<'a> Learned<'a> {
    fn new(config: &'a Config, pictures: &'a [Labelled], rehearsed: &'a Source) -> Result<Self> {
        let mut by_width = BTreeMap::<usize, Vec<&Labelled>>::new();
        let widths: Vec<usize> = pictures
            .par_iter()
            .map(|labelled| prepare(&labelled.picture, config.network.widest()).width)
            .collect();
        for (labelled, width) in pictures.iter().zip(widths) {
            by_width.entry(width).or_default().push(labelled);
        }
        ensure!(!by_width.is_empty(), "there is nothing to learn from");
        Ok(Self { config, by_width, rehearsed })
    }

    fn batch(&self, step: u64) -> Result<LabelledBatch> {
        let Config { batch, seed, .. } = *self.config;
        let mut rng = Pcg64Mcg::seed_from_u64(seed ^ step.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        // A width as often as there are pictures of it.
        let all: Vec<usize> =
            self.by_width.iter().flat_map(|(&width, here)| vec![width; here.len()]).collect();
        let width = all[rng.random_range(0..all.len())];
        let here = &self.by_width[&width];
        let seeds: Vec<u64> = (0..batch).map(|_| rng.random()).collect();
        let images = parallel::map(0..batch as u64, |place| {
            let index = step * batch as u64 + place;
            let drawn = (place % 2 == 1).then(|| self.rehearsed.image_within(index, width)).flatten();
            drawn.unwrap_or_else(|| varied(here, width, seeds[place as usize]))
        });
        LabelledBatch::new(&images, &self.config.charset)
    }
}

/// One of the pictures, varied, in a frame that is no wider than its own.
fn varied(pictures: &[&Labelled], width: usize, seed: u64) -> (PreparedImage, String) {
    let mut rng = Pcg64Mcg::seed_from_u64(seed);
    let Labelled { text, picture, .. } = pictures[rng.random_range(0..pictures.len())];
    (prepare(&vary(picture, &mut rng), width), text.clone())
}

#[cfg(test)]
mod tests {
    use image::RgbImage;

    use super::*;

    #[test]
    fn a_network_of_fixed_length_takes_no_other_labels() {
        let labelled =
            |text: &str| Labelled { text: text.to_owned(), file: Vec::new(), picture: RgbImage::new(1, 1) };
        let pictures = [labelled("abcdef"), labelled("abcde")];
        let error = fits(Network::Cnn4Fixed, &pictures).unwrap_err().to_string();
        assert!(error.contains("6 characters alone") && error.contains("\"abcde\""), "{error}");
        fits(Network::Cnn4Fixed, &pictures[..1]).unwrap();
        fits(Network::LeanConditional, &pictures).unwrap();
    }
}
