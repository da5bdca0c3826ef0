//! A picture to the grey, evenly lit, 48 pixels high form that the networks read.

use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer, images::Image};
use image::RgbImage;

/// Pixels from top to bottom that the networks read.
pub const HEIGHT: usize = 48;
/// Least pixels from left to right: what the networks were trained on.
pub const WIDTH: usize = 128;
/// Most pixels from left to right; a wider picture is made smaller instead.
pub const MAX_WIDTH: usize = 512;
/// Widths are rounded up to this, so that an engine sees few shapes and pictures share batches.
const WIDTH_STEP: usize = 64;
/// Levels that a ground varies by from pixel to pixel.
const GROUND_NOISE: u8 = 8;
/// How much smaller than the frame's height a picture may become to fit its width.
const NEARLY: f64 = 0.88;

/// One picture as the networks read it.
#[derive(Clone, Debug, PartialEq)]
pub struct PreparedImage {
    /// Row-major, [`HEIGHT`] rows; mean 0 and deviation 1 over the picture itself.
    pub pixels: Vec<f32>,
    /// Pixels from left to right: [`WIDTH`] or a larger multiple of 64, up to [`MAX_WIDTH`].
    pub width: usize,
    /// The value of the picture's ground, which fills what it leaves of the frame.
    pub ground: f32,
    /// Whether it looks like one of the Python library's pictures, as far as anything has looked.
    pub library: bool,
}

/// The most that pixels of an even picture differ by: one grey level, as [`prepare`] brings it out.
const EVEN: f32 = 0.5;

impl PreparedImage {
    /// Whether there is nothing in the picture. A network was never shown that, and may read anything in it.
    pub fn is_blank(&self) -> bool {
        let (least, most) =
            self.pixels.iter().fold((f32::INFINITY, f32::NEG_INFINITY), |(least, most), &pixel| {
                (least.min(pixel), most.max(pixel))
            });
        most - least <= EVEN
    }

    /// The same in the middle of a frame of this width; as it is where its own is as wide or wider.
    #[must_use]
    pub fn widened(self, width: usize) -> Self {
        let Some(more @ 1..) = width.checked_sub(self.width) else { return self };
        let mut pixels = vec![self.ground; width * HEIGHT];
        for (to, from) in pixels.chunks_exact_mut(width).zip(self.pixels.chunks_exact(self.width)) {
            to[more / 2..more / 2 + self.width].copy_from_slice(from);
        }
        Self { pixels, width, ..self }
    }
}

/// Fits a picture into a frame that is no wider than `widest`, from [`WIDTH`] to [`MAX_WIDTH`]: what its network reads at
/// most. Its proportions are kept: what does not fill the frame is padded with the picture's own ground, since a stretched
/// letter is a different letter. Light text on a dark ground is turned over.
pub fn prepare(picture: &RgbImage, widest: usize) -> PreparedImage {
    let [right, bottom] = [picture.width(), picture.height()].map(f64::from);
    prepare_part(picture, [0.0, 0.0, right, bottom], widest)
}

/// The same of a part of a picture: its left, top, right and bottom edge within the picture, in pixels, which may lie between two of
/// them.
pub(super) fn prepare_part(picture: &RgbImage, part: [f64; 4], widest: usize) -> PreparedImage {
    let [left, top, right, bottom] = part;
    let (inner_width, inner_height) = fitted(right - left, bottom - top, widest.clamp(WIDTH, MAX_WIDTH));
    let grey = resize(picture, part, (inner_width, inner_height));
    let ground = border_median(&grey, inner_width, inner_height);
    let (grey, inner_width) = without_blank_columns(grey, inner_width, ground);
    let count = grey.len() as f32;
    let mean = grey.iter().map(|&value| f32::from(value)).sum::<f32>() / count;
    let variance = grey.iter().map(|&value| (f32::from(value) - mean).powi(2)).sum::<f32>() / count;
    // An even picture has nothing to bring out: below a few grey levels, deviation is noise.
    let gain = 1.0 / variance.sqrt().max(2.0);
    let gain = if f32::from(ground) < mean { -gain } else { gain };
    let light = |value: u8| (f32::from(value) - mean) * gain;

    let outer_width = framed(inner_width);
    let mut pixels = vec![light(ground); outer_width * HEIGHT];
    let (left, top) = ((outer_width - inner_width) / 2, (HEIGHT - inner_height) / 2);
    for (row, line) in grey.chunks_exact(inner_width).enumerate() {
        let start = (top + row) * outer_width + left;
        for (to, &from) in pixels[start..start + inner_width].iter_mut().zip(line) {
            *to = light(from);
        }
    }
    PreparedImage { pixels, width: outer_width, ground: light(ground), library: false }
}

