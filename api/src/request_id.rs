//! The id of a request, by which its caller and the log mean the same one. The caller's own is taken where it is one.

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use uuid::Uuid;

pub(crate) const NAME: HeaderName = HeaderName::from_static("x-request-id");
/// As much as a UUID with something before it.
const LONGEST: usize = 64;

/// The caller's id, or a new one. What does not fit on a log line, or is there to fill it, is no id.
pub(crate) fn of(headers: &HeaderMap) -> String {
    let sane =
        |id: &&str| (1..=LONGEST).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic());
    let callers = headers.get(NAME).and_then(|id| id.to_str().ok()).filter(sane);
    callers.map_or_else(|| Uuid::now_v7().to_string(), str::to_owned)
}

/// Says the id in an answer's headers.
pub(crate) fn tell(id: &str, headers: &mut HeaderMap) {
    if let Ok(id) = HeaderValue::from_str(id) {
        headers.insert(NAME, id);
    }
}
