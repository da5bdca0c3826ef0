//! Limits hold: whatever a network says, no answer, the best or another, has a length or a character that was not allowed;
//! and where an answer within them is possible, there is one.
// A test may stop at the first surprise.
#![allow(clippy::unwrap_used)]

use std::{collections::HashSet, fs, path::Path};

use byecaptcha_models::{
    ImageBatch, LabelDistributions, ModelCard, Predictor, PreparedImage, ReadingOptions, Recognizer,
    decode::{self, Constraint},
    onnx::OnnxPredictor,
    preprocess, weights,
};
use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};

/// Readings in each test.
const READINGS: u32 = 10_000;

/// Checks what was found; says what is wrong with it.
fn check(distributions: &LabelDistributions, width: usize, constraint: &Constraint) -> Result<(), String> {
    let found = decode::beam_within(distributions, width, constraint);
    let allowed = |label: &usize| {
        (1..distributions.labels()).contains(label)
            && constraint.labels.as_ref().is_none_or(|labels| labels.contains(label))
    };
    let mut seen = HashSet::new();
    let (mut together, mut before) = (0.0, 0.0);
    for text in &found {
        let length = text.labels.len();
        if length < constraint.min_length || constraint.max_length.is_some_and(|most| length > most) {
            return Err(format!("{length} characters within {constraint:?}"));
        }
        if !text.labels.iter().all(allowed) {
            return Err(format!("{:?} within {constraint:?}", text.labels));
        }
        if !seen.insert(&text.labels) {
            return Err(format!("{:?} twice", text.labels));
        }
        if text.log_probability.is_nan() || text.log_probability > before {
            return Err(format!("{} after {before}", text.log_probability));
        }
        before = text.log_probability;
        together += f64::from(text.log_probability.exp());
    }
    if together > 1.001 {
        return Err(format!("probabilities add up to {together}"));
    }
    // One label and blanks between are enough for so long a text, where nothing is impossible altogether.
    let possible = distributions.as_slice().iter().all(|value| value.is_finite());
    let reachable = constraint.min_length * 2 <= distributions.steps().len() + 1;
    let consistent = constraint.max_length.is_none_or(|most| constraint.min_length <= most);
    let has_label = (1..distributions.labels()).any(|label| allowed(&label));
    if found.is_empty() && possible && reachable && consistent && (has_label || constraint.min_length == 0) {
        return Err(format!("nothing within {constraint:?}"));
    }
    if found.len() > width {
        return Err(format!("{} texts of {width}", found.len()));
    }
    Ok(())
}

/// Exact lengths, bounds and neither, with a charset or without; labels that are none are among those asked for.
fn constraints(labels: usize, steps: usize) -> impl Strategy<Value = Constraint> {
    let lengths = prop_oneof![
        Just((0, None)),
        (0..=steps + 2).prop_map(|length| (length, Some(length))),
        (0..=steps, 0..=steps).prop_map(|(least, more)| (least, Some(least + more))),
        (0..=steps).prop_map(|least| (least, None)),
        (0..=steps).prop_map(|most| (0, Some(most))),
        (1..=steps, 0..steps).prop_map(|(least, most)| (least, Some(most))),
    ];
    let charset = prop::option::of(prop::collection::vec(0..labels + 2, 0..labels));
    (lengths, charset).prop_map(|((min_length, max_length), labels)| Constraint {
        labels,
        min_length,
        max_length,
    })
}

/// From flat ones to ones whose unlikely labels are beyond any exponent, or impossible.
fn distributions() -> impl Strategy<Value = LabelDistributions> {
    let kinds = prop_oneof![
        Just(0.0_f32),
        Just(1e-4),
        0.1_f32..3.0,
        3.0_f32..30.0,
        Just(100.0),
        Just(1000.0),
        Just(f32::INFINITY)
    ];
    (2..70_usize, 1..24_usize, kinds).prop_flat_map(|(labels, steps, peak)| {
        let step = (prop::collection::vec(0.0_f32..1.0, labels), 0..labels);
        prop::collection::vec(step, steps).prop_map(move |steps| {
            let values = steps.into_iter().flat_map(|(noise, best)| {
                let logits: Vec<f32> = noise
                    .iter()
                    .enumerate()
                    .map(
                        |(label, noise)| {
                            if label == best { 0.0 } else { -peak - noise * peak.clamp(1e-4, 1.0) }
                        },
                    )
                    .collect();
                let sum = logits.iter().map(|value| value.exp()).sum::<f32>().ln();
                logits.into_iter().map(move |value| value - sum)
            });
            LabelDistributions::new(values.collect(), labels).unwrap()
        })
    })
}