/// The width and height that a picture of this size has in a frame that is no wider than `widest`.
fn fitted(width: f64, height: f64, widest: usize) -> (usize, usize) {
    let (width_fits, height_fits) = (WIDTH as f64 / width, HEIGHT as f64 / height);
    // A picture that is hardly too wide is made a little smaller instead of the frame larger by half.
    let least = height_fits * NEARLY;
    let scale = if width_fits >= least { height_fits.min(width_fits) } else { height_fits };
    let scale = scale.min(widest as f64 / width);
    let fit = |side: f64, most: usize| ((side * scale).round() as usize).clamp(1, most);
    (fit(width, widest), fit(height, HEIGHT))
}

/// The frame's width for what is so wide in it.
fn framed(inner_width: usize) -> usize {
    inner_width.max(WIDTH).next_multiple_of(WIDTH_STEP)
}

/// Drops columns of nothing but ground from both ends of a picture wider than the frame, as far as the frame needs it:
/// a wider frame for them would cost half as much again and show nothing more.
fn without_blank_columns(grey: Vec<u8>, width: usize, ground: u8) -> (Vec<u8>, usize) {
    let too_wide = width.saturating_sub(WIDTH);
    let blank = |column: usize| {
        grey.iter().skip(column).step_by(width).all(|value| value.abs_diff(ground) <= GROUND_NOISE)
    };
    let left = (0..too_wide).take_while(|&column| blank(column)).count();
    let right = (0..too_wide).take_while(|&column| blank(width - 1 - column)).count();
    if left + right == 0 {
        return (grey, width);
    }
    // As much from one end as from the other, where both have it to give.
    let left = left.min(too_wide.div_ceil(2).max(too_wide.saturating_sub(right)));
    let right = right.min(too_wide - left);
    let kept = left..width - right;
    (grey.chunks_exact(width).flat_map(|row| row[kept.clone()].iter().copied()).collect(), kept.len())
}

/// ITU-R 601 luminance, rounded.
fn luminance(picture: &RgbImage) -> Vec<u8> {
    picture
        .pixels()
        .map(|pixel| {
            let [red, green, blue] = pixel.0.map(u32::from);
            ((red * 19_595 + green * 38_470 + blue * 7_471 + 0x8000) >> 16) as u8
        })
        .collect()
}

/// A part of a picture, in grey and of another size. What has the size already is copied.
fn resize(picture: &RgbImage, [left, top, right, bottom]: [f64; 4], to: (usize, usize)) -> Vec<u8> {
    let (width, height) = (right - left, bottom - top);
    let options = ResizeOptions::new()
        .resize_alg(ResizeAlg::Convolution(FilterType::CatmullRom))
        .crop(left, top, width, height);
    let source = Image::from_vec_u8(picture.width(), picture.height(), luminance(picture), PixelType::U8);
    let mut target = Image::new(to.0 as u32, to.1 as u32, PixelType::U8);
    match source.map(|source| Resizer::new().resize(&source, &mut target, &options)) {
        Ok(Ok(())) => {}
        // Cannot be: both are of one type, and the part is above zero and in the picture. An even picture reads as nothing.
        error => tracing::error!(?error, "resizing failed"),
    }
    target.into_vec()
}

/// The median of the outermost pixels: the ground that the characters stand on.
fn border_median(grey: &[u8], width: usize, height: usize) -> u8 {
    let mut counts = [0_usize; 256];
    for (row, line) in grey.chunks_exact(width).enumerate() {
        if row == 0 || row + 1 == height {
            line.iter().for_each(|&value| counts[usize::from(value)] += 1);
        } else {
            counts[usize::from(line[0])] += 1;
            counts[usize::from(line[width - 1])] += 1;
        }
    }
    let half = counts.iter().sum::<usize>() / 2;
    let mut seen = 0;
    let median = counts.iter().position(|count| {
        seen += count;
        seen > half
    });
    median.and_then(|value| u8::try_from(value).ok()).unwrap_or(u8::MAX)
}

#[cfg(test)]
mod tests {
    use image::Rgb;

    use super::*;

    fn with_box(width: u32, height: u32, ground: u8, ink: u8) -> RgbImage {
        RgbImage::from_fn(width, height, |x, y| {
            let inside = x > width / 3 && x < width / 2 && y > height / 4 && y < height * 3 / 4;
            Rgb([if inside { ink } else { ground }; 3])
        })
    }

    #[test]
    fn a_picture_of_one_colour_is_blank_and_a_faint_one_is_not() {
        for (width, height, ground) in [(128, 48, 255), (200, 80, 0), (30, 300, 97)] {
            assert!(prepare(&with_box(width, height, ground, ground), MAX_WIDTH).is_blank());
        }
        assert!(!prepare(&with_box(128, 48, 240, 230), MAX_WIDTH).is_blank());
    }

