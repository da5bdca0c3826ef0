//! A page's own text: words of a page's face, or strokes about as dense as those of a script that none of the faces has.

use image::{Rgb, RgbImage};
use rand::{Rng, RngExt, seq::IndexedRandom};
use zeno::Point;

use crate::compose::{
    fonts::{self, Face},
    paint::{Painter, moved},
};

/// Kinds of faces that pages are set in.
const KINDS: [&str; 3] = ["sans", "serif", "mono"];
/// The commonest letter a few times.
const SMALL: &[u8] = b"eeetaoinshrdlucmfwypvbgkjqxz";
const CAPITALS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ";

/// What a page's lines are written with.
pub(super) struct Writer {
    painter: Painter,
    face: Option<&'static Face>,
}

impl Writer {
    pub(super) fn random(rng: &mut impl Rng) -> Self {
        let kind = KINDS[[0, 0, 0, 1, 2][rng.random_range(0..5)]];
        let faces = if rng.random_bool(0.7) { fonts::meant(kind) } else { Vec::new() };
        Self { painter: Painter::new(false), face: faces.choose(rng).copied() }
    }

    /// A line from `x` to `end`, of letters up to `size` pixels high, its upper edge at `y`.
    pub(super) fn line(
        &mut self,
        page: &mut RgbImage,
        [x, end]: [i64; 2],
        y: i64,
        size: i64,
        ink: Rgb<u8>,
        rng: &mut impl Rng,
    ) {
        // What would lie wholly outside of the cut.
        if y >= i64::from(page.height()) || y + 2 * size < 0 {
            return;
        }
        match self.face {
            Some(face) => {
                let (x, end, size) = (x as f32, end as f32, size as f32);
                self.words(face, page, [x, end], y as f32 + size, size, ink, rng);
            }
            None => strokes(page, [x, end], y, size, ink, rng),
        }
    }

    #[allow(clippy::too_many_arguments, reason = "a line's face, place, size and ink")]
    fn words(
        &mut self,
        face: &Face,
        page: &mut RgbImage,
        [mut x, end]: [f32; 2],
        baseline: f32,
        size: f32,
        ink: Rgb<u8>,
        rng: &mut impl Rng,
    ) {
        let em = size / face.capital;
        let capitals = rng.random_bool(0.1);
        while x < end.min(page.width() as f32) {
            let letters = rng.random_range(2..=9);
            let named = rng.random_bool(0.3);
            for number in 0..letters {
                let from = if capitals || (number == 0 && named) { CAPITALS } else { SMALL };
                let letter = char::from(from[rng.random_range(0..from.len())]);
                let Some(glyph) = face.glyph(letter) else { continue };
                if x + glyph.advance * em > end {
                    return;
                }
                if x + 2.0 * em > 0.0 {
                    let outline = moved(&glyph.outline, |at| Point::new(x + at.x * em, baseline + at.y * em));
                    self.painter.fill(page, &outline, ink, 1.0);
                }
                x += glyph.advance * em;
            }
            x += em * 0.3;
        }
    }
}

/// A line of short strokes.
fn strokes(page: &mut RgbImage, [mut x, end]: [i64; 2], y: i64, size: i64, ink: Rgb<u8>, rng: &mut impl Rng) {
    let thick = (size / 9).max(1);
    while x + size * 5 / 6 <= end && x < i64::from(page.width()) {
        // A letter is a few of them, upright, level or slanted.
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

/// A pixel, where the page has it.
pub(super) fn put(page: &mut RgbImage, x: i64, y: i64, colour: Rgb<u8>) {
    if let (Ok(x), Ok(y)) = (u32::try_from(x), u32::try_from(y))
        && x < page.width()
        && y < page.height()
    {
        page.put_pixel(x, y, colour);
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_pcg::Pcg64Mcg;

    use super::*;

    #[test]
    fn a_line_keeps_to_its_place_and_is_written_whole_to_the_edge_of_the_page() {
        for seed in 0..100 {
            let mut rng = Pcg64Mcg::seed_from_u64(seed);
            let mut page = RgbImage::new(200, 60);
            Writer::random(&mut rng).line(&mut page, [20, 400], 20, 16, Rgb([255; 3]), &mut rng);
            let inked: Vec<(u32, u32)> =
                page.enumerate_pixels().filter(|(.., pixel)| pixel[0] > 0).map(|(x, y, _)| (x, y)).collect();
            let most = |of: fn(&(u32, u32)) -> u32| (inked.iter().map(of).min(), inked.iter().map(of).max());
            let ((left, right), (top, bottom)) = (most(|at| at.0), most(|at| at.1));
            // A letter may reach a little to the left of where it begins, and above and below the capitals' height.
            assert!(left >= Some(10) && left < Some(45) && right > Some(170), "{seed}: {left:?} {right:?}");
            assert!(top >= Some(10) && bottom < Some(50), "{seed}: {top:?} {bottom:?}");
        }
    }

    #[test]
    fn what_has_no_room_or_lies_outside_is_not_written() {
        let mut rng = Pcg64Mcg::seed_from_u64(4);
        let mut page = RgbImage::new(50, 20);
        let mut writer = Writer::random(&mut rng);
        for (line, y) in [([10, 10], 5), ([60, 90], 5), ([0, 50], 20), ([0, 50], -40), ([30, 5], 5)] {
            writer.line(&mut page, line, y, 12, Rgb([255; 3]), &mut rng);
        }
        assert!(page.pixels().all(|pixel| pixel[0] == 0));
    }
}
