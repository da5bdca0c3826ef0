//! What bends a finished picture beside waves: it is turned, seen from aside, swirled, blown up, or pulled about.

use image::{Rgb, RgbImage};
use rand::{Rng, RngExt};

use super::bend::resampled;
use super::recipe::Warp;
use crate::page::ground::Field;

/// How far from one another points lie that are pulled about by themselves, as shares of the height.
const KNOTS: std::ops::Range<f32> = 0.25..0.9;

/// A bend of the plane. Places are in half heights from the middle of the picture.
pub(super) struct Distortion {
    /// Half the picture's width and height in pixels.
    half: (f32, f32),
    turn: (f32, f32),
    /// How much farther away it gets to the right, and downwards.
    perspective: [f32; 2],
    swirl: f32,
    bulge: f32,
    /// How far each place is pulled, along both axes.
    ragged: Option<([Field; 2], f32)>,
}

impl Distortion {
    /// None where the style has none.
    pub(super) fn random(warp: &Warp, (width, height): (u32, u32), rng: &mut impl Rng) -> Option<Self> {
        let Warp { turn, perspective, swirl, bulge, ragged, .. } = *warp;
        if ![turn, perspective, swirl, bulge, ragged].iter().any(|range| range.is_some()) {
            return None;
        }
        let side = rng.random_bool(0.5);
        let depth = perspective.take(rng);
        let (width, height) = (width as f32, height as f32);
        Some(Self {
            half: (width / 2.0, height / 2.0),
            turn: turn.take(rng).to_radians().sin_cos(),
            perspective: if side { [depth, 0.0] } else { [0.0, depth] },
            swirl: swirl.take(rng),
            bulge: bulge.take(rng),
            ragged: ragged.is_some().then(|| {
                let knots = rng.random_range(KNOTS) * height;
                let fields = std::array::from_fn(|_| Field::random(width, height, knots, rng));
                (fields, ragged.take(rng) * height * 2.0)
            }),
        })
    }

    /// The picture, bent; what comes from beyond its edges is `ground`.
    pub(super) fn pixels(&self, image: &RgbImage, ground: Rgb<u8>, nearest: bool) -> RgbImage {
        resampled(image, ground, nearest, |x, y| self.point(x as f32, y as f32))
    }

    /// Where a pixel of the bent picture comes from.
    pub(super) fn point(&self, x: f32, y: f32) -> (f32, f32) {
        let half = self.half;
        let aspect = half.0 / half.1;
        let (mut u, mut v) = ((x - half.0) / half.1, (y - half.1) / half.1);
        let (sine, cosine) = self.turn;
        (u, v) = (u * cosine + v * sine, v * cosine - u * sine);
        let [right, down] = self.perspective;
        let depth = 1.0 + right * u / aspect + down * v;
        (u, v) = (u / depth, v / depth);
        (u, v) = self.around(u, v, aspect);
        let (x_from, y_from) = (u * half.1 + half.0, v * half.1 + half.1);
        match &self.ragged {
            Some(([across, along], reach)) => {
                let pull = |field: &Field| (field.at(x as u32, y as u32) - 0.5) * reach;
                (x_from + pull(across), y_from + pull(along))
            }
            None => (x_from, y_from),
        }
    }

    /// Swirled and blown up, within the ellipse that fills the picture.
    fn around(&self, u: f32, v: f32, aspect: f32) -> (f32, f32) {
        if self.swirl == 0.0 && self.bulge == 0.0 {
            return (u, v);
        }
        let u = u / aspect;
        let radius = u.hypot(v);
        if radius >= 1.0 || radius == 0.0 {
            return (u * aspect, v);
        }
        let (sine, cosine) = (self.swirl * (1.0 - radius).powi(2)).sin_cos();
        let drawn = (std::f32::consts::FRAC_PI_2 * radius).sin().powf(self.bulge);
        ((u * cosine - v * sine) * drawn * aspect, (u * sine + v * cosine) * drawn)
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_pcg::Pcg64Mcg;

    use super::*;
    use crate::compose::recipe::Range;

    /// Where the middle of a small dark square on white goes.
    fn moved(warp: &Warp, from: (u32, u32)) -> (u32, u32) {
        let mut image = RgbImage::from_pixel(81, 41, Rgb([255; 3]));
        let square = (0..25).map(|at| (from.0 + at % 5 - 2, from.1 + at / 5 - 2));
        square.for_each(|(x, y)| image.put_pixel(x, y, Rgb([0; 3])));
        let distortion = Distortion::random(warp, (81, 41), &mut Pcg64Mcg::seed_from_u64(3)).unwrap();
        let bent = distortion.pixels(&image, Rgb([255; 3]), false);
        let dark = bent.enumerate_pixels().filter(|(_, _, pixel)| pixel.0[0] < 128);
        let places: Vec<(u32, u32)> = dark.map(|(x, y, _)| (x, y)).collect();
        let count = places.len() as u32;
        assert!(count > 5, "{warp:?} lost it");
        let sums = places.iter().fold((0, 0), |sums, place| (sums.0 + place.0, sums.1 + place.1));
        ((sums.0 + count / 2) / count, (sums.1 + count / 2) / count)
    }

    #[test]
    fn each_bend_moves_what_it_should_and_keeps_the_middle() {
        let only = Range::only;
        let warps = [
            (Warp { turn: only(30.0), ..Warp::default() }, (60, 20)),
            (Warp { swirl: only(1.5), ..Warp::default() }, (50, 20)),
            (Warp { bulge: only(0.5), ..Warp::default() }, (50, 20)),
            (Warp { perspective: only(0.4), ..Warp::default() }, (70, 35)),
        ];
        for (warp, place) in warps {
            assert_ne!(moved(&warp, place), place, "{warp:?}");
            let (x, y) = moved(&warp, (40, 20));
            assert!(x.abs_diff(40) <= 1 && y.abs_diff(20) <= 1, "{warp:?}: ({x}, {y})");
        }
        // Turned clockwise, what lay to the right lies lower.
        assert!(moved(&Warp { turn: only(30.0), ..Warp::default() }, (60, 20)).1 > 25);
    }

    #[test]
    fn a_style_without_any_draws_no_random_numbers() {
        let mut rng = Pcg64Mcg::seed_from_u64(1);
        assert!(Distortion::random(&Warp::default(), (120, 40), &mut rng).is_none());
        assert_eq!(rng, Pcg64Mcg::seed_from_u64(1));
    }
}
