//! How a run is told about on standard error: a bar where someone looks at it, a line now and then where not.

use std::{
    fmt::Display,
    io::{self, IsTerminal, Write},
    time::Duration,
};

use indicatif::{HumanCount, HumanDuration, ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio::time::Instant;

use crate::submit::records::Counts;

/// Between two lines where there is no terminal.
const EVERY: Duration = Duration::from_secs(5);

/// Between two looks at whether a line is due.
pub(crate) const TICK: Duration = Duration::from_millis(500);

pub(crate) struct Progress {
    bar: Option<ProgressBar>,
    begun: Instant,
    said: Instant,
    earlier: Counts,
    total: Option<u64>,
    /// What it waits for, until there is a row again.
    waiting: String,
}

impl Progress {
    /// Begins to tell; `earlier` was done before, and is no part of the rate.
    pub(crate) fn new(earlier: Counts) -> Self {
        let bar = io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            bar.set_position(earlier.rows);
            bar.reset_eta();
            bar.set_style(style("{spinner} {human_pos} pictures, {per_sec}{msg}"));
            bar
        });
        let now = Instant::now();
        Self { bar, begun: now, said: now, earlier, total: None, waiting: String::new() }
    }

    /// How many there are, as soon as that is known.
    pub(crate) fn set_total(&mut self, total: u64) {
        self.total = Some(total);
        if let Some(bar) = &self.bar {
            bar.set_length(total);
            bar.set_style(style("{wide_bar} {human_pos}/{human_len}, {per_sec}, {eta} left{msg}"));
        }
    }

    pub(crate) fn rows(&mut self, counts: Counts) {
        self.waiting.clear();
        if let Some(bar) = &self.bar {
            bar.set_position(counts.rows);
            bar.set_message(failures(counts));
        }
    }

    pub(crate) fn waiting(&mut self, why: String) {
        if let Some(bar) = &self.bar {
            bar.set_message(format!("; {why}"));
        }
        self.waiting = why;
    }

    /// Says where things stand, where it is time for that.
    pub(crate) fn tick(&mut self, counts: Counts) {
        if let Some(bar) = &self.bar {
            bar.tick();
        } else if self.said.elapsed() >= EVERY {
            self.said = Instant::now();
            let of = self.total.map(|total| format!(" of {}", HumanCount(total))).unwrap_or_default();
            let left = self.left(counts).map(|left| format!(", {} left", HumanDuration(left)));
            let waiting = if self.waiting.is_empty() { "" } else { "; waiting: " };
            say(format_args!(
                "{}{of} pictures, {:.1} a second{}{}{waiting}{}",
                HumanCount(counts.rows),
                self.rate(counts),
                left.unwrap_or_default(),
                failures(counts),
                self.waiting
            ));
        }
    }

    /// What came of it all.
    pub(crate) fn summary(&self, counts: Counts) {
        self.clear();
        say(format_args!(
            "{} pictures: {} read, {} failed; {} in {:.1} s, {:.1} a second",
            HumanCount(counts.rows),
            HumanCount(counts.rows - counts.failed),
            HumanCount(counts.failed),
            HumanCount(counts.rows - self.earlier.rows),
            self.begun.elapsed().as_secs_f64(),
            self.rate(counts)
        ));
    }

    /// Takes the bar away, so that other words have their line.
    pub(crate) fn clear(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    fn rate(&self, counts: Counts) -> f64 {
        (counts.rows - self.earlier.rows) as f64 / self.begun.elapsed().as_secs_f64().max(1e-3)
    }

    fn left(&self, counts: Counts) -> Option<Duration> {
        let rows = self.total?.checked_sub(counts.rows)?;
        Duration::try_from_secs_f64(rows as f64 / self.rate(counts)).ok()
    }
}

/// A line on standard error. Where that is closed there is nobody to tell.
pub(crate) fn say(words: impl Display) {
    drop(writeln!(io::stderr(), "byecaptcha: {words}"));
}

fn failures(counts: Counts) -> String {
    if counts.failed == 0 { String::new() } else { format!(", {} failed", HumanCount(counts.failed)) }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
