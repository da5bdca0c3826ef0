//! A pen that is broad one way and fine the other: strokes of one direction are thinner than a face has them, or hardly there, as
//! in what is written with a broad nib, or drawn from a face of fine hairlines at a small size.

use std::f32::consts::TAU;

use rand::{Rng, RngExt};

/// What the pen leaves of the characters that it fills.
#[derive(Debug, Clone, Copy)]
pub(super) struct Nib {
    /// Pixels across and down that strokes across this line lose of their width.
    line: [f32; 2],
    /// How much of the ink stays where they lose it.
    faint: f32,
}

impl Nib {
    /// Turned any way, so many pixels broad.
    pub(super) fn random(broad: f32, faint: f32, rng: &mut impl Rng) -> Self {
        let (sine, cosine) = rng.random_range(0.0..TAU).sin_cos();
        Self { line: [broad * cosine, broad * sine], faint }
    }

    /// What it leaves of a coverage in rows that are so wide.
    pub(super) fn worn(&self, coverage: &[u8], wide: usize) -> Vec<u8> {
        let at = |x: isize, y: isize| {
            let inside = usize::try_from(x).ok().filter(|&x| x < wide).zip(usize::try_from(y).ok());
            inside.and_then(|(x, y)| coverage.get(y * wide + x)).copied().map_or(0.0, f32::from)
        };
        // Between the four pixels around a place.
        let between = |x: f32, y: f32| {
            let (left, top) = (x.floor(), y.floor());
            let (across, down) = (x - left, y - top);
            let (left, top) = (left as isize, top as isize);
            let row = |y| at(left, y) * (1.0 - across) + at(left + 1, y) * across;
            row(top) * (1.0 - down) + row(top + 1) * down
        };
        let [dx, dy] = self.line.map(|broad| broad / 2.0);
        let place = |number: usize| ((number % wide) as f32, (number / wide) as f32);
        let left = coverage.iter().enumerate().map(|(number, &covered)| {
            if covered == 0 {
                return 0;
            }
            let ((x, y), covered) = (place(number), f32::from(covered));
            let inner = covered.min(between(x - dx, y - dy)).min(between(x + dx, y + dy));
            inner.max(covered * self.faint).round() as u8
        });
        left.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strokes_across_its_line_grow_thin_and_others_stay() {
        // An upright and a lying stroke of three pixels each, which cross.
        let stroke = |x: usize, y: usize| (6..9).contains(&x) || (6..9).contains(&y);
        let coverage: Vec<u8> =
            (0..15 * 15).map(|at| if stroke(at % 15, at / 15) { 255 } else { 0 }).collect();
        let worn = |line, faint| Nib { line, faint }.worn(&coverage, 15);
        let inked = |worn: &[u8], row: usize| worn[row * 15..][..15].iter().filter(|&&ink| ink > 200).count();
        let across = worn([2.0, 0.0], 0.0);
        // Of the upright stroke one pixel is left, of the lying one all but its ends.
        assert_eq!((inked(&across, 2), inked(&across, 7)), (1, 13));
        assert_eq!(inked(&worn([4.0, 0.0], 0.0), 2), 0);
        let faint = worn([4.0, 0.0], 0.5);
        assert_eq!((faint[2 * 15 + 7], faint[2 * 15 + 2]), (128, 0));
        assert_eq!(worn([0.0, 0.0], 0.0), coverage);
    }
}
