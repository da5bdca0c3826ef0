//! What reading costs: time, measured while the pictures go by, and money at a price for it.

use std::time::{Duration, Instant};

use serde::Serialize;

/// How long the engine and the preparation of pictures have run, reading from the disk left out.
#[derive(Clone, Copy, Default)]
pub(crate) struct Clock {
    wall: Duration,
    /// Time on processors, which work of other programs does not lengthen as it does the wall's.
    processor: Option<Duration>,
}

/// The price of reading.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Cost {
    /// Dollars for one core for one hour: a setting.
    pub(crate) core_hour_price: f64,
    /// Whether somebody gave that price, or it is the program's own assumption.
    pub(crate) price_is_assumed: bool,
    /// Seconds of one core for one picture: on the processor where that is known, else by the wall's clock.
    pub(crate) core_seconds_per_picture: f64,
    /// The same by the wall's clock: more where other programs had the core, too.
    pub(crate) wall_seconds_per_picture: f64,
    /// How many pictures went through the engine at once.
    pub(crate) batch: usize,
    /// Dollars for a thousand pictures read, right or wrong.
    pub(crate) dollars_per_thousand: f64,
    /// Pictures read right for a dollar.
    pub(crate) solved_per_dollar: f64,
    /// Pictures to be tried for one that is read right; none where none was.
    pub(crate) tries_per_solved: Option<f64>,
}

impl Clock {
    /// Runs this, and counts its time where it comes to something: what cannot be read is not among what is divided by.
    pub(crate) fn try_measure<T, E>(&mut self, work: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        let mut tried = *self;
        let done = tried.measure(work)?;
        *self = tried;
        Ok(done)
    }

    /// Runs this, and counts its time.
    pub(crate) fn measure<T>(&mut self, work: impl FnOnce() -> T) -> T {
        let (begun, processor) = (Instant::now(), processor_time());
        let done = work();
        self.wall += begun.elapsed();
        let taken = processor.zip(processor_time()).map(|(from, to)| to.saturating_sub(from));
        self.processor = taken.map(|taken| self.processor.unwrap_or_default() + taken);
        done
    }

    /// What so many pictures have cost, of which this share was read right.
    pub(crate) fn cost(&self, pictures: usize, right: f64, price: (f64, bool), batch: usize) -> Cost {
        let each = |time: Duration| time.as_secs_f64() / pictures.max(1) as f64;
        // A clock that stood still has measured nothing that could be divided by.
        let core = each(self.processor.filter(|time| !time.is_zero()).unwrap_or(self.wall)).max(1e-9);
        let dollars = core * price.0 / 3600.0;
        Cost {
            core_hour_price: price.0,
            price_is_assumed: price.1,
            core_seconds_per_picture: core,
            wall_seconds_per_picture: each(self.wall),
            batch,
            dollars_per_thousand: dollars * 1000.0,
            solved_per_dollar: right / dollars,
            tries_per_solved: (right > 0.0).then(|| 1.0 / right),
        }
    }
}

/// What this process has had of processors. The engine runs on one thread, and nothing runs beside it.
#[cfg(unix)]
fn processor_time() -> Option<Duration> {
    use nix::time::{ClockId, clock_gettime};
    clock_gettime(ClockId::CLOCK_PROCESS_CPUTIME_ID).ok().map(Duration::from)
}

#[cfg(not(unix))]
fn processor_time() -> Option<Duration> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_to_nothing_takes_no_time() {
        let mut clock = Clock::default();
        let work = || std::thread::sleep(Duration::from_millis(5));
        assert_eq!(clock.try_measure(|| (work(), Err::<(), _>("broken")).1), Err("broken"));
        assert!(clock.wall.is_zero() && clock.processor.is_none());
        clock.try_measure(|| (work(), Ok::<_, ()>(())).1).unwrap();
        assert!(clock.wall >= Duration::from_millis(5));
    }

    #[test]
    fn money_is_time_at_its_price() {
        let clock = Clock { wall: Duration::from_secs(4), processor: Some(Duration::from_secs(2)) };
        let cost = clock.cost(1000, 0.5, (0.18, false), 8);
        assert_eq!((cost.core_seconds_per_picture, cost.wall_seconds_per_picture), (0.002, 0.004));
        // Two seconds at 18 cents an hour are a hundredth of a cent.
        assert!((cost.dollars_per_thousand - 0.0001).abs() < 1e-12, "{cost:?}");
        assert!((cost.solved_per_dollar - 5_000_000.0).abs() < 1e-3, "{cost:?}");
        assert_eq!(cost.tries_per_solved, Some(2.0));
        assert_eq!(clock.cost(1000, 0.0, (0.18, false), 8).tries_per_solved, None);
        let unknown = Clock { wall: Duration::from_secs(4), processor: None };
        assert_eq!(unknown.cost(1000, 0.5, (0.18, false), 8).core_seconds_per_picture, 0.004);
    }

    #[cfg(unix)]
    #[test]
    fn sleep_is_on_the_wall_and_not_on_the_processor() {
        let mut clock = Clock::default();
        for _ in 0..2 {
            clock.measure(|| std::thread::sleep(Duration::from_millis(60)));
        }
        assert!(clock.wall >= Duration::from_millis(120), "{:?}", clock.wall);
        assert!(clock.processor.is_some());
    }
}
