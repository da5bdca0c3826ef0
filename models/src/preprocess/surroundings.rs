//! Finds the picture in a screenshot that shows some of the page around it. Characters are told apart by their size in
//! the frame, too, so a margin that stays on makes every one of them a little wrong.

use image::{Rgb, RgbImage, imageops};

/// Pictures are looked at with at most so many rows, so that an edge is a pixel or two wide however large it was shown.
const ROWS: u32 = 96;
/// Share of a side that may be surroundings, on each end of it.
const MARGIN: f64 = 0.27;
/// Below this share of ground a row or column is none of the picture's, and from the other on it may be.
const OUTSIDE: f64 = 0.2;
const INSIDE: f64 = 0.36;
/// Shares of ground along a picture's four sides, together.
const RING: f64 = 2.2;
/// Pixels that an edge may take to change from one to the other.
const BLUR: usize = 3;
/// Levels, of 255 in any channel, that the ground varies by at least, and at most for there to be edges against it.
const TOLERANCE: std::ops::RangeInclusive<u8> = 4..=12;

/// The part of a screenshot that is the picture: one even ground, up to where it ends on any side in a straight edge.
/// The whole, where that cannot be told.
pub fn without_surroundings(screenshot: &RgbImage) -> Option<RgbImage> {
    let (width, height) = screenshot.dimensions();
    if width < 32 || height < 16 {
        return None;
    }
    let small = (height > ROWS).then(|| {
        let columns = (u64::from(width) * u64::from(ROWS) / u64::from(height)).max(32) as u32;
        imageops::thumbnail(screenshot, columns, ROWS)
    });
    let looked_at = small.as_ref().unwrap_or(screenshot);
    let view = View::new(looked_at)?;
    let rows = view.rows();
    let columns = view.columns(&rows);
    let (all_rows, all_columns) = (looked_at.height() as usize, looked_at.width() as usize);
    if (rows.len(), columns.len()) == (all_rows, all_columns) {
        return None;
    }
    // The outermost of a picture is ground; where little of it is, characters were taken for it.
    let ring = [
        view.share(rows.clone().map(|y| (columns.start, y))),
        view.share(rows.clone().map(|y| (columns.end - 1, y))),
        view.share(columns.clone().map(|x| (x, rows.start))),
        view.share(columns.clone().map(|x| (x, rows.end - 1))),
    ];
    if ring.iter().sum::<f64>() < RING {
        return None;
    }
    let back = |at: usize, from: usize, to: u32| (at as f64 / from as f64 * f64::from(to)).round() as u32;
    let (left, right) = (back(columns.start, all_columns, width), back(columns.end, all_columns, width));
    let (top, bottom) = (back(rows.start, all_rows, height), back(rows.end, all_rows, height));
    Some(imageops::crop_imm(screenshot, left, top, right - left, bottom - top).to_image())
}

/// A screenshot, with the ground of the picture in its middle.
struct View {
    width: usize,
    height: usize,
    /// For each pixel, by how much it differs from the ground.
    differences: Vec<u8>,
    tolerance: u8,
}

type Range = std::ops::Range<usize>;

/// The middle half: picture, whatever the margins.
fn middle(length: usize) -> Range {
    length / 4..length - length / 4
}

impl View {
    fn new(screenshot: &RgbImage) -> Option<Self> {
        let (width, height) = (screenshot.width() as usize, screenshot.height() as usize);
        let inner: Vec<Rgb<u8>> = middle(height)
            .flat_map(|y| middle(width).map(move |x| (x as u32, y as u32)))
            .map(|(x, y)| *screenshot.get_pixel(x, y))
            .collect();
        let ground = commonest(&inner);
        let difference = |pixel: &Rgb<u8>| {
            (0..3).map(|channel| pixel.0[channel].abs_diff(ground.0[channel])).max().unwrap_or_default()
        };
        // What varies about the ground is compression's doing; twice its usual size covers nearly all of it.
        let mut near: Vec<u8> =
            inner.iter().map(difference).filter(|&value| value <= 2 * TOLERANCE.end()).collect();
        near.sort_unstable();
        let usual = *near.get(near.len() / 2)?;
        // Where little is ground there is no even one.
        if near.len() * 5 < inner.len() || usual * 2 > *TOLERANCE.end() {
            return None;
        }
        let tolerance = (usual * 2).max(*TOLERANCE.start());
        Some(Self { width, height, differences: screenshot.pixels().map(difference).collect(), tolerance })
    }

    fn at(&self, x: usize, y: usize) -> u8 {
        self.differences[y * self.width + x]
    }

    /// Share of ground among these points.
    fn share(&self, points: impl ExactSizeIterator<Item = (usize, usize)>) -> f64 {
        let count = points.len().max(1) as f64;
        points.filter(|&(x, y)| self.at(x, y) <= self.tolerance).count() as f64 / count
    }

    /// Rows of the picture.
    fn rows(&self) -> Range {
        let columns = middle(self.width);
        edges(self.height, self.tolerance, |y| columns.clone().map(|x| self.at(x, y)).collect())
    }

    /// Columns of the picture, of which the rows are known.
    fn columns(&self, rows: &Range) -> Range {
        edges(self.width, self.tolerance, |x| rows.clone().map(|y| self.at(x, y)).collect())
    }
}

