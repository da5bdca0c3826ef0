//! The table that is printed: a row for each measurement.

use std::io::{self, Write};

use anyhow::{Context, Result};

use crate::{latency::Latencies, stack::Seconds};

const HEAD: &str = "\
| measured | clients | jobs/s | p50 ms | p95 ms | p99 ms | api | worker | rabbitmq | redis | client | others |
|---|---|---|---|---|---|---|---|---|---|---|---|";

/// One measurement of the whole pipeline.
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) clients: usize,
    /// How long it lasted, in seconds.
    pub(crate) seconds: f64,
    pub(crate) latencies: Latencies,
    pub(crate) before: Seconds,
    pub(crate) after: Seconds,
}

impl Row {
    /// Jobs that ended in a second.
    pub(crate) fn rate(&self) -> f64 {
        self.latencies.count() as f64 / self.seconds
    }

    /// The seconds of processor time that someone took.
    pub(crate) fn took(&self, of: fn(&Seconds) -> f64) -> f64 {
        of(&self.after) - of(&self.before)
    }

    /// The same for 1,000 jobs.
    pub(crate) fn each(&self, of: fn(&Seconds) -> f64) -> f64 {
        self.took(of) * 1e3 / self.latencies.count() as f64
    }
}

/// Prints the head of the table, and what its columns are.
pub(crate) fn head() -> Result<()> {
    print(
        "From a job's submission to its end, over HTTP. The columns from `api` to `client` are seconds of processor \
         time for 1,000 jobs;\n`others` is how much of one core everything else on this machine took meanwhile.\n",
    )?;
    print(HEAD)
}

/// Prints one row.
pub(crate) fn row(row: &Row) -> Result<()> {
    let each = |of| format!("{:.2}", row.each(of));
    let ours = row.took(|of| of.api + of.worker + of.rabbitmq + of.redis + of.client);
    let others = (row.took(|of| of.machine) - ours) / row.seconds;
    let time =
        |percent| row.latencies.percentile(percent).map_or_else(String::new, |time| format!("{time:.1}"));
    print(&format!(
        "| {} | {} | {:.0} | {} | {} | {} | {} | {} | {} | {} | {} | {:.0}% |",
        row.name,
        row.clients,
        row.rate(),
        time(50.0),
        time(95.0),
        time(99.0),
        each(|of| of.api),
        each(|of| of.worker),
        each(|of| of.rabbitmq),
        each(|of| of.redis),
        each(|of| of.client),
        others.max(0.0) * 100.0,
    ))
}

/// Prints a line.
pub(crate) fn print(line: &str) -> Result<()> {
    writeln!(io::stdout(), "{line}").context("nobody reads the table")
}
