//! The likeliest label at each step, repeats and blanks dropped: the fastest reading, and nearly always the best.

use super::BLANK;
use crate::predictor::LabelDistributions;

/// The labels of the best path.
pub fn greedy(distributions: &LabelDistributions) -> Vec<usize> {
    let mut labels = Vec::new();
    let mut previous = BLANK;
    for step in distributions.steps() {
        let best =
            step.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).map_or(BLANK, |(label, _)| label);
        if best != BLANK && best != previous {
            labels.push(best);
        }
        previous = best;
    }
    labels
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeats_merge_unless_a_blank_parts_them() {
        let path = [0, 1, 1, 0, 1, 2, 2, 0, 0];
        let values = path.iter().flat_map(|&label| (0..3).map(move |l| if l == label { -0.1 } else { -3.0 }));
        let distributions = LabelDistributions::new(values.collect(), 3).unwrap();
        assert_eq!(greedy(&distributions), [1, 1, 2]);
    }

    #[test]
    fn nothing_but_blanks_reads_as_nothing() {
        let distributions = LabelDistributions::new(vec![0.0, -9.0, 0.0, -9.0], 2).unwrap();
        assert!(greedy(&distributions).is_empty());
    }
}
