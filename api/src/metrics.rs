//! What the API counts, under names that dashboards and alerts rely on. No label holds anything that a caller made up.

use std::time::Duration;

use byecaptcha_queue::{JobStatus, QueueName};
use metrics::{counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};

/// Says what the metrics are, to whoever reads `/metrics`.
pub(crate) fn describe() {
    describe_counter!("jobs_submitted_total", "Jobs that the broker has taken.");
    describe_counter!("jobs_finished_total", "Jobs that have ended, by how.");
    describe_histogram!("publish_confirm_seconds", "From a publish to the broker's confirm.");
    describe_counter!("http_requests_total", "Answered requests.");
    describe_histogram!(
        "http_request_duration_seconds",
        "From a request's head to its answer's, the time included that a client was willing to wait."
    );
    describe_gauge!(
        "queue_depth",
        "Jobs that wait for a worker, by queue, when the API was last asked for its metrics."
    );
}

/// A job was published, and the confirm took so long; or it was not.
pub(crate) fn published(confirmed: Option<Duration>) {
    if let Some(took) = confirmed {
        counter!("jobs_submitted_total").increment(1);
        histogram!("publish_confirm_seconds").record(took);
    }
}

/// A job was taken back.
pub(crate) fn canceled() {
    counter!("jobs_finished_total", "status" => JobStatus::Canceled.name()).increment(1);
}

/// A request was answered.
pub(crate) fn answered(method: &'static str, route: &str, status: u16, took: Duration) {
    let route = route.to_owned();
    counter!("http_requests_total", "method" => method, "route" => route.clone(), "status" => status.to_string())
        .increment(1);
    histogram!("http_request_duration_seconds", "method" => method, "route" => route).record(took);
}

/// So many jobs wait in this queue.
pub(crate) fn waiting(queue: QueueName, depth: usize) {
    gauge!("queue_depth", "queue" => queue.as_str()).set(depth as f64);
}