fn run<T: std::fmt::Debug>(strategy: &impl Strategy<Value = T>, test: impl Fn(T) -> Result<(), String>) {
    let config = Config { cases: READINGS, failure_persistence: None, ..Config::default() };
    TestRunner::new(config).run(strategy, |case| test(case).map_err(TestCaseError::fail)).unwrap();
}

#[test]
fn limits_hold_on_whatever_a_network_may_say() {
    let cases = distributions().prop_flat_map(|distributions| {
        let constraints = constraints(distributions.labels(), distributions.steps().len());
        (Just(distributions), constraints, 1..12_usize)
    });
    run(&cases, |(distributions, constraint, width)| check(&distributions, width, &constraint));
}

fn fixtures(recognizer: &Recognizer) -> Vec<PreparedImage> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../trainer/tests/fixtures/var456");
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.iter().map(|path| recognizer.prepare(&fs::read(path).unwrap()).unwrap()).collect()
}

/// What the shipped network says of the fixtures.
fn outputs() -> (ModelCard, Vec<LabelDistributions>) {
    let card: ModelCard = serde_json::from_str(weights::LEAN.card).unwrap();
    let mut network = OnnxPredictor::new(weights::LEAN.onnx.to_vec(), card.charset.labels()).unwrap();
    let outputs = fixtures(&Recognizer::embedded().unwrap())
        .into_iter()
        .map(|image| {
            let batch =
                ImageBatch { count: 1, height: preprocess::HEIGHT, width: image.width, pixels: image.pixels };
            network.predict(&batch).unwrap().remove(0)
        })
        .collect();
    (card, outputs)
}

#[test]
fn limits_hold_on_what_the_network_says_of_pictures() {
    let (card, outputs) = outputs();
    let steps = outputs[0].steps().len();
    let cases = (0..outputs.len(), constraints(card.charset.labels(), steps.min(12)), 1..12_usize);
    run(&cases, |(output, constraint, width)| check(&outputs[output], width, &constraint));
}

#[test]
fn limits_hold_in_whole_readings() {
    let mut recognizer = Recognizer::embedded().unwrap();
    let images = fixtures(&recognizer);
    for (charset, min_length, max_length) in [
        (Some("0123456789"), None, None),
        (Some("XxVvZz"), Some(5), Some(5)),
        (None, Some(3), Some(3)),
        (None, Some(7), Some(9)),
        (Some("é語"), None, None),
    ] {
        let options = ReadingOptions {
            charset: charset.map(str::to_owned),
            min_length,
            max_length,
            alternatives: Some(9),
        };
        for reading in recognizer.recognize_with(&images, &vec![options; images.len()]).unwrap() {
            let texts = reading.alternatives.iter().map(|(text, _)| text).chain([&reading.text]);
            for text in texts {
                assert!(text.chars().count() >= min_length.unwrap_or(0), "{text}");
                assert!(max_length.is_none_or(|most| text.chars().count() <= most), "{text}");
                assert!(
                    charset.is_none_or(|charset| text.chars().all(|own| charset.contains(own))),
                    "{text}"
                );
            }
            let together: f32 = reading.alternatives.iter().map(|(_, sure)| sure).sum();
            assert!(together + reading.confidence <= 1.001, "{reading:?}");
            assert!(reading.alternatives.iter().all(|(_, sure)| *sure <= reading.confidence));
            assert_eq!(reading.characters.len(), reading.text.chars().count());
        }
    }
}

#[test]
fn a_narrow_search_finds_what_a_wide_one_does() {
    let (_, outputs) = outputs();
    let exactly =
        |length| Constraint { min_length: length, max_length: Some(length), ..Constraint::default() };
    for output in &outputs {
        // The length that the network finds, too: of one that it does not, the texts are many and none is likely.
        let length = decode::beam(output, 200)[0].labels.len();
        for constraint in [Constraint::default(), exactly(length)] {
            let narrow = decode::beam_within(output, 8, &constraint);
            let wide = decode::beam_within(output, 200, &constraint);
            let probability = |text: &decode::Hypothesis| text.log_probability.exp();
            // Where two are about as likely, either may come first.
            let same = wide.iter().find(|text| text.labels == narrow[0].labels).unwrap();
            assert!((probability(same) - probability(&narrow[0])).abs() < 5e-3, "{same:?} {:?}", narrow[0]);
            assert!(probability(&wide[0]) - probability(same) < 5e-3, "{same:?} {:?}", wide[0]);
        }
    }
}
