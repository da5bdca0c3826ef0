//! Prefix beam search: sums over all the paths of a text, so its probabilities are those of texts. That gives honest
//! confidences and alternatives, which a best path cannot.

use std::collections::HashMap;

use super::{BLANK, Constraint};
use crate::predictor::LabelDistributions;

/// A text and the natural logarithm of its probability.
#[derive(Clone, Debug, PartialEq)]
pub struct Hypothesis {
    /// The labels of the text.
    pub labels: Vec<usize>,
    /// Logarithm of the summed probability of all its paths that the beam kept.
    pub log_probability: f32,
}

/// Labels less likely than this at a step are not tried there: together they change a text's probability by less
/// than a thousandth, and most of the work goes.
const NEGLIGIBLE: f32 = -12.0;
/// Labels tried at each step where the text's length is bounded.
const BEST: usize = 8;

/// The two ways in which a prefix may end; they extend differently.
#[derive(Clone, Copy)]
struct Ending {
    blank: f32,
    label: f32,
}

impl Ending {
    const IMPOSSIBLE: Self = Self { blank: f32::NEG_INFINITY, label: f32::NEG_INFINITY };

    fn total(self) -> f32 {
        log_add(self.blank, self.label)
    }
}

/// The likeliest texts, likeliest first; at most `width` of them, never none. `width` 0 counts as 1.
pub fn beam(distributions: &LabelDistributions, width: usize) -> Vec<Hypothesis> {
    beam_within(distributions, width, &Constraint::default())
}

/// The likeliest texts that keep to a constraint, with their probabilities given that the text does: none where no text
/// can.
pub fn beam_within(
    distributions: &LabelDistributions,
    width: usize,
    constraint: &Constraint,
) -> Vec<Hypothesis> {
    let width = width.max(1);
    let applied = constraint.applied(distributions);
    let distributions = applied.as_ref().unwrap_or(distributions);
    let mut kept: Vec<Prefix> = vec![(Vec::new(), Ending { blank: 0.0, label: f32::NEG_INFINITY })];
    for step in distributions.steps() {
        if constraint.bounds_length() {
            // Each length has a beam of its own: one that the network finds unlikely must last until the end.
            kept = extended(&kept, step, &best(step), constraint.max_length);
            keep_of_each_length(&mut kept, width);
        } else {
            kept = extended(&kept, step, &likely(step), None);
            kept.truncate(width);
        }
    }
    kept.retain(|(labels, ending)| constraint.admits(labels.len()) && ending.total() > f32::NEG_INFINITY);
    kept.truncate(width);
    let whole = match constraint.bounds_length() {
        true => constraint.log_probability_of_length(distributions) as f32,
        false => 0.0,
    };
    kept.into_iter()
        .map(|(labels, ending)| Hypothesis { labels, log_probability: (ending.total() - whole).min(0.0) })
        .collect()
}

/// The start of a text, and how likely it ends in either way.
type Prefix = (Vec<usize>, Ending);

/// The labels that are not negligible.
fn likely(step: &[f32]) -> Vec<usize> {
    (1..step.len()).filter(|&label| step[label] > NEGLIGIBLE).collect()
}

/// The likeliest labels, however unlikely: where a length is asked for, one of them may have to be.
fn best(step: &[f32]) -> Vec<usize> {
    let mut labels: Vec<usize> = (1..step.len()).filter(|&label| step[label] > f32::NEG_INFINITY).collect();
    labels.sort_by(|&a, &b| step[b].total_cmp(&step[a]));
    labels.truncate(BEST);
    labels
}

/// All prefixes after one more step, likeliest first.
fn extended(kept: &[Prefix], step: &[f32], tried: &[usize], max_length: Option<usize>) -> Vec<Prefix> {
    let mut next: HashMap<Vec<usize>, Ending> = HashMap::with_capacity(kept.len() * 4);
    for (prefix, ending) in kept {
        let last = prefix.last().copied();
        let same = next.entry(prefix.clone()).or_insert(Ending::IMPOSSIBLE);
        same.blank = log_add(same.blank, ending.total() + step[BLANK]);
        if let Some(last) = last {
            same.label = log_add(same.label, ending.label + step[last]);
        }
        if max_length.is_some_and(|most| prefix.len() >= most) {
            continue;
        }
        for &label in tried {
            // A repeated label starts a new character only after a blank.
            let from = if Some(label) == last { ending.blank } else { ending.total() };
            if from == f32::NEG_INFINITY {
                continue;
            }
            let mut longer = prefix.clone();
            longer.push(label);
            let grown = next.entry(longer).or_insert(Ending::IMPOSSIBLE);
            grown.label = log_add(grown.label, from + step[label]);
        }
    }
    let mut next: Vec<Prefix> = next.into_iter().collect();
    // Ties are broken by the labels, so that the answer does not depend on the map's order.
    next.sort_by(|a, b| b.1.total().total_cmp(&a.1.total()).then_with(|| a.0.cmp(&b.0)));
    next
}

