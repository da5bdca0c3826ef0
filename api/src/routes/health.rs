//! What an orchestrator asks: does the process live, and may it be given work.

use axum::extract::State;

use crate::{
    problem::{self, Problem},
    state::ApiState,
};

/// `GET /healthz`: the process answers.
pub(super) async fn live() -> &'static str {
    "ok\n"
}

/// `GET /readyz`: everything that a job needs is there.
pub(super) async fn ready(State(state): State<ApiState>) -> Result<&'static str, Problem> {
    if !state.is_ready() {
        return Err(Problem::new(problem::NOT_READY, "The engine is not warm yet."));
    }
    state.broker.ready().await?;
    state.results.ready().await?;
    Ok("ready\n")
}
