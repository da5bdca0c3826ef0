//! What was measured, in words and as JSON.

use std::{
    collections::BTreeMap,
    io::{self, Write},
};

use serde::Serialize;

use crate::bench::{load::Tally, settings::FiguresFormat};

#[derive(Serialize)]
pub(crate) struct Figures {
    server: String,
    clients: usize,
    /// Pictures a second that were due; absent in a closed loop.
    #[serde(skip_serializing_if = "Option::is_none")]
    rate: Option<f64>,
    seconds: f64,
    succeeded: u64,
    failures: BTreeMap<String, u64>,
    unanswered: u64,
    /// Pictures read in a second.
    throughput: f64,
    /// None where nothing was answered.
    latency_ms: Option<Latency>,
}

#[derive(Clone, Copy, Serialize)]
struct Latency {
    mean: f64,
    p50: f64,
    p90: f64,
    p95: f64,
    p99: f64,
    max: f64,
}

impl Figures {
    pub(crate) fn new(server: String, clients: usize, rate: Option<f64>, tally: Tally) -> Self {
        let seconds = tally.elapsed.as_secs_f64();
        let percentile = |percent| tally.latencies.value_at_quantile(percent / 100.0) as f64 / 1e3;
        let latency_ms = (tally.answered() > 0).then(|| Latency {
            mean: tally.latencies.mean() / 1e3,
            p50: percentile(50.0),
            p90: percentile(90.0),
            p95: percentile(95.0),
            p99: percentile(99.0),
            max: tally.latencies.max() as f64 / 1e3,
        });
        Self {
            server,
            clients,
            rate,
            seconds,
            succeeded: tally.succeeded,
            failures: tally.failures,
            unanswered: tally.unanswered,
            throughput: tally.succeeded as f64 / seconds.max(1e-9),
            latency_ms,
        }
    }

    pub(crate) fn write(&self, out: &mut impl Write, format: FiguresFormat) -> io::Result<()> {
        match format {
            FiguresFormat::Text => self.write_text(out),
            FiguresFormat::Json => {
                serde_json::to_writer_pretty(&mut *out, self)?;
                writeln!(out)
            }
        }
    }

    fn write_text(&self, out: &mut impl Write) -> io::Result<()> {
        let Self { server, clients, seconds, succeeded, throughput, .. } = self;
        match self.rate {
            Some(rate) => writeln!(out, "{server}: {clients} clients, {rate} pictures due a second")?,
            None => writeln!(out, "{server}: {clients} clients, each without a pause")?,
        }
        writeln!(out, "read        {succeeded} pictures in {seconds:.1} s: {throughput:.1} a second")?;
        match self.latency_ms {
            Some(Latency { mean, p50, p90, p95, p99, max }) => writeln!(
                out,
                "latency ms  mean {mean:.1}, p50 {p50:.1}, p90 {p90:.1}, p95 {p95:.1}, p99 {p99:.1}, max {max:.1}"
            )?,
            None => writeln!(out, "latency ms  none: nothing was answered")?,
        }
        for (why, count) in &self.failures {
            writeln!(out, "not read    {count}: {why}")?;
        }
        if self.unanswered > 0 {
            writeln!(out, "unanswered  {} when the time was up", self.unanswered)?;
        }
        Ok(())
    }
}
