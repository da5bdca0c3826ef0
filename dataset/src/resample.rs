//! Pillow's resampling of RGBA: on alpha-premultiplied bytes, with bytes stored between every two steps.

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};

use crate::style::{Error, Resampling};

/// One alpha-premultiplied pixel: red, green, blue, alpha.
pub(crate) type Pixel = [u8; 4];

/// `width * height` premultiplied pixels, row by row.
#[derive(Debug, Default)]
pub(crate) struct Raster {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) pixels: Vec<Pixel>,
}

/// `value * scale / 255`, rounded.
pub(crate) fn scale(value: u8, scale: u8) -> u8 {
    let product = u32::from(value) * u32::from(scale) + 128;
    (((product >> 8) + product) >> 8) as u8
}

/// Colour at full strength times alpha.
pub(crate) fn premultiply([red, green, blue, alpha]: Pixel) -> Pixel {
    [scale(red, alpha), scale(green, alpha), scale(blue, alpha), alpha]
}

/// Divides alpha out again; few levels of colour are left where alpha is small.
pub(crate) fn unpremultiply(pixel: Pixel) -> Pixel {
    let alpha = pixel[3];
    if alpha == 0 || alpha == 255 {
        return pixel;
    }
    // Single precision is exact here: the quotient of two such integers is never within rounding of the next one.
    let inverse = |channel: u8| (255.0 * f32::from(channel) / f32::from(alpha)) as u8;
    [inverse(pixel[0]), inverse(pixel[1]), inverse(pixel[2]), alpha]
}

/// Rotates by `degrees` counter-clockwise, bilinear, onto a canvas that holds the whole result.
///
/// `source` has one pixel of margin on every side that repeats its edge; `out` gets premultiplied pixels that went
/// through one division by alpha and back, as between two of Pillow's calls.
pub(crate) fn rotate(source: &Raster, degrees: f64, out: &mut Raster) {
    let (width, height) = ((source.width - 2) as f64, (source.height - 2) as f64);
    let (sine, cosine) = (-degrees.to_radians()).sin_cos();
    let (cx, cy) = (width / 2.0, height / 2.0);
    let mut shift_x = cx - cx * cosine - cy * sine;
    let mut shift_y = cy + cx * sine - cy * cosine;
    let corners = [(0.0, 0.0), (width, 0.0), (width, height), (0.0, height)];
    let xs = corners.map(|(x, y)| cosine * x + sine * y + shift_x);
    let ys = corners.map(|(x, y)| cosine * y - sine * x + shift_y);
    let span = |values: [f64; 4]| {
        let high = values.into_iter().fold(f64::MIN, f64::max).ceil();
        high - values.into_iter().fold(f64::MAX, f64::min).floor()
    };
    let (new_width, new_height) = (span(xs), span(ys));
    let (grow_x, grow_y) = ((new_width - width) / 2.0, (new_height - height) / 2.0);
    shift_x -= cosine * grow_x + sine * grow_y;
    shift_y -= cosine * grow_y - sine * grow_x;

    out.width = new_width as usize;
    out.height = new_height as usize;
    out.pixels.clear();
    out.pixels.resize(out.width * out.height, [0; 4]);
    for (y, row) in out.pixels.chunks_exact_mut(out.width).enumerate() {
        let v = y as f64 + 0.5;
        for (x, pixel) in row.iter_mut().enumerate() {
            let u = x as f64 + 0.5;
            let from_x = cosine * u + sine * v + shift_x;
            let from_y = cosine * v - sine * u + shift_y;
            if from_x < 0.0 || from_x >= width || from_y < 0.0 || from_y >= height {
                continue;
            }
            // Half a pixel back to corners, one forward for the margin.
            let (from_x, from_y) = (from_x + 0.5, from_y + 0.5);
            let at = from_y as usize * source.width + from_x as usize;
            let (right, down) = (from_x.fract() as f32, from_y.fract() as f32);
            let upper = [source.pixels[at], source.pixels[at + 1]];
            let lower = [source.pixels[at + source.width], source.pixels[at + source.width + 1]];
            let blended = std::array::from_fn(|channel| {
                let mix = |a: f32, b: f32, share: f32| a + (b - a) * share;
                let [a, b] = upper.map(|pixel| f32::from(pixel[channel]));
                let [c, d] = lower.map(|pixel| f32::from(pixel[channel]));
                mix(mix(a, b, right), mix(c, d, right), down) as u8
            });
            *pixel = premultiply(unpremultiply(blended));
        }
    }
}

