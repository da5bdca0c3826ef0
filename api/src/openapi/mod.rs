//! The OpenAPI document. Each handler describes itself in its `#[utoipa::path]`; what such a description is made of is
//! here: bodies and parameters in [`requests`], good answers in [`answers`], and the problem types that a route answers
//! with in [`refusals`]. [`around`] adds what stands around all routes, and [`page`] shows the whole to people.
//!
//! So a further route takes its `#[utoipa::path]`, a line in `routes::v1` or `routes::open`, and one in [`refusals`].

pub(crate) mod answers;
mod around;
pub(crate) mod examples;
mod page;
pub(crate) mod refusals;
pub(crate) mod requests;

use axum::{
    Router,
    extract::State,
    http::{HeaderName, header},
    response::Html,
    routing::get,
};
use bytes::Bytes;
use utoipa::{
    ToSchema,
    openapi::{
        Components, Info, License, OpenApi, RefOr, Schema, Server,
        tag::{Tag, TagBuilder},
    },
};

use crate::state::ApiState;

/// Groups of routes, as the page shows them.
pub(crate) const JOBS: &str = "Jobs";
pub(crate) const BATCHES: &str = "Batches";
pub(crate) const FEEDBACK: &str = "Feedback";
pub(crate) const SERVICE: &str = "Service";

const INTRODUCTION: &str = "Reads text captchas: a picture goes in, its text comes out. A job is submitted with \
    `POST /v1/jobs` and asked after at the address in `Location`; with `Prefer: wait=10` the first answer mostly is the \
    last. Every error is a problem (RFC 9457) whose `type` stays. Answers 429 and 503 say in `Retry-After` after how \
    many seconds to try again.";

/// The document without its routes.
pub(crate) fn frame() -> OpenApi {
    let mut info = Info::new("ByeCaptcha", env!("CARGO_PKG_VERSION"));
    info.description = Some(INTRODUCTION.to_owned());
    let mut license = License::new(env!("CARGO_PKG_LICENSE"));
    license.identifier = Some(env!("CARGO_PKG_LICENSE").to_owned());
    info.license = Some(license);
    let mut document = OpenApi::new(info, utoipa::openapi::Paths::new());
    document.servers = Some(vec![Server::new("/")]);
    document.tags = Some(vec![
        tag(JOBS, "Pictures to read, and what was read in them."),
        tag(BATCHES, "Many pictures in one request."),
        tag(FEEDBACK, "What pictures say, from those who know: a labelled set to evaluate or to train on."),
        tag(SERVICE, "The service itself."),
    ]);
    document
}

fn tag(name: &str, description: &str) -> Tag {
    TagBuilder::new().name(name).description(Some(description)).build()
}

/// Has the document hold a type that it otherwise only names in a description.
fn hold<T: ToSchema>(components: &mut Components) {
    let mut schemas: Vec<(String, RefOr<Schema>)> = Vec::new();
    T::schemas(&mut schemas);
    components.schemas.extend(schemas);
    components.schemas.insert(T::name().into_owned(), T::schema());
}

/// `GET /openapi.json` and `GET /docs`, for these routes.
pub(crate) fn router(mut document: OpenApi) -> Router<ApiState> {
    around::complete(&mut document);
    let page: Bytes = page::html(&document).into();
    let open = text(&document);
    around::demand_key(&mut document);
    let keyed = text(&document);
    let show_document = move |State(state): State<ApiState>| async move {
        let document = if state.access.needs_keys() { keyed } else { open };
        ([(header::CONTENT_TYPE, "application/json"), CACHING], document)
    };
    Router::new()
        .route("/openapi.json", get(show_document))
        .route("/docs", get(move || async move { ([CACHING], Html(page)) }))
}

const CACHING: (HeaderName, &str) = (header::CACHE_CONTROL, "no-cache");

fn text(document: &OpenApi) -> Bytes {
    // A document of strings and maps cannot fail to be JSON.
    let mut text = document.to_pretty_json().unwrap_or_default();
    text.push('\n');
    text.into()
}