    #[test]
    fn the_trained_size_passes_unscaled() {
        let prepared = prepare(&with_box(128, 48, 240, 30), MAX_WIDTH);
        assert_eq!((prepared.width, prepared.pixels.len()), (128, 128 * 48));
        let mean = prepared.pixels.iter().sum::<f32>() / prepared.pixels.len() as f32;
        let variance = prepared.pixels.iter().map(|value| (value - mean).powi(2)).sum::<f32>()
            / prepared.pixels.len() as f32;
        assert!(mean.abs() < 1e-3 && (variance - 1.0).abs() < 1e-3, "{mean} {variance}");
    }

    #[test]
    fn a_part_may_begin_between_two_pixels() {
        // Dark up to column 84, then light.
        let picture = RgbImage::from_fn(200, 90, |x, _| Rgb([if x < 84 { 40 } else { 240 }; 3]));
        let row = |left: f64| {
            let prepared = prepare_part(&picture, [left, 30.0, left + 128.0, 78.0], MAX_WIDTH);
            assert_eq!(prepared.width, 128);
            [62, 63, 64].map(|x| prepared.pixels[24 * 128 + x])
        };
        let [dark, light] = [row(21.0)[0], row(21.0)[1]];
        assert_eq!(row(21.0), [dark, light, light]);
        let [before, between, beyond] = row(20.5);
        assert!((between - f32::midpoint(dark, light)).abs() < 0.02, "{between} between {dark} and {light}");
        assert!((before < between) == (dark < light) && (beyond > between) == (light > dark));
    }

    #[test]
    fn proportions_are_kept_and_the_rest_is_ground() {
        // A square: 48 pixels of picture between 40 pixels of ground on each side.
        let prepared = prepare(&with_box(96, 96, 240, 30), MAX_WIDTH);
        assert_eq!(prepared.width, 128);
        let ground = prepared.pixels[0];
        let inked: Vec<usize> = (0..128).filter(|&x| prepared.pixels[24 * 128 + x] < ground - 1.0).collect();
        let (first, last) = (inked[0], inked[inked.len() - 1]);
        assert!(
            (40 + 15..=40 + 18).contains(&first) && (40 + 22..=40 + 25).contains(&last),
            "{first} {last}"
        );
    }

    #[test]
    fn a_wider_frame_has_more_ground() {
        let image = prepare(&with_box(128, 48, 240, 30), MAX_WIDTH);
        let wider = image.clone().widened(192);
        assert_eq!(wider.width, 192);
        for (row, line) in wider.pixels.chunks_exact(192).enumerate() {
            assert!(line[..32].iter().chain(&line[160..]).all(|&pixel| pixel == image.ground));
            assert_eq!(line[32..160], image.pixels[row * 128..][..128]);
        }
        assert_eq!(image.clone().widened(64), image);
    }

    #[test]
    fn extreme_shapes_stay_in_the_frame() {
        for (width, height) in [(1, 1), (4096, 8), (8, 4096), (1000, 48), (513, 48), (160, 60)] {
            let prepared = prepare(&with_box(width, height, 200, 10), MAX_WIDTH);
            assert_eq!(prepared.pixels.len(), prepared.width * HEIGHT);
            assert!((WIDTH..=MAX_WIDTH).contains(&prepared.width) && prepared.width.is_multiple_of(64));
            assert!(prepared.pixels.iter().all(|value| value.is_finite()));
            assert_eq!(prepare(&with_box(width, height, 200, 10), WIDTH).width, WIDTH);
        }
    }

    #[test]
    fn blank_columns_do_not_widen_the_frame() {
        // A box of 60 pixels far left, in 220: the right end alone has enough to give.
        let far_left = RgbImage::from_fn(220, 48, |x, y| {
            Rgb([if (4..64).contains(&x) && (10..40).contains(&y) { 20 } else { 240 }; 3])
        });
        let prepared = prepare(&far_left, MAX_WIDTH);
        assert_eq!(prepared.width, 128);
        let inked = (0..128).filter(|&x| prepared.pixels[24 * 128 + x] < prepared.pixels[0] - 1.0).count();
        assert_eq!(inked, 60);
        let full = RgbImage::from_fn(310, 48, |x, y| Rgb([if x % 9 < 4 && y > 9 { 20 } else { 240 }; 3]));
        assert_eq!(prepare(&full, MAX_WIDTH).width, 320, "what is written on stays");
    }

    #[test]
    fn light_on_dark_is_turned_over() {
        let dark = prepare(&with_box(128, 48, 20, 230), MAX_WIDTH);
        let light = prepare(&with_box(128, 48, 235, 25), MAX_WIDTH);
        let worst = dark.pixels.iter().zip(&light.pixels).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(worst < 1e-3, "{worst}");
    }
}
