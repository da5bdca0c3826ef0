//! Draws labelled images from a style and a seed, alone or many at once.

use std::ops::Range;

use image::RgbImage;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use rayon::iter::{IntoParallelIterator, ParallelIterator};

use crate::encode;
use crate::layout::{Canvas, Deviation, FontSize, draw};
use crate::page;
use crate::style::{Encoding, Error, Style};

/// Parts the random numbers of pages from those of pictures.
const PAGES: u64 = 0x9a6e_5000_0000_0000;

/// An image with what it says.
#[derive(Debug, Clone)]
pub struct Sample {
    /// The text.
    pub label: String,
    /// The image as a reader sees it: decoded again if the style saves with loss.
    pub image: RgbImage,
}

/// Draws images of one style. Cheap to share between threads.
pub struct Generator {
    style: Style,
    charset: Vec<char>,
    /// Places in the charset of the symbols that come oftener.
    emphasis: Vec<usize>,
    fonts: Vec<FontSize>,
    seed: u64,
    deviation: Deviation,
}

impl Generator {
    /// Checks the style and rasterises its glyphs.
    ///
    /// # Errors
    /// What [`Style::validate`] finds.
    pub fn new(style: Style, seed: u64) -> Result<Self, Error> {
        style.validate()?;
        let charset: Vec<char> = style.charset.chars().collect();
        let place = |symbol| charset.iter().position(|&known| known == symbol);
        let emphasis = style.emphasis.chars().filter_map(place).collect();
        let fonts = style
            .font_sizes
            .iter()
            .map(|&size| FontSize::new(size, &charset, style.warp))
            .collect::<Result<_, _>>()?;
        Ok(Self { style, charset, emphasis, fonts, seed, deviation: Deviation::None })
    }

    #[doc(hidden)]
    #[must_use]
    pub fn deviating(self, deviation: Deviation) -> Self {
        Self { deviation, ..self }
    }

    /// The style drawn.
    #[must_use]
    pub fn style(&self) -> &Style {
        &self.style
    }

    /// Image number `index`, which depends on nothing but the style, the seed and `index`.
    #[must_use]
    pub fn sample(&self, index: u64) -> Sample {
        let (label, canvas) = self.draw(index);
        let image = sound(match self.style.encoding {
            Encoding::Png => encode::image(canvas),
            Encoding::Jpeg { quality } => {
                encode::jpeg(&canvas, quality).and_then(|bytes| encode::decode(&bytes))
            }
        });
        Sample { label, image }
    }

    /// Image number `index` as a person cuts it out of a web page; see [`page`].
    #[must_use]
    pub fn page_sample(&self, index: u64) -> Sample {
        let (label, cut) = self.page(index);
        Sample { label, image: cut.image }
    }

    /// The same, with the place of the picture in the cut.
    #[must_use]
    pub fn page(&self, index: u64) -> (String, page::Cut) {
        let Sample { label, image } = self.sample(index);
        (label, sound(page::cut(&image, mix(mix(self.seed ^ PAGES).wrapping_add(index)))))
    }

    /// Label and file of image number `index`, in the encoding of the style.
    #[must_use]
    pub fn encoded(&self, index: u64) -> (String, Vec<u8>) {
        let (label, canvas) = self.draw(index);
        let bytes = match self.style.encoding {
            Encoding::Jpeg { quality } => encode::jpeg(&canvas, quality),
            Encoding::Png => encode::png(canvas),
        };
        (label, sound(bytes))
    }

    /// The images of `range`, in order, drawn on all threads of the current rayon pool.
    #[must_use]
    pub fn batch(&self, range: Range<u64>) -> Vec<Sample> {
        range.into_par_iter().map(|index| self.sample(index)).collect()
    }

    /// What image number `index` says, without drawing it.
    #[must_use]
    pub fn label(&self, index: u64) -> String {
        self.text(&self.symbols(index).0)
    }

    fn draw(&self, index: u64) -> (String, Canvas) {
        let (symbols, mut rng) = self.symbols(index);
        let canvas = sound(draw(&self.style, &self.fonts, &symbols, self.deviation, &mut rng));
        (self.text(&symbols), canvas)
    }

    /// Places in the charset of the symbols of an image, and the random numbers that draw it.
    fn symbols(&self, index: u64) -> (Vec<usize>, Pcg64Mcg) {
        let mut rng = Pcg64Mcg::seed_from_u64(mix(mix(self.seed).wrapping_add(index)));
        let length = self.style.lengths[(index % self.style.lengths.len() as u64) as usize];
        let symbol = |_| match self.emphasis.len() {
            some @ 1.. if rng.random_bool(0.5) => self.emphasis[rng.random_range(0..some)],
            _ => rng.random_range(0..self.charset.len()),
        };
        ((0..length).map(symbol).collect(), rng)
    }

    fn text(&self, symbols: &[usize]) -> String {
        symbols.iter().map(|&symbol| self.charset[symbol]).collect()
    }
}

/// The result of a step that cannot fail for a style that was validated: its sizes are in range and it writes to memory.
#[allow(
    clippy::expect_used,
    reason = "a failure is a defect of this crate, and no input of a user leads to it"
)]
fn sound<T>(result: Result<T, Error>) -> T {
    result.expect("a validated style draws and encodes")
}

/// SplitMix64's finaliser: a bijection, so no two images of a run share a state.
fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}
