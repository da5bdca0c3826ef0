//! Labelled images for the trainer, drawn on the fly on all cores.
//!
//! All images of a step are of one width, and come from any of the styles that have pictures of that width: a batch needs
//! one shape, and normalisation by its statistics needs many images.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use byecaptcha_dataset::{CROSSED, Draw, Sample, composed, crossed, open, page::Cut};
use byecaptcha_models::{
    Charset, ImageBatch, PreparedImage,
    preprocess::{self, prepare},
};
use image::{RgbImage, imageops};
use rand::{Rng, RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use rayon::prelude::*;

use crate::config::{COMPOSED, Config};

/// Pictures by which the share of each width is measured, of each style.
const PROBES: u64 = 100;
/// A width that less of a style's pictures have is not drawn in it: looking for one would take too long.
const LEAST_OF_STYLE: f64 = 0.04;
/// A width that less of all pictures have is not trained on.
const LEAST_OF_ALL: f64 = 0.01;
/// Pictures looked through for one of the step's width: more than it takes, but where a probe of that width was a rare case.
const MOST_TRIES: u64 = 1000;
/// Kinds of pictures looked through, one after the other.
const MOST_KINDS: u64 = 20;
/// Sets one try's picture apart from all others of a run.
const TRY: u64 = 1 << 40;

/// How far off an edge of a picture is found at most, as a share of the screenshot.
const OFF: f64 = 0.03;
/// The same where the surroundings mislead.
const FAR_OFF: f64 = 0.08;

/// Prepared images and their labels.
pub struct LabelledBatch {
    /// The images, all of one size.
    pub images: ImageBatch,
    /// The labels of each text.
    pub labels: Vec<Vec<i64>>,
    /// The texts.
    pub texts: Vec<String>,
}

/// One style, by file or by screenshot.
struct Part {
    style: Box<dyn Draw>,
    pages: bool,
    /// Of all images, the share of this style at each width.
    shares: BTreeMap<usize, f64>,
    /// How many of the probes of each width were of which size before they were drawn.
    planned: BTreeMap<usize, Vec<(usize, f64)>>,
}

impl Part {
    fn new(style: Box<dyn Draw>, pages: bool, share: f64, seed: u64) -> Self {
        let mut part = Self { style, pages, shares: BTreeMap::new(), planned: BTreeMap::new() };
        // Numbers that no step reaches.
        let probe = |probe: u64| {
            let index = u64::MAX - probe;
            (part.image(index, seed).0.width, part.width_planned(index))
        };
        let widths: Vec<(usize, usize)> = (0..PROBES).into_par_iter().map(probe).collect();
        for (width, planned) in widths {
            *part.shares.entry(width).or_default() += share / PROBES as f64;
            part.planned.entry(width).or_default().push((planned, 1.0));
        }
        part.shares.retain(|_, here| *here >= LEAST_OF_STYLE * share);
        part
    }

    /// How wide a picture is to become, as far as its size says: blank columns may go, and a page has margins.
    fn width_planned(&self, index: u64) -> usize {
        let (width, height) = self.style.size(index);
        preprocess::width_at_most(width, height)
    }

    /// One image of this width, if `planned` is what such images are of before they are drawn: most of the others are not
    /// drawn at all.
    fn image_of(
        &self,
        index: u64,
        seed: u64,
        width: usize,
        planned: usize,
    ) -> Option<(PreparedImage, String)> {
        let drawn = (self.width_planned(index) == planned).then(|| self.image(index, seed))?;
        (drawn.0.width == width).then_some(drawn)
    }

    /// One image, prepared, and its text.
    fn image(&self, index: u64, seed: u64) -> (PreparedImage, String) {
        if self.pages {
            let (label, cut) = self.style.page(index);
            return (prepare(&located(&cut, seed ^ index)), label);
        }
        let Sample { label, image } = self.style.sample(index);
        (prepare(&image), label)
    }
}

/// Draws any batch of a run by the number of its step; the same number always gives the same batch.
pub struct Source {
    parts: Vec<Part>,
    /// The share of the steps that each width has.
    widths: Vec<(usize, f64)>,
    charset: Charset,
    seed: u64,
}

impl Source {
    /// The images of a run. `seed` parts training images from held-out ones.
    pub fn new(config: &Config, seed: u64) -> Result<Self> {
        let mut parts = Vec::new();
        for source in &config.data {
            let without: Vec<&str> = source.without.iter().map(String::as_str).collect();
            let styles: Vec<Box<dyn Draw>> = match source.style.as_str() {
                COMPOSED => {
                    let names = composed().into_iter().filter(|name| !without.contains(name));
                    names.map(|name| open(name, seed)).collect::<Result<_, _>>()?
                }
                CROSSED => vec![crossed(&without, seed)?],
                one => vec![open(one, seed)?],
            };
            let share = source.parts as f64 / styles.len() as f64;
            parts.extend(styles.into_iter().map(|style| Part::new(style, source.pages, share, seed)));
        }
        let mut widths = BTreeMap::<usize, f64>::new();
        for (&width, share) in parts.iter().flat_map(|part| &part.shares) {
            *widths.entry(width).or_default() += share;
        }
        let whole: f64 = widths.values().sum();
        widths.retain(|_, share| *share >= LEAST_OF_ALL * whole);
        ensure!(!widths.is_empty(), "the styles have nothing to draw");
        Ok(Self { parts, widths: widths.into_iter().collect(), charset: config.charset.clone(), seed })
    }

    /// Whether any of the styles has pictures of this width.
    pub fn draws(&self, width: usize) -> bool {
        self.widths.iter().any(|(known, _)| *known == width)
    }

    /// An image of this width, prepared, and its text. An error where the styles draw none of it.
    pub fn image(&self, index: u64, width: usize) -> Result<(PreparedImage, String)> {
        let mut rng = Pcg64Mcg::seed_from_u64(mixed(self.seed, index));
        let here: Vec<(&Part, f64)> =
            self.parts.iter().filter_map(|part| Some((part, *part.shares.get(&width)?))).collect();
        ensure!(!here.is_empty(), "no style draws pictures that are {width} wide");
        let drawn = (0..MOST_KINDS).find_map(|kind| {
            let part = weighted(&here, &mut rng);
            // As often as the probes of this width were planned so wide, and then any one that is: the same spread as of all
            // that become so wide.
            let planned = weighted(&part.planned[&width], &mut rng);
            let mut tries = kind * MOST_TRIES..(kind + 1) * MOST_TRIES;
            tries.find_map(|number| part.image_of(index + number * TRY, self.seed, width, planned))
        });
        drawn.with_context(|| format!("hardly a picture is {width} wide, and some were before"))
    }

    /// The images of a step.
    pub fn batch(&self, step: u64, count: usize) -> Result<LabelledBatch> {
        let width = weighted(&self.widths, &mut Pcg64Mcg::seed_from_u64(mixed(!self.seed, step)));
        let first = step * count as u64;
        let drawn: Vec<_> = (first..first + count as u64)
            .into_par_iter()
            .map(|index| {
                let (image, text) = self.image(index, width)?;
                let labels = self.charset.encode(&text)?.into_iter().map(|label| label as i64).collect();
                Ok((image, labels, text))
            })
            .collect::<Result<_>>()?;
        let mut batch = LabelledBatch {
            images: ImageBatch {
                pixels: Vec::with_capacity(drawn.len() * preprocess::HEIGHT * width),
                count: drawn.len(),
                height: preprocess::HEIGHT,
                width,
            },
            labels: Vec::with_capacity(drawn.len()),
            texts: Vec::with_capacity(drawn.len()),
        };
        for (image, labels, text) in drawn {
            batch.images.pixels.extend_from_slice(&image.pixels);
            batch.labels.push(labels);
            batch.texts.push(text);
        }
        Ok(batch)
    }
}

/// One of several, each as likely as its share says; the last one where rounding leaves none.
fn weighted<T: Copy>(all: &[(T, f64)], rng: &mut impl Rng) -> T {
    let mut place = rng.random::<f64>() * all.iter().map(|(_, share)| share).sum::<f64>();
    let found = all.iter().find(|(_, share)| {
        place -= share;
        place < 0.0
    });
    found.unwrap_or(&all[all.len() - 1]).0
}

/// Spreads a seed and a number over all states.
fn mixed(seed: u64, number: u64) -> u64 {
    (seed ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15)).wrapping_mul(0xd134_2543_de82_ef95)
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

#[cfg(test)]
mod tests {
    use super::*;

    fn source(style: &str, pages: bool) -> Source {
        let config: Config = toml::from_str(&format!(
            "name = \"widths\"\nnetwork = \"lean-residual\"\nseed = 1\nbatch = 8\nsteps = 1\nprecision = \"float32\"\n\
             evaluate_every = 1\ncheckpoint_every = 1\ncharset = \"{}\"\n[schedule]\npeak = 1e-3\n\
             [[data]]\nstyle = \"{style}\"\nparts = 1\npages = {pages}\n",
            "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz+-*×=?",
        ))
        .unwrap();
        Source::new(&config, 3).unwrap()
    }

    #[test]
    fn a_step_s_pictures_are_of_one_width_and_the_same_each_time() {
        for pages in [false, true] {
            let source = source("randomized", pages);
            let widths: std::collections::BTreeSet<usize> = (0..12)
                .map(|step| {
                    let batch = source.batch(step, 8).unwrap();
                    assert_eq!(batch.images.pixels.len(), 8 * preprocess::HEIGHT * batch.images.width);
                    assert_eq!(batch.texts, source.batch(step, 8).unwrap().texts);
                    batch.images.width
                })
                .collect();
            assert!(widths.len() > 1, "{widths:?}");
        }
    }

    #[test]
    fn what_is_planned_so_wide_is_drawn_and_the_rest_is_not() {
        let source = source("randomized", false);
        let part = &source.parts[0];
        let (mut kept, mut narrower) = (0, 0);
        for index in 0..400 {
            let (image, planned) = (part.image(index, 3).0, part.width_planned(index));
            assert!(image.width <= planned, "{} of {planned}", image.width);
            let found = part.image_of(index, 3, image.width, planned).unwrap();
            assert_eq!(found.0, image);
            assert!(part.image_of(index, 3, image.width, planned + 64).is_none());
            kept += usize::from(image.width == planned);
            narrower += usize::from(image.width < planned);
        }
        // Blank columns are dropped now and then; that such pictures are drawn, too, is what `planned` is kept for.
        assert!(kept > 250 && narrower > 5, "{kept}, {narrower}");
        assert!(part.planned[&128].iter().any(|(planned, _)| *planned > 128));
    }

    #[test]
    fn a_probe_that_was_one_in_a_million_does_not_end_a_run() {
        let mut source = source("randomized", false);
        // Half of the probes claim to have been planned as no picture is.
        let planned = source.parts[0].planned.get_mut(&128).unwrap();
        let count = planned.len() as f64;
        planned.push((4096, count));
        assert!((0..8).all(|index| source.image(index, 128).is_ok()));
        source.parts[0].planned.insert(128, vec![(4096, 1.0)]);
        assert!(source.image(0, 128).is_err());
    }
}
