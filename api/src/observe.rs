//! What is noted of each request: a span, which goes on from the caller's trace where there is one, counts, and a line
//! in the access log. None of them holds what was sent or read, a secret, or more of the path than its route.

use std::time::{Duration, Instant};

use axum::{
    extract::{MatchedPath, Request},
    http::Method,
    middleware::Next,
    response::Response,
};
use byecaptcha_queue::JobId;
use opentelemetry::{TraceId, global, trace::TraceContextExt};
use opentelemetry_http::HeaderExtractor;
use tracing::{
    Instrument, Level, Span,
    field::{Empty, display},
};
use tracing_opentelemetry::OpenTelemetrySpanExt;

use crate::{
    access::{Caller, KeyId},
    metrics, request_id,
};

/// What machines ask every few seconds is not worth a trace, nor a line unless somebody asks for those.
const UNNOTED: [&str; 3] = ["/healthz", "/readyz", "/metrics"];
/// Stands for all paths that are no route, so that callers make up no labels.
const NO_ROUTE: &str = "none";

/// Around every route.
pub(crate) async fn request(request: Request, next: Next) -> Response {
    let path = request.extensions().get::<MatchedPath>().cloned();
    let route = path.as_ref().map_or(NO_ROUTE, MatchedPath::as_str);
    let noted = !UNNOTED.contains(&route);
    let method = method_name(request.method());
    let id = request_id::of(request.headers());
    let span = if noted { span(&request, method, route, &id) } else { Span::none() };
    let started = Instant::now();
    let mut response = next.run(request).instrument(span.clone()).await;
    let (status, took) = (response.status(), started.elapsed());
    request_id::tell(&id, response.headers_mut());
    span.record("http.response.status_code", status.as_u16());
    if status.is_server_error() {
        span.record("otel.status_code", "error");
    }
    if noted {
        metrics::answered(method, route, status.as_u16(), took);
    }
    let key = response.extensions().get::<Caller>().and_then(|caller| caller.key.as_ref());
    let job = response.extensions().get::<JobId>().copied();
    let line = Line { method, route, status: status.as_u16(), took, id: &id, key, job };
    line.write(noted, &span);
    response
}

/// A line of the access log.
struct Line<'a> {
    method: &'static str,
    route: &'a str,
    status: u16,
    took: Duration,
    id: &'a str,
    key: Option<&'a KeyId>,
    /// The job that a submission made.
    job: Option<JobId>,
}

impl Line<'_> {
    /// Outside of the span, most of which it would repeat.
    fn write(&self, noted: bool, span: &Span) {
        let Self { method, route, status, id, .. } = *self;
        let milliseconds = (self.took.as_secs_f64() * 1e5).round() / 1e2;
        let (key, job, trace_id) = (self.key.map(display), self.job.map(display), trace(span).map(display));
        macro_rules! say {
            ($level:expr) => {
                tracing::event!(target: "access", parent: None::<tracing::Id>, $level, method, route, status,
                    milliseconds, request_id = id, key, job, trace_id, "answered")
            };
        }
        if noted { say!(Level::INFO) } else { say!(Level::DEBUG) }
    }
}

fn span(request: &Request, method: &'static str, route: &str, id: &str) -> Span {
    let span = tracing::info_span!(
        "request",
        otel.name = format!("{method} {route}"),
        otel.kind = "server",
        otel.status_code = Empty,
        http.request.method = method,
        http.route = route,
        http.response.status_code = Empty,
        request_id = id,
        job = Empty,
        trace_id = Empty,
    );
    let caller =
        global::get_text_map_propagator(|propagator| propagator.extract(&HeaderExtractor(request.headers())));
    // Where nothing listens to spans there is nothing to go on from.
    drop(span.set_parent(caller));
    if let Some(trace) = trace(&span) {
        span.record("trace_id", display(trace));
    }
    span
}

/// The trace that a span is part of.
fn trace(span: &Span) -> Option<TraceId> {
    let trace = span.context().span().span_context().trace_id();
    (trace != TraceId::INVALID).then_some(trace)
}

/// HTTP allows any word as a method.
fn method_name(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}
