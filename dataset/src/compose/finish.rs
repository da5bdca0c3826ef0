//! The last strokes: what is torn, faded, exchanged or made coarse, blur, noise, a frame; and the file format.

use image::{Rgb, RgbImage, imageops};
use rand::{Rng, RngExt};

use super::happens;
use super::palette::Palette;
use super::recipe::Finish;
use crate::page::ground::mixed;
use crate::style::Encoding;

/// Finishes a picture and says how it is saved.
pub(super) fn finish(
    finish: &Finish,
    palette: &Palette,
    image: &mut RgbImage,
    rng: &mut impl Rng,
) -> Encoding {
    if finish.torn.is_some() {
        tear(image, finish.torn.take(rng), rng);
    }
    if finish.fade.is_some() {
        fade(image, palette.ground, 1.0 - finish.fade.take(rng));
    }
    if finish.exchanged > 0.0 && happens(finish.exchanged, rng) {
        exchange(image, rng);
    }
    if finish.coarse.is_some() {
        coarsen(image, finish.coarse.take(rng));
    }
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
    if finish.levels.is_some() {
        let steps = (finish.levels.take(rng) - 1.0).max(1.0);
        image.iter_mut().for_each(|value| {
            *value = ((f32::from(*value) / 255.0 * steps).round() / steps * 255.0) as u8;
        });
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

/// Each row is moved sideways by itself.
fn tear(image: &mut RgbImage, most: f32, rng: &mut impl Rng) {
    let width = image.width() as usize * 3;
    if width == 0 {
        return;
    }
    for row in image.chunks_exact_mut(width) {
        let by = ((rng.random::<f32>() - 0.5) * 2.0 * most).round() as i32;
        row.rotate_right(by.rem_euclid(width as i32 / 3) as usize * 3);
    }
}

/// What is left of the contrast to the ground.
fn fade(image: &mut RgbImage, ground: Rgb<u8>, left: f32) {
    image.pixels_mut().for_each(|pixel| *pixel = mixed(ground, *pixel, left));
}

/// Light and dark exchanged in a box, or in every second of a few bands.
fn exchange(image: &mut RgbImage, rng: &mut impl Rng) {
    let (width, height) = image.dimensions();
    let boxed = rng.random_bool(0.5);
    let side = |length: u32, rng: &mut _| {
        let [a, b] = [(); 2].map(|()| RngExt::random_range(rng, 0..=length));
        a.min(b)..a.max(b)
    };
    let (columns, rows) = (side(width, rng), side(height, rng));
    let band = (width / rng.random_range(2..=6)).max(1);
    for (x, y, pixel) in image.enumerate_pixels_mut() {
        let inside = if boxed { columns.contains(&x) && rows.contains(&y) } else { x / band % 2 == 1 };
        if inside {
            pixel.0.iter_mut().for_each(|value| *value = !*value);
        }
    }
}

/// Made smaller by so much and large again, by the nearest pixel.
fn coarsen(image: &mut RgbImage, by: f32) {
    let (width, height) = image.dimensions();
    let small = |side: u32| ((side as f32 / by.max(1.0)) as u32).max(1);
    let smaller = imageops::thumbnail(image, small(width), small(height));
    *image = imageops::resize(&smaller, width, height, imageops::FilterType::Nearest);
}
