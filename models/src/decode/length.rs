//! How probable it is that a text has a length that was asked for: what the texts' probabilities are divided by, so that
//! they are those given the length. Summed over all paths by their number of characters and their last label.

use super::{BLANK, Constraint, candidates::Candidates};

/// The natural logarithm of the probability that the length is admitted; `exact` counts every label at every step, and
/// without it those that are negligible go together, which is as good where the length is likely.
pub(super) fn log_probability(candidates: &Candidates<'_>, constraint: &Constraint, exact: bool) -> f64 {
    // A text of more characters than steps has no path.
    let most = constraint.max_length.unwrap_or(usize::MAX).min(candidates.steps());
    let by_length = if exact { of_all(candidates, most) } else { of_likely(candidates, most) };
    by_length.into_iter().skip(constraint.min_length).sum::<f64>().ln()
}

/// The probability of each length up to `most`; every label has its say.
fn of_all(candidates: &Candidates<'_>, most: usize) -> Vec<f64> {
    let labels = candidates.labels();
    // By characters so far: the paths that end in a blank, or have not begun; those that end in each label; all.
    let mut blank = vec![0.0_f64; most + 1];
    let mut label = vec![vec![0.0_f64; labels]; most + 1];
    let mut all = vec![0.0_f64; most + 1];
    (blank[0], all[0]) = (1.0, 1.0);
    let mut probabilities = vec![0.0_f64; labels];
    for step in 0..candidates.steps() {
        for (label, probability) in probabilities.iter_mut().enumerate() {
            *probability = f64::from(candidates.value(step, label)).exp();
        }
        // From the longest to the shortest, so that what is one shorter is still as it was.
        for length in (0..=most).rev() {
            blank[length] = all[length] * probabilities[BLANK];
            let mut sum = blank[length];
            if let Some(less) = length.checked_sub(1) {
                let (shorter, here) = label.split_at_mut(length);
                // The same label goes on, or another one begins; the same begins anew only after a blank.
                let ends = here[0].iter_mut().zip(&shorter[less]).zip(&probabilities).skip(1);
                for ((ends, same), probability) in ends {
                    *ends = probability * (*ends + (all[less] - same).max(0.0));
                    sum += *ends;
                }
            }
            all[length] = sum;
        }
    }
    all
}

/// The same from the candidates alone; what is left of each step counts as one more label, which always begins anew.
fn of_likely(candidates: &Candidates<'_>, most: usize) -> Vec<f64> {
    let lengths = most + 1;
    let mut all = vec![0.0_f64; lengths];
    all[0] = 1.0;
    let mut next_all = vec![0.0_f64; lengths];
    // The paths that end in each candidate of the step before, by length, and where a label is among these candidates.
    let (mut before, mut here): (Vec<f64>, Vec<f64>) = (Vec::new(), Vec::new());
    let mut place = vec![usize::MAX; candidates.labels()];
    let none = vec![0.0_f64; lengths];
    for step in 0..candidates.steps() {
        let blank = f64::from(candidates.value(step, BLANK).exp());
        let mut rest = 1.0 - blank;
        next_all.iter_mut().zip(&all).for_each(|(next, all)| *next = all * blank);
        here.clear();
        for &(label, value) in candidates.at(step) {
            let probability = f64::from(value.exp());
            rest -= probability;
            let same = match place[label] {
                usize::MAX => none.as_slice(),
                index => &before[index * lengths..(index + 1) * lengths],
            };
            here.push(probability * same[0]);
            here.extend(
                (1..lengths).map(|length| {
                    probability * (same[length] + (all[length - 1] - same[length - 1]).max(0.0))
                }),
            );
        }
        let rest = rest.max(0.0);
        (1..lengths).for_each(|length| next_all[length] += rest * all[length - 1]);
        for ends in here.chunks_exact(lengths) {
            next_all.iter_mut().zip(ends).for_each(|(next, ends)| *next += ends);
        }
        if step > 0 {
            candidates.at(step - 1).iter().for_each(|&(label, _)| place[label] = usize::MAX);
        }
        candidates.at(step).iter().enumerate().for_each(|(index, &(label, _))| place[label] = index);
        std::mem::swap(&mut all, &mut next_all);
        std::mem::swap(&mut before, &mut here);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::predictor::LabelDistributions;

    #[test]
    fn what_is_negligible_may_go_together() {
        // Fifteen steps of 40 labels that read "1 1 2", a little unsure of each, over a floor that is negligible.
        let path = [0, 1, 1, 0, 1, 0, 0, 2, 2, 0, 0, 0, 0, 0, 0];
        let weight = |best: usize, label: usize| match label {
            _ if label == best => 1.0,
            _ if label == (best + 3) % 40 => 0.2,
            _ => 2e-6,
        };
        let values = path.iter().flat_map(|&best| {
            let sum: f64 = (0..40).map(|label| weight(best, label)).sum();
            (0..40).map(move |label| (weight(best, label) / sum).ln() as f32)
        });
        let distributions = LabelDistributions::new(values.collect(), 40).unwrap();
        let candidates = Candidates::likely(&distributions, &Constraint::default());
        let (all, likely) = (of_all(&candidates, 15), of_likely(&candidates, 15));
        assert!((all.iter().sum::<f64>() - 1.0).abs() < 1e-4);
        for (all, likely) in all.iter().zip(&likely) {
            assert!((all - likely).abs() < 2e-4, "{all} and {likely}");
        }
    }
}
