//! How sure each character of the best text is, from the texts that the beam kept.

use super::Hypothesis;

/// For each character of the likeliest text, the share of probability, among all kept texts, of those that have the
/// same character at that place. Texts of another length are compared from both ends, the first one first, so that a
/// character too many in the middle does not cast doubt on all that follow. Of a doubled character the second is the
/// doubtful one where the other text has but one.
pub fn character_confidences(hypotheses: &[Hypothesis]) -> Vec<f32> {
    let Some(best) = hypotheses.first() else { return Vec::new() };
    let weights: Vec<f32> =
        hypotheses.iter().map(|other| (other.log_probability - best.log_probability).exp()).collect();
    let total: f32 = weights.iter().sum();
    // What the beam did not keep agrees with nothing.
    let missing = (1.0 - best.log_probability.exp() * total).max(0.0);
    let length = best.labels.len();
    (0..length)
        .map(|place| {
            let agreeing: f32 = hypotheses
                .iter()
                .zip(&weights)
                .filter(|(other, _)| agrees(&best.labels, &other.labels, place))
                .map(|(_, weight)| weight)
                .sum();
            (agreeing / total * (1.0 - missing)).clamp(0.0, 1.0)
        })
        .collect()
}

fn agrees(best: &[usize], other: &[usize], place: usize) -> bool {
    if best.len() == other.len() {
        return best[place] == other[place];
    }
    let head = best.iter().zip(other).take_while(|(a, b)| a == b).count();
    let tail = best.iter().rev().zip(other.iter().rev()).take_while(|(a, b)| a == b).count();
    // What the head has taken of the shorter text is no longer there for the tail.
    let tail = tail.min(best.len().min(other.len()) - head);
    place < head || place >= best.len() - tail
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hypothesis(labels: &[usize], probability: f32) -> Hypothesis {
        Hypothesis { labels: labels.to_vec(), log_probability: probability.ln() }
    }

    #[test]
    fn only_the_disputed_character_is_doubtful() {
        let confidences = character_confidences(&[hypothesis(&[1, 2, 3], 0.6), hypothesis(&[1, 9, 3], 0.4)]);
        assert!((confidences[0] - 1.0).abs() < 1e-5 && (confidences[2] - 1.0).abs() < 1e-5);
        assert!((confidences[1] - 0.6).abs() < 1e-5);
    }

    #[test]
    fn a_missing_character_leaves_its_neighbours_sure() {
        let confidences =
            character_confidences(&[hypothesis(&[1, 2, 3, 4], 0.7), hypothesis(&[1, 3, 4], 0.3)]);
        assert!((confidences[1] - 0.7).abs() < 1e-5);
        assert!([0, 2, 3].iter().all(|&place| (confidences[place] - 1.0).abs() < 1e-5));
    }

    #[test]
    fn a_doubled_character_is_as_doubtful_as_its_double() {
        let confidences =
            character_confidences(&[hypothesis(&[1, 2, 2, 3], 0.6), hypothesis(&[1, 2, 3], 0.4)]);
        assert!((confidences[2] - 0.6).abs() < 1e-5, "{confidences:?}");
        assert!([0, 1, 3].iter().all(|&place| (confidences[place] - 1.0).abs() < 1e-5), "{confidences:?}");
    }
}
