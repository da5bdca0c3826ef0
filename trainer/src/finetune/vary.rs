//! A picture as it might have come out another time: moved, scaled, turned a little, lighter or darker, blurred, noisy, or
//! saved with loss. A few hundred pictures are too few to learn from without.

use byecaptcha_dataset::jpeg;
use image::{Rgb, RgbImage, imageops};
use rand::{Rng, RngExt};

/// Most that a picture is moved, as a share of its sides.
const MOVED: f32 = 0.04;
/// Most that it is made larger or smaller.
const SCALED: f32 = 0.08;
/// Most radians that it is turned, and tangent that it leans.
const TURNED: f32 = 0.05;
const LEANED: f32 = 0.08;

/// Another picture like this one.
pub(super) fn vary(picture: &RgbImage, rng: &mut impl Rng) -> RgbImage {
    let mut varied = bent(picture, rng);
    if rng.random_bool(0.5) {
        let (contrast, light) = (rng.random_range(0.75..1.2), rng.random_range(-20.0..20.0_f32));
        for value in varied.iter_mut() {
            *value = ((f32::from(*value) - 128.0) * contrast + 128.0 + light).round().clamp(0.0, 255.0) as u8;
        }
    }
    if rng.random_bool(0.2) {
        varied = imageops::fast_blur(&varied, rng.random_range(0.3..0.8));
    }
    if rng.random_bool(0.3) {
        let most = rng.random_range(2.0..14.0);
        for value in varied.iter_mut() {
            let off = (rng.random::<f32>() - rng.random::<f32>()) * most;
            *value = (f32::from(*value) + off).round().clamp(0.0, 255.0) as u8;
        }
    }
    if rng.random_bool(0.3) {
        // Where saving fails the picture is as good without the loss.
        if let Ok(saved) = jpeg(&varied, rng.random_range(45..=90)) {
            varied = saved;
        }
    }
    varied
}

/// Moved, scaled, turned and leaning; what comes in from outside continues the edge.
fn bent(picture: &RgbImage, rng: &mut impl Rng) -> RgbImage {
    let (width, height) = (picture.width() as f32, picture.height() as f32);
    let mut within = |most: f32| rng.random_range(-most..most);
    let (scale, stretch) = (1.0 + within(SCALED), 1.0 + within(SCALED / 2.0));
    let (turned, leaned) = (within(TURNED), within(LEANED));
    let (dx, dy) = (within(MOVED) * width, within(MOVED) * height);
    let (sine, cosine) = turned.sin_cos();
    RgbImage::from_fn(picture.width(), picture.height(), |x, y| {
        let (x, y) = ((x as f32 - width / 2.0) * stretch / scale, (y as f32 - height / 2.0) / scale);
        let (x, y) = (x + leaned * y, y);
        let (x, y) = (x * cosine - y * sine + width / 2.0 + dx, x * sine + y * cosine + height / 2.0 + dy);
        between(picture, x, y)
    })
}

/// The colour between four pixels.
fn between(picture: &RgbImage, x: f32, y: f32) -> Rgb<u8> {
    let (x, y) = (x.clamp(0.0, (picture.width() - 1) as f32), y.clamp(0.0, (picture.height() - 1) as f32));
    let (left, top) = (x as u32, y as u32);
    let (right, bottom) = ((left + 1).min(picture.width() - 1), (top + 1).min(picture.height() - 1));
    let (dx, dy) = (x.fract(), y.fract());
    let at = |x, y| picture.get_pixel(x, y).0.map(f32::from);
    let [a, b, c, d] = [at(left, top), at(right, top), at(left, bottom), at(right, bottom)];
    Rgb(std::array::from_fn(|channel| {
        let upper = a[channel] + (b[channel] - a[channel]) * dx;
        let lower = c[channel] + (d[channel] - c[channel]) * dx;
        (upper + (lower - upper) * dy).round() as u8
    }))
}

#[cfg(test)]
mod tests {
    use byecaptcha_dataset::open;
    use rand::SeedableRng;
    use rand_pcg::Pcg64Mcg;

    use super::*;

    #[test]
    fn a_varied_picture_is_another_one_and_much_like_it() {
        let picture = open("hku", 1).unwrap().sample(0).image;
        let mut rng = Pcg64Mcg::seed_from_u64(1);
        for _ in 0..50 {
            let varied = vary(&picture, &mut rng);
            assert_eq!(varied.dimensions(), picture.dimensions());
            let differences = varied.iter().zip(picture.iter()).map(|(a, b)| f64::from(a.abs_diff(*b)));
            let mean = differences.sum::<f64>() / varied.len() as f64;
            assert!((0.5..60.0).contains(&mean), "{mean}");
        }
        // The smallest pictures there can be.
        assert_eq!(vary(&RgbImage::new(1, 1), &mut rng).dimensions(), (1, 1));
    }
}
