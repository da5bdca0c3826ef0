//! A picture at the size at which a screen shows it. Chromium scales exactly, begins at a whole pixel of the page, which may be
//! anywhere between two of the screen's, and lets the ground shine through pixels that the picture covers in part.

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};
use image::RgbImage;
use rand::{Rng, RngExt};

use crate::style::Error;

/// How others than Chromium resample, more or less.
const OTHERS: [FilterType; 4] =
    [FilterType::Bilinear, FilterType::CatmullRom, FilterType::Box, FilterType::Mitchell];
/// Where Chromium looks at a picture of half the size in place of the picture, if it is none of a canvas.
const HALF: f64 = 0.5;
/// Pixels of a page that a picture may begin at. What matters is where between the screen's pixels that comes to lie.
const STARTS: std::ops::Range<u32> = 0..200;
/// Parts of a screen's pixel that are told apart; what is between them are errors of rounding.
const PARTS: f64 = 64.0;
/// Pixels that a picture grows by on each side, so that what is asked for beyond its edge is what is at its edge.
const BEYOND: u32 = 4;

/// How a picture is shown.
#[derive(Clone, Copy, Debug)]
pub(super) enum Way {
    /// As Chromium shows it, beginning so far right of and below a screen's pixel, from 0 to 1 each.
    Chromium { begins: [f64; 2], canvas: bool },
    /// With a filter, from whole pixel to whole pixel.
    Filtered(FilterType),
}

impl Way {
    /// Six in ten are shown by Chromium.
    pub(super) fn random(scale: f64, rng: &mut impl Rng) -> Self {
        if rng.random_bool(0.4) {
            return Self::Filtered(OTHERS[rng.random_range(0..OTHERS.len())]);
        }
        let begins = [(); 2].map(|()| {
            let begins = f64::from(rng.random_range(STARTS)) * scale;
            ((begins * PARTS).round() / PARTS).fract()
        });
        Self::Chromium { begins, canvas: rng.random_bool(0.15) }
    }
}

/// A picture on the screen: all pixels that it covers, if in part.
pub(super) struct Shown {
    pub(super) image: RgbImage,
    /// Left, top, right and bottom of the picture in these, in pixels.
    pub(super) edges: [f64; 4],
}

impl Shown {
    /// How much of this pixel the picture covers, from 0 to 1.
    pub(super) fn covered(&self, x: u32, y: u32) -> f64 {
        let part = |at: u32, from: f64, to: f64| {
            ((f64::from(at) + 1.0).min(to) - f64::from(at).max(from)).clamp(0.0, 1.0)
        };
        let [left, top, right, bottom] = self.edges;
        part(x, left, right) * part(y, top, bottom)
    }
}

/// Shows a picture with so many screen pixels for each of its own.
pub(super) fn shown(picture: &RgbImage, scale: f64, way: Way) -> Result<Shown, Error> {
    let sides = [picture.width(), picture.height()].map(f64::from);
    match way {
        Way::Filtered(filter) => {
            let [width, height] = sides.map(|side| ((side * scale).round()).max(1.0));
            let whole = [0.0, 0.0, sides[0], sides[1]];
            let image = resized(picture, whole, [width, height], ResizeAlg::Convolution(filter))?;
            Ok(Shown { image, edges: [0.0, 0.0, width, height] })
        }
        Way::Chromium { begins, canvas } => {
            let edges = [begins[0], begins[1], begins[0] + sides[0] * scale, begins[1] + sides[1] * scale];
            let covered = [edges[2], edges[3]].map(f64::ceil);
            let source = match scale <= HALF && !canvas {
                true => resized(
                    picture,
                    [0.0, 0.0, sides[0], sides[1]],
                    sides.map(|side| (side / 2.0).ceil()),
                    ResizeAlg::Convolution(FilterType::Box),
                )?,
                false => picture.clone(),
            };
            // Pixels of the source for each of the screen's.
            let step =
                [0, 1].map(|axis| f64::from([source.width(), source.height()][axis]) / (sides[axis] * scale));
            let around =
                RgbImage::from_fn(source.width() + 2 * BEYOND, source.height() + 2 * BEYOND, |x, y| {
                    let within = |at: u32, side: u32| at.saturating_sub(BEYOND).min(side - 1);
                    *source.get_pixel(within(x, source.width()), within(y, source.height()))
                });
            let [left, top] = [0, 1].map(|axis| f64::from(BEYOND) - begins[axis] * step[axis]);
            let area = [left, top, covered[0] * step[0], covered[1] * step[1]];
            let image = resized(&around, area, covered, ResizeAlg::Interpolation(FilterType::Bilinear))?;
            Ok(Shown { image, edges })
        }
    }
}

