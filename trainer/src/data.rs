//! Labelled images for the trainer, drawn on the fly on all cores, a few batches ahead of the network.

use std::{ops::Range, sync::Arc, thread};

use anyhow::{Result, bail};
use byecaptcha_dataset::{Generator, Sample, Style};
use byecaptcha_models::{Charset, ImageBatch, PreparedImage, preprocess};
use crossbeam_channel::{Receiver, bounded};
use rayon::prelude::*;

use crate::config::Config;

/// Batches that may wait for the network.
const AHEAD: usize = 4;
/// Parts that the sources' shares are counted in.
const TENTHS: u64 = 10;

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
        Ok(Self { generators, charset: config.charset.clone() })
    }

    /// One image, prepared, and its text.
    fn image(&self, index: u64) -> Result<(PreparedImage, String)> {
        let mut tenth = index % TENTHS;
        for (tenths, pages, generator) in &self.generators {
            if tenth < *tenths {
                let prepared = |sample: Sample| (preprocess::prepare(&sample.image), sample.label);
                // A cut with much ground to its sides may need a wider frame than the batch has, as any page's own
                // ground does that cannot be told from the picture's. The few that do are shown as they are.
                let cut = pages.then(|| prepared(generator.page_sample(index)));
                let fits = cut.filter(|(image, _)| image.width == preprocess::WIDTH);
                return Ok(fits.unwrap_or_else(|| prepared(generator.sample(index))));
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
