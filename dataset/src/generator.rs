//! Draws labelled images as the Python library does, from a [`Style`] and a seed.

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

use crate::draw::{Draw, Drawing, mix, sound};
use crate::encode;
use crate::layout::{Deviation, FontSize, draw};
use crate::style::{Error, Style};

/// Draws images of one of the Python library's styles. Cheap to share between threads.
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

    /// Places in the charset of the symbols of an image, and the random numbers that draw it.
    fn symbols(&self, index: u64) -> (Vec<usize>, Pcg64Mcg) {
        let mut rng = Pcg64Mcg::seed_from_u64(mix(mix(self.seed).wrapping_add(index)));
        let length = self.length(index);
        let symbol = |_| match self.emphasis.len() {
            some @ 1.. if rng.random_bool(0.5) => self.emphasis[rng.random_range(0..some)],
            _ => rng.random_range(0..self.charset.len()),
        };
        ((0..length).map(symbol).collect(), rng)
    }

    /// All lengths take turns, so that each comes equally often. Who is first is drawn anew for each round: otherwise whoever
    /// takes every second picture, or every third, would get some lengths only.
    fn length(&self, index: u64) -> usize {
        let lengths = &self.style.lengths;
        let count = lengths.len() as u64;
        let first = mix(!self.seed ^ (index / count)) % count;
        lengths[((first + index % count) % count) as usize]
    }

    fn text(&self, symbols: &[usize]) -> String {
        symbols.iter().map(|&symbol| self.charset[symbol]).collect()
    }
}

impl Draw for Generator {
    fn drawing(&self, index: u64) -> Drawing {
        let (symbols, mut rng) = self.symbols(index);
        let canvas = draw(&self.style, &self.fonts, &symbols, self.deviation, &mut rng);
        let image = sound(canvas.and_then(encode::image));
        let place = [0.0, 0.0, self.style.width.into(), self.style.height.into()];
        Drawing { label: self.text(&symbols), image, place, encoding: self.style.encoding }
    }

    fn label(&self, index: u64) -> String {
        self.text(&self.symbols(index).0)
    }

    fn seed(&self) -> u64 {
        self.seed
    }
}