/// An area of a picture, left, top, width and height, in another size.
fn resized(
    picture: &RgbImage,
    [left, top, width, height]: [f64; 4],
    size: [f64; 2],
    algorithm: ResizeAlg,
) -> Result<RgbImage, Error> {
    let failed = |error: &dyn std::fmt::Display| Error::Encode(error.to_string());
    let source = ImageRef::new(picture.width(), picture.height(), picture.as_raw(), PixelType::U8x3)
        .map_err(|error| failed(&error))?;
    let mut target = Image::new(size[0] as u32, size[1] as u32, PixelType::U8x3);
    let options = ResizeOptions::new().resize_alg(algorithm).crop(left, top, width, height);
    Resizer::new().resize(&source, &mut target, &options).map_err(|error| failed(&error))?;
    RgbImage::from_raw(target.width(), target.height(), target.into_vec())
        .ok_or_else(|| failed(&"too few pixels"))
}

#[cfg(test)]
mod tests {
    use image::Rgb;

    use super::*;

    fn row(values: &[u8]) -> RgbImage {
        RgbImage::from_fn(values.len() as u32, 2, |x, _| Rgb([values[x as usize]; 3]))
    }

    fn levels(values: &[u8], scale: f64, begins: f64, canvas: bool) -> Vec<u8> {
        let way = Way::Chromium { begins: [begins, 0.0], canvas };
        let shown = shown(&row(values), scale, way).unwrap();
        shown.image.pixels().take(shown.image.width() as usize).map(|pixel| pixel.0[0]).collect()
    }

    #[test]
    fn chromium_looks_at_the_nearest_pixels_alone_even_where_it_makes_smaller() {
        assert_eq!(levels(&[0, 0, 240, 0, 0, 0, 0, 0, 0], 1.0 / 3.0, 0.0, true), [0, 0, 0]);
        assert_eq!(levels(&[0, 240, 0, 0, 0, 0, 0, 0, 0], 1.0 / 3.0, 0.0, true), [240, 0, 0]);
        assert_eq!(levels(&[0, 240, 0, 0], 1.5, 0.0, false), [0, 120, 200, 40, 0, 0]);
    }

    #[test]
    fn where_a_picture_begins_decides_between_which_pixels_it_is_asked_for() {
        // Seven screen pixels, the first and the last half covered; the second is asked for at a sixth of the picture's first to its
        // second, the third at five sixths.
        assert_eq!(levels(&[0, 240, 0, 0], 1.5, 0.5, false), [0, 40, 200, 120, 0, 0, 0]);
        assert_eq!(levels(&[10, 240, 30, 70], 1.0, 0.0, false), [10, 240, 30, 70]);
    }

    #[test]
    fn at_half_the_size_two_pixels_are_one_except_in_a_canvas() {
        let values = [0, 200, 100, 0, 80, 80];
        assert_eq!(levels(&values, 0.5, 0.0, false), [100, 50, 80]);
        assert_eq!(levels(&values, 0.5, 0.0, true), [100, 50, 80]);
        // Half a pixel on, means of means, and of a canvas single pixels.
        assert_eq!(levels(&values, 0.5, 0.5, false), [100, 75, 65, 80]);
        assert_eq!(levels(&values, 0.5, 0.5, true), [0, 150, 40, 80]);
    }

    #[test]
    fn pixels_at_the_edges_are_covered_in_part() {
        let way = Way::Chromium { begins: [0.75, 0.0], canvas: false };
        let shown = shown(&row(&[9; 5]), 1.5, way).unwrap();
        assert_eq!((shown.image.dimensions(), shown.edges), ((9, 3), [0.75, 0.0, 8.25, 3.0]));
        let covered: Vec<f64> = (0..9).map(|x| shown.covered(x, 1)).collect();
        assert_eq!(covered, [0.25, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.25]);
        assert!(shown.image.pixels().all(|pixel| pixel.0 == [9; 3]));
    }
}
