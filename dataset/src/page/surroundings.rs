//! What a page shows around a picture: the card it lies on, labels and hints, fields, and buttons with words on them. A reader that
//! was shown no such letters takes those on a button beside a captcha for more of its text.

use image::{Rgb, RgbImage};
use rand::{Rng, RngExt};

use super::{
    ground::{colour, mixed},
    words::{Writer, put},
};

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
    rounded(page, [-left, -top, right, bottom], 0, fill);
}

/// What stands around a picture: lines of text and fields above and below, boxes and buttons to its sides, and now and then text
/// wherever it falls. `scale` is that of the picture.
pub(super) fn neighbours(
    page: &mut RgbImage,
    [left, top, right, bottom]: [i64; 4],
    scale: f64,
    rng: &mut impl Rng,
) {
    let ink = colour(if rng.random_bool(0.85) { 0..=140 } else { 180..=255 }, rng);
    let mut writer = Writer::random(rng);
    let pixels = |length: f64| ((length * scale).round() as i64).max(1);
    if rng.random_bool(0.15) {
        for line in 0..6 {
            writer.line(page, [0, i64::from(page.width())], line * pixels(22.0), pixels(12.0), ink, rng);
        }
    }
    for above in [true, false] {
        if rng.random_bool(0.2) {
            // A field, most often begun where the picture begins.
            let (gap, high) = (pixels(rng.random_range(0.0..12.0)), pixels(rng.random_range(16.0..34.0)));
            let upper = if above { top - gap - high } else { bottom + gap };
            let start = if rng.random_bool(0.7) { left } else { left - pixels(rng.random_range(0.0..80.0)) };
            let end = start + pixels(rng.random_range(60.0..200.0));
            field(page, &mut writer, [start, upper, end, upper + high], pixels(1.0), ink, rng);
        } else if rng.random_bool(0.5) {
            let size = rng.random_range(9.0..18.0);
            let gap = rng.random_range(0.5..12.0);
            let y = if above { top - pixels(size + gap) } else { bottom + pixels(gap) };
            let start = if rng.random_bool(0.4) { left } else { left - pixels(rng.random_range(0.0..80.0)) };
            writer.line(page, [start, right + pixels(60.0)], y, pixels(size), ink, rng);
        }
    }
    for before in [true, false] {
        if rng.random_bool(0.5) {
            let (gap, wide) = (pixels(rng.random_range(0.5..30.0)), pixels(rng.random_range(20.0..120.0)));
            let (start, end) =
                if before { (left - gap - wide, left - gap) } else { (right + gap, right + gap + wide) };
            let high = pixels(rng.random_range(16.0..44.0));
            // In the middle of the row, or anywhere beside the picture.
            let upper = match rng.random_bool(0.6) {
                true => (top + bottom - high) / 2 + rng.random_range(-1..=1),
                false => top + pixels(rng.random_range(-10.0..30.0)),
            };
            let area = [start, upper, end, upper + high];
            match rng.random_bool(0.5) {
                true => button(page, &mut writer, area, scale, rng),
                false => field(page, &mut writer, area, pixels(1.0), ink, rng),
            }
        }
    }
}

/// A box with a border and, mostly, text in it: an input, a menu, a plain button.
fn field(
    page: &mut RgbImage,
    writer: &mut Writer,
    [left, top, right, bottom]: [i64; 4],
    line: i64,
    ink: Rgb<u8>,
    rng: &mut impl Rng,
) {
    let fill =
        if rng.random_bool(0.7) { Rgb([rng.random_range(225..=255); 3]) } else { colour(0..=255, rng) };
    let border =
        if rng.random_bool(0.6) { Rgb([rng.random_range(60..=190); 3]) } else { colour(0..=255, rng) };
    rounded(page, [left, top, right, bottom], 0, border);
    rounded(page, [left + line, top + line, right - line, bottom - line], 0, fill);
    if rng.random_bool(0.7) {
        let size = ((bottom - top) / 2).max(4);
        writer.line(page, [left + 4 * line, right - 4 * line], top + size / 2, size, ink, rng);
    }
}

