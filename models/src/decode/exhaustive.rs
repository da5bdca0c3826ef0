//! The search held against sums over every path, which tiny problems allow.

use std::collections::HashMap;

use proptest::prelude::*;

use super::*;
use crate::predictor::LabelDistributions;

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

/// A network's answer that is nothing but one path.
fn certain(path: &[usize], labels: usize) -> LabelDistributions {
    let step = |&best: &usize| (0..labels).map(move |label| if label == best { -0.01 } else { -9.0 });
    LabelDistributions::new(path.iter().flat_map(step).collect(), labels).unwrap()
}

#[test]
fn doubled_letters_are_kept_where_a_blank_parts_them() {
    let exactly =
        |length| Constraint { min_length: length, max_length: Some(length), ..Constraint::default() };
    let only = |labels: &[usize]| Constraint { labels: Some(labels.to_vec()), ..Constraint::default() };
    for (path, text) in [
        (&[1, 0, 1][..], &[1, 1][..]),
        (&[0, 2, 2, 0, 2, 0, 0, 1], &[2, 2, 1]),
        (&[3, 0, 3, 0, 3, 3], &[3, 3, 3]),
        (&[1, 1, 1, 0, 0], &[1]),
        (&[1, 0, 1, 2, 1], &[1, 1, 2, 1]),
    ] {
        let distributions = certain(path, 4);
        assert_eq!(greedy(&distributions), text);
        for constraint in [
            Constraint::default(),
            exactly(text.len()),
            only(text),
            Constraint { labels: Some(text.to_vec()), ..exactly(text.len()) },
        ] {
            let found = beam_within(&distributions, 8, &constraint);
            assert_eq!(found[0].labels, text, "{path:?} within {constraint:?}");
        }
    }
}

#[test]
fn a_length_decides_whether_a_letter_is_doubled() {
    // "1", and a blank in its middle that is as likely as not.
    let distributions = distributions(&[0.02, 0.96, 0.02, 0.49, 0.5, 0.01, 0.02, 0.96, 0.02], 3);
    for (length, text) in [(1, &[1][..]), (2, &[1, 1])] {
        let exactly = Constraint { min_length: length, max_length: Some(length), ..Constraint::default() };
        assert_eq!(beam_within(&distributions, 8, &exactly)[0].labels, text);
    }
}

proptest! {
    #[test]
    fn the_best_text_of_a_sharp_answer_has_its_whole_probability(
        path in prop::collection::vec(0..4_usize, 6),
        sharpness in 5.0_f32..12.0,
        noise in prop::collection::vec(0.0_f32..1.0, 24),
    ) {
        let weights: Vec<f32> = noise
            .iter()
            .enumerate()
            .map(|(place, noise)| (if path[place / 4] == place % 4 { 0.0 } else { -sharpness } + noise).exp())
            .collect();
        let distributions = distributions(&weights, 4);
        let all = exhaustive(&distributions);
        let best = &beam(&distributions, 8)[0];
        let (found, whole) = (f64::from(best.log_probability.exp()), all[&best.labels]);
        prop_assert!(found <= whole * 1.001 && found >= whole * 0.99, "{} of {}", found, whole);
        prop_assert!(all.values().all(|other| *other <= whole * 1.01), "another text is likelier");
    }
}
