//! Prefix beam search: sums over all the paths of a text, so its probabilities are those of texts. That gives honest
//! confidences and alternatives, which a best path cannot.

use std::collections::HashMap;

use super::BLANK;
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
    let width = width.max(1);
    let mut kept: Vec<(Vec<usize>, Ending)> =
        vec![(Vec::new(), Ending { blank: 0.0, label: f32::NEG_INFINITY })];
    for step in distributions.steps() {
        let mut next: HashMap<Vec<usize>, Ending> = HashMap::with_capacity(kept.len() * 4);
        let likely: Vec<usize> = (1..step.len()).filter(|&label| step[label] > NEGLIGIBLE).collect();
        for (prefix, ending) in &kept {
            let last = prefix.last().copied();
            let same = next.entry(prefix.clone()).or_insert(Ending::IMPOSSIBLE);
            same.blank = log_add(same.blank, ending.total() + step[BLANK]);
            if let Some(last) = last {
                same.label = log_add(same.label, ending.label + step[last]);
            }
            for &label in &likely {
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
        kept = next.into_iter().collect();
        // Ties are broken by the labels, so that the answer does not depend on the map's order.
        kept.sort_by(|a, b| b.1.total().total_cmp(&a.1.total()).then_with(|| a.0.cmp(&b.0)));
        kept.truncate(width);
    }
    kept.into_iter()
        .map(|(labels, ending)| Hypothesis { labels, log_probability: ending.total().min(0.0) })
        .collect()
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
