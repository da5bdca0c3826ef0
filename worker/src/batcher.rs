//! Which of the held deliveries go through the engine together. Nothing but counting, so that it can be tested whole.

/// What to do with the deliveries at the head of the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// So many go through the engine together: they are here for the first time.
    Together(usize),
    /// The first goes through the engine, and nothing else is held meanwhile. An earlier attempt at it failed, or the
    /// worker died while it held it: should it happen again, then to nobody else.
    Alone,
}

impl Step {
    /// How many deliveries the step takes from the head of the line.
    pub fn count(self) -> usize {
        match self {
            Self::Together(count) => count,
            Self::Alone => 1,
        }
    }
}

/// The next step for deliveries with these attempts, from 1, in the order of their coming; a batch has `max_batch` at
/// most, and 1 at least. `None` where there are none.
pub fn next_step(attempts: impl IntoIterator<Item = u32>, max_batch: usize) -> Option<Step> {
    let mut attempts = attempts.into_iter().peekable();
    let first = *attempts.peek()?;
    Some(match is_suspect(first) {
        true => Step::Alone,
        false => Step::Together(
            attempts.take(max_batch.max(1)).take_while(|&attempt| !is_suspect(attempt)).count(),
        ),
    })
}

/// Whether an earlier attempt was made and came to nothing.
pub fn is_suspect(attempt: u32) -> bool {
    attempt > 1
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn steps(attempts: &[u32], max_batch: usize) -> Vec<(Step, Vec<u32>)> {
        let mut rest = attempts;
        let mut steps = Vec::new();
        while let Some(step) = next_step(rest.iter().copied(), max_batch) {
            let (taken, left) = rest.split_at(step.count());
            steps.push((step, taken.to_vec()));
            rest = left;
        }
        steps
    }

    proptest! {
        #[test]
        fn everyone_is_taken_once_in_order_and_as_their_attempts_say(
            attempts in prop::collection::vec(prop_oneof![4 => Just(1_u32), 1 => 2..6_u32], 0..60),
            max_batch in 0..12_usize,
        ) {
            let most = max_batch.max(1);
            let steps = steps(&attempts, max_batch);
            let taken: Vec<u32> = steps.iter().flat_map(|(_, taken)| taken.iter().copied()).collect();
            prop_assert_eq!(&taken, &attempts);
            for (step, taken) in &steps {
                prop_assert!(!taken.is_empty() && taken.len() <= most);
                match step {
                    Step::Together(_) => prop_assert!(taken.iter().all(|&attempt| attempt == 1)),
                    Step::Alone => prop_assert!(taken[0] > 1),
                }
            }
            // No batch is smaller than it must be.
            for pair in steps.windows(2) {
                if let (Step::Together(count), Step::Together(_)) = (pair[0].0, pair[1].0) {
                    prop_assert_eq!(count, most);
                }
            }
        }
    }

    #[test]
    fn a_redelivery_between_newcomers_splits_them() {
        let kinds: Vec<Step> = steps(&[1, 1, 3, 1, 4, 1], 8).into_iter().map(|(step, _)| step).collect();
        let expected = [Step::Together(2), Step::Alone, Step::Together(1), Step::Alone, Step::Together(1)];
        assert_eq!(kinds, expected);
        assert_eq!(next_step([], 8), None);
    }
}
