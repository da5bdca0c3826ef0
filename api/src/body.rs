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
    room::{FREE, Place, Room},
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

/// The whole body, of which never more than the limit is kept, whatever it says of its length, and what it takes of the room.
pub(crate) async fn read(
    body: Body,
    limit: usize,
    patience: Duration,
    room: &Room,
) -> Result<(Bytes, Option<Place>), Problem> {
    tokio::time::timeout(patience, whole(body, limit, room)).await.map_err(|_| {
        let seconds = patience.as_secs_f32();
        Problem::new(problem::REQUEST_TIMEOUT, format!("The body was not there after {seconds} seconds."))
    })?
}

async fn whole(mut body: Body, limit: usize, room: &Room) -> Result<(Bytes, Option<Place>), Problem> {
    let declared = body.size_hint().exact().map(|length| usize::try_from(length).unwrap_or(limit).min(limit));
    // What a request declares is not worth memory until some of it has come.
    let (mut read, mut place) = (BytesMut::with_capacity(declared.unwrap_or_default().min(FREE)), None);
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Problem::new(problem::MALFORMED_BODY, "The body broke off."))?;
        let Ok(data) = frame.into_data() else { continue };
        if data.len() > limit - read.len() {
            linger(body);
            return Err(too_large(limit));
        }
        if place.is_none() && read.len() + data.len() > FREE {
            // For all of it: were it taken as it comes, many that have some of theirs would wait for one another.
            let most = declared.unwrap_or(limit);
            match room.take(most).await {
                Ok(taken) => place = Some(taken),
                Err(problem) => {
                    linger(body);
                    return Err(problem);
                }
            }
            if declared.is_some() {
                read.reserve(most.saturating_sub(read.len()));
            }
        }
        read.extend_from_slice(&data);
    }
    Ok((read.freeze(), place))
}

fn too_large(limit: usize) -> Problem {
    Problem::new(problem::BODY_TOO_LARGE, format!("At most {limit} bytes are taken."))
}
