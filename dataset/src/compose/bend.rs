//! Two waves that bend a picture, one along its rows and one along its columns.

use std::f32::consts::TAU;

use image::{Rgb, RgbImage};
use rand::{Rng, RngExt};
use zeno::{Command, Point};

use super::paint::{in_parts, moved};
use super::recipe::Warp;

/// Straight parts of an outline are at most so many pixels long before they are bent.
const PART: f32 = 3.0;

/// No picture is bent so many pixels beyond its edge.
const BELOW: i32 = 4_096;

/// A wave: its reach in pixels, its turns by pixel, and where it begins.
#[derive(Clone, Copy)]
struct Wave {
    reach: f32,
    turns: f32,
    phase: f32,
}

impl Wave {
    fn at(self, along: f32) -> f32 {
        if self.reach == 0.0 { 0.0 } else { self.reach * (along * self.turns + self.phase).sin() }
    }
}

/// How a picture is bent.
pub(super) struct Bend {
    across: Wave,
    down: Wave,
}

impl Bend {
    pub(super) fn random(warp: &Warp, (width, height): (u32, u32), rng: &mut impl Rng) -> Self {
        let mut wave = |reach: f32, side: u32| Wave {
            reach: reach * height as f32,
            turns: TAU / (warp.length.take(rng) * side as f32),
            phase: rng.random_range(0.0..TAU),
        };
        // Rows are moved by a wave that runs down the picture, columns by one that runs across it.
        let [across, down] = [wave(1.0, height), wave(1.0, width)];
        let reach = |wave: Wave, share: f32| Wave { reach: wave.reach * share, ..wave };
        Self { across: reach(across, warp.across.take(rng)), down: reach(down, warp.down.take(rng)) }
    }

    fn moves(&self) -> bool {
        self.across.reach != 0.0 || self.down.reach != 0.0
    }

    /// Where a pixel of a bent picture comes from, and where a point of an outline goes to.
    pub(super) fn point(&self, x: f32, y: f32) -> (f32, f32) {
        (x + self.across.at(y), y + self.down.at(x))
    }

    /// An outline, bent.
    pub(super) fn outline(&self, outline: Vec<Command>) -> Vec<Command> {
        if !self.moves() {
            return outline;
        }
        moved(&in_parts(&outline, PART), |point| {
            let (x, y) = self.point(point.x, point.y);
            Point::new(x, y)
        })
    }

    /// A whole picture, bent; what comes from beyond its edges is `ground`.
    pub(super) fn pixels(&self, image: RgbImage, ground: Rgb<u8>, nearest: bool) -> RgbImage {
        if !self.moves() {
            return image;
        }
        let (width, height) = image.dimensions();
        let [across, down] = [(self.across, height), (self.down, width)]
            .map(|(wave, side)| (0..side).map(|at| wave.at(at as f32)).collect::<Vec<_>>());
        resampled(&image, ground, nearest, |x, y| {
            (x as f32 + across[y as usize], y as f32 + down[x as usize])
        })
    }
}

/// A picture whose pixels are taken from elsewhere in another; what comes from beyond its edges is `ground`.
pub(super) fn resampled(
    image: &RgbImage,
    ground: Rgb<u8>,
    nearest: bool,
    from: impl Fn(u32, u32) -> (f32, f32),
) -> RgbImage {
    let (width, height) = image.dimensions();
    let pixel = |x: i32, y: i32| {
        let inside = x >= 0 && y >= 0 && x < width as i32 && y < height as i32;
        if inside { image.get_pixel(x as u32, y as u32).0 } else { ground.0 }
    };
    // The whole number below, also for what is a little below zero.
    let floor = |value: f32| (value + BELOW as f32) as i32 - BELOW;
    RgbImage::from_fn(width, height, |x, y| {
        let (from_x, from_y) = from(x, y);
        if nearest {
            return Rgb(pixel(floor(from_x + 0.5), floor(from_y + 0.5)));
        }
        let (column, row) = (floor(from_x), floor(from_y));
        let (dx, dy) = (from_x - column as f32, from_y - row as f32);
        let [a, b] = [pixel(column, row), pixel(column + 1, row)];
        let [c, d] = [pixel(column, row + 1), pixel(column + 1, row + 1)];
        Rgb(std::array::from_fn(|channel| {
            let [a, b, c, d] = [a, b, c, d].map(|colour| f32::from(colour[channel]));
            let (upper, lower) = (a + (b - a) * dx, c + (d - c) * dx);
            (upper + (lower - upper) * dy + 0.5) as u8
        }))
    })
}
