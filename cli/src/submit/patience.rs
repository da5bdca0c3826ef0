//! When to try again, and when to stop trying.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use tokio::time::Instant;

/// The first pause; each is twice the one before.
const FIRST: Duration = Duration::from_millis(250);

/// No pause is longer, unless the server asks for it.
const LONGEST: Duration = Duration::from_secs(30);

/// The pauses between tries at one thing.
#[derive(Default)]
pub(crate) struct Backoff {
    tries: u32,
}

impl Backoff {
    /// The next pause: never shorter than the server asks for, and spread, lest all that failed together come back
    /// together.
    pub(crate) fn next(&mut self, asked: Option<Duration>) -> Duration {
        let full = FIRST.saturating_mul(1 << self.tries.min(16)).min(LONGEST);
        self.tries += 1;
        let asked = asked.unwrap_or_default();
        let own = full.mul_f64(rand::random_range(0.5..1.0));
        own.max(asked + asked.mul_f64(rand::random_range(0.0..0.25)))
    }
}

/// How long all files of a run together may go without progress.
pub(crate) struct Patience {
    longest: Duration,
    begun: Instant,
    /// Milliseconds from the beginning to the last progress.
    progress: AtomicU64,
}

impl Patience {
    pub(crate) fn new(longest: Duration) -> Self {
        Self { longest, begun: Instant::now(), progress: AtomicU64::new(0) }
    }

    /// A picture was accepted, or has its row.
    pub(crate) fn progress(&self) {
        let now = u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.progress.fetch_max(now, Ordering::Relaxed);
    }

    /// Whether there is patience for a pause.
    pub(crate) fn allows(&self, pause: Duration) -> bool {
        let last = self.begun + Duration::from_millis(self.progress.load(Ordering::Relaxed));
        last.elapsed() + pause <= self.longest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_limit_and_heed_the_server() {
        let mut backoff = Backoff::default();
        let pauses: Vec<Duration> = (0..40).map(|_| backoff.next(None)).collect();
        assert!(pauses[0] >= FIRST / 2 && pauses[0] <= FIRST, "{pauses:?}");
        assert!(pauses[4] >= FIRST * 8 && pauses[4] <= FIRST * 16, "{pauses:?}");
        assert!(pauses[20..].iter().all(|&pause| pause >= LONGEST / 2 && pause <= LONGEST), "{pauses:?}");
        let asked = Duration::from_secs(100);
        let pause = backoff.next(Some(asked));
        assert!(pause >= asked && pause <= asked * 5 / 4, "{pause:?}");
    }

    #[test]
    fn patience_begins_anew_with_every_progress() {
        let patience = Patience::new(Duration::from_secs(60));
        assert!(patience.allows(Duration::from_secs(59)) && !patience.allows(Duration::from_secs(61)));
        let patience = Patience::new(Duration::from_millis(200));
        std::thread::sleep(Duration::from_millis(250));
        assert!(!patience.allows(Duration::ZERO));
        patience.progress();
        assert!(patience.allows(Duration::ZERO));
    }
}
