//! What a network's probabilities are worth: a map from them to how often readings with such a probability are right,
//! fitted on labelled pictures by `byecaptcha-trainer calibrate` and kept in the model's card.

use serde::{Deserialize, Serialize};

use crate::reading::Reading;

/// How near to certain and to impossible a probability is taken to be at most; beyond it there are no pictures to say.
const NEAREST: f64 = 1e-6;

/// A monotone map of probabilities with three numbers: beta calibration (Kull, Silva Filho and Flach 2017, "Beta
/// calibration: a well-founded and easily implemented improvement on logistic calibration for binary classifiers"),
/// `log-odds of the result = a ln p - b ln(1 - p) + c`. With `a` and `b` 1 and `c` 0 nothing changes. Unlike Platt's map of
/// the log-odds, it bends both ends apart, and a network errs differently at each.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct BetaMap {
    /// How fast the result grows for small probabilities; not negative.
    pub a: f64,
    /// How fast it grows for those near one; not negative.
    pub b: f64,
    /// Moves all of it.
    pub c: f64,
}

impl BetaMap {
    /// What a probability, 0 to 1, is worth, 0 to 1.
    pub fn apply(&self, probability: f64) -> f64 {
        let [low, high] = Self::features(probability);
        1.0 / (1.0 + (-(self.a * low + self.b * high + self.c)).exp())
    }

    /// What `a` and `b` are multiplied by: the natural logarithms of a probability and, negative, of what it lacks to one.
    pub fn features(probability: f64) -> [f64; 2] {
        let probability = probability.clamp(NEAREST, 1.0 - NEAREST);
        [probability.ln(), -(1.0 - probability).ln()]
    }

    /// Whether it is a map that keeps the order of probabilities: a card can hold any numbers.
    fn is_sound(&self) -> bool {
        [self.a, self.b, self.c].into_iter().all(f64::is_finite) && self.a >= 0.0 && self.b >= 0.0
    }

    /// A reading with what its probabilities are worth. Of the best text that is the map's result. What the other texts
    /// had together is shared out among them as before, so that all of them have one at most; where the best text lost
    /// so much that another would come before it, they lose as much. And what a character lacked to certainty changes as
    /// it does for the whole text, so that none is less sure than that.
    pub(crate) fn calibrated(&self, reading: Reading) -> Reading {
        let raw = f64::from(reading.confidence);
        // A text that is no text at all has no probability that could be wrong.
        if !self.is_sound() || reading.text.is_empty() && raw == 0.0 {
            return reading;
        }
        let best = self.apply(raw);
        let doubt = (1.0 - best) / (1.0 - raw).max(NEAREST);
        let others = doubt.min(best / raw.max(NEAREST));
        let other = |(text, raw): (String, f32)| (text, (f64::from(raw) * others) as f32);
        let character = |(character, raw): (char, f32)| {
            (character, (1.0 - (1.0 - f64::from(raw)) * doubt).clamp(0.0, 1.0) as f32)
        };
        Reading {
            text: reading.text,
            confidence: best as f32,
            characters: reading.characters.into_iter().map(character).collect(),
            alternatives: reading.alternatives.into_iter().map(other).collect(),
        }
    }
}

/// A model's calibration, with how well it does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// From the network's probability of a text to its confidence. One that changes nothing says that the network was
    /// right about itself, as far as the fitted readings tell.
    pub map: BetaMap,
    /// What the map and the threshold were fitted on: readings without limits of half of these pictures.
    pub fitted_on: String,
    /// How many readings the map was fitted on. The threshold goes by all of the fitted half, those of the special model, which
    /// has a map of its own, among them.
    pub fitted_readings: usize,
    /// The confidence below which to abstain: of the readings in the fitted half that have it or more, so many are right
    /// that with 95% confidence `right_when_kept` of all such readings are, whichever of the thresholds looked at it is
    /// (Geifman and El-Yaniv 2017, "Selective classification for deep neural networks", with the score interval of Wilson
    /// 1927). Absent where no threshold does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub abstain_below: Option<f32>,
    /// The share of right texts that the threshold is for.
    pub right_when_kept: f64,
    /// What was measured on pictures that the map and the threshold have not seen.
    pub held_out: Vec<HeldOut>,
}

