//! Labelled images for the trainer, drawn on the fly on all cores, a few batches ahead of the network.

use std::{ops::Range, sync::Arc, thread};

use anyhow::{Result, bail};
use byecaptcha_dataset::{Generator, Sample, Style, page::Cut};
use byecaptcha_models::{
    Charset, ImageBatch, PreparedImage,
    preprocess::{self, prepare},
};
use crossbeam_channel::{Receiver, bounded};
use image::{RgbImage, imageops};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use rayon::prelude::*;

use crate::config::Config;

/// Batches that may wait for the network.
const AHEAD: usize = 4;
/// Parts that the sources' shares are counted in.
const TENTHS: u64 = 10;

/// How far off an edge of a picture is found at most, as a share of the screenshot.
const OFF: f64 = 0.03;
/// The same where the surroundings mislead.
const FAR_OFF: f64 = 0.08;

/// Prepared images and their labels.
pub struct LabelledBatch {
    /// The images, all of the trained size.
    pub images: ImageBatch,
    /// The labels of each text.
    pub labels: Vec<Vec<i64>>,
    /// The texts.
    pub texts: Vec<String>,
}

/// Draws any image of a run by its number; the same number is always the same image.
pub struct Source {
    /// Tenths, and whether the pictures come by screenshot.
    generators: Vec<(u64, bool, Generator)>,
    charset: Charset,
    seed: u64,
}

impl Source {
    /// The images of a run. `seed` parts training images from held-out ones.
    pub fn new(config: &Config, seed: u64) -> Result<Self> {
        let generators = config
            .data
            .iter()
            .map(|source| {
                Ok((source.tenths, source.pages, Generator::new(Style::preset(&source.preset)?, seed)?))
            })
            .collect::<Result<_>>()?;
        Ok(Self { generators, charset: config.charset.clone(), seed })
    }

    /// One image, prepared, and its text.
    fn image(&self, index: u64) -> Result<(PreparedImage, String)> {
        let mut tenth = index % TENTHS;
        for (tenths, pages, generator) in &self.generators {
            if tenth < *tenths {
                if *pages {
                    let (label, cut) = generator.page(index);
                    let image = prepare(&located(&cut, self.seed ^ index));
                    // A picture that is found much too wide needs a wider frame than the batch has.
                    if image.width == preprocess::WIDTH {
                        return Ok((image, label));
                    }
                }
                let Sample { label, image } = generator.sample(index);
                return Ok((prepare(&image), label));
            }
            tenth -= tenths;
        }
        bail!("the shares do not make ten tenths")
    }

    /// These images, in order.
    pub fn batch(&self, range: Range<u64>) -> Result<LabelledBatch> {
        let drawn: Vec<_> = range
            .into_par_iter()
            .map(|index| {
                let (image, text) = self.image(index)?;
                let labels = self.charset.encode(&text)?.into_iter().map(|label| label as i64).collect();
                Ok((image, labels, text))
            })
            .collect::<Result<_>>()?;
        let mut batch = LabelledBatch {
            images: ImageBatch {
                pixels: Vec::with_capacity(drawn.len() * preprocess::HEIGHT * preprocess::WIDTH),
                count: drawn.len(),
                height: preprocess::HEIGHT,
                width: preprocess::WIDTH,
            },
            labels: Vec::with_capacity(drawn.len()),
            texts: Vec::with_capacity(drawn.len()),
        };
        for (image, labels, text) in drawn {
            anyhow::ensure!(image.width == preprocess::WIDTH, "{text} is drawn {} pixels wide", image.width);
            batch.images.pixels.extend_from_slice(&image.pixels);
            batch.labels.push(labels);
            batch.texts.push(text);
        }
        Ok(batch)
    }
}

/// The picture in a screenshot as the locator finds it: each edge a little off, and now and then by more. Networks are
/// trained on this and not on the locator's own findings, so that the one does not depend on which state of the other
/// was at hand.
fn located(Cut { image, place }: &Cut, seed: u64) -> RgbImage {
    let mut rng = Pcg64Mcg::seed_from_u64(seed);
    let most = if rng.random_bool(0.1) { FAR_OFF } else { OFF };
    let sides = [image.width(), image.height()];
    let [left, top, right, bottom] = std::array::from_fn(|edge| {
        let side = sides[edge % 2];
        // The difference of two even spreads: small errors are the common ones.
        let off = (rng.random::<f64>() - rng.random::<f64>()) * most * f64::from(side);
        (place[edge] as f64 + off).round().clamp(0.0, f64::from(side)) as u32
    });
    let (width, height) = (right.saturating_sub(left).max(1), bottom.saturating_sub(top).max(1));
    imageops::crop_imm(image, left, top, width, height).to_image()
}

/// Starts drawing at a step; ends when the receiver is dropped.
pub fn stream(source: Arc<Source>, batch: usize, steps: Range<u64>) -> Receiver<Result<LabelledBatch>> {
    let (sender, receiver) = bounded(AHEAD);
    thread::spawn(move || {
        let batch = batch as u64;
        for step in steps {
            if sender.send(source.batch(step * batch..(step + 1) * batch)).is_err() {
                break;
            }
        }
    });
    receiver
}
