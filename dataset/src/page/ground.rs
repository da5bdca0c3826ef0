//! What a page shows around a picture: plain colours most of all, and gradients, stripes, textures and its own text.

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

/// A plate of one colour under a picture, as forms lie on.
pub(super) fn card(
    page: &mut RgbImage,
    [left, top, right, bottom]: [i64; 4],
    scale: f64,
    rng: &mut impl Rng,
) {
    let fill = match rng.random_range(0..10) {
        0..6 => Rgb([255; 3]),
        6..8 => colour(225..=255, rng),
        _ => colour(20..=80, rng),
    };
    let [left, top, right, bottom] = [-left, -top, right, bottom].map(|edge| {
        // Mostly near; of a wide form, beyond what is cut out.
        let room = if rng.random_bool(0.7) { rng.random_range(3.0..24.0) } else { 400.0 };
        edge + (room * scale).round() as i64
    });
    let (width, height) = (i64::from(page.width()), i64::from(page.height()));
    for y in (-top).max(0)..bottom.min(height) {
        for x in (-left).max(0)..right.min(width) {
            put(page, x, y, fill);
        }
    }
}

/// What stands around a picture: lines of text and fields above and below, boxes with text in them to its sides, and now and then
/// text wherever it falls. `scale` is that of the picture.
pub(super) fn neighbours(
    page: &mut RgbImage,
    [left, top, right, bottom]: [i64; 4],
    scale: f64,
    rng: &mut impl Rng,
) {
    let ink = colour(if rng.random_bool(0.85) { 0..=140 } else { 180..=255 }, rng);
    let pixels = |length: f64| ((length * scale).round() as i64).max(1);
    if rng.random_bool(0.15) {
        for line in 0..6 {
            text(page, [0, i64::from(page.width())], line * pixels(22.0), pixels(12.0), ink, rng);
        }
    }
    for above in [true, false] {
        if rng.random_bool(0.2) {
            // A field, most often begun where the picture begins.
            let (gap, high) = (pixels(rng.random_range(0.0..12.0)), pixels(rng.random_range(16.0..34.0)));
            let upper = if above { top - gap - high } else { bottom + gap };
            let start = if rng.random_bool(0.7) { left } else { left - pixels(rng.random_range(0.0..80.0)) };
            let end = start + pixels(rng.random_range(60.0..200.0));
            button(page, [start, upper, end, upper + high], pixels(1.0), ink, rng);
        } else if rng.random_bool(0.5) {
            let size = rng.random_range(9.0..18.0);
            let gap = rng.random_range(0.5..12.0);
            let y = if above { top - pixels(size + gap) } else { bottom + pixels(gap) };
            let start = if rng.random_bool(0.4) { left } else { left - pixels(rng.random_range(0.0..80.0)) };
            text(page, [start, right + pixels(60.0)], y, pixels(size), ink, rng);
        }
    }
    for before in [true, false] {
        if rng.random_bool(0.5) {
            let (gap, wide) = (pixels(rng.random_range(0.5..30.0)), pixels(rng.random_range(20.0..120.0)));
            let (start, end) =
                if before { (left - gap - wide, left - gap) } else { (right + gap, right + gap + wide) };
            let upper = top + pixels(rng.random_range(-10.0..30.0));
            let lower = upper + pixels(rng.random_range(16.0..44.0));
            button(page, [start, upper, end, lower], pixels(1.0), ink, rng);
        }
    }
}

/// A box with a border and, mostly, text in it: a button, an input, a menu.
fn button(
    page: &mut RgbImage,
    [left, top, right, bottom]: [i64; 4],
    line: i64,
    ink: Rgb<u8>,
    rng: &mut impl Rng,
) {
    let fill =
        if rng.random_bool(0.7) { Rgb([rng.random_range(225..=255); 3]) } else { colour(0..=255, rng) };
    let border =
        if rng.random_bool(0.6) { Rgb([rng.random_range(60..=190); 3]) } else { colour(0..=255, rng) };
    for y in top..bottom {
        for x in left..right {
            let edge = x < left + line || x >= right - line || y < top + line || y >= bottom - line;
            put(page, x, y, if edge { border } else { fill });
        }
    }
    if rng.random_bool(0.7) {
        let size = ((bottom - top) / 2).max(4);
        text(page, [left + 4 * line, right - 4 * line], top + size / 2, size, ink, rng);
    }
}

/// A line of strokes about as dense as text, `size` pixels high, from `x` to `end`.
fn text(page: &mut RgbImage, [mut x, end]: [i64; 2], y: i64, size: i64, ink: Rgb<u8>, rng: &mut impl Rng) {
    let thick = (size / 9).max(1);
    while x < end {
        // A letter is a few short strokes, upright, level or slanted.
        for _ in 0..rng.random_range(2..=3) {
            let (dx, dy) = (rng.random_range(0..=size / 3), rng.random_range(size / 5..=size / 2));
            let (along_x, along_y) = [(0, 1), (1, 0), (1, 1), (-1, 1)][rng.random_range(0..4)];
            for along in 0..size / 2 {
                for across in 0..thick {
                    let (px, py) = (x + dx + along * along_x, y + dy + along * along_y);
                    let (px, py) = if along_x == 0 { (px + across, py) } else { (px, py + across) };
                    put(page, px, py, ink);
                }
            }
        }
        // A space ends a word.
        x += size * 3 / 5 + if rng.random_bool(0.2) { size / 2 } else { 1 };
    }
}

fn put(page: &mut RgbImage, x: i64, y: i64, colour: Rgb<u8>) {
    if let (Ok(x), Ok(y)) = (u32::try_from(x), u32::try_from(y))
        && x < page.width()
        && y < page.height()
    {
        page.put_pixel(x, y, colour);
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
