//! One character: inked, rotated, warped and pasted onto the canvas.

use rand::RngExt;

use crate::font::{Glyph, Ink, LEFT_MARGINS};
use crate::layout::{Canvas, Deviation};
use crate::resample::{Pixel, Raster, Scaler, premultiply, rotate, scale, unpremultiply};
use crate::style::{Error, Warp};

/// The paste mask is luminance times this, so all but dark text is opaque.
const MASK_GAIN: f64 = 1.97;

/// What all characters of one image share, with buffers kept from one to the next.
pub(crate) struct Brush {
    scaler: Scaler,
    warp: Warp,
    deviation: Deviation,
    /// Premultiplied pixel for each coverage.
    inked: [Pixel; 256],
    /// Paste mask for each luminance.
    mask: [u8; 256],
    upright: Raster,
    rotated: Raster,
    resized: Raster,
}

impl Brush {
    /// A brush for text of `color` (red, green, blue) and `alpha`.
    pub(crate) fn new(color: [u8; 3], alpha: u8, scaler: Scaler, warp: Warp, deviation: Deviation) -> Self {
        let gain = if deviation == Deviation::PlainMask { 1.0 } else { MASK_GAIN };
        // Any coverage at all gives the full colour; how much only shows in alpha.
        let inked = std::array::from_fn(|coverage| {
            let alpha = scale(coverage as u8, alpha);
            premultiply([color[0], color[1], color[2], alpha])
        });
        Self {
            scaler,
            warp,
            deviation,
            inked,
            mask: std::array::from_fn(|luminance| (luminance as f64 * gain).round().min(255.0) as u8),
            upright: Raster::default(),
            rotated: Raster::default(),
            resized: Raster::default(),
        }
    }

    /// Draws `glyph` with its text box's upper left corner at (`left`, `top`) of the canvas; either may be negative.
    pub(crate) fn draw(
        &mut self,
        glyph: &Glyph,
        rng: &mut impl RngExt,
        canvas: &mut Canvas,
        (left, top): (i64, i64),
    ) -> Result<(), Error> {
        self.ink(glyph.ink(rng.random_range(0..LEFT_MARGINS as usize)));
        rotate(&self.upright, rng.random_range(-30.0..=30.0), &mut self.rotated);
        let (width, height) = (f64::from(glyph.width), f64::from(glyph.height));
        let (reach_x, reach_y) = match self.warp {
            Warp::V0_3 => (width * rng.random_range(0.1..=0.3), height * rng.random_range(0.2..=0.3)),
            Warp::V0_7_1 => {
                (width * rng.random_range(0.0..=0.2) + 0.1, height * rng.random_range(0.0..=0.1) + 0.2)
            }
        };
        let mut within = |reach: f64| rng.random_range(-reach..=reach).trunc();
        let (x1, y1, x2, y2) = (within(reach_x), within(reach_y), within(reach_x), within(reach_y));
        let (wide, high) = (width + x1.abs() + x2.abs(), height + y1.abs() + y2.abs());
        self.scaler.rgba(&self.rotated, wide as usize, high as usize, &mut self.resized)?;
        let corners = Corners {
            upper_left: (x1, y1),
            lower_left: (-x1, high - y2),
            lower_right: (wide + x2, high + y2),
            upper_right: (wide - x2, -y1),
        };
        self.paste(&corners, (glyph.width, glyph.height), canvas, (left, top));
        Ok(())
    }

    /// Lays the ink out as pixels, with a margin that repeats the edge.
    fn ink(&mut self, ink: &Ink) {
        let out = &mut self.upright;
        (out.width, out.height) = (ink.width + 2, ink.height + 2);
        out.pixels.clear();
        for y in 0..out.height {
            let row = y.clamp(1, ink.height) - 1;
            let row = &ink.coverage[row * ink.width..][..ink.width];
            let pixel = |coverage: u8| self.inked[usize::from(coverage)];
            out.pixels.push(pixel(row[0]));
            out.pixels.extend(row.iter().map(|&coverage| pixel(coverage)));
            out.pixels.push(pixel(row[ink.width - 1]));
        }
    }

    /// Maps the quadrilateral of the resized character onto a box of `size`, nearest neighbour, and blends that into
    /// the canvas with its luminance as mask.
    fn paste(&self, corners: &Corners, size: (u32, u32), canvas: &mut Canvas, (left, top): (i64, i64)) {
        let source = &self.resized;
        let (source_width, source_height) = (source.width as f64, source.height as f64);
        let (xs, ys) = corners.bilinear(size);
        let columns = (-left).clamp(0, size.0.into())..(canvas.width as i64 - left).clamp(0, size.0.into());
        let rows = (-top).clamp(0, size.1.into())..(canvas.height as i64 - top).clamp(0, size.1.into());
        for y in rows {
            let v = y as f64 + 0.5;
            let start = (top + y) as usize * canvas.width;
            for x in columns.clone() {
                let u = x as f64 + 0.5;
                let from_x = xs[0] + xs[1] * u + xs[2] * v + xs[3] * u * v;
                let from_y = ys[0] + ys[1] * u + ys[2] * v + ys[3] * u * v;
                if from_x < 0.0 || from_x >= source_width || from_y < 0.0 || from_y >= source_height {
                    continue;
                }
                let pixel = source.pixels[from_y as usize * source.width + from_x as usize];
                if pixel == [0; 4] {
                    continue;
                }
                let pixel = unpremultiply(pixel);
                let mut mask = self.mask[usize::from(luminance(pixel))];
                if self.deviation == Deviation::SoftStrokes {
                    mask = scale(mask, pixel[3]);
                }
                let at = (start + (left + x) as usize) * 3;
                for (under, over) in canvas.bytes[at..at + 3].iter_mut().zip(pixel) {
                    *under = blend(*under, over, mask);
                }
            }
        }
    }
}

