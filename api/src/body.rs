//! Bodies of requests: what they say of themselves, and reading them within a size and a time.

use std::{future::Future, time::Duration};

use axum::{
    body::{Body, HttpBody},
    http::{HeaderMap, header},
};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use tokio::time::{Instant, timeout_at};

use crate::{
    linger::linger,
    problem::{self, Problem},
    room::{FREE, Place, Room},
};

/// A body that takes room may be so much of its whole time late: whoever sends slowly keeps others from the room.
const LATE: f64 = 1.0 / 12.0;

/// How fast a body has to come from when it takes room.
pub(crate) struct Pace {
    since: Instant,
    patience: Duration,
    most: usize,
}

impl Pace {
    /// From now on, for one of at most so many bytes, which may take all of the time.
    pub(crate) fn new(patience: Duration, most: usize) -> Self {
        Self { since: Instant::now(), patience, most: most.max(1) }
    }

    /// What comes next, where so many bytes are there; a problem where it is behind.
    pub(crate) async fn next<T>(&self, read: usize, next: impl Future<Output = T>) -> Result<T, Problem> {
        let share = read as f64 / self.most as f64 + LATE;
        timeout_at(self.since + self.patience.mul_f64(share), next).await.map_err(|_| {
            let detail = format!(
                "The body comes too slowly to wait for it while it takes room: {read} of at most {} bytes after {:.1} seconds.",
                self.most,
                self.since.elapsed().as_secs_f32()
            );
            Problem::new(problem::REQUEST_TIMEOUT, detail)
        })
    }
}

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
    tokio::time::timeout(patience, whole(body, limit, patience, room)).await.map_err(|_| {
        let seconds = patience.as_secs_f32();
        Problem::new(problem::REQUEST_TIMEOUT, format!("The body was not there after {seconds} seconds."))
    })?
}

async fn whole(
    mut body: Body,
    limit: usize,
    patience: Duration,
    room: &Room,
) -> Result<(Bytes, Option<Place>), Problem> {
    let declared = body.size_hint().exact().map(|length| usize::try_from(length).unwrap_or(limit).min(limit));
    // What a request declares is not worth memory until some of it has come.
    let (mut read, mut place) = (BytesMut::with_capacity(declared.unwrap_or_default().min(FREE)), None);
    // For all of it: were it taken as it comes, many that have some of theirs would wait for one another.
    let most = declared.unwrap_or(limit);
    let mut pace: Option<Pace> = None;
    loop {
        let frame = match &pace {
            None => body.frame().await,
            Some(pace) => pace.next(read.len(), body.frame()).await?,
        };
        let Some(frame) = frame else { break };
        let frame = frame.map_err(|_| Problem::new(problem::MALFORMED_BODY, "The body broke off."))?;
        let Ok(data) = frame.into_data() else { continue };
        if data.len() > limit - read.len() {
            linger(body);
            return Err(too_large(limit));
        }
        if place.is_none() && read.len() + data.len() > FREE {
            match room.take(most).await {
                Ok(taken) => (place, pace) = (Some(taken), Some(Pace::new(patience, most))),
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

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use futures::{StreamExt, stream};

    use super::*;

    /// What comes of a body of 256 KiB in four parts, with a pause before each.
    async fn with_pauses(pauses: [Duration; 4], room: &Room) -> Result<usize, String> {
        let parts = stream::iter(pauses).then(|pause| async move {
            tokio::time::sleep(pause).await;
            Ok::<_, Infallible>(Bytes::from(vec![7; 64 << 10]))
        });
        let read = read(Body::from_stream(parts), 256 << 10, Duration::from_secs(3), room).await;
        read.map(|(bytes, _)| bytes.len()).map_err(|problem| problem.into_failure().detail)
    }

    #[tokio::test]
    async fn who_takes_room_and_sends_nothing_gives_it_back_before_the_time_is_up() {
        let room = Room::new(256 << 10, 256 << 10, Duration::ZERO);
        let [none, soon, later, never] = [0, 20, 700, 60_000].map(Duration::from_millis);
        // Slow, and never behind: a twelfth of the time, by which one may be late, is less than each pause.
        assert_eq!(with_pauses([none, soon, later, later], &room).await, Ok(256 << 10));
        let refused = with_pauses([none, soon, never, never], &room).await.unwrap_err();
        assert!(refused.contains("too slowly") && refused.contains("131072 of at most 262144"), "{refused}");
        // It takes no room yet: all of the time is its own.
        let refused = with_pauses([none, never, never, never], &room).await.unwrap_err();
        assert!(refused.contains("was not there after 3 seconds"), "{refused}");
        assert!(room.take(256 << 10).await.is_ok());
    }
}
