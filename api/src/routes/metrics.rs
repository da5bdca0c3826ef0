//! `GET /metrics`: the process's counts, in Prometheus' text format.

use std::time::Duration;

use axum::{
    extract::State,
    http::{HeaderName, header},
    response::IntoResponse,
};

use crate::{
    metrics,
    openapi::{SERVICE, answers, refusals},
    problem::{self, Problem},
    state::ApiState,
};

/// Prometheus shall have the other metrics in time, also while the broker is away.
const LOOK: Duration = Duration::from_secs(1);
const TEXT_FORMAT: [(HeaderName, &str); 1] =
    [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];

/// Counts what happened
///
/// In Prometheus' text format.
#[utoipa::path(
    get, path = "/metrics", operation_id = "getMetrics", tag = SERVICE,
    responses(answers::Metrics, refusals::OfNothing),
)]
pub(super) async fn show(State(state): State<ApiState>) -> Result<impl IntoResponse, Problem> {
    let handle = state.metrics.as_ref();
    let handle = handle.ok_or_else(|| Problem::new(problem::NOT_FOUND, "Nothing is counted here."))?;
    if let Ok(Ok(depth)) = tokio::time::timeout(LOOK, state.broker.depth()).await {
        metrics::waiting(depth);
    }
    Ok((TEXT_FORMAT, handle.render()))
}
