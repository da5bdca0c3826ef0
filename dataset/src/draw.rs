//! What every style can do, however it draws: give any picture of a run by its number, as a file, as a reader sees it, or
//! cut out of a web page.

use std::ops::Range;

use image::RgbImage;
use rayon::iter::{IntoParallelIterator, ParallelIterator};

use crate::compose::{Composer, Crossed, Randomized};
use crate::encode;
use crate::generator::Generator;
use crate::page;
use crate::style::{Encoding, Error, PRESETS, Style};

/// Parts the random numbers of pages from those of pictures.
const PAGES: u64 = 0x9a6e_5000_0000_0000;

/// The name of the pictures whose parts come from any of the composed styles.
pub const CROSSED: &str = "crossed";

/// The name of the pictures whose every range is drawn anew.
pub const RANDOMIZED: &str = "randomized";

/// The name of such pictures whose texts are mostly of characters that look alike.
pub const LOOK_ALIKES: &str = "look-alikes";

/// The name of such pictures in characters that a pen writes, of no font, or in the faces that are read worst.
pub const WRITTEN: &str = "written";

/// An image with what it says.
#[derive(Debug, Clone)]
pub struct Sample {
    /// The text.
    pub label: String,
    /// The image as a reader sees it: decoded again if the style saves with loss.
    pub image: RgbImage,
    /// As of [`Drawing`].
    pub place: [f64; 4],
}

/// A picture before it is saved.
#[derive(Debug, Clone)]
pub struct Drawing {
    /// The text.
    pub label: String,
    /// What was drawn.
    pub image: RgbImage,
    /// What of it a reader has to see, in pixels: left, top, right and bottom. Of a composed style, its
    /// text with a little room; of the Python library's, the whole.
    pub place: [f64; 4],
    /// How it is saved.
    pub encoding: Encoding,
}

/// A style with a seed. Picture number `index` depends on nothing but the style, the seed and `index`, so a run gives the
/// same pictures whatever the number of threads.
pub trait Draw: Send + Sync {
    /// Draws picture number `index`.
    fn drawing(&self, index: u64) -> Drawing;

    /// What picture number `index` says, without drawing it.
    fn label(&self, index: u64) -> String;

    /// The seed.
    fn seed(&self) -> u64;

    /// Picture number `index` as a reader sees it.
    fn sample(&self, index: u64) -> Sample {
        let Drawing { label, image, place, encoding } = self.drawing(index);
        let image = match encoding {
            // White shows through, which is what was painted.
            Encoding::Png | Encoding::TransparentPng => image,
            Encoding::Jpeg { quality } => {
                sound(encode::jpeg(&image, quality).and_then(|bytes| encode::decode(&bytes)))
            }
        };
        Sample { label, image, place }
    }

    /// Label, file and file name extension of picture number `index`.
    fn encoded(&self, index: u64) -> (String, Vec<u8>, &'static str) {
        let Drawing { label, image, encoding, .. } = self.drawing(index);
        let bytes = match encoding {
            Encoding::Jpeg { quality } => encode::jpeg(&image, quality),
            Encoding::Png => encode::png(&image),
            Encoding::TransparentPng => encode::transparent_png(&image),
        };
        (label, sound(bytes), encoding.extension())
    }

    /// Picture number `index` as a person cuts it out of a web page, and the place in the cut of what a reader has to see;
    /// see [`page`].
    fn page(&self, index: u64) -> Sample {
        let Sample { label, image, place } = self.sample(index);
        let cut = page::cut(&image, place, mix(mix(self.seed() ^ PAGES).wrapping_add(index)));
        let page::Cut { image, place } = sound(cut);
        Sample { label, image, place }
    }

    /// The pictures of `range`, in order, drawn on all threads of the current rayon pool.
    fn batch(&self, range: Range<u64>) -> Vec<Sample> {
        range.into_par_iter().map(|index| self.sample(index)).collect()
    }
}

/// A style by its name: a preset of the Python library's ([`Style::preset`]), a composed one ([`composed`]),
/// [`CROSSED`], [`RANDOMIZED`], [`LOOK_ALIKES`] or [`WRITTEN`].
///
/// # Errors
/// [`Error::UnknownStyle`] for any other name.
pub fn open(name: &str, seed: u64) -> Result<Box<dyn Draw>, Error> {
    match Style::preset(name) {
        Ok(style) => Ok(Box::new(Generator::new(style, seed)?)),
        Err(_) if name == CROSSED => crossed(&[], seed),
        Err(_) if name == RANDOMIZED => Ok(Box::new(Randomized::new(seed))),
        Err(_) if name == LOOK_ALIKES => Ok(Box::new(Randomized::alike(seed))),
        Err(_) if name == WRITTEN => Ok(Box::new(Randomized::written(seed))),
        Err(_) => Ok(Box::new(Composer::named(name, seed)?)),
    }
}

/// Pictures of which each part comes from any of the composed styles, but for some of them.
///
/// # Errors
/// [`Error::Empty`] where no style is left.
pub fn crossed(without: &[&str], seed: u64) -> Result<Box<dyn Draw>, Error> {
    Ok(Box::new(Crossed::new(without, seed)?))
}

/// The names of the composed styles, in alphabetical order.
#[must_use]
pub fn composed() -> Vec<&'static str> {
    Composer::names()
}

/// Every style by its name, with what it is like.
///
/// # Errors
/// [`Error::Recipe`] where a composed style's file is not sound.
pub fn styles() -> Result<Vec<(&'static str, String)>, Error> {
    let presets = PRESETS.map(|(name, about)| Ok((name, about.to_owned())));
    let composed = Composer::names().into_iter().map(|name| Ok((name, Composer::named(name, 0)?.about())));
    let crossed = (CROSSED, "Each part of a picture from any of the styles above".to_owned());
    let randomized =
        (RANDOMIZED, "Every range drawn anew for each picture, far wider than any one style's".to_owned());
    let alike = (LOOK_ALIKES, "The same, with texts mostly of characters that look alike".to_owned());
    let written = (WRITTEN, "The same, as a pen writes, or in the faces that are read worst".to_owned());
    presets.into_iter().chain(composed).chain([crossed, randomized, alike, written].map(Ok)).collect()
}

/// The result of a step that cannot fail for a style that was checked: its sizes are in range and it writes to memory.
#[allow(
    clippy::expect_used,
    reason = "a failure is a defect of this crate, and no input of a user leads to it"
)]
pub(crate) fn sound<T>(result: Result<T, Error>) -> T {
    result.expect("a checked style draws and encodes")
}

/// SplitMix64's finaliser: a bijection, so no two images of a run share a state.
pub(crate) fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}
