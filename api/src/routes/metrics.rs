//! `GET /metrics`: the process's counts, in Prometheus' text format.

use std::{sync::Arc, time::Duration};

use axum::{
    extract::State,
    http::{HeaderName, header},
    response::IntoResponse,
};
use byecaptcha_queue::{Broker, QueueName};

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
    tokio::join!(look(QueueName::Interactive, &state.broker), async {
        // Where bulk jobs wait in the same queue, they are counted already.
        if !Arc::ptr_eq(&state.bulk, &state.broker) {
            look(QueueName::Bulk, &state.bulk).await;
        }
    });
    Ok((TEXT_FORMAT, handle.render()))
}

async fn look(queue: QueueName, broker: &Arc<dyn Broker>) {
    if let Ok(Ok(depth)) = tokio::time::timeout(LOOK, broker.depth()).await {
        metrics::waiting(queue, depth);
    }
}
