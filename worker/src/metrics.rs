//! What a worker counts, under names that dashboards and alerts rely on.

use std::time::Duration;

use byecaptcha_queue::JobStatus;
use metrics::{counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};

use crate::verdict::Identity;

/// Says what the metrics are, to whoever reads `/metrics`, and which model is here, on which engine.
pub(crate) fn describe(model: &Identity, engine: &str) {
    describe_counter!("jobs_finished_total", "Jobs that have ended, by how.");
    describe_histogram!(
        "job_queue_wait_seconds",
        "From a job's submission to its start, by two machines' clocks."
    );
    describe_histogram!(
        "inference_duration_seconds",
        "A batch in the engine: preparation, network, decoding."
    );
    describe_histogram!("inference_batch_size", "Pictures that went through the engine together.");
    describe_counter!("redeliveries_total", "Deliveries of jobs that had been attempted before.");
    describe_counter!("dead_lettered_total", "Jobs given up after their last attempt.");
    describe_gauge!("model_info", "Always 1; the labels say what reads.");
    // Alerts compare with zero, which is not there until it is said.
    counter!("redeliveries_total").increment(0);
    counter!("dead_lettered_total").increment(0);
    let labels = [("model", &*model.name), ("version", &*model.version), ("engine", engine)];
    gauge!("model_info", &labels.map(|(label, value)| (label, value.to_owned()))).set(1.0);
}

/// A job is starting that was submitted so long ago.
pub(crate) fn started(waited: Duration) {
    histogram!("job_queue_wait_seconds").record(waited);
}

/// A batch is through.
pub(crate) fn inferred(size: usize, took: Duration) {
    histogram!("inference_duration_seconds").record(took);
    histogram!("inference_batch_size").record(size as f64);
}

/// So many deliveries came again.
pub(crate) fn redelivered(count: usize) {
    counter!("redeliveries_total").increment(count as u64);
}

/// This worker was the one to end a job.
pub(crate) fn finished(status: JobStatus) {
    counter!("jobs_finished_total", "status" => status.name()).increment(1);
}

/// A job was given up.
pub(crate) fn dead_lettered() {
    counter!("dead_lettered_total").increment(1);
}
