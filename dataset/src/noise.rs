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
    let after_start = cut(a, b, start);
    let before_end = cut(a, b, end);
    let mut plot = |x: i64, y: i64| {
        let inside = if x >= 0 { after_start(x, y) >= 0.0 } else { before_end(x, y) <= 0.0 };
        if inside {
            canvas.set((x1 + x2 + x) / 2, (y1 + y2 + y) / 2, color);
        }
    };
    let distance = |x: i64, y: i64| (a * a * y * y + b * b * x * x - a * a * b * b).abs();
    let (mut x, mut y) = (a, b % 2);
    loop {
        for (x, y) in [(x, y), (-x, y), (x, -y), (-x, -y)] {
            plot(x, y);
        }
        if x == a % 2 && y == b {
            return;
        }
        let mut next = (x, y + 2);
        if x > 1 {
            for candidate in [(x - 2, y + 2), (x - 2, y)] {
                if distance(candidate.0, candidate.1) < distance(next.0, next.1) {
                    next = candidate;
                }
            }
        }
        (x, y) = next;
    }
}

/// Signed distance, up to scale, from the normal of the ellipse (half axes `a`, `b`) at the parametric angle `degrees`;
/// positive clockwise of it.
fn cut(a: i64, b: i64, degrees: i32) -> impl Fn(i64, i64) -> f64 {
    let (a, b) = (a as f64, b as f64);
    let (sine, cosine) = f64::from(degrees).to_radians().sin_cos();
    move |x, y| -a * sine * x as f64 + b * cosine * y as f64 + (a * a - b * b) * sine * cosine
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
