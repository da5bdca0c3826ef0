//! Labelled images for the trainer, drawn on the fly on all cores.
//!
//! All images of a step are in frames of one width, since a batch needs one shape. So the images of many steps are drawn
//! together and put in order of their widths: hardly one is in a wider frame than its own.

use anyhow::{Context, Result, bail, ensure};
use byecaptcha_dataset::{CROSSED, Draw, Sample, Style, composed, crossed, open};
use byecaptcha_models::{
    Charset, ImageBatch, PreparedImage,
    preprocess::{self, Found, Locator, prepare},
};
use image::RgbImage;
use rand::{Rng, RngExt, SeedableRng, seq::SliceRandom};
use rand_pcg::Pcg64Mcg;

use crate::{
    config::{self, COMPOSED, Config},
    parallel,
};

/// Batches whose images are drawn together.
pub const WINDOW: usize = 32;
/// Pictures looked through for one that is no wider than asked.
const MOST_TRIES: u64 = 100;
/// Sets one try's picture apart from all others of a run.
const TRY: u64 = 1 << 40;

/// How far off an edge is found at most, as a share of the screenshot.
const OFF: f32 = 0.03;
/// The same where the surroundings mislead.
const FAR_OFF: f32 = 0.08;
/// Of pictures to be cut, the share that is cut as the locator that ships finds them, with its own mistakes. The others are cut
/// where the edges are, or a little off: so that networks do not depend on which state of the locator was at hand.
const FOUND: f64 = 0.5;

/// Prepared images and their labels.
pub struct LabelledBatch {
    /// The images, all of one size.
    pub images: ImageBatch,
    /// The labels of each text.
    pub labels: Vec<Vec<i64>>,
    /// The texts.
    pub texts: Vec<String>,
}

impl LabelledBatch {
    /// Images of any width and their texts, in frames as wide as the widest needs.
    ///
    /// # Errors
    /// Where a text holds what the charset does not.
    pub fn new(drawn: &[(PreparedImage, String)], charset: &Charset) -> Result<Self> {
        let width = drawn.iter().map(|(image, _)| image.width).max().unwrap_or(preprocess::WIDTH);
        let mut pixels = Vec::with_capacity(drawn.len() * preprocess::HEIGHT * width);
        let (mut labels, mut texts) = (Vec::new(), Vec::new());
        for (image, text) in drawn {
            pixels.extend_from_slice(&image.clone().widened(width).pixels);
            labels.push(charset.encode(text)?.into_iter().map(|label| label as i64).collect());
            texts.push(text.clone());
        }
        let images = ImageBatch { pixels, count: texts.len(), height: preprocess::HEIGHT, width };
        Ok(Self { images, labels, texts })
    }
}

/// One style, by file or by screenshot.
struct Part {
    style: Box<dyn Draw>,
    pages: bool,
    /// Whether it is the Python library's.
    library: bool,
}

impl Part {
    fn of(source: &config::Source, style: Box<dyn Draw>) -> Self {
        Self { style, pages: source.pages, library: Style::preset(&source.style).is_ok() }
    }

    /// One image, prepared, and its text.
    fn image(&self, index: u64, source: &Source) -> (PreparedImage, String) {
        let Source { locators, widest, seed, .. } = source;
        let locator = &locators[index as usize % locators.len()];
        let sample = if self.pages { self.style.page(index) } else { self.style.sample(index) };
        let Sample { image, place, label } = &sample;
        let mut rng = Pcg64Mcg::seed_from_u64(seed ^ index);
        let prepared = match (self.library, self.pages) {
            // The library's pictures are whole as they come.
            (true, false) => prepare(image, *widest),
            _ if rng.random_bool(FOUND) => locator.prepare(image, *widest),
            _ => located(image, *place, self.library, &mut rng).prepare(image, *widest),
        };
        (prepared, label.clone())
    }
}

/// Texts of a style that are looked at before any picture is drawn.
const LOOKED_AT: u64 = 2_000;

/// Checks that a charset has what a style writes: only some of its texts may hold what it lacks, and a run would end at the
/// first of them.
fn is_known(style: &dyn Draw, charset: &Charset) -> Result<()> {
    for text in (0..LOOKED_AT).map(|index| style.label(index)) {
        if let Some(unknown) = text.chars().find(|symbol| !charset.characters().contains(symbol)) {
            bail!("it writes {text:?}, and {unknown:?} is not in the charset");
        }
    }
    Ok(())
}