/// ITU-R 601 luminance; alpha plays no part.
fn luminance([red, green, blue, _]: Pixel) -> u8 {
    ((u32::from(red) * 19_595 + u32::from(green) * 38_470 + u32::from(blue) * 7_471 + 0x8000) >> 16) as u8
}

fn blend(under: u8, over: u8, mask: u8) -> u8 {
    let sum = u32::from(over) * u32::from(mask) + u32::from(under) * (255 - u32::from(mask)) + 128;
    (((sum >> 8) + sum) >> 8) as u8
}

/// A quadrilateral in the source of a warp.
struct Corners {
    upper_left: (f64, f64),
    lower_left: (f64, f64),
    lower_right: (f64, f64),
    upper_right: (f64, f64),
}

impl Corners {
    /// Coefficients of 1, u, v and uv that take a point of a `size` box to source x and y.
    fn bilinear(&self, size: (u32, u32)) -> ([f64; 4], [f64; 4]) {
        let (width, height) = (f64::from(size.0), f64::from(size.1));
        let along = |pick: fn((f64, f64)) -> f64| {
            let [a, b, c, d] =
                [self.upper_left, self.lower_left, self.lower_right, self.upper_right].map(pick);
            [a, (d - a) / width, (b - a) / height, (c - b - d + a) / (width * height)]
        };
        (along(|point| point.0), along(|point| point.1))
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_pcg::Pcg64Mcg;

    use super::*;
    use crate::fixtures::{self, raster};
    use crate::font::Face;
    use crate::style::Resampling;

    const WHITE: [u8; 3] = [255; 3];
    const DRAWS: usize = 400;

    /// Share of the text box that is inked, in as many drawings as the fixture's figures come from.
    fn shares(symbol: char, resampling: Resampling) -> Vec<f64> {
        let mut rng = Pcg64Mcg::seed_from_u64(u64::from(symbol));
        let glyph = Face::new(40).unwrap().glyph(symbol).unwrap();
        let mut brush = Brush::new([120; 3], 240, Scaler::new(resampling), Warp::V0_3, Deviation::None);
        let mut share = || {
            let mut canvas = Canvas::filled(200, 80, WHITE);
            brush.draw(&glyph, &mut rng, &mut canvas, (20, 10)).unwrap();
            let inked = canvas.bytes.chunks(3).filter(|pixel| pixel != &WHITE).count();
            inked as f64 / f64::from(glyph.width * glyph.height)
        };
        (0..DRAWS).map(|_| share()).collect()
    }

    /// Difference of our mean from Python's in standard errors, for every symbol.
    fn differences(resampling: Resampling) -> Vec<(char, f64)> {
        let rows = fixtures::rows::<3>(include_str!("../tests/fixtures/ink.csv"));
        let difference = |[symbol, theirs, error]: [&str; 3]| {
            let symbol = symbol.chars().next().unwrap();
            let shares = shares(symbol, resampling);
            let mean = shares.iter().sum::<f64>() / DRAWS as f64;
            let squares = shares.iter().map(|share| (share - mean).powi(2)).sum::<f64>();
            let variance = squares / ((DRAWS - 1) * DRAWS) as f64 + error.parse::<f64>().unwrap().powi(2);
            (symbol, (mean - theirs.parse::<f64>().unwrap()) / variance.sqrt())
        };
        rows.map(difference).collect()
    }

    #[test]
    fn warping_is_pillows() {
        let warped = raster("warped");
        let (width, height) = (warped.width, warped.height);
        let (color, alpha) = ([201, 34, 118], 229);
        let scaler = Scaler::new(Resampling::Bicubic);
        let mut brush = Brush::new(color, alpha, scaler, Warp::V0_3, Deviation::PlainMask);
        brush.resized = raster("bicubic");
        let corners = Corners {
            upper_left: (4.0, -5.0),
            lower_left: (-4.0, 49.0),
            lower_right: (28.0, 65.0),
            upper_right: (34.0, 5.0),
        };
        let mut canvas = Canvas::filled(width, height, WHITE);
        brush.paste(&corners, (width as u32, height as u32), &mut canvas, (0, 0));

        let expected = warped.pixels.iter().flat_map(|&pixel| match pixel {
            [0, 0, 0, 0] => WHITE,
            _ => {
                let [red, green, blue, _] = unpremultiply(pixel);
                let mask = luminance([red, green, blue, 0]);
                [red, green, blue].map(|over| blend(255, over, mask))
            }
        });
        let off = canvas.bytes.iter().zip(expected).filter(|(ours, theirs)| ours.abs_diff(*theirs) > 1);
        assert_eq!(off.count(), 0);
        assert!(canvas.bytes.chunks(3).filter(|pixel| pixel != &WHITE).count() > width * height / 4);
    }

    #[test]
    fn every_symbol_is_inked_as_much_as_pythons() {
        let differences = differences(Resampling::Bicubic);
        assert_eq!(differences.len(), 59);
        for (symbol, difference) in &differences {
            assert!(difference.abs() < 4.0, "{symbol:?} is off by {difference:.1} standard errors");
        }
        // A bias too small to show in one symbol shows in all of them together.
        let mean = differences.iter().map(|(_, difference)| difference).sum::<f64>() / 59.0;
        assert!(mean.abs() < 0.5, "all symbols together are off by {mean:.2} of their standard errors");
    }

    #[test]
    fn another_filter_inks_differently() {
        let differences = differences(Resampling::Nearest);
        let mean = differences.iter().map(|(_, difference)| difference).sum::<f64>() / 59.0;
        assert!(mean.abs() > 5.0, "the other filter differs by {mean:.2} standard errors only");
    }
}
