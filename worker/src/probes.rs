//! What an orchestrator asks of a worker: does it live, may it be counted on, and what has it done.

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    extract::State,
    http::{StatusCode, header},
    response::IntoResponse,
    routing::get,
};
use byecaptcha_queue::{Broker, ResultStore};
use byecaptcha_worker::Heartbeat;
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::sync::watch;

/// A loop that has not turned for so long, or an engine that has been at one batch, hangs.
const DEAD: Duration = Duration::from_secs(30);

#[derive(Clone)]
struct Probes {
    ready: watch::Receiver<bool>,
    heartbeat: Heartbeat,
    broker: Arc<dyn Broker>,
    results: Arc<dyn ResultStore>,
    metrics: PrometheusHandle,
}

/// `/healthz`, `/readyz` and `/metrics`.
pub(crate) fn router(
    ready: watch::Receiver<bool>,
    heartbeat: Heartbeat,
    broker: Arc<dyn Broker>,
    results: Arc<dyn ResultStore>,
    metrics: PrometheusHandle,
) -> Router {
    Router::new()
        .route("/healthz", get(live))
        .route("/readyz", get(is_ready))
        .route("/metrics", get(count))
        .with_state(Probes { ready, heartbeat, broker, results, metrics })
}

/// In Prometheus' text format.
async fn count(State(probes): State<Probes>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], probes.metrics.render())
}

async fn live(State(probes): State<Probes>) -> (StatusCode, String) {
    let age = probes.heartbeat.age();
    match age < DEAD {
        true => (StatusCode::OK, "ok\n".to_owned()),
        false => {
            let said =
                format!("the consumer loop or its engine has been stuck for {} seconds\n", age.as_secs());
            (StatusCode::SERVICE_UNAVAILABLE, said)
        }
    }
}

async fn is_ready(State(probes): State<Probes>) -> (StatusCode, String) {
    let missing = if !*probes.ready.borrow() {
        "the model is not warm, or the worker is stopping".to_owned()
    } else if let Err(error) = probes.broker.ready().await {
        error.to_string()
    } else if let Err(error) = probes.results.ready().await {
        error.to_string()
    } else {
        return (StatusCode::OK, "ready\n".to_owned());
    };
    (StatusCode::SERVICE_UNAVAILABLE, format!("{missing}\n"))
}
