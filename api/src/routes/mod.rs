//! The addresses, and what stands around all of them.

mod health;
mod jobs;
mod models;
mod page;

use std::any::Any;

use axum::{
    Router,
    extract::{DefaultBodyLimit, Path},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use tower_http::{catch_panic::CatchPanicLayer, trace::TraceLayer};

use crate::{
    problem::{self, Problem},
    state::ApiState,
};

pub(crate) fn router(state: ApiState) -> Router {
    Router::new()
        .route("/v1/jobs", post(jobs::submit))
        .route("/v1/jobs/{id}", get(jobs::show))
        .route("/v1/models", get(models::list))
        .route("/healthz", get(health::live))
        .route("/readyz", get(health::ready))
        .route("/problems/{name}", get(show_problem))
        .merge(page::router())
        .fallback(|| async { Problem::new(problem::NOT_FOUND, "See the README for what there is.") })
        .method_not_allowed_fallback(|| async {
            Problem::new(problem::METHOD_NOT_ALLOWED, "The Allow header says which methods are taken.")
        })
        // `upload` keeps to the settings' limit itself, for all forms of body.
        .layer(DefaultBodyLimit::disable())
        .layer(CatchPanicLayer::custom(panicked))
        .layer(TraceLayer::new_for_http())
        .with_state(state)
}

fn panicked(_: Box<dyn Any + Send>) -> Response {
    Problem::new(problem::INTERNAL, "The request could not be served; the log says more.").into_response()
}

/// What a problem's type means, for a person who follows it.
async fn show_problem(Path(name): Path<String>) -> Result<String, Problem> {
    problem::ALL
        .iter()
        .find(|kind| kind.name == name)
        .map(|kind| format!("{}\n\n{} (HTTP status {})\n", kind.name, kind.title, kind.status.as_u16()))
        .ok_or_else(|| Problem::new(problem::NOT_FOUND, "No problem has this name."))
}
