//! The addresses, and what stands around all of them.

mod batches;
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
    middleware::{from_fn, from_fn_with_state, map_response},
    response::{IntoResponse, Response},
    routing::{any, get, post},
};
use tower_http::catch_panic::CatchPanicLayer;

use crate::{
    access, observe,
    problem::{self, Problem},
    state::ApiState,
};

pub(crate) use jobs::held;

/// The labelled set of all callers, pictures included: for who administers the service.
pub(crate) const FEEDBACK: &str = "/v1/feedback";
/// Bytes of a body that holds a short text.
const FEEDBACK_LIMIT: usize = 4096;

pub(crate) fn router(state: ApiState) -> Router {
    Router::new()
        .merge(v1(&state))
        .route("/healthz", get(health::live))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(metrics::show))
        .route("/problems/{name}", get(show_problem))
        .merge(page::router(&state.settings))
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
        // `upload` keeps to the settings' limit itself, for all forms of body.
        .layer(DefaultBodyLimit::disable())
        .layer(from_fn_with_state(state.clone(), access::check_host))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(map_response(secure))
        .layer(from_fn(observe::request))
        .with_state(state)
}

/// What needs a key where there are keys: all of `/v1`, whether or not there is something at the address.
fn v1(state: &ApiState) -> Router<ApiState> {
    let routes = Router::new()
        .route("/v1/jobs", post(jobs::submit))
        .route("/v1/jobs/{id}", get(jobs::show).delete(jobs::cancel))
        .route("/v1/jobs/{id}/events", get(events::follow))
        .route("/v1/jobs/{id}/feedback", post(feedback::give).layer(DefaultBodyLimit::max(FEEDBACK_LIMIT)))
        .route("/v1/batches", post(batches::submit))
        .route("/v1/batches/{id}", get(batches::show).delete(batches::cancel))
        .route("/v1/batches/{id}/results", get(batches::results))
        .route(FEEDBACK, get(feedback::list))
        .route("/v1/models", get(models::list))
        .route("/v1/{*rest}", any(not_found))
        .method_not_allowed_fallback(method_not_allowed)
        .layer(from_fn_with_state(state.clone(), access::authenticate));
    // Outside: a browser asks what a page may do before it sends the page's key.
    match state.access.cors() {
        Some(cors) => routes.layer(cors),
        None => routes,
    }
}

async fn method_not_allowed() -> Problem {
    Problem::new(problem::METHOD_NOT_ALLOWED, "The Allow header says which methods are taken.")
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

const SECURITY: [(HeaderName, &str); 3] = [
    (header::CONTENT_SECURITY_POLICY, CONTENT_POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
];
const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

async fn secure(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.extend(SECURITY.map(|(name, value)| (name, HeaderValue::from_static(value))));
    // What a page from elsewhere was just allowed to read is not withheld from it again.
    let shared = headers.contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN);
    let policy = if shared { "cross-origin" } else { "same-origin" };
    headers.insert(RESOURCE_POLICY, HeaderValue::from_static(policy));
    response
}

/// What a problem's type means, for a person who follows it.
async fn show_problem(name: Result<Path<String>, PathRejection>) -> Result<String, Problem> {
    let kind = name.ok().and_then(|Path(name)| problem::ALL.iter().find(|kind| kind.name == name));
    let kind = kind.ok_or_else(|| Problem::new(problem::NOT_FOUND, "No problem has this name."))?;
    Ok(format!("{} ({})\n\n{}.\n{}\n", kind.name, kind.status, kind.title, kind.advice))
}
