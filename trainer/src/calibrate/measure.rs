//! How well confidences hold: the expected calibration error, and what a threshold keeps.

use byecaptcha_models::{
    calibration::{BetaMap, HeldOut},
    metrics::{Interval, Share},
};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

use super::readings::{Answer, Answers};

/// How often chance is asked what it makes of a perfect map.
const DRAWS: u64 = 50;
/// Bins of equal numbers.
pub(super) const BINS: usize = 15;

/// Readings of about the same confidence.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Bin {
    /// Their mean confidence.
    pub(super) confidence: f64,
    /// The share of right texts.
    pub(super) right: f64,
    /// How many they are.
    pub(super) count: usize,
}

/// Readings in order of their confidence, in bins of equal numbers.
pub(super) fn bins(answers: &[Answer]) -> Vec<Bin> {
    let mut sorted = answers.to_vec();
    sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
    let bin = |index: usize| {
        let part = &sorted[index * sorted.len() / BINS..(index + 1) * sorted.len() / BINS];
        let share = |sum: f64| sum / part.len() as f64;
        Bin {
            confidence: share(part.iter().map(|answer| answer.0).sum()),
            right: share(part.iter().map(|answer| f64::from(u8::from(answer.1))).sum()),
            count: part.len(),
        }
    };
    (0..BINS).map(bin).filter(|bin| bin.count > 0).collect()
}

/// The mean distance of confidence and share of right texts over bins, weighted by their numbers.
pub(super) fn calibration_error(answers: &[Answer]) -> f64 {
    let distance = |bin: Bin| bin.count as f64 * (bin.confidence - bin.right).abs();
    bins(answers).into_iter().map(distance).sum::<f64>() / answers.len().max(1) as f64
}

/// The mean error of readings that are right exactly as often as their confidence says.
pub(super) fn error_by_chance(answers: &[Answer]) -> f64 {
    let drawn = |seed| {
        let mut random = Pcg64Mcg::seed_from_u64(seed);
        let answers: Vec<Answer> =
            answers.iter().map(|answer| (answer.0, random.random::<f64>() < answer.0)).collect();
        calibration_error(&answers)
    };
    (0..DRAWS).map(drawn).sum::<f64>() / DRAWS as f64
}

/// What the card says of a set that was not fitted.
pub(super) fn held_out(
    set: &str,
    limits: &str,
    answers: &Answers,
    map: &BetaMap,
    abstain_below: Option<f32>,
) -> HeldOut {
    let (before, after) = (answers.before(), answers.after(map));
    let count = |answers: &[Answer]| answers.iter().filter(|answer| answer.1).count();
    // Compared as single-precision numbers, as requests are.
    let is_kept = |answer: &&Answer| abstain_below.is_some_and(|least| answer.0 as f32 >= least);
    let kept: Vec<Answer> = after.iter().filter(is_kept).copied().collect();
    let share = |part: usize, of: usize| part as f64 / of.max(1) as f64;
    let right_of_kept = || {
        let right = Share { count: count(&kept), of: kept.len() };
        let Interval { low, high } = right.interval();
        [right.value(), low, high]
    };
    HeldOut {
        set: set.to_owned(),
        limits: limits.to_owned(),
        images: before.len(),
        exact: share(count(&before), before.len()),
        error_before: calibration_error(&before),
        error_after: calibration_error(&after),
        error_by_chance: error_by_chance(&after),
        kept: share(kept.len(), after.len()),
        right_of_kept: (!kept.is_empty()).then(right_of_kept),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_is_the_distance_from_the_diagonal() {
        // Thirty readings of confidence 0.9 of which all are right, and thirty of 0.2 of which half are.
        let answers: Vec<Answer> =
            (0..60).map(|place| if place < 30 { (0.9, true) } else { (0.2, place % 2 == 0) }).collect();
        assert!((calibration_error(&answers) - (0.1 + 0.3) / 2.0).abs() < 1e-9);
        assert_eq!(calibration_error(&[]), 0.0);
        assert_eq!(bins(&answers).iter().map(|bin| bin.count).collect::<Vec<_>>(), [4; BINS]);
    }

    #[test]
    fn chance_alone_makes_an_error_that_shrinks_with_numbers() {
        let sure = |count: usize| error_by_chance(&vec![(0.9, true); count]);
        // Fifteen bins of 100 and of 10,000: the mean distance is sqrt(2/pi) standard deviations.
        for (count, expected) in [(1_500, 0.8 * 0.03), (150_000, 0.8 * 0.003)] {
            assert!((sure(count) / expected - 1.0).abs() < 0.15, "{} and {expected}", sure(count));
        }
    }

    #[test]
    fn what_is_kept_is_counted() {
        let map = BetaMap { a: 1.0, b: 1.0, c: 0.0 };
        let own = vec![(0.99, true), (0.95, false), (0.3, false)];
        let answers = Answers { own, special: vec![(0.99, true)] };
        let figures = held_out("set", "none", &answers, &map, Some(0.9));
        assert_eq!((figures.images, figures.exact, figures.kept), (4, 0.5, 0.75));
        let [right, low, high] = figures.right_of_kept.unwrap();
        assert!((right - 2.0 / 3.0).abs() < 1e-12 && low < right && right < high);
        assert_eq!(held_out("set", "none", &answers, &map, None).right_of_kept, None);
    }
}