/// Keeps the first `width` of each length.
fn keep_of_each_length(prefixes: &mut Vec<Prefix>, width: usize) {
    let mut seen: HashMap<usize, usize> = HashMap::new();
    prefixes.retain(|(labels, _)| {
        let seen = seen.entry(labels.len()).or_default();
        *seen += 1;
        *seen <= width
    });
}

fn log_add(a: f32, b: f32) -> f32 {
    let (high, low) = if a > b { (a, b) } else { (b, a) };
    if low == f32::NEG_INFINITY { high } else { high + (low - high).exp().ln_1p() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::decode::greedy;

    /// Sums over every path, to hold the search against.
    fn exhaustive(distributions: &LabelDistributions) -> HashMap<Vec<usize>, f64> {
        let mut texts = HashMap::new();
        let steps: Vec<&[f32]> = distributions.steps().collect();
        let paths = distributions.labels().pow(steps.len() as u32);
        for mut code in 0..paths {
            let (mut labels, mut previous, mut probability) = (Vec::new(), BLANK, 1.0_f64);
            for step in &steps {
                let label = code % distributions.labels();
                code /= distributions.labels();
                probability *= f64::from(step[label]).exp();
                if label != BLANK && label != previous {
                    labels.push(label);
                }
                previous = label;
            }
            *texts.entry(labels).or_insert(0.0) += probability;
        }
        texts
    }

    fn distributions(weights: &[f32], labels: usize) -> LabelDistributions {
        let values = weights.chunks_exact(labels).flat_map(|step| {
            let sum: f32 = step.iter().sum();
            step.iter().map(move |weight| (weight / sum).ln()).collect::<Vec<_>>()
        });
        LabelDistributions::new(values.collect(), labels).unwrap()
    }

    proptest! {
        #[test]
        fn a_wide_beam_finds_every_text_with_its_probability(weights in prop::collection::vec(0.05_f32..1.0, 15)) {
            let distributions = distributions(&weights, 3);
            let all = exhaustive(&distributions);
            let found = beam(&distributions, 1000);
            prop_assert_eq!(found.len(), all.len());
            for hypothesis in &found {
                let expected = all[&hypothesis.labels];
                prop_assert!((f64::from(hypothesis.log_probability.exp()) - expected).abs() < 1e-4);
            }
            prop_assert!(found.windows(2).all(|pair| pair[0].log_probability >= pair[1].log_probability));
        }
    }

    proptest! {
        #[test]
        fn within_a_constraint_probabilities_are_those_given_it(
            weights in prop::collection::vec(0.05_f32..1.0, 20),
            min_length in 0..4_usize,
            more in 0..3_usize,
            label in 1..4_usize,
        ) {
            let distributions = distributions(&weights, 4);
            let labels: Vec<usize> = (1..4).filter(|&other| other != label).collect();
            let constraint =
                Constraint { labels: Some(labels.clone()), min_length, max_length: Some(min_length + more) };
            let mut admitted = exhaustive(&distributions);
            admitted.retain(|text, _| {
                constraint.admits(text.len()) && text.iter().all(|label| labels.contains(label))
            });
            let whole: f64 = admitted.values().sum();
            let found = beam_within(&distributions, 1000, &constraint);
            prop_assert_eq!(found.len(), admitted.len());
            for hypothesis in &found {
                let expected = admitted[&hypothesis.labels] / whole;
                let probability = f64::from(hypothesis.log_probability.exp());
                prop_assert!((probability - expected).abs() < 1e-4, "{} and {}", probability, expected);
            }
        }
    }

    #[test]
    fn a_length_that_the_network_finds_unlikely_is_found_all_the_same() {
        // Ten steps that are nearly certain to read "1 2", and five characters are asked for.
        let path = [1, 0, 0, 2, 0, 0, 0, 0, 0, 0];
        let weights: Vec<f32> =
            path.iter().flat_map(|&best| (0..9).map(move |l| if l == best { 1.0 } else { 1e-4 })).collect();
        let distributions = distributions(&weights, 9);
        assert_eq!(beam(&distributions, 2)[0].labels, [1, 2]);
        let five = Constraint { min_length: 5, max_length: Some(5), ..Constraint::default() };
        let found = beam_within(&distributions, 2, &five);
        assert_eq!((found.len(), found[0].labels.len()), (2, 5));
        let impossible = Constraint { min_length: 11, ..Constraint::default() };
        assert_eq!(beam_within(&distributions, 2, &impossible), []);
    }

    #[test]
    fn many_weak_paths_beat_one_strong_path() {
        // "a" has probability 0.64 over three paths; the best single path (0.36) reads as nothing.
        let distributions = distributions(&[0.6, 0.4, 0.6, 0.4], 2);
        assert!(greedy(&distributions).is_empty());
        let best = &beam(&distributions, 4)[0];
        assert_eq!(best.labels, [1]);
        assert!((best.log_probability.exp() - 0.64).abs() < 1e-4);
    }
}
