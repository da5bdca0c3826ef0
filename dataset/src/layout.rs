//! A whole picture: background, characters side by side, noise and smoothing.

use rand::RngExt;
use rand_pcg::Pcg64Mcg;

use crate::character::Brush;
use crate::font::{Face, Glyph};
use crate::noise;
use crate::resample::Scaler;
use crate::style::{Error, Style, Warp};

/// A known mistake to draw with, so that tests can show that it would be noticed.
#[doc(hidden)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Deviation {
    /// None: as the Python library draws.
    #[default]
    None,
    /// Strokes with soft edges: the paste respects alpha.
    SoftStrokes,
    /// Luminance itself is the paste mask.
    PlainMask,
}

/// `width * height` pixels of red, green and blue, row by row.
#[derive(Debug, Clone)]
pub(crate) struct Canvas {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) bytes: Vec<u8>,
}

impl Canvas {
    pub(crate) fn filled(width: usize, height: usize, color: [u8; 3]) -> Self {
        Self { width, height, bytes: color.repeat(width * height) }
    }

    /// Sets a pixel; outside the canvas nothing happens.
    pub(crate) fn set(&mut self, x: i64, y: i64, color: [u8; 3]) {
        if (0..self.width as i64).contains(&x) && (0..self.height as i64).contains(&y) {
            let at = (y as usize * self.width + x as usize) * 3;
            self.bytes[at..at + 3].copy_from_slice(&color);
        }
    }
}

/// The glyphs of one font size.
pub(crate) struct FontSize {
    /// In the order of the charset.
    glyphs: Vec<Glyph>,
    /// Width of a blank's text box.
    blank_width: u32,
}

impl FontSize {
    pub(crate) fn new(pixels: u32, charset: &[char], version: Warp) -> Result<Self, Error> {
        let face = Face::new(pixels)?;
        let glyphs = charset.iter().map(|&symbol| face.glyph(symbol));
        let blank_width = face.blank().0;
        Ok(match version {
            Warp::V0_3 => Self { glyphs: glyphs.collect::<Result<_, _>>()?, blank_width },
            Warp::V0_7_1 => {
                let glyphs = glyphs.map(|glyph| glyph.map(Glyph::boxed_from_one_one));
                Self { glyphs: glyphs.collect::<Result<_, _>>()?, blank_width: blank_width + 1 }
            }
        })
    }
}

/// Draws the symbols with the indices `symbols` of the charset.
pub(crate) fn draw(
    style: &Style,
    fonts: &[FontSize],
    symbols: &[usize],
    deviation: Deviation,
    rng: &mut Pcg64Mcg,
) -> Result<Canvas, Error> {
    let background = [(); 3].map(|()| rng.random_range(238..=255));
    let color = [(); 3].map(|()| rng.random_range(10..=200));
    let alpha = rng.random_range(220..=255);
    let (width, height) = (style.width as usize, style.height as usize);

    // Before each symbol a blank is put in half of the time; it has a width but nothing to paste.
    let mut boxes: Vec<(u32, Option<&Glyph>)> = Vec::with_capacity(symbols.len() * 2);
    for &symbol in symbols {
        if rng.random_bool(0.5) {
            boxes.push((pick(fonts, rng).blank_width, None));
        }
        let glyph = &pick(fonts, rng).glyphs[symbol];
        boxes.push((glyph.width, Some(glyph)));
    }
    let text_width = boxes.iter().map(|&(width, _)| width as usize).sum::<usize>();
    let average = (text_width / symbols.len()) as f64;
    let overlap = (average * 0.25) as i64;
    let mut left = (average * 0.1) as i64;

    let mut canvas = Canvas::filled(text_width.max(width), height, background);
    let mut brush = Brush::new(color, alpha, Scaler::new(style.resampling), style.warp, deviation);
    for (box_width, glyph) in boxes {
        if let Some(glyph) = glyph {
            // Half of a negative difference is rounded towards zero, as everywhere here.
            let top = (height as i64 - i64::from(glyph.height)) / 2;
            brush.draw(glyph, rng, &mut canvas, (left, top))?;
        }
        left += i64::from(box_width) - rng.random_range(0..=overlap);
    }
    if canvas.width > width {
        let mut squeezed = Canvas::filled(width, height, background);
        let from_size = (canvas.width, height);
        Scaler::new(style.resampling).rgb(&canvas.bytes, from_size, &mut squeezed.bytes, (width, height))?;
        canvas = squeezed;
    }
    noise::dots(&mut canvas, color, rng);
    noise::arc(&mut canvas, color, style.warp, rng);
    Ok(noise::smooth(&canvas))
}

fn pick<'a>(fonts: &'a [FontSize], rng: &mut Pcg64Mcg) -> &'a FontSize {
    &fonts[rng.random_range(0..fonts.len())]
}