/// A button of one colour, its corners rounded, with light words on it, or dark ones where it is light.
fn button(
    page: &mut RgbImage,
    writer: &mut Writer,
    [left, top, right, bottom]: [i64; 4],
    scale: f64,
    rng: &mut impl Rng,
) {
    let pixels = |length: f64| ((length * scale).round() as i64).max(1);
    let fill = colour(if rng.random_bool(0.8) { 0..=190 } else { 150..=255 }, rng);
    rounded(page, [left, top, right, bottom], pixels(rng.random_range(0.0..8.0)), fill);
    let light = fill.0.iter().map(|&channel| u32::from(channel)).sum::<u32>() > 480;
    let ink = mixed(fill, Rgb([if light { 0 } else { 255 }; 3]), rng.random_range(0.7..=1.0));
    let padding = pixels(rng.random_range(3.0..16.0));
    let size = ((bottom - top) as f64 * rng.random_range(0.3..0.6)) as i64;
    let y = (top + bottom - size) / 2;
    writer.line(page, [left + padding, right - padding], y, size.max(4), ink, rng);
}

/// A box of one colour, its corners cut to quarters of circles.
fn rounded(page: &mut RgbImage, [left, top, right, bottom]: [i64; 4], radius: i64, fill: Rgb<u8>) {
    let (width, height) = (i64::from(page.width()), i64::from(page.height()));
    let radius = radius.min((right - left) / 2).min((bottom - top) / 2);
    let into = |at: i64, from: i64, to: i64| (from + radius - at).max(at - (to - 1 - radius)).max(0);
    for y in top.max(0)..bottom.min(height) {
        for x in left.max(0)..right.min(width) {
            let (dx, dy) = (into(x, left, right), into(y, top, bottom));
            if dx * dx + dy * dy <= radius * radius {
                put(page, x, y, fill);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use rand::SeedableRng;
    use rand_pcg::Pcg64Mcg;

    use super::*;

    #[test]
    fn a_button_is_one_colour_with_words_that_stand_out() {
        for seed in 0..100 {
            let mut rng = Pcg64Mcg::seed_from_u64(seed);
            let mut page = RgbImage::from_pixel(120, 50, Rgb([1, 2, 3]));
            let mut writer = Writer::random(&mut rng);
            button(&mut page, &mut writer, [10, 5, 110, 45], 1.0, &mut rng);
            let mut counts = HashMap::new();
            for (x, y, pixel) in page.enumerate_pixels() {
                // A letter may reach a little to the left of where it begins.
                let outside = !(6..110).contains(&x) || !(5..45).contains(&y);
                assert!(!outside || pixel.0 == [1, 2, 3], "{seed}: {x}, {y}");
                *counts.entry(pixel.0).or_insert(0) += 1;
            }
            counts.remove(&[1, 2, 3]);
            let (fill, _) = counts.iter().max_by_key(|(_, count)| **count).unwrap();
            let apart = |colour: &[u8; 3]| fill.iter().zip(colour).map(|(a, b)| a.abs_diff(*b)).max();
            assert!(counts.keys().any(|colour| apart(colour) > Some(60)), "{seed}: no words on {fill:?}");
        }
    }

    #[test]
    fn a_box_may_reach_beyond_its_page_or_have_no_room() {
        let mut page = RgbImage::new(20, 10);
        rounded(&mut page, [-5, -5, 8, 8], 4, Rgb([9; 3]));
        rounded(&mut page, [12, 4, 11, 3], 4, Rgb([7; 3]));
        assert_eq!([(0, 0), (7, 0), (7, 7), (8, 3)].map(|(x, y)| page.get_pixel(x, y)[0]), [9, 9, 0, 0]);
        assert!(page.pixels().all(|pixel| pixel[0] != 7));
    }
}
