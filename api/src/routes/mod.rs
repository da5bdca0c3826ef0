//! The addresses, and what stands around all of them.

mod events;
mod feedback;
mod health;
mod jobs;
mod metrics;
mod models;
mod page;

use std::any::Any;

use axum::{
    Router,
    extract::{DefaultBodyLimit, Path, rejection::PathRejection},
    http::{HeaderName, HeaderValue, Uri, header},
    middleware::{from_fn, map_response},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use tower_http::catch_panic::CatchPanicLayer;

use crate::{
    observe,
    problem::{self, Problem},
    state::ApiState,
};

/// Bytes of a body that holds a short text.
const FEEDBACK_LIMIT: usize = 4096;

pub(crate) fn router(state: ApiState) -> Router {
    Router::new()
        .route("/v1/jobs", post(jobs::submit))
        .route("/v1/jobs/{id}", get(jobs::show).delete(jobs::cancel))
        .route("/v1/jobs/{id}/events", get(events::follow))
        .route("/v1/jobs/{id}/feedback", post(feedback::give).layer(DefaultBodyLimit::max(FEEDBACK_LIMIT)))
        .route("/v1/feedback", get(feedback::list))
        .route("/v1/models", get(models::list))
        .route("/healthz", get(health::live))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(metrics::show))
        .route("/problems/{name}", get(show_problem))
        .merge(page::router(&state.settings))
        .fallback(not_found)
        .method_not_allowed_fallback(|| async {
            Problem::new(problem::METHOD_NOT_ALLOWED, "The Allow header says which methods are taken.")
        })
        // `upload` keeps to the settings' limit itself, for all forms of body.
        .layer(DefaultBodyLimit::disable())
        .layer(CatchPanicLayer::custom(panicked))
        .layer(map_response(secure))
        .layer(from_fn(observe::request))
        .with_state(state)
}

async fn not_found(uri: Uri) -> Problem {
    Problem::new(problem::NOT_FOUND, format!("There is no {:?}.", uri.path()))
}

fn panicked(_: Box<dyn Any + Send>) -> Response {
    Problem::new(problem::INTERNAL, "The request could not be served; the log says more.").into_response()
}

/// For the page: nothing from elsewhere, nothing inline, no frame around it; thumbnails are the browser's own blobs.
/// All other answers carry it too, so that none of them can be made to act as a page.
const CONTENT_POLICY: &str = "default-src 'self'; img-src 'self' blob: data:; object-src 'none'; base-uri 'none'; \
                              form-action 'none'; frame-ancestors 'none'";

const SECURITY: [(HeaderName, &str); 4] = [
    (header::CONTENT_SECURITY_POLICY, CONTENT_POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

async fn secure(mut response: Response) -> Response {
    let headers = SECURITY.map(|(name, value)| (name, HeaderValue::from_static(value)));
    response.headers_mut().extend(headers);
    response
}

/// What a problem's type means, for a person who follows it.
async fn show_problem(name: Result<Path<String>, PathRejection>) -> Result<String, Problem> {
    let kind = name.ok().and_then(|Path(name)| problem::ALL.iter().find(|kind| kind.name == name));
    let kind = kind.ok_or_else(|| Problem::new(problem::NOT_FOUND, "No problem has this name."))?;
    Ok(format!("{} ({})\n\n{}.\n{}\n", kind.name, kind.status, kind.title, kind.advice))
}