/// Plain resizing with the filter of a style; keeps buffers and filter tables between calls.
pub(crate) struct Scaler {
    resampling: Resampling,
    resizer: Resizer,
    /// Resized horizontally only.
    between: Vec<u8>,
}

impl Scaler {
    pub(crate) fn new(resampling: Resampling) -> Self {
        Self { resampling, resizer: Resizer::new(), between: Vec::new() }
    }

    /// Resizes premultiplied pixels to `width` x `height`.
    pub(crate) fn rgba(
        &mut self,
        from: &Raster,
        width: usize,
        height: usize,
        out: &mut Raster,
    ) -> Result<(), Error> {
        (out.width, out.height) = (width, height);
        out.pixels.clear();
        out.pixels.resize(width * height, [0; 4]);
        let (from_size, size) = ((from.width, from.height), (width, height));
        let from = from.pixels.as_flattened();
        self.resize::<4>(from, from_size, PixelType::U8x4, out.pixels.as_flattened_mut(), size)
    }

    /// Resizes opaque pixels of three bytes.
    pub(crate) fn rgb(
        &mut self,
        from: &[u8],
        from_size: (usize, usize),
        out: &mut [u8],
        size: (usize, usize),
    ) -> Result<(), Error> {
        self.resize::<3>(from, from_size, PixelType::U8x3, out, size)
    }

    fn resize<const BYTES: usize>(
        &mut self,
        from: &[u8],
        from_size: (usize, usize),
        pixel_type: PixelType,
        out: &mut [u8],
        size: (usize, usize),
    ) -> Result<(), Error> {
        if self.resampling == Resampling::Nearest {
            nearest::<BYTES>(from, from_size, out, size);
            return Ok(());
        }
        // One direction after the other, horizontal first: the bytes clipped in between depend on the order.
        self.between.resize(size.0 * from_size.1 * BYTES, 0);
        convolve(
            &mut self.resizer,
            pixel_type,
            (from, from_size),
            (&mut self.between, (size.0, from_size.1)),
        )?;
        convolve(&mut self.resizer, pixel_type, (&self.between, (size.0, from_size.1)), (out, size))
    }
}

/// Resizes with the cubic of a = -0.5 that Pillow calls bicubic. Alpha is premultiplied already.
fn convolve(
    resizer: &mut Resizer,
    pixel_type: PixelType,
    (from, from_size): (&[u8], (usize, usize)),
    (out, size): (&mut [u8], (usize, usize)),
) -> Result<(), Error> {
    let failed = |error: &dyn std::fmt::Display| Error::Encode(format!("resizing: {error}"));
    let from =
        ImageRef::new(from_size.0 as u32, from_size.1 as u32, from, pixel_type).map_err(|e| failed(&e))?;
    let mut out =
        Image::from_slice_u8(size.0 as u32, size.1 as u32, out, pixel_type).map_err(|e| failed(&e))?;
    let options =
        ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::CatmullRom)).use_alpha(false);
    resizer.resize(&from, &mut out, &options).map_err(|e| failed(&e))
}

