//! Requests that change something, and that a web page from elsewhere has its visitor's browser send. It could not read
//! the answer, but a form of its own is all it takes to have a server without keys, on its visitor's machine, do work.
//! Browsers say where such a request comes from, and programs that are none say nothing.

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, header, uri::Authority},
    middleware::Next,
    response::{IntoResponse, Response},
};

use super::origins::Origin;
use crate::{
    linger::linger,
    problem::{self, Problem},
    state::ApiState,
};

const SEC_FETCH_SITE: &str = "sec-fetch-site";
/// A browser's own extensions. No web page can name one of these as its origin, and which extension may reach which
/// server is between the browser and its user.
const EXTENSIONS: [&str; 3] = ["chrome-extension://", "moz-extension://", "safari-web-extension://"];

/// Refuses what comes from another site, unless that was allowed.
pub(crate) async fn check(State(state): State<ApiState>, request: Request, next: Next) -> Response {
    if request.method().is_safe() || is_welcome(request.headers(), &state.access.origins) {
        return next.run(request).await;
    }
    linger(request.into_body());
    let detail = "The request's Origin is neither this service's own nor one that may use it.";
    Problem::new(problem::CROSS_SITE, detail).in_field("origin").into_response()
}

/// In the order in which the headers are to be trusted: Sec-Fetch-Site is newer and says it outright, but browsers send
/// it only to servers whose connection nobody can listen in on; Origin goes with all that is no GET.
fn is_welcome(headers: &HeaderMap, allowed: &[Origin]) -> bool {
    let origin = headers.get(header::ORIGIN);
    if origin.is_some_and(|origin| is_extension(origin) || allowed.iter().any(|known| known.includes(origin)))
    {
        return true;
    }
    match (headers.get(SEC_FETCH_SITE).map(HeaderValue::as_bytes), origin) {
        // `none` is what the user alone has begun.
        (Some(site), _) => site == b"same-origin" || site == b"none",
        (None, Some(origin)) => is_own(origin, headers.get(header::HOST)),
        (None, None) => true,
    }
}

fn is_extension(origin: &HeaderValue) -> bool {
    EXTENSIONS.iter().any(|scheme| origin.as_bytes().starts_with(scheme.as_bytes()))
}

/// Whether a page of this origin was served from this host. The scheme may differ: TLS may end before this server.
fn is_own(origin: &HeaderValue, host: Option<&HeaderValue>) -> bool {
    let place = |text: &str, usual_port: Option<u16>| {
        let authority: Authority = text.parse().ok()?;
        Some((authority.host().to_ascii_lowercase(), authority.port_u16().or(usual_port)))
    };
    let origin = origin.to_str().ok().and_then(|origin| origin.split_once("://"));
    let Some((scheme, rest)) = origin else { return false };
    let usual_port = match scheme {
        "http" => Some(80),
        "https" => Some(443),
        _ => None,
    };
    let host = host.and_then(|host| host.to_str().ok()).and_then(|host| place(host, usual_port));
    host.is_some() && place(rest, usual_port) == host
}

#[cfg(test)]
mod tests {
    use super::*;

    fn welcome(lines: &[(&'static str, &'static str)], allowed: &[&str]) -> bool {
        let headers = lines
            .iter()
            .map(|(name, value)| (header::HeaderName::from_static(name), HeaderValue::from_static(value)));
        let allowed: Vec<Origin> = allowed.iter().map(|origin| origin.parse().unwrap()).collect();
        is_welcome(&headers.collect(), &allowed)
    }

    #[test]
    fn a_browser_says_from_where() {
        let own = [("host", "localhost:8080"), ("origin", "http://localhost:8080")];
        assert!(welcome(&own, &[]));
        assert!(welcome(&[own[0], own[1], (SEC_FETCH_SITE, "same-origin")], &[]));
        assert!(welcome(&[own[0], (SEC_FETCH_SITE, "none")], &[]));
        assert!(welcome(&[own[0]], &[]), "a program");
        for site in ["cross-site", "same-site", "nonsense"] {
            assert!(!welcome(&[own[0], (SEC_FETCH_SITE, site)], &[]), "{site}");
            let other = ("origin", "http://localhost:3000");
            assert!(!welcome(&[own[0], other, (SEC_FETCH_SITE, site)], &[]), "{site}");
            assert!(welcome(&[own[0], other, (SEC_FETCH_SITE, site)], &["http://localhost:3000"]), "{site}");
            assert!(welcome(&[own[0], other, (SEC_FETCH_SITE, site)], &["*"]), "{site}");
        }
    }

    #[test]
    fn without_word_of_the_site_the_origin_decides() {
        for (host, origin) in [
            ("captcha.example", "http://captcha.example"),
            ("captcha.example", "https://captcha.example"),
            ("Captcha.Example:443", "https://captcha.example"),
            ("[::1]:8080", "http://[::1]:8080"),
        ] {
            assert!(welcome(&[("host", host), ("origin", origin)], &[]), "{origin} at {host}");
        }
        for (host, origin) in [
            ("captcha.example", "http://evil.example"),
            ("captcha.example", "http://captcha.example:81"),
            ("captcha.example:8080", "http://captcha.example"),
            ("captcha.example", "null"),
            ("captcha.example", ""),
            ("captcha.example", "http://"),
            ("captcha.example", "http://captcha.example.evil.example"),
        ] {
            assert!(!welcome(&[("host", host), ("origin", origin)], &[]), "{origin} at {host}");
        }
    }

    #[test]
    fn extensions_are_let_through() {
        for scheme in EXTENSIONS {
            let origin: HeaderValue = format!("{scheme}abcdefgh").parse().unwrap();
            let site =
                (header::HeaderName::from_static(SEC_FETCH_SITE), HeaderValue::from_static("cross-site"));
            assert!(is_welcome(&[(header::ORIGIN, origin), site].into_iter().collect(), &[]));
        }
    }
}