/// Where the picture begins and ends along one direction; `line` gives the differences across it.
fn edges(length: usize, tolerance: u8, line: impl Fn(usize) -> Vec<u8>) -> Range {
    let start = outside(length, tolerance, &line);
    let end = length - outside(length, tolerance, |at| line(length - 1 - at));
    start..end
}

/// How many lines from the first on are none of the picture's.
fn outside(length: usize, tolerance: u8, line: impl Fn(usize) -> Vec<u8>) -> usize {
    let most = (length as f64 * MARGIN) as usize;
    let share = |at: usize| {
        let differences = line(at);
        differences.iter().filter(|&&value| value <= tolerance).count() as f64 / differences.len() as f64
    };
    let Some(start) = (0..=most).find(|&at| (at..at + BLUR).all(|at| share(at) >= INSIDE)) else { return 0 };
    // An edge is sharp: just before it nothing is ground, nor anywhere before that, and by a clear step. A ground that
    // fades is not cut, and neither is one that something lies on.
    let before = start.saturating_sub(BLUR - 1);
    if start == 0 || !(0..before.max(1)).all(|at| share(at) < OUTSIDE) {
        return 0;
    }
    let mut last = line(before.saturating_sub(1));
    last.sort_unstable();
    if last[last.len() / 2] > tolerance + 2 { start } else { 0 }
}

/// The commonest colour, up to a few levels.
fn commonest(pixels: &[Rgb<u8>]) -> Rgb<u8> {
    const STEP: u8 = 16;
    let mut counts = std::collections::HashMap::<[u8; 3], usize>::new();
    for pixel in pixels {
        *counts.entry(pixel.0.map(|value| value / STEP)).or_default() += 1;
    }
    // A ground on the line between two steps is counted in both, so a cell stands for its neighbours too.
    let around = |cell: &[u8; 3]| {
        let near = |other: &&[u8; 3]| (0..3).all(|channel| cell[channel].abs_diff(other[channel]) <= 1);
        counts.keys().filter(near).map(|other| counts[other]).sum::<usize>()
    };
    let Some(cell) = counts.keys().max_by_key(|cell| (around(cell), counts[*cell], **cell)) else {
        return Rgb([u8::MAX; 3]);
    };
    let near =
        |pixel: &&Rgb<u8>| (0..3).all(|channel| (pixel.0[channel] / STEP).abs_diff(cell[channel]) <= 1);
    Rgb(std::array::from_fn(|channel| {
        let mut values: Vec<u8> = pixels.iter().filter(near).map(|pixel| pixel.0[channel]).collect();
        values.sort_unstable();
        values.get(values.len() / 2).copied().unwrap_or(u8::MAX)
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A picture of 128x48 with strokes on a light ground, at (20, 9) on a page of this look.
    fn screenshot(page: impl Fn(u32, u32) -> [u8; 3]) -> RgbImage {
        RgbImage::from_fn(160, 64, |x, y| {
            let inside = (20..148).contains(&x) && (9..57).contains(&y);
            let stroke = inside && x % 20 < 6 && (22..46).contains(&y);
            Rgb(match (inside, stroke) {
                (_, true) => [40, 90, 160],
                (true, _) => [246, 250, 241],
                _ => page(x, y),
            })
        })
    }

    #[test]
    fn the_picture_is_found_on_plain_striped_and_shaded_pages() {
        let pages: [fn(u32, u32) -> [u8; 3]; 5] = [
            |_, _| [255; 3],
            |_, _| [20, 30, 60],
            |x, _| [[200, 10, 10], [255; 3]][(x / 5 % 2) as usize],
            |x, y| [(x + y) as u8; 3],
            |x, y| [(x * 7 + y * 31) as u8, (x * y) as u8, 90],
        ];
        for (number, page) in pages.into_iter().enumerate() {
            let found = without_surroundings(&screenshot(page)).unwrap();
            assert_eq!(found.dimensions(), (128, 48), "page {number}");
            assert_eq!(found.get_pixel(0, 0), &Rgb([246, 250, 241]));
        }
    }

    #[test]
    fn an_enlarged_one_is_found_to_a_pixel_of_its_own() {
        let large = imageops::resize(&screenshot(|_, _| [90; 3]), 960, 384, imageops::FilterType::Triangle);
        let found = without_surroundings(&large).unwrap();
        assert!(
            (756..=780).contains(&found.width()) && (282..=294).contains(&found.height()),
            "{:?}",
            found.dimensions()
        );
    }

    #[test]
    fn what_has_no_surroundings_stays_whole() {
        assert!(without_surroundings(&screenshot(|_, _| [246, 250, 241])).is_none());
        let shaded = RgbImage::from_fn(160, 60, |x, y| Rgb([(80 + x) as u8, (150 + y) as u8, 200]));
        let noisy = RgbImage::from_fn(160, 60, |x, y| Rgb([(x * x * 31 + y * 17 * x) as u8; 3]));
        for picture in [shaded, noisy, RgbImage::new(8, 300), RgbImage::new(500, 20)] {
            assert!(without_surroundings(&picture).is_none());
        }
    }
}
