//! Which of the held deliveries go through the engine together. Nothing but counting, so that it can be tested whole.

/// What bounds a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Most jobs in one batch; at least 1.
    pub max_batch: usize,
    /// The last attempt that is made; a job that comes once more is given up.
    pub delivery_limit: u32,
}

/// What to do with the deliveries at the head of the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// So many go through the engine together: they are here for the first time.
    Together(usize),
    /// The first goes through the engine, and nothing else is held meanwhile. An earlier attempt at it failed, or the
    /// worker died while it held it: should it happen again, then to nobody else.
    Alone,
    /// So many had all their attempts and killed the worker each time: they end without another.
    GiveUp(usize),
}

impl Step {
    /// How many deliveries the step takes from the head of the line.
    pub fn count(self) -> usize {
        match self {
            Self::Together(count) | Self::GiveUp(count) => count,
            Self::Alone => 1,
        }
    }
}

/// The next step for deliveries with these attempts, from 1, in the order of their coming. `None` where there are none.
pub fn next_step(attempts: impl IntoIterator<Item = u32>, limits: Limits) -> Option<Step> {
    let mut attempts = attempts.into_iter().peekable();
    let first = *attempts.peek()?;
    let run = |kind: fn(u32, Limits) -> bool, attempts: &mut dyn Iterator<Item = u32>| {
        attempts.take(limits.max_batch.max(1)).take_while(|&attempt| kind(attempt, limits)).count()
    };
    Some(if is_spent(first, limits) {
        Step::GiveUp(run(is_spent, &mut attempts))
    } else if is_suspect(first) {
        Step::Alone
    } else {
        Step::Together(run(
            |attempt, limits| !is_suspect(attempt) && !is_spent(attempt, limits),
            &mut attempts,
        ))
    })
}

/// Whether an earlier attempt was made and came to nothing.
pub fn is_suspect(attempt: u32) -> bool {
    attempt > 1
}

fn is_spent(attempt: u32, limits: Limits) -> bool {
    attempt > limits.delivery_limit.max(1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn steps(attempts: &[u32], limits: Limits) -> Vec<(Step, Vec<u32>)> {
        let mut rest = attempts;
        let mut steps = Vec::new();
        while let Some(step) = next_step(rest.iter().copied(), limits) {
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
            delivery_limit in 0..4_u32,
        ) {
            let limits = Limits { max_batch, delivery_limit };
            let (most, last) = (max_batch.max(1), delivery_limit.max(1));
            let steps = steps(&attempts, limits);
            let taken: Vec<u32> = steps.iter().flat_map(|(_, taken)| taken.iter().copied()).collect();
            prop_assert_eq!(&taken, &attempts);
            for (step, taken) in &steps {
                prop_assert!(!taken.is_empty() && taken.len() <= most);
                match step {
                    Step::Together(_) => prop_assert!(taken.iter().all(|&attempt| attempt == 1)),
                    Step::Alone => prop_assert!(taken[0] > 1 && taken[0] <= last),
                    Step::GiveUp(_) => prop_assert!(taken.iter().all(|&attempt| attempt > last)),
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
        let limits = Limits { max_batch: 8, delivery_limit: 3 };
        let kinds: Vec<Step> =
            steps(&[1, 1, 3, 1, 4, 5, 1], limits).into_iter().map(|(step, _)| step).collect();
        let expected =
            [Step::Together(2), Step::Alone, Step::Together(1), Step::GiveUp(2), Step::Together(1)];
        assert_eq!(kinds, expected);
        assert_eq!(next_step([], limits), None);
    }
}
