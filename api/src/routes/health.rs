//! What an orchestrator asks: does the process live, and may it be given work.

use axum::extract::State;

use crate::{
    openapi::{SERVICE, answers, refusals},
    problem::{self, Problem},
    state::ApiState,
};

/// Says that the process lives
#[utoipa::path(get, path = "/healthz", operation_id = "isAlive", tag = SERVICE, responses(answers::Alive))]
pub(super) async fn live() -> &'static str {
    "ok\n"
}

/// Says whether work can be taken
///
/// Everything that a job needs is there: engine, queues and result store.
#[utoipa::path(
    get, path = "/readyz", operation_id = "isReady", tag = SERVICE,
    responses(answers::Ready, refusals::OfReadiness),
)]
pub(super) async fn ready(State(state): State<ApiState>) -> Result<&'static str, Problem> {
    if !state.is_ready() {
        return Err(Problem::new(problem::NOT_READY, "The engine is not warm yet."));
    }
    state.broker.ready().await?;
    state.bulk.ready().await?;
    state.results.ready().await?;
    Ok("ready\n")
}
