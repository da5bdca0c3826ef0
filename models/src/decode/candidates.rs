//! The labels worth trying at each step, found in one pass over a network's answer: nearly all of the table is negligible,
//! so it is scanned in blocks without branches, and only what is left is looked at one by one.

use super::{BLANK, Constraint};
use crate::predictor::LabelDistributions;

/// Labels less likely than this at a step are not tried there, unless a length can be had in no other way: together they
/// change a text's probability by less than a thousandth, and most of the work goes.
const NEGLIGIBLE: f32 = -12.0;
/// Labels tried at each step, however unlikely, where the best path does not keep to the lengths asked for.
const BEST: usize = 8;
/// Values that are compared at once: a multiple of every vector's length.
const BLOCK: usize = 16;

/// A label and the natural logarithm of its probability at a step.
pub(super) type Candidate = (usize, f32);

/// What the distributions say within a charset: at each step, what the labels outside it had is shared out.
pub(super) struct Candidates<'a> {
    distributions: &'a LabelDistributions,
    /// 0 for a label that may occur, negative infinity for another: added, it takes a label out without a branch.
    penalties: Vec<f32>,
    /// By step, the logarithm of what the labels in the charset had together; 0 without a charset.
    shares: Vec<f32>,
    /// The candidates of all steps, one after the other.
    found: Vec<Candidate>,
    /// Where each step's begin, and where the last one's end.
    starts: Vec<usize>,
}

impl<'a> Candidates<'a> {
    /// The labels that are not negligible.
    pub(super) fn likely(distributions: &'a LabelDistributions, constraint: &Constraint) -> Self {
        let penalties = penalties(distributions.labels(), constraint);
        let steps = distributions.steps().len();
        let mut all = Self {
            distributions,
            penalties,
            shares: Vec::with_capacity(steps),
            found: Vec::with_capacity(8 * steps),
            starts: Vec::with_capacity(steps + 1),
        };
        let bounded = constraint.labels.is_some();
        for step in distributions.steps() {
            let start = all.found.len();
            all.starts.push(start);
            let most = if bounded { highest(step, &all.penalties) } else { 0.0 };
            // Where all that is allowed is impossible there is nothing to share out.
            let most = if most == f32::NEG_INFINITY { 0.0 } else { most };
            above(step, &all.penalties, most + NEGLIGIBLE, &mut all.found);
            let share = if bounded { share(step[BLANK], &all.found[start..], most) } else { 0.0 };
            all.found[start..].iter_mut().for_each(|(_, value)| *value -= share);
            all.shares.push(share);
        }
        all.starts.push(all.found.len());
        all
    }

    /// The same distributions with the likeliest labels of each step, however unlikely they are.
    pub(super) fn best(mut self) -> Self {
        self.found.clear();
        for (index, step) in self.distributions.steps().enumerate() {
            let (start, share) = (self.found.len(), self.shares[index]);
            self.starts[index] = start;
            for (label, (value, penalty)) in step.iter().zip(&self.penalties).enumerate().skip(1) {
                let value = value + penalty - share;
                let full = self.found.len() - start == BEST;
                let beaten = full && self.found.last().is_some_and(|&(_, worst)| value <= worst);
                if value == f32::NEG_INFINITY || beaten {
                    continue;
                }
                if full {
                    self.found.pop();
                }
                let place = self.found[start..].partition_point(|&(_, other)| other >= value);
                self.found.insert(start + place, (label, value));
            }
        }
        if let Some(end) = self.starts.last_mut() {
            *end = self.found.len();
        }
        self
    }

    /// How many steps there are.
    pub(super) fn steps(&self) -> usize {
        self.shares.len()
    }

    /// How many labels a step tells apart, the blank among them.
    pub(super) fn labels(&self) -> usize {
        self.penalties.len()
    }

    /// What is worth trying at a step.
    pub(super) fn at(&self, step: usize) -> &[Candidate] {
        &self.found[self.starts[step]..self.starts[step + 1]]
    }

    /// The logarithm of any label's probability at a step, the blank's among them.
    pub(super) fn value(&self, step: usize, label: usize) -> f32 {
        let value = self.distributions.as_slice()[step * self.penalties.len() + label];
        value + self.penalties[label] - self.shares[step]
    }