/// How well a calibration does on one set of pictures that it has not seen.
///
/// Errors are expected calibration errors: readings in order of their confidence in 15 bins of equal numbers, and over
/// these the mean, weighted by readings, of the distance between mean confidence and share of right texts (Naeini, Cooper
/// and Hauskrecht 2015, with the adaptive bins of Nguyen and O'Connor 2015). Even a perfect map has one above zero, from
/// chance in the bins: see `error_by_chance`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HeldOut {
    /// What was read.
    pub set: String,
    /// What was asked for beforehand: `none`, `length`, `charset`, `length and charset`.
    pub limits: String,
    /// How many pictures.
    pub images: usize,
    /// Share of whole texts right, case counted.
    pub exact: f64,
    /// Expected calibration error of the network's own probabilities; what is handed on has the special model's confidences here, too.
    pub error_before: f64,
    /// The same of confidences.
    pub error_after: f64,
    /// What it would be on average, from chance alone, if each text were right exactly as often as its confidence says.
    pub error_by_chance: f64,
    /// Share of readings at or above the threshold; 0 where there is none.
    pub kept: f64,
    /// Share of right texts among them, with the interval of Wilson (1927) at 95%; absent where none is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub right_of_kept: Option<[f64; 3]>,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn reading(confidence: f32, others: &[f32], characters: &[f32]) -> Reading {
        Reading {
            text: "ab".to_owned(),
            confidence,
            characters: "ab".chars().zip(characters.iter().copied()).collect(),
            alternatives: others.iter().map(|&other| ("x".to_owned(), other)).collect(),
        }
    }

    #[test]
    fn ones_and_a_zero_change_nothing() {
        let same = BetaMap { a: 1.0, b: 1.0, c: 0.0 };
        for probability in [0.001, 0.2, 0.5, 0.999] {
            assert!((same.apply(probability) - probability).abs() < 1e-9);
        }
        let calibrated = same.calibrated(reading(0.6, &[0.3, 0.1], &[0.7, 0.9]));
        assert!((calibrated.alternatives[0].1 - 0.3).abs() < 1e-6);
        assert!((calibrated.characters[0].1 - 0.7).abs() < 1e-6);
    }

    #[test]
    fn a_map_that_would_turn_the_order_over_is_left_alone() {
        let read = reading(0.6, &[0.3], &[0.7, 0.9]);
        for (a, c) in [(-1.0, 0.0), (f64::NAN, 0.0), (1.0, f64::INFINITY)] {
            assert_eq!(BetaMap { a, b: 1.0, c }.calibrated(read.clone()), read);
        }
    }

    #[test]
    fn that_no_text_was_found_stays_impossible() {
        let nothing =
            Reading { text: String::new(), confidence: 0.0, characters: vec![], alternatives: vec![] };
        assert_eq!(BetaMap { a: 0.5, b: 0.5, c: 3.0 }.calibrated(nothing.clone()), nothing);
    }

    proptest! {
        #[test]
        fn order_is_kept_and_nothing_adds_up_to_more_than_one(
            (a, b, c) in (0.0_f64..3.0, 0.01_f64..3.0, -4.0_f64..4.0),
            weights in prop::collection::vec(0.001_f32..1.0, 2..9),
            doubts in (0.0_f32..1.0, 0.0_f32..1.0),
        ) {
            let map = BetaMap { a, b, c };
            // Texts that together are no more than one, the likeliest first; characters at least as sure as the text.
            let total: f32 = weights.iter().sum();
            let mut shares: Vec<f32> = weights.iter().map(|weight| weight / total).collect();
            shares.pop();
            shares.sort_by(|a, b| b.total_cmp(a));
            let sure = |doubt: f32| 1.0 - doubt * (1.0 - shares[0]);
            let read = map.calibrated(reading(shares[0], &shares[1..], &[sure(doubts.0), sure(doubts.1)]));
            let all: Vec<f32> =
                [read.confidence].into_iter().chain(read.alternatives.iter().map(|other| other.1)).collect();
            prop_assert!(all.iter().sum::<f32>() <= 1.0 + 1e-5, "{all:?}");
            prop_assert!(all.windows(2).all(|pair| pair[0] >= pair[1] - 1e-6), "{all:?}");
            prop_assert!(read.characters.iter().all(|&(_, sure)| sure >= read.confidence - 1e-5 && sure <= 1.0));
            let order = doubts.0.total_cmp(&doubts.1).reverse();
            let (first, second) = (read.characters[0].1, read.characters[1].1);
            prop_assert!(first == second || first.total_cmp(&second) == order);
            let surer = map.apply(f64::from(shares[0]) + 0.01);
            prop_assert!(surer >= map.apply(f64::from(shares[0])));
        }
    }
}
