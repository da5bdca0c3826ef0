//! The web page, compiled into the program.

use std::hash::{DefaultHasher, Hash, Hasher};

use axum::{
    Router,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use bytes::Bytes;

use crate::state::{ApiSettings, ApiState};

const HTML: &str = "text/html; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";

/// Where each file is served, its type, and its text.
const FILES: &[(&str, &str, &str)] = &[
    ("/", HTML, include_str!("../../page/index.html")),
    ("/style.css", STYLE, include_str!("../../page/style.css")),
    ("/results.css", STYLE, include_str!("../../page/results.css")),
    ("/docs.css", STYLE, include_str!("../../page/docs.css")),
    ("/app.js", SCRIPT, include_str!("../../page/app.js")),
    ("/card.js", SCRIPT, include_str!("../../page/card.js")),
    ("/client.js", SCRIPT, include_str!("../../page/client.js")),
    ("/colours.js", SCRIPT, include_str!("../../page/colours.js")),
    ("/history.js", SCRIPT, include_str!("../../page/history.js")),
    ("/intake.js", SCRIPT, include_str!("../../page/intake.js")),
    ("/key.js", SCRIPT, include_str!("../../page/key.js")),
    ("/speech.js", SCRIPT, include_str!("../../page/speech.js")),
    ("/words.js", SCRIPT, include_str!("../../page/words.js")),
    ("/favicon.svg", "image/svg+xml", include_str!("../../page/favicon.svg")),
];

pub(super) fn router(settings: &ApiSettings) -> Router<ApiState> {
    let limit = settings.max_upload_bytes.to_string();
    FILES.iter().fold(Router::new(), |router, &(path, media_type, text)| {
        // The page refuses what is too large without sending it, so it is told the limit.
        let file = Asset::new(media_type, text.replace("{{max_upload_bytes}}", &limit));
        router.route(path, get(move |headers: HeaderMap| async move { file.answer(&headers) }))
    })
}

#[derive(Clone)]
struct Asset {
    media_type: &'static str,
    etag: String,
    text: Bytes,
}

impl Asset {
    fn new(media_type: &'static str, text: String) -> Self {
        let mut hasher = DefaultHasher::new();
        text.hash(&mut hasher);
        Self { media_type, etag: format!("\"{:016x}\"", hasher.finish()), text: text.into() }
    }

    /// The file, or that the client's copy is still right (RFC 9110, section 13.1.2).
    fn answer(self, request: &HeaderMap) -> Response {
        let known =
            request.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let current =
            known.split(',').any(|tag| tag.trim().trim_start_matches("W/") == self.etag || tag.trim() == "*");
        let caching = [
            (header::ETAG, HeaderValue::try_from(self.etag).ok()),
            // The files change with the program and have no versions in their names: keep them, but ask.
            (header::CACHE_CONTROL, Some(HeaderValue::from_static("no-cache"))),
        ];
        let caching: HeaderMap =
            caching.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
        if current {
            return (StatusCode::NOT_MODIFIED, caching).into_response();
        }
        ([(header::CONTENT_TYPE, self.media_type)], caching, self.text).into_response()
    }
}