/// Draws any image of a run by its number; the same number always gives the same image.
pub struct Source {
    /// Each with its share.
    parts: Vec<(Part, f64)>,
    /// One for each core, since each has but one thread.
    locators: Vec<Locator>,
    charset: Charset,
    /// What the network reads at most.
    widest: usize,
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
            styles.iter().try_for_each(|style| {
                is_known(&**style, &config.charset).with_context(|| format!("the style {}", source.style))
            })?;
            let share = source.parts as f64 / styles.len() as f64;
            parts.extend(styles.into_iter().map(|style| (Part::of(source, style), share)));
        }
        ensure!(!parts.is_empty(), "there is no style to draw");
        let widest = config.network.widest();
        let locators = (0..parallel::cores()).map(|_| Locator::embedded()).collect::<Result<_, _>>()?;
        Ok(Self { parts, locators, charset: config.charset.clone(), widest, seed })
    }

    /// An image in any of the styles, prepared, and its text.
    pub fn image(&self, index: u64) -> (PreparedImage, String) {
        let mut rng = Pcg64Mcg::seed_from_u64(mixed(self.seed, index));
        weighted(&self.parts, &mut rng).image(index, self)
    }

    /// The same, no wider than this; none where the styles hardly have any.
    pub fn image_within(&self, index: u64, width: usize) -> Option<(PreparedImage, String)> {
        let mut tries = (0..MOST_TRIES).map(|number| self.image(index + number * TRY));
        tries.find(|(image, _)| image.width <= width)
    }

    /// The images of [`WINDOW`] steps.
    pub fn window(&self, number: u64, count: usize) -> Result<Vec<LabelledBatch>> {
        let all = (WINDOW * count) as u64;
        let mut drawn = parallel::map(number * all..(number + 1) * all, |index| self.image(index));
        drawn.sort_by_key(|(image, _)| image.width);
        let together = |number: u64| {
            let first = number as usize * count;
            LabelledBatch::new(&drawn[first..first + count], &self.charset)
        };
        let mut batches =
            parallel::map(0..WINDOW as u64, together).into_iter().collect::<Result<Vec<_>>>()?;
        batches.shuffle(&mut Pcg64Mcg::seed_from_u64(mixed(!self.seed, number)));
        Ok(batches)
    }
}

/// One of several, each as likely as its share says; the last one where rounding leaves none.
fn weighted<'a, T>(all: &'a [(T, f64)], rng: &mut impl Rng) -> &'a T {
    let mut place = rng.random::<f64>() * all.iter().map(|(_, share)| share).sum::<f64>();
    let found = all.iter().find(|(_, share)| {
        place -= share;
        place < 0.0
    });
    &found.unwrap_or(&all[all.len() - 1]).0
}

/// Spreads a seed and a number over all states.
fn mixed(seed: u64, number: u64) -> u64 {
    (seed ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15)).wrapping_mul(0xd134_2543_de82_ef95)
}

/// What a locator finds in a picture, each edge a little off, and now and then by more.
fn located(image: &RgbImage, place: [f64; 4], library: bool, rng: &mut impl Rng) -> Found {
    let most = if rng.random_bool(0.1) { FAR_OFF } else { OFF };
    let sides = [image.width(), image.height()].map(|side| side as f32);
    let edges = std::array::from_fn(|edge| {
        // The difference of two even spreads: small errors are the common ones.
        let off = (rng.random::<f32>() - rng.random::<f32>()) * most;
        (place[edge] as f32 / sides[edge % 2] + off).clamp(0.0, 1.0)
    });
    Found { edges, library }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(style: &str, pages: bool) -> Source {
        let mut config = Config::small(style, 8);
        config.data[0].pages = pages;
        config.charset =
            Charset::new("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz+-*×=?").unwrap();
        Source::new(&config, 3).unwrap()
    }

    #[test]
    fn a_window_holds_each_of_its_pictures_once_and_those_of_a_width_together() {
        for pages in [false, true] {
            let source = source("randomized", pages);
            let batches = source.window(2, 8).unwrap();
            let mut wider = 0;
            let mut texts = Vec::new();
            for batch in &batches {
                assert_eq!(batch.images.pixels.len(), 8 * preprocess::HEIGHT * batch.images.width);
                texts.extend(batch.texts.iter().cloned());
            }
            let first = 2 * WINDOW as u64 * 8;
            let drawn: Vec<_> = (first..first + WINDOW as u64 * 8).map(|index| source.image(index)).collect();
            for (image, text) in &drawn {
                let batch = batches.iter().find(|batch| batch.texts.contains(text)).unwrap();
                wider += usize::from(batch.images.width > image.width);
            }
            let mut wanted: Vec<String> = drawn.into_iter().map(|(_, text)| text).collect();
            wanted.sort();
            texts.sort();
            assert_eq!(texts, wanted);
            assert!(wider < 60, "{wider} of 256 in a wider frame than their own");
            let again = source.window(2, 8).unwrap();
            assert!(batches.iter().zip(&again).all(|(one, other)| one.images.pixels == other.images.pixels));
        }
    }

    #[test]
    fn a_small_text_is_cut_out_and_a_large_one_is_not() {
        let image = RgbImage::new(200, 80);
        let mut rng = Pcg64Mcg::seed_from_u64(1);
        for _ in 0..50 {
            let cut = located(&image, [60.0, 20.0, 140.0, 50.0], false, &mut rng).picture(&image).unwrap();
            assert!(
                cut.width().abs_diff(80) <= 32 && cut.height().abs_diff(30) <= 13,
                "{:?}",
                cut.dimensions()
            );
            assert!(located(&image, [0.0, 0.0, 200.0, 80.0], false, &mut rng).picture(&image).is_none());
        }
    }

    #[test]
    fn no_picture_is_wider_than_asked() {
        let source = source("randomized", false);
        let wide = (0..40).filter(|&index| source.image(index).0.width > 128).count();
        assert!(wide > 0);
        assert!((0..40).all(|index| source.image_within(index, 128).unwrap().0.width == 128));
        assert!(source.image_within(0, 64).is_none());
        // What reads one width alone is shown no other.
        let narrow = Source { widest: 128, ..source };
        assert!((0..40).all(|index| narrow.image(index).0.width == 128));
    }
}
