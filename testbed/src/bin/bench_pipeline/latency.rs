//! How long requests took, and the times that so many of them stayed below.

use std::time::Duration;

/// All times of one measurement, none of them rounded away into buckets.
#[derive(Default)]
pub(crate) struct Latencies(Vec<Duration>);

impl Latencies {
    pub(crate) fn of(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        Self(times)
    }

    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    /// Milliseconds that this share of the requests, in percent, took at most (nearest rank). `None` where there are
    /// none.
    pub(crate) fn percentile(&self, percent: f64) -> Option<f64> {
        let rank = (percent / 100.0 * self.0.len() as f64).ceil() as usize;
        let time = self.0.get(rank.saturating_sub(1))?;
        Some(time.as_secs_f64() * 1e3)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_times_that_occurred() {
        let times = (1..=200).rev().map(Duration::from_millis).collect();
        let latencies = Latencies::of(times);
        let milliseconds = [0.0, 50.0, 99.0, 100.0].map(|percent| latencies.percentile(percent).unwrap());
        assert_eq!(milliseconds, [1.0, 100.0, 198.0, 200.0]);
        assert_eq!(Latencies::default().percentile(50.0), None);
    }
}
