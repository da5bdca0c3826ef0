//! What confidences are worth for styles that the network never saw: with a map fitted on the styles that it did see, and with
//! one fitted on other styles that networks like it never saw.

use anyhow::Result;
use byecaptcha_models::{
    Recognizer,
    calibration::BetaMap,
    metrics::{Interval, Share},
};
use serde::{Deserialize, Serialize};

use super::{
    RIGHT_WHEN_KEPT, fit, measure,
    readings::{self, Answer, Answers},
};
use crate::evaluate;

/// The map that changes nothing.
const SAME: BetaMap = BetaMap { a: 1.0, b: 1.0, c: 0.0 };

/// What a network has read that was trained without some styles.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Fold {
    seen: Answers,
    unseen: Answers,
}

impl Fold {
    /// Reads so many pictures of each style of both kinds.
    pub(crate) fn read(
        recognizer: &mut Recognizer,
        seen: &[&str],
        unseen: &[&str],
        count: u64,
        seed: u64,
    ) -> Result<Self> {
        let mut answers = |styles: &[&str]| {
            let pictures = evaluate::drawn(styles, count * styles.len() as u64, seed)?;
            readings::unlimited(recognizer, pictures)
        };
        Ok(Self { seen: answers(seen)?, unseen: answers(unseen)? })
    }
}

/// How well confidences hold for the unseen styles of all folds together: as the network has them, by a map fitted on what
/// that network had seen, and by one fitted on what the other networks had not seen.
pub(crate) fn report(folds: &[Fold]) -> String {
    let by_seen = |fold: usize| folds[fold].seen.clone();
    let by_others = |fold: usize| {
        let mut others = Answers::default();
        let all = folds.iter().enumerate().filter(|(other, _)| *other != fold);
        all.for_each(|(_, other)| others.extend(&other.unseen));
        others
    };
    let mut table = format!(
        "Confidences of what was unseen, all folds together ({} readings, {:.1}% right): the expected calibration error (what \
         chance makes of a perfect map), and what a threshold for {}% keeps.\n\n\
         | the map and the threshold are fitted on | error | kept | right of these (95% interval) |\n|---|---|---|---|\n",
        folds.iter().map(|fold| fold.unseen.len()).sum::<usize>(),
        share_right(&folds.iter().flat_map(|fold| fold.unseen.before()).collect::<Vec<_>>()) * 100.0,
        RIGHT_WHEN_KEPT * 100.0,
    );
    let nothing = |fold| (SAME, fit::threshold(&by_seen(fold).before(), RIGHT_WHEN_KEPT));
    let fitted = |answers: Answers| {
        let map = fit::beta(&answers.own);
        (map, fit::threshold(&answers.after(&map), RIGHT_WHEN_KEPT))
    };
    table += &line("nothing, and the styles that were seen", folds, nothing);
    table += &line("the styles that were seen", folds, |fold| fitted(by_seen(fold)));
    if folds.len() > 1 {
        table += &line("what the other folds' networks had not seen", folds, |fold| fitted(by_others(fold)));
    }
    table
}

fn line(name: &str, folds: &[Fold], fitted: impl Fn(usize) -> (BetaMap, Option<f32>)) -> String {
    let (mut all, mut kept) = (Vec::<Answer>::new(), Vec::<Answer>::new());
    for (place, fold) in folds.iter().enumerate() {
        let (map, threshold) = fitted(place);
        let after = fold.unseen.after(&map);
        // Compared as single-precision numbers, as requests are.
        kept.extend(after.iter().filter(|answer| threshold.is_some_and(|least| answer.0 as f32 >= least)));
        all.extend(after);
    }
    let error = measure::calibration_error(&all) * 100.0;
    let chance = measure::error_by_chance(&all) * 100.0;
    let right = kept.iter().filter(|answer| answer.1).count();
    let Interval { low, high } = Share { count: right, of: kept.len() }.interval();
    let worth = if kept.is_empty() {
        // No threshold can be promised, or none of these is as sure.
        "none | ".to_owned()
    } else {
        let share = kept.len() as f64 / all.len() as f64 * 100.0;
        let right = share_right(&kept) * 100.0;
        format!("{share:.1}% | {right:.2}% ({:.2}% to {:.2}%)", low * 100.0, high * 100.0)
    };
    format!("| {name} | {error:.2}% ({chance:.2}%) | {worth} |\n")
}

fn share_right(answers: &[Answer]) -> f64 {
    answers.iter().filter(|answer| answer.1).count() as f64 / answers.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_pcg::Pcg64Mcg;

    use super::*;

    #[test]
    fn a_network_too_sure_of_the_unseen_is_set_right_by_others_like_it_alone() {
        let mut random = Pcg64Mcg::seed_from_u64(3);
        let mut answers = |worth: fn(f64) -> f64| {
            let own = (0..4_000).map(|_| {
                let probability = random.random::<f64>().sqrt();
                (probability, random.random::<f64>() < worth(probability))
            });
            Answers { own: own.collect(), special: Vec::new() }
        };
        let mut fold = || Fold { seen: answers(|p| p), unseen: answers(|p| p * p) };
        let report = report(&[fold(), fold(), fold()]);
        let errors: Vec<f64> = report
            .lines()
            .filter_map(|line| line.split('|').nth(2)?.split('%').next()?.trim().parse().ok())
            .collect();
        let [raw, seen, others] = errors[..] else { panic!("{report}") };
        assert!(raw > 10.0 && seen > 10.0 && others < 2.5, "{report}");
    }

    #[test]
    fn where_no_threshold_can_be_promised_none_is_told() {
        let wrong = Answers { own: vec![(0.9, false); 100], special: Vec::new() };
        let report = report(&[Fold { seen: wrong.clone(), unseen: wrong }]);
        let rows: Vec<&str> = report.lines().filter(|line| line.ends_with("| none |  |")).collect();
        assert_eq!(rows.len(), 2, "{report}");
    }
}
