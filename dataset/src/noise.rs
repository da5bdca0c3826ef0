//! What goes over the text: dots, one arc, and the smoothing filter.

use rand::RngExt;

use crate::layout::Canvas;
use crate::style::Warp;

/// Dots in every picture.
const DOTS: usize = 30;
/// The pixels of a diagonal line two pixels long and three wide, from its starting point.
const DOT: [(i64, i64); 8] = [(0, -2), (-1, -1), (0, -1), (1, -1), (-2, 0), (-1, 0), (0, 0), (-1, 1)];

/// Draws the dots.
pub(crate) fn dots(canvas: &mut Canvas, color: [u8; 3], rng: &mut impl RngExt) {
    for _ in 0..DOTS {
        let x = rng.random_range(0..=canvas.width as i64);
        let y = rng.random_range(0..=canvas.height as i64);
        for (dx, dy) in DOT {
            canvas.set(x + dx, y + dy, color);
        }
    }
}

/// Draws the arc: the lower half, more or less, of an ellipse in a random box.
pub(crate) fn arc(canvas: &mut Canvas, color: [u8; 3], version: Warp, rng: &mut impl RngExt) {
    let (width, height) = (canvas.width as i64, canvas.height as i64);
    let x1 = rng.random_range(0..=width / 5);
    let x2 = match version {
        Warp::V0_3 => rng.random_range(width - width / 5..=width),
        Warp::V0_7_1 => rng.random_range(width / 5..=width),
    };
    let y1 = rng.random_range(height / 5..=height - height / 5);
    let y2 = rng.random_range(y1..=height - height / 5);
    let (start, end) = (rng.random_range(0..=20), rng.random_range(160..=200));
    draw_arc(canvas, color, [x1, y1, x2, y2], start, end);
}

/// Draws the outline of the ellipse in the box `[x1, y1, x2, y2]` (inclusive), one pixel wide, from `start` (0 to 90
/// degrees clockwise from three o'clock) to `end` (90 to 270 degrees).
///
/// Coordinates are doubled and centred, so that a box of even size has whole numbers too. The walk from three to six
/// o'clock takes, of the three neighbours ahead, the one nearest to the ellipse.
fn draw_arc(canvas: &mut Canvas, color: [u8; 3], [x1, y1, x2, y2]: [i64; 4], start: i32, end: i32) {
    let (a, b) = (x2 - x1, y2 - y1);
    let mut span = |low: i64, high: i64, y: i64| {
        if low <= high {
            for x in (low + x1 + x2).div_euclid(2)..=(high + x1 + x2).div_euclid(2) {
                canvas.set(x, (y1 + y2 + y) / 2, color);
            }
        }
    };
    let distance = |x: i64, y: i64| (a * a * y * y + b * b * x * x - a * a * b * b).abs();
    let (mut x, mut y) = (a, b % 2);
    let mut outermost = x;
    loop {
        let mut next = (x, y + 2);
        if x > 1 {
            for candidate in [(x - 2, y + 2), (x - 2, y)] {
                if distance(candidate.0, candidate.1) < distance(next.0, next.1) {
                    next = candidate;
                }
            }
        }
        let last = x == a % 2 && y == b;
        if last || next.1 > y {
            // The row is complete: from x to outermost, and mirrored.
            span(x, outermost.min(cut(a, b, start, y)), y);
            if end <= 180 {
                span((-outermost).max(cut(a, b, end, y)), -x, y);
            } else {
                span(-outermost, -x, y);
                span(-outermost, (-x).min(cut(a, b, end, -y)), -y);
            }
            outermost = next.0;
        }
        if last {
            return;
        }
        (x, y) = next;
    }
}

/// Where the normal of the ellipse (half axes `a`, `b`) at the parametric angle `degrees` crosses the row `y`. At 0 and
/// 180 degrees the normal is a row itself and cuts nothing off.
fn cut(a: i64, b: i64, degrees: i32, y: i64) -> i64 {
    if degrees % 180 == 0 || a == 0 {
        return if degrees < 90 { a } else { -a };
    }
    let (a, b, y) = (a as f64, b as f64, y as f64);
    let (sine, cosine) = f64::from(degrees).to_radians().sin_cos();
    ((b * cosine * y + (a * a - b * b) * sine * cosine) / (a * sine)).round() as i64
}

/// A 3x3 mean with the middle counted five times; the border stays as it is.
pub(crate) fn smooth(canvas: &Canvas) -> Canvas {
    let mut out = canvas.clone();
    let stride = canvas.width * 3;
    for y in 1..canvas.height.saturating_sub(1) {
        let [above, here, below] = [y - 1, y, y + 1].map(|row| &canvas.bytes[row * stride..][..stride]);
        let row = &mut out.bytes[y * stride..][..stride];
        for at in 3..stride - 3 {
            let column = |at: usize| u32::from(above[at]) + u32::from(here[at]) + u32::from(below[at]);
            let sum = column(at - 3) + column(at) + column(at + 3) + 4 * u32::from(here[at]);
            row[at] = ((2 * sum + 13) / 26) as u8;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures;

    const BLACK: [u8; 3] = [0; 3];
    const WHITE: [u8; 3] = [255; 3];

    #[test]
    fn arcs_are_pillows_pixel_by_pixel() {
        let sheet = fixtures::image(include_bytes!("../tests/fixtures/arcs.png"));
        for (cell, row) in fixtures::rows::<6>(include_str!("../tests/fixtures/arcs.csv")).enumerate() {
            let [x1, y1, x2, y2, start, end] = row.map(|value| value.parse::<i64>().unwrap());
            let mut canvas = Canvas::filled(128, 48, BLACK);
            draw_arc(&mut canvas, WHITE, [x1, y1, x2, y2], start as i32, end as i32);
            let theirs = |x: usize, y: usize| sheet.get_pixel(x as u32, (cell * 48 + y) as u32)[0] > 0;
            let pixels = (0..48).flat_map(|y| (0..128).map(move |x| (x, y)));
            let wrong: Vec<_> =
                pixels.filter(|&(x, y)| (canvas.bytes[(y * 128 + x) * 3] > 0) != theirs(x, y)).collect();
            assert!(wrong.is_empty(), "{row:?}: {wrong:?}");
        }
    }

    #[test]
    fn smoothing_keeps_flat_areas_and_the_border() {
        let mut canvas = Canvas::filled(5, 5, [130, 130, 130]);
        canvas.set(2, 2, BLACK);
        canvas.set(0, 4, BLACK);
        let smooth = smooth(&canvas);
        let red = |x: usize, y: usize| smooth.bytes[(y * 5 + x) * 3];
        assert_eq!((red(2, 2), red(1, 2), red(0, 0), red(0, 4), red(3, 4)), (80, 120, 130, 0, 130));
        // Both black pixels are neighbours of this one.
        assert_eq!(red(1, 3), 110);
    }

    #[test]
    fn dots_at_the_edge_are_clipped() {
        let mut canvas = Canvas::filled(4, 4, WHITE);
        for (dx, dy) in DOT {
            canvas.set(4 + dx, 4 + dy, BLACK);
        }
        let inked = canvas.bytes.chunks(3).filter(|pixel| pixel == &BLACK).count();
        assert_eq!(inked, 1);
    }
}
