//! How long to wait before something that failed is tried again.

use std::time::Duration;

const FIRST: Duration = Duration::from_millis(50);
const LONGEST: Duration = Duration::from_secs(5);

/// Doubles from 50 ms to 5 s, and starts over after a success.
#[derive(Debug, Default)]
pub(crate) struct Backoff {
    failures: u32,
}

impl Backoff {
    /// Notes a failure.
    pub(crate) fn failed(&mut self) {
        self.failures = self.failures.saturating_add(1);
    }

    /// Notes a success.
    pub(crate) fn succeeded(&mut self) {
        self.failures = 0;
    }

    /// The wait before the next try: none where the last one went well.
    pub(crate) fn delay(&self) -> Duration {
        match self.failures.checked_sub(1) {
            None => Duration::ZERO,
            Some(doublings) => FIRST.saturating_mul(1 << doublings.min(10)).min(LONGEST),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_to_the_cap_and_starts_over() {
        let mut backoff = Backoff::default();
        assert_eq!(backoff.delay(), Duration::ZERO);
        let delays: Vec<u128> = (0..50)
            .map(|_| {
                backoff.failed();
                backoff.delay().as_millis()
            })
            .collect();
        assert_eq!(delays[..8], [50, 100, 200, 400, 800, 1600, 3200, 5000]);
        assert!(delays[8..].iter().all(|&delay| delay == 5000));
        backoff.succeeded();
        assert_eq!(backoff.delay(), Duration::ZERO);
    }
}
