//! Which other web pages may use the API from a browser (CORS). None, unless a setting names them.

use std::{str::FromStr, time::Duration};

use axum::http::{HeaderName, HeaderValue, Method, Uri, header};
use tower_http::cors::{AllowOrigin, CorsLayer};

use super::{authenticate::API_KEY, rate};
use crate::{prefer, request_id};

/// How long a browser need not ask again what a page may do.
const REMEMBERED: Duration = Duration::from_secs(600);

/// Where a page comes from, as browsers say it: `https://example.org`; or `*` for anywhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin(HeaderValue);

const ANYWHERE: &str = "*";

impl FromStr for Origin {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = "an origin is SCHEME://HOST or SCHEME://HOST:PORT, as in https://example.org, or *";
        let text = text.trim();
        if text != ANYWHERE {
            let uri: Uri = text.parse().map_err(|_| wrong)?;
            let parts = uri.scheme_str().zip(uri.authority());
            let (scheme, authority) = parts.ok_or(wrong)?;
            // As it is compared to what browsers send, it must be what browsers send: no path, and no capitals.
            if text != format!("{scheme}://{authority}").to_ascii_lowercase() || text.contains('@') {
                return Err(wrong);
            }
        }
        HeaderValue::from_str(text).map(Self).map_err(|_| wrong)
    }
}

impl Origin {
    /// Whether a page that a browser says is from there may use the API.
    pub(super) fn includes(&self, origin: &HeaderValue) -> bool {
        self.0 == ANYWHERE || self.0 == origin
    }
}

/// Lets pages from these origins use the API; nothing where there are none.
pub(crate) fn layer(origins: &[Origin]) -> Option<CorsLayer> {
    if origins.is_empty() {
        return None;
    }
    let anywhere = origins.iter().any(|origin| origin.0 == ANYWHERE);
    let allowed = if anywhere {
        // A page gets no further by this than its key does: browsers add nothing of their own.
        AllowOrigin::any()
    } else {
        AllowOrigin::list(origins.iter().map(|origin| origin.0.clone()))
    };
    let sent = [
        header::AUTHORIZATION,
        API_KEY,
        header::CONTENT_TYPE,
        HeaderName::from_static("prefer"),
        HeaderName::from_static("idempotency-key"),
        HeaderName::from_static("traceparent"),
        request_id::NAME,
    ];
    let read = [
        header::LOCATION,
        header::LINK,
        header::RETRY_AFTER,
        header::WWW_AUTHENTICATE,
        rate::POLICY,
        rate::LIMIT,
        prefer::PREFERENCE_APPLIED,
        request_id::NAME,
    ];
    let layer = CorsLayer::new()
        .allow_origin(allowed)
        .allow_methods([Method::GET, Method::POST, Method::DELETE])
        .allow_headers(sent)
        .expose_headers(read)
        .max_age(REMEMBERED);
    Some(layer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_what_browsers_send() {
        for right in ["https://example.org", "http://localhost:3000", "chrome-extension://abcdef", "*"] {
            assert!(right.parse::<Origin>().is_ok(), "{right}");
        }
        for wrong in [
            "",
            "example.org",
            "https://example.org/",
            "https://Example.org",
            "null",
            "https://a@b",
            "https://",
        ] {
            assert!(wrong.parse::<Origin>().is_err(), "{wrong}");
        }
    }
}
