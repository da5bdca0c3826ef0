//! What is noted of each request: a span, which goes on from the caller's trace where there is one, and counts.

use std::time::Instant;

use axum::{
    extract::{MatchedPath, Request},
    http::Method,
    middleware::Next,
    response::Response,
};
use opentelemetry::{global, trace::TraceContextExt};
use opentelemetry_http::HeaderExtractor;
use tracing::{Instrument, Span, field::Empty};
use tracing_opentelemetry::OpenTelemetrySpanExt;

use crate::metrics;

/// What machines ask every few seconds is not worth a trace.
const UNNOTED: [&str; 3] = ["/healthz", "/readyz", "/metrics"];
/// Stands for all paths that are no route, so that callers make up no labels.
const NO_ROUTE: &str = "none";

/// Around every route.
pub(crate) async fn request(request: Request, next: Next) -> Response {
    let path = request.extensions().get::<MatchedPath>().cloned();
    let route = path.as_ref().map_or(NO_ROUTE, MatchedPath::as_str);
    if UNNOTED.contains(&route) {
        return next.run(request).await;
    }
    let method = method_name(request.method());
    let span = span(&request, method, route);
    let started = Instant::now();
    let response = next.run(request).instrument(span.clone()).await;
    let (status, took) = (response.status(), started.elapsed());
    metrics::answered(method, route, status.as_u16(), took);
    span.record("http.response.status_code", status.as_u16());
    span.in_scope(|| {
        let milliseconds = took.as_secs_f64() * 1e3;
        if status.is_server_error() {
            span.record("otel.status_code", "error");
            tracing::warn!(status = status.as_u16(), milliseconds, "a request was not served");
        } else {
            tracing::debug!(status = status.as_u16(), milliseconds, "a request was served");
        }
    });
    response
}

fn span(request: &Request, method: &'static str, route: &str) -> Span {
    let span = tracing::info_span!(
        "request",
        otel.name = format!("{method} {route}"),
        otel.kind = "server",
        otel.status_code = Empty,
        http.request.method = method,
        http.route = route,
        http.response.status_code = Empty,
        job = Empty,
        trace_id = Empty,
    );
    let caller =
        global::get_text_map_propagator(|propagator| propagator.extract(&HeaderExtractor(request.headers())));
    // Where nothing listens to spans there is nothing to go on from.
    drop(span.set_parent(caller));
    let context = span.context();
    let trace = context.span().span_context().trace_id();
    if trace != opentelemetry::TraceId::INVALID {
        span.record("trace_id", tracing::field::display(trace));
    }
    span
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
