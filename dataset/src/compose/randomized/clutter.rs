//! What randomized pictures have under and over their texts: some kinds of marks, each with a number, a size and a pen of its
//! own, held to what leaves a text to be read.

use rand::RngExt;
use rand_pcg::Pcg64Mcg;

use super::chances::weighted;
use crate::compose::happens;
use crate::compose::recipe::{Mark, MarkInk, Range, Shape};

/// Up to four kinds of marks for a picture so high.
pub(super) fn marks(height: f32, rng: &mut Pcg64Mcg) -> Vec<Mark> {
    let kinds = weighted(&[(22, 0), (34, 1), (26, 2), (12, 3), (6, 4)], rng);
    (0..kinds).map(|_| mark(height, rng)).collect()
}

fn mark(height: f32, rng: &mut Pcg64Mcg) -> Mark {
    // How often, how many at most, and sizes as shares of the height.
    let (shape, most, sizes) = weighted(
        &[
            (14, (Shape::Lines, 14, (0.2, 0.6))),
            (10, (Shape::Strikes, 4, (0.2, 0.6))),
            (14, (Shape::Curves, 5, (0.2, 0.6))),
            (8, (Shape::Waves, 4, (0.1, 0.9))),
            (7, (Shape::Arcs, 8, (0.2, 1.0))),
            (6, (Shape::Circles, 10, (0.1, 1.0))),
            (12, (Shape::Dots, 150, (0.1, 0.2))),
            (6, (Shape::Grid, 1, (0.12, 0.6))),
            (6, (Shape::Letters, 30, (0.1, 0.35))),
            (3, (Shape::Boxes, 5, (0.1, 0.6))),
            (5, (Shape::Hatching, 1, (0.06, 0.4))),
            (8, (Shape::Dashes, 60, (0.05, 0.4))),
            (3, (Shape::Scribbles, 2, (0.1, 0.5))),
            (2, (Shape::Targets, 2, (0.3, 1.2))),
            (5, (Shape::Blots, 6, (0.1, 0.5))),
            (4, (Shape::Bands, 6, (0.2, 0.6))),
        ],
        rng,
    );
    let solid = matches!(shape, Shape::Blots | Shape::Bands);
    let ruled = matches!(shape, Shape::Grid | Shape::Hatching);
    let over = !solid && happens(if ruled { 0.35 } else { 0.6 }, rng);
    let ink = weighted(
        &[
            (if over { 24 } else { 8 }, MarkInk::Text),
            (30, MarkInk::Own),
            (20, MarkInk::Any),
            (if over { 8 } else { 0 }, MarkInk::Ground),
            (24, MarkInk::Pale),
        ],
        rng,
    );
    // What is filled, or small and in the way, is paler than the text or lies lightly on it.
    let ink = if solid || matches!(shape, Shape::Letters) { MarkInk::Pale } else { ink };
    let thick = if happens(0.12, rng) { 0.09 } else { 0.035 };
    let pen = 0.4 + rng.random_range(0.2..1.0) * thick * height;
    let pen = if ruled { pen.min(0.02 * height + 0.5) } else { pen };
    let size = rng.random_range(sizes.0..sizes.1);
    let share = rng.random::<f32>();
    let count = (most as f32 * share * share).max(1.0).round();
    Mark {
        shape,
        count: Range::of((count * 0.6).max(1.0).floor(), count),
        chance: 1.0,
        pen: Range::of(pen * rng.random_range(0.5..1.0), pen),
        size: Range::of(size * rng.random_range(0.5..1.0), size),
        over,
        ink,
        opacity: if happens(0.25, rng) { Range::of(0.3, 0.9) } else { Range::only(1.0) },
    }
}