    /// How many characters the best path reads, and the logarithm of its probability.
    pub(super) fn best_path(&self) -> (usize, f32) {
        let (mut length, mut total, mut previous) = (0, 0.0, BLANK);
        for step in 0..self.steps() {
            let blank = (BLANK, self.value(step, BLANK));
            let better = |best: Candidate, &other: &Candidate| if other.1 > best.1 { other } else { best };
            let (label, value) = self.at(step).iter().fold(blank, better);
            length += usize::from(label != BLANK && label != previous);
            total += value;
            previous = label;
        }
        (length, total)
    }
}

fn penalties(labels: usize, constraint: &Constraint) -> Vec<f32> {
    let Some(allowed) = &constraint.labels else { return vec![0.0; labels] };
    let mut penalties = vec![f32::NEG_INFINITY; labels];
    for label in allowed.iter().copied().chain([BLANK]) {
        if let Some(penalty) = penalties.get_mut(label) {
            *penalty = 0.0;
        }
    }
    penalties
}

/// The highest value that is allowed.
fn highest(step: &[f32], penalties: &[f32]) -> f32 {
    let mut lanes = [f32::NEG_INFINITY; BLOCK];
    for (values, penalties) in step.chunks(BLOCK).zip(penalties.chunks(BLOCK)) {
        for ((lane, value), penalty) in lanes.iter_mut().zip(values).zip(penalties) {
            let value = value + penalty;
            *lane = if value > *lane { value } else { *lane };
        }
    }
    lanes.into_iter().fold(f32::NEG_INFINITY, f32::max)
}

/// Adds the labels whose value is above a threshold.
fn above(step: &[f32], penalties: &[f32], threshold: f32, found: &mut Vec<Candidate>) {
    for (block, (values, penalties)) in step.chunks(BLOCK).zip(penalties.chunks(BLOCK)).enumerate() {
        let any = values
            .iter()
            .zip(penalties)
            .fold(0_u32, |any, (value, penalty)| any | u32::from(value + penalty > threshold));
        if any == 0 {
            continue;
        }
        for (place, (value, penalty)) in values.iter().zip(penalties).enumerate() {
            let (label, value) = (block * BLOCK + place, value + penalty);
            if value > threshold && label != BLANK {
                found.push((label, value));
            }
        }
    }
}

/// The logarithm of what the blank and these labels have together; what is negligible beside the highest of them changes
/// it by less than a thousandth, all labels together, and is left out.
fn share(blank: f32, found: &[Candidate], most: f32) -> f32 {
    let sum = found.iter().fold((blank - most).exp(), |sum, (_, value)| sum + (value - most).exp());
    if sum > 0.0 { sum.ln() + most } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two steps of 40 labels: at the first one 1, 17 and 39 stand out, at the second one nothing does.
    fn distributions() -> LabelDistributions {
        let mut values = vec![-20.0; 80];
        (values[0], values[1], values[17], values[39]) = (-2.0, -0.5, -3.0, -2.5);
        values[40] = 0.0;
        LabelDistributions::new(values, 40).unwrap()
    }

    #[test]
    fn what_stands_out_is_found_in_every_block() {
        let distributions = distributions();
        let candidates = Candidates::likely(&distributions, &Constraint::default());
        assert_eq!(candidates.at(0), [(1, -0.5), (17, -3.0), (39, -2.5)]);
        assert_eq!(candidates.at(1), []);
        assert_eq!(candidates.best_path(), (1, -0.5));
    }

    #[test]
    fn a_charset_shares_out_what_the_others_had() {
        let distributions = distributions();
        let constraint = Constraint { labels: Some(vec![17, 39]), ..Constraint::default() };
        let candidates = Candidates::likely(&distributions, &constraint);
        let whole: f32 = candidates.at(0).iter().map(|(_, value)| value.exp()).sum();
        assert!((whole + candidates.value(0, BLANK).exp() - 1.0).abs() < 1e-5);
        assert_eq!(candidates.value(0, 1), f32::NEG_INFINITY);
        assert_eq!(candidates.at(0).iter().map(|found| found.0).collect::<Vec<_>>(), [17, 39]);
    }

    #[test]
    fn the_best_labels_are_found_however_unlikely() {
        let distributions = distributions();
        let candidates = Candidates::likely(&distributions, &Constraint::default()).best();
        let labels = |step| candidates.at(step).iter().map(|found| found.0).collect::<Vec<_>>();
        assert_eq!(labels(0), [1, 39, 17, 2, 3, 4, 5, 6]);
        assert_eq!(labels(1).len(), BEST);
    }
}
