//! The addresses, and what stands around all of them.

pub(crate) mod batches;
mod events;
pub(crate) mod feedback;
mod health;
mod jobs;
mod metrics;
pub(crate) mod models;
mod page;

use std::any::Any;

use axum::{
    Router,
    extract::{DefaultBodyLimit, Path, rejection::PathRejection},
    http::{HeaderName, HeaderValue, Uri, header},
    middleware::{from_fn, from_fn_with_state, map_response},
    response::{IntoResponse, Response},
    routing::any,
};
use tower_http::catch_panic::CatchPanicLayer;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    access, observe,
    openapi::{self, SERVICE, answers, refusals},
    problem::{self, Problem},
    state::ApiState,
};

pub(crate) use jobs::held;

/// The labelled set of all callers, pictures included: for who administers the service.
pub(crate) const FEEDBACK: &str = "/v1/feedback";

pub(crate) fn router(state: ApiState) -> Router {
    let (keyed, mut document) = OpenApiRouter::with_openapi(openapi::frame()).merge(v1()).split_for_parts();
    let (open, more) = open().split_for_parts();
    document.merge(more);
    Router::new()
        .merge(guarded(keyed, &state))
        .merge(open)
        .merge(openapi::router(document))
        .merge(page::router(&state.settings))
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(from_fn_with_state(state.clone(), access::check_host))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(map_response(secure))
        .layer(from_fn(observe::request))
        .with_state(state)
}

/// The API. Each route says in its `#[utoipa::path]` where it is.
fn v1() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(jobs::submit))
        .routes(routes!(jobs::show, jobs::cancel))
        .routes(routes!(events::follow))
        .routes(routes!(feedback::give))
        .routes(routes!(feedback::list))
        .routes(routes!(batches::submit))
        .routes(routes!(batches::show, batches::cancel))
        .routes(routes!(batches::results))
        .routes(routes!(models::list))
}

/// What needs no key.
fn open() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(health::live))
        .routes(routes!(health::ready))
        .routes(routes!(metrics::show))
        .routes(routes!(show_problem))
}

/// Puts before all of `/v1`, whether or not there is something at the address, what it needs: no page from
/// elsewhere, and a key where there are keys.
fn guarded(v1: Router<ApiState>, state: &ApiState) -> Router<ApiState> {
    let routes = v1
        .route("/v1/{*rest}", any(not_found))
        // Handlers keep to the settings' limits themselves, for all forms of body.
        .layer(DefaultBodyLimit::disable())
        .method_not_allowed_fallback(method_not_allowed)
        .layer(from_fn_with_state(state.clone(), access::authenticate))
        .layer(from_fn_with_state(state.clone(), access::check_site));
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

/// Explains a problem type
///
/// For a person who follows it.
#[utoipa::path(
    get, path = "/problems/{name}", operation_id = "explainProblem", tag = SERVICE,
    params(openapi::requests::ProblemName),
    responses(answers::Explained, refusals::OfNothing),
)]
async fn show_problem(name: Result<Path<String>, PathRejection>) -> Result<String, Problem> {
    let kind = name.ok().and_then(|Path(name)| problem::ALL.iter().find(|kind| kind.name == name));
    let kind = kind.ok_or_else(|| Problem::new(problem::NOT_FOUND, "No problem has this name."))?;
    Ok(format!("{} ({})\n\n{}.\n{}\n", kind.name, kind.status, kind.title, kind.advice))
}
