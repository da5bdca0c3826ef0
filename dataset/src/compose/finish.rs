//! The last strokes: blur, noise, light and dark exchanged, a frame; and the file format.

use image::{Rgb, RgbImage, imageops};
use rand::{Rng, RngExt};

use super::happens;
use super::palette::Palette;
use super::recipe::Finish;
use crate::style::Encoding;

/// Finishes a picture and says how it is saved.
pub(super) fn finish(
    finish: &Finish,
    palette: &Palette,
    image: &mut RgbImage,
    rng: &mut impl Rng,
) -> Encoding {
    let blur = finish.blur.take(rng);
    if blur > 0.1 {
        *image = imageops::fast_blur(image, blur);
    }
    let noise = finish.noise.take(rng);
    if noise >= 1.0 {
        for value in image.iter_mut() {
            // The difference of two even spreads: small errors are the common ones.
            let off = (rng.random::<f32>() - rng.random::<f32>()) * noise;
            *value = (f32::from(*value) + off + 0.5) as u8;
        }
    }
    let (width, height) = image.dimensions();
    let specks = (finish.speckle.take(rng) * (width * height) as f32) as usize;
    for _ in 0..specks {
        let (x, y) = (rng.random_range(0..width), rng.random_range(0..height));
        let grey = rng.random_bool(0.5);
        let colour: [u8; 3] = rng.random();
        image.put_pixel(x, y, if grey { Rgb([colour[0]; 3]) } else { Rgb(colour) });
    }
    if happens(finish.frame, rng) {
        let colour = palette.ink(rng);
        for x in 0..width {
            image.put_pixel(x, 0, colour);
            image.put_pixel(x, height - 1, colour);
        }
        for y in 0..height {
            image.put_pixel(0, y, colour);
            image.put_pixel(width - 1, y, colour);
        }
    }
    if palette.inverted {
        imageops::invert(image);
    }
    if palette.transparent {
        return Encoding::TransparentPng;
    }
    match happens(finish.jpeg, rng) {
        true => Encoding::Jpeg { quality: finish.quality.take(rng) as u8 },
        false => Encoding::Png,
    }
}
