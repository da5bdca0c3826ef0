//! What a page is painted with: plain colours most of all, and gradients, stripes and textures.

use std::ops::RangeInclusive;

use image::{Rgb, RgbImage};
use rand::{Rng, RngExt};

/// How a page is painted.
pub(crate) enum Ground {
    Plain(Rgb<u8>),
    Gradient(Rgb<u8>, Rgb<u8>),
    /// Stripes, or a chequerboard where `both` is set, of so many pixels.
    Stripes {
        colours: [Rgb<u8>; 2],
        period: u32,
        both: bool,
    },
    /// Random values on a grid of so many pixels, smoothly joined: grain where it is fine, a photograph's clouds where it
    /// is coarse.
    Clouds {
        colours: [Rgb<u8>; 2],
        cell: f32,
        coloured: bool,
    },
}

/// A colour with each channel in this range.
pub(crate) fn colour(range: RangeInclusive<u8>, rng: &mut impl Rng) -> Rgb<u8> {
    Rgb(std::array::from_fn(|_| rng.random_range(range.clone())))
}

impl Ground {
    pub(super) fn random(rng: &mut impl Rng) -> Self {
        let mut any = || colour(0..=255, rng);
        let colours = [any(), any()];
        match rng.random_range(0..100) {
            0..35 => Self::Plain(Rgb([255; 3])),
            35..50 => Self::Plain(Rgb([rng.random_range(225..=254); 3])),
            50..60 => Self::Plain(colour(190..=255, rng)),
            60..72 => Self::Plain(colours[0]),
            72..82 => Self::Gradient(colours[0], colours[1]),
            82..88 => Self::Stripes { colours, period: rng.random_range(1..=16), both: rng.random_bool(0.4) },
            88..94 => Self::Clouds { colours, cell: rng.random_range(1.0..4.0), coloured: false },
            _ => Self::Clouds { colours, cell: rng.random_range(8.0..60.0), coloured: true },
        }
    }

    pub(crate) fn fill(&self, page: &mut RgbImage, rng: &mut impl Rng) {
        let (width, height) = (page.width() as f32, page.height() as f32);
        match *self {
            Self::Plain(colour) => page.pixels_mut().for_each(|pixel| *pixel = colour),
            Self::Gradient(from, to) => {
                let (sine, cosine) = rng.random_range(0.0..std::f32::consts::TAU).sin_cos();
                let reach = (width * cosine.abs() + height * sine.abs()).max(1.0) / 2.0;
                for (x, y, pixel) in page.enumerate_pixels_mut() {
                    let along = (x as f32 - width / 2.0) * cosine + (y as f32 - height / 2.0) * sine;
                    *pixel = mixed(from, to, along / reach / 2.0 + 0.5);
                }
            }
            Self::Stripes { colours, period, both } => {
                let upright = rng.random_bool(0.5);
                for (x, y, pixel) in page.enumerate_pixels_mut() {
                    let (along, across) = if upright { (x, y) } else { (y, x) };
                    let odd = along / period + if both { across / period } else { 0 };
                    *pixel = colours[(odd % 2) as usize];
                }
            }
            Self::Clouds { colours, cell, coloured } => {
                let fields: [Field; 3] = std::array::from_fn(|_| Field::random(width, height, cell, rng));
                for (x, y, pixel) in page.enumerate_pixels_mut() {
                    let shares: [f32; 3] =
                        std::array::from_fn(|channel| fields[if coloured { channel } else { 0 }].at(x, y));
                    let [from, to] = colours.map(|colour| colour.0);
                    *pixel = Rgb(std::array::from_fn(|channel| {
                        level(from[channel], to[channel], shares[channel])
                    }));
                }
            }
        }
    }
}

/// From one colour to another by a share.
pub(crate) fn mixed(from: Rgb<u8>, to: Rgb<u8>, share: f32) -> Rgb<u8> {
    Rgb(std::array::from_fn(|channel| level(from.0[channel], to.0[channel], share)))
}

/// The same of one channel.
fn level(from: u8, to: u8, share: f32) -> u8 {
    let (from, to) = (f32::from(from), f32::from(to));
    // Rounded: nothing here is below zero, and `round` would be a call of a function for each pixel.
    (from + (to - from) * share.clamp(0.0, 1.0) + 0.5) as u8
}

/// Random values from 0 to 1 on a grid, read between its points by linear interpolation.
pub(crate) struct Field {
    values: Vec<f32>,
    columns: usize,
    cell: f32,
}

impl Field {
    /// `cell` is the distance of the grid's points, in pixels.
    pub(crate) fn random(width: f32, height: f32, cell: f32, rng: &mut impl Rng) -> Self {
        let points = |length: f32| (length / cell) as usize + 2;
        let (columns, rows) = (points(width), points(height));
        Self { values: (0..columns * rows).map(|_| rng.random()).collect(), columns, cell }
    }

    /// The value at a pixel.
    pub(crate) fn at(&self, x: u32, y: u32) -> f32 {
        let (x, y) = (x as f32 / self.cell, y as f32 / self.cell);
        let (column, row) = (x as usize, y as usize);
        let value = |column: usize, row: usize| self.values[row * self.columns + column];
        let between = |a: f32, b: f32, share: f32| a + (b - a) * share;
        let upper = between(value(column, row), value(column + 1, row), x.fract());
        let lower = between(value(column, row + 1), value(column + 1, row + 1), x.fract());
        between(upper, lower, y.fract())
    }
}
