//! Prometheus metrics: what the libraries count, with the process's own memory and processor time.

use std::time::Duration;

use anyhow::{Context, Result};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use metrics_process::Collector;

/// How often histograms are drained and the process is looked at; less than Prometheus commonly asks.
const UPKEEP: Duration = Duration::from_secs(5);

/// Seconds. From the engine's millisecond to a queue that has grown for minutes.
const SECONDS: [f64; 18] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0,
    900.0,
];
/// Pictures.
const BATCH_SIZES: [f64; 9] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0];

/// Starts to count; what comes back writes it all in Prometheus' text format. Called once, within a tokio runtime.
///
/// # Errors
///
/// Where something counts already.
pub fn start() -> Result<PrometheusHandle> {
    let handle = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)
        .and_then(|builder| builder.set_buckets_for_metric(Matcher::Suffix("_size".to_owned()), &BATCH_SIZES))
        .and_then(PrometheusBuilder::install_recorder)
        .context("metrics cannot be counted")?;
    let process = Collector::default();
    process.describe();
    let upkeep = handle.clone();
    tokio::spawn(async move {
        let mut ticks = tokio::time::interval(UPKEEP);
        loop {
            ticks.tick().await;
            process.collect();
            upkeep.run_upkeep();
        }
    });
    Ok(handle)
}
