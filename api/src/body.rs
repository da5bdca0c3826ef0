//! Bodies of requests: what they say of themselves, and reading them within a size and a time.

use std::time::Duration;

use axum::{
    body::{Body, HttpBody},
    http::{HeaderMap, header},
};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;

use crate::{
    linger::linger,
    problem::{self, Problem},
};

/// What the body is said to be, in small letters and without parameters; empty where nothing is said.
pub(crate) fn media_type(headers: &HeaderMap) -> String {
    let value =
        headers.get(header::CONTENT_TYPE).map_or(Ok(""), |value| value.to_str()).unwrap_or("unreadable");
    value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// Refuses a body of this type, where only those others are taken.
pub(crate) fn not_taken(media_type: &str, taken: &str) -> Problem {
    Problem::new(problem::MEDIA_TYPE, format!("{media_type:?} is not taken: send {taken}."))
}

/// A body that says it is too large is refused before any of it is read.
pub(crate) fn refuse_declared_length(headers: &HeaderMap, limit: usize) -> Result<(), Problem> {
    match declared_length(headers) {
        Some(length) if length > limit as u64 => Err(too_large(limit)),
        _ => Ok(()),
    }
}

/// How many bytes the body is said to have, where it is said.
pub(crate) fn declared_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// The whole body, of which never more than the limit is kept, whatever it says of its length.
pub(crate) async fn read(body: Body, limit: usize, patience: Duration) -> Result<Bytes, Problem> {
    tokio::time::timeout(patience, whole(body, limit)).await.map_err(|_| {
        let seconds = patience.as_secs_f32();
        Problem::new(problem::REQUEST_TIMEOUT, format!("The body was not there after {seconds} seconds."))
    })?
}

async fn whole(mut body: Body, limit: usize) -> Result<Bytes, Problem> {
    let declared = usize::try_from(body.size_hint().exact().unwrap_or_default()).unwrap_or(limit);
    // What a request declares is not worth memory until some of it has come.
    let mut read = BytesMut::with_capacity(declared.min(64 << 10));
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Problem::new(problem::MALFORMED_BODY, "The body broke off."))?;
        let Ok(data) = frame.into_data() else { continue };
        if data.len() > limit - read.len() {
            linger(body);
            return Err(too_large(limit));
        }
        read.extend_from_slice(&data);
    }
    Ok(read.freeze())
}

fn too_large(limit: usize) -> Problem {
    Problem::new(problem::BODY_TOO_LARGE, format!("At most {limit} bytes are taken."))
}
