//! The web page, compiled into the program, under headers that keep it to itself.

use axum::{
    Router,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
    routing::get,
};

use crate::state::ApiState;

/// Nothing from elsewhere, nothing inline, no frame around it. Thumbnails are the browser's own blobs.
const POLICY: &str = "default-src 'self'; img-src 'self' blob: data:; object-src 'none'; base-uri 'none'; \
                      form-action 'none'; frame-ancestors 'none'";

/// Where each file is served, its type, and its bytes.
const FILES: &[(&str, &str, &str)] = &[
    ("/", "text/html; charset=utf-8", include_str!("../../page/index.html")),
    ("/style.css", "text/css; charset=utf-8", include_str!("../../page/style.css")),
    ("/app.js", "text/javascript; charset=utf-8", include_str!("../../page/app.js")),
    ("/card.js", "text/javascript; charset=utf-8", include_str!("../../page/card.js")),
    ("/client.js", "text/javascript; charset=utf-8", include_str!("../../page/client.js")),
    ("/favicon.svg", "image/svg+xml", include_str!("../../page/favicon.svg")),
];

pub(super) fn router() -> Router<ApiState> {
    FILES.iter().fold(Router::new(), |router, &(path, media_type, text)| {
        router.route(path, get(move || async move { file(media_type, text) }))
    })
}

fn file(media_type: &'static str, text: &'static str) -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(media_type)),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        // The files change with the program and have no versions in their names.
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
    ];
    (headers, text).into_response()
}
