//! What is known of a text before it is read: which characters it can hold, and how many. The search keeps to it from the
//! first step on, and the probabilities that come out are those given that knowledge.

use super::BLANK;
use crate::predictor::LabelDistributions;

/// Bounds on a text. The default has none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Constraint {
    /// Labels that the text may hold; all of them where absent.
    pub labels: Option<Vec<usize>>,
    /// Fewest characters.
    pub min_length: usize,
    /// Most characters; any number where absent.
    pub max_length: Option<usize>,
}

impl Constraint {
    /// Whether lengths are bounded.
    pub(super) fn bounds_length(&self) -> bool {
        self.min_length > 0 || self.max_length.is_some()
    }

    /// Whether a text may have so many characters.
    pub(super) fn admits(&self, length: usize) -> bool {
        length >= self.min_length && self.max_length.is_none_or(|most| length <= most)
    }

    /// The distributions given that no other label occurs: at each step what the others had is shared out.
    pub(super) fn applied(&self, distributions: &LabelDistributions) -> Option<LabelDistributions> {
        let allowed = self.labels.as_ref()?;
        let mut keep = vec![false; distributions.labels()];
        keep[BLANK] = true;
        for &label in allowed {
            if let Some(keep) = keep.get_mut(label) {
                *keep = true;
            }
        }
        let mut values = distributions.as_slice().to_vec();
        for step in values.chunks_exact_mut(keep.len()) {
            for (value, keep) in step.iter_mut().zip(&keep) {
                if !keep {
                    *value = f32::NEG_INFINITY;
                }
            }
            let most = step.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            if most > f32::NEG_INFINITY {
                let sum = step.iter().map(|value| (value - most).exp()).sum::<f32>().ln() + most;
                step.iter_mut().for_each(|value| *value -= sum);
            }
        }
        LabelDistributions::new(values, keep.len()).ok()
    }

    /// The natural logarithm of the probability that the text's length is admitted, summed over all paths by their number
    /// of characters and their last label.
    pub(super) fn log_probability_of_length(&self, distributions: &LabelDistributions) -> f64 {
        // A text of more characters than steps has no path.
        let steps = distributions.steps().len();
        let most = self.max_length.unwrap_or(steps).min(steps);
        let labels = distributions.labels();
        // By characters so far: the paths that end in a blank, or have not begun, and those that end in each label.
        let mut blank = vec![0.0_f64; most + 1];
        let mut label = vec![vec![0.0_f64; labels]; most + 1];
        blank[0] = 1.0;
        for step in distributions.steps() {
            let step: Vec<f64> = step.iter().map(|&value| f64::from(value).exp()).collect();
            for length in (0..=most).rev() {
                let here: f64 = blank[length] + label[length].iter().sum::<f64>();
                let shorter = length.checked_sub(1).map(|less| blank[less] + label[less].iter().sum::<f64>());
                for last in 1..labels {
                    // The same label goes on, or another one begins; the same begins anew only after a blank.
                    let begins = shorter.map_or(0.0, |shorter| shorter - label[length - 1][last]);
                    label[length][last] = step[last] * (label[length][last] + begins.max(0.0));
                }
                blank[length] = here * step[BLANK];
            }
        }
        let all = blank.iter().zip(&label).map(|(blank, label)| blank + label.iter().sum::<f64>());
        all.skip(self.min_length).sum::<f64>().ln()
    }
}