fn nearest<const BYTES: usize>(from: &[u8], from_size: (usize, usize), out: &mut [u8], size: (usize, usize)) {
    let source =
        |at: usize, to: usize, count: usize| ((at as f64 + 0.5) * (count as f64 / to as f64)) as usize;
    for (y, row) in out.chunks_exact_mut(size.0 * BYTES).enumerate() {
        let start = source(y, size.1, from_size.1) * from_size.0;
        for (x, pixel) in row.chunks_exact_mut(BYTES).enumerate() {
            let at = (start + source(x, size.0, from_size.0)) * BYTES;
            pixel.copy_from_slice(&from[at..at + BYTES]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::raster;

    fn with_margin(from: &Raster) -> Raster {
        let (width, height) = (from.width + 2, from.height + 2);
        let at = |x: usize, y: usize| (y.clamp(1, from.height) - 1) * from.width + x.clamp(1, from.width) - 1;
        let pixels = (0..height).flat_map(|y| (0..width).map(move |x| from.pixels[at(x, y)])).collect();
        Raster { width, height, pixels }
    }

    /// Largest difference of a channel, and the share of channels that differ.
    fn difference(ours: &Raster, theirs: &Raster) -> (u8, f64) {
        assert_eq!((ours.width, ours.height), (theirs.width, theirs.height));
        let pairs = ours.pixels.as_flattened().iter().zip(theirs.pixels.as_flattened());
        let apart: Vec<u8> = pairs.map(|(a, b)| a.abs_diff(*b)).collect();
        let off = apart.iter().filter(|&&d| d > 0).count() as f64 / apart.len() as f64;
        (apart.into_iter().max().unwrap(), off)
    }

    #[test]
    fn rotation_is_pillows() {
        let mut rotated = Raster::default();
        rotate(&with_margin(&raster("upright")), 23.7, &mut rotated);
        let (worst, off) = difference(&rotated, &raster("rotated"));
        assert!(worst <= 1 && off < 0.001, "worst {worst}, {off} differ");
    }

    #[test]
    fn resizing_is_pillows_with_both_filters() {
        let from = raster("rotated");
        for (resampling, name) in [(Resampling::Bicubic, "bicubic"), (Resampling::Nearest, "nearest")] {
            let expected = raster(name);
            let mut resized = Raster::default();
            Scaler::new(resampling).rgba(&from, expected.width, expected.height, &mut resized).unwrap();
            if resampling == Resampling::Bicubic {
                // Pillow's nearest leaves colours as they are; the other divides alpha out, and makes two levels of one.
                resized.pixels.iter_mut().for_each(|pixel| *pixel = premultiply(unpremultiply(*pixel)));
            }
            let (worst, off) = difference(&resized, &expected);
            assert!(worst <= 2 && off < 0.005, "{name}: worst {worst}, {off} differ");
        }
    }

    #[test]
    fn squeezing_a_wide_picture_is_pillows() {
        let (from, to) = (raster("opaque"), raster("squeezed"));
        let bytes =
            |raster: &Raster| raster.pixels.iter().flat_map(|pixel| pixel[..3].to_vec()).collect::<Vec<u8>>();
        let mut squeezed = vec![0; to.width * to.height * 3];
        Scaler::new(Resampling::Bicubic)
            .rgb(&bytes(&from), (from.width, from.height), &mut squeezed, (to.width, to.height))
            .unwrap();
        assert!(squeezed.iter().zip(bytes(&to)).all(|(a, b)| a.abs_diff(b) <= 1));
    }

    #[test]
    fn dividing_alpha_out_truncates() {
        assert_eq!(unpremultiply([3, 2, 1, 4]), [191, 127, 63, 4]);
        assert_eq!(unpremultiply([9, 2, 1, 4]), [255, 127, 63, 4]);
        for alpha in 1..255_u8 {
            for channel in 0..=255_u8 {
                let exact = (255 * u32::from(channel) / u32::from(alpha)).min(255) as u8;
                assert_eq!(unpremultiply([channel, 0, 0, alpha])[0], exact);
            }
        }
    }
}
