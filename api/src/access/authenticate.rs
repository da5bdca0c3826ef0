//! Who calls: the key in the request, what it opens, and how often. Around every route of the API.

use std::convert::Infallible;

use axum::{
    extract::{FromRequestParts, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, header, request::Parts},
    middleware::Next,
    response::{IntoResponse, Response},
};

use super::{
    keys::{KeyId, Scope},
    rate::Standing,
    ring::Entry,
};
use crate::{
    linger::linger,
    problem::{self, Problem},
    routes::FEEDBACK,
    state::ApiState,
};

/// The other place for a key, for what keeps `Authorization` to itself.
pub(crate) const API_KEY: HeaderName = HeaderName::from_static("x-api-key");

/// Who sent a request, for handlers and for the log.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    /// The key; nothing where none is asked for.
    pub(crate) key: Option<KeyId>,
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    /// A route that nobody has put behind [`authenticate`] has no caller, and must not take everybody for one.
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let caller = parts.extensions.get::<Self>().cloned();
        caller.ok_or_else(|| Problem::new(problem::INTERNAL, "It is not known who calls."))
    }
}

/// Lets through who may, tells the handlers who it is, and limited callers how they stand.
pub(crate) async fn authenticate(
    State(state): State<ApiState>,
    mut request: Request,
    next: Next,
) -> Result<Response, Infallible> {
    let Some(keys) = state.access.keys() else {
        request.extensions_mut().insert(Caller { key: None });
        return Ok(next.run(request).await);
    };
    let shown = shown(request.headers());
    let Some(entry) = shown.and_then(|shown| keys.find(shown)) else {
        let detail = match shown {
            Some(_) => "No key here is the one in the request, or it was revoked.",
            None => "There is no key in the request.",
        };
        linger(request.into_body());
        return Ok(Problem::new(problem::UNAUTHORIZED, detail).in_field("authorization").into_response());
    };
    // Nothing after this has a use for the secret, so nothing after this can let it out.
    request.headers_mut().remove(header::AUTHORIZATION);
    request.headers_mut().remove(API_KEY);
    let standing = entry.limiter.as_ref().map(|limiter| limiter.count());
    let caller = Caller { key: Some(entry.key.id.clone()) };
    request.extensions_mut().insert(caller.clone());
    let mut response = match refusal(&entry, standing.as_ref(), scope(&request)) {
        Some(refusal) => {
            linger(request.into_body());
            refusal
        }
        None => next.run(request).await,
    };
    if let Some(standing) = standing {
        standing.tell(response.headers_mut());
    }
    // For the log line.
    response.extensions_mut().insert(caller);
    Ok(response)
}

/// What a request needs.
fn scope(request: &Request) -> Scope {
    match request.uri().path() {
        FEEDBACK => Scope::Admin,
        _ if request.method().is_safe() => Scope::Read,
        _ => Scope::Submit,
    }
}

/// What speaks against this request by this key.
fn refusal(entry: &Entry, standing: Option<&Standing>, scope: Scope) -> Option<Response> {
    if let Some(seconds) = standing.and_then(|standing| standing.retry_after) {
        let detail = format!("The next request by this key is possible in {seconds} s.");
        return Some(Problem::new(problem::RATE_LIMITED, detail).into_response());
    }
    if entry.key.allows(scope) {
        return None;
    }
    let scope = scope.name();
    let detail = format!("This key lacks the scope {scope}.");
    let mut response = Problem::new(problem::FORBIDDEN, detail).in_field("authorization").into_response();
    // RFC 6750, section 3.1.
    let challenge = format!("Bearer error=\"insufficient_scope\", scope=\"{scope}\"");
    if let Ok(challenge) = HeaderValue::try_from(challenge) {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
    }
    Some(response)
}

/// The key in these headers. What `Authorization` holds in another scheme is for somebody else, on the way here.
fn shown(headers: &HeaderMap) -> Option<&str> {
    let bearer = headers.get_all(header::AUTHORIZATION).iter().find_map(|line| {
        let (scheme, key) = line.to_str().ok()?.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| key.trim())
    });
    bearer.or_else(|| headers.get(API_KEY)?.to_str().ok().map(str::trim))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_found_where_callers_put_it() {
        let found = |lines: &[(HeaderName, &'static str)]| {
            let mut headers = HeaderMap::new();
            for (name, value) in lines {
                headers.append(name, HeaderValue::from_static(value));
            }
            shown(&headers).map(str::to_owned)
        };
        let authorization = header::AUTHORIZATION;
        for line in ["Bearer k", "bearer  k ", "BEARER k"] {
            assert_eq!(found(&[(authorization.clone(), line)]).as_deref(), Some("k"), "{line}");
        }
        for line in ["k", "Basic k", "Bearer", ""] {
            assert_eq!(found(&[(authorization.clone(), line)]), None, "{line}");
        }
        assert_eq!(found(&[(API_KEY, "k")]).as_deref(), Some("k"));
        let both = [(authorization.clone(), "Basic x"), (API_KEY, "k")];
        assert_eq!(found(&both).as_deref(), Some("k"));
        assert_eq!(found(&[(authorization, "Bearer j"), (API_KEY, "k")]).as_deref(), Some("j"));
    }
}
