//! How randomized pictures' ranges are drawn: what is likely, what is rare, and how far each reaches.

use rand::RngExt;
use rand_pcg::Pcg64Mcg;

use crate::compose::happens;
use crate::compose::recipe::Range;

/// One of several, each as likely as the weight beside it.
pub(super) fn weighted<T: Copy>(all: &[(u32, T)], rng: &mut Pcg64Mcg) -> T {
    let mut place = rng.random_range(0..all.iter().map(|(weight, _)| weight).sum());
    let found = all.iter().find(|(weight, _)| {
        let here = place < *weight;
        place = place.saturating_sub(*weight);
        here
    });
    found.unwrap_or(&all[0]).1
}

/// A size up to the most, the small ones likelier.
pub(super) fn size(most: f32, rng: &mut Pcg64Mcg) -> f32 {
    most * rng.random::<f32>() * rng.random::<f32>()
}

/// To both sides of nothing by a size, with a chance; nothing otherwise.
pub(super) fn around(chance: f32, most: f32, rng: &mut Pcg64Mcg) -> Range {
    if !happens(chance, rng) {
        return Range::default();
    }
    let size = size(most, rng);
    Range::of(-size, size)
}

/// One size of these, to either side.
pub(super) fn either(chance: f32, most: f32, rng: &mut Pcg64Mcg) -> Range {
    if !happens(chance, rng) {
        return Range::default();
    }
    let size = most * rng.random_range(0.1..1.0);
    Range::only(if rng.random_bool(0.5) { size } else { -size })
}

/// Up to a size, with a chance; nothing otherwise.
pub(super) fn up_to(chance: f32, most: f32, rng: &mut Pcg64Mcg) -> Range {
    if happens(chance, rng) { Range::of(0.0, size(most, rng)) } else { Range::default() }
}

/// One number of a range, with a chance; nothing otherwise.
pub(super) fn one(chance: f32, range: std::ops::Range<f32>, rng: &mut Pcg64Mcg) -> Range {
    if happens(chance, rng) { Range::only(rng.random_range(range)) } else { Range::default() }
}
