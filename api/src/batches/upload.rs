//! The bytes of a batch's upload as they come, with a limit on all of them and on how long the next ones may take.

use std::{
    io,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{body::Body, http::HeaderMap};
use bytes::Bytes;
use futures::{Stream, StreamExt, stream};
use http_body_util::BodyExt;

use super::Stop;
use crate::{
    body::declared_length,
    linger::linger,
    problem::{self, Problem},
    state::ApiSettings,
};

pub(super) type Pieces = Pin<Box<dyn Stream<Item = io::Result<Bytes>> + Send>>;

/// An upload that is read piece by piece.
pub(super) struct Upload {
    pieces: Pieces,
    fault: Fault,
}

/// What is left of a body. Where it is let go with something left, since the upload is refused, the rest is still taken
/// from the sender for a moment.
struct Rest(Option<Body>);

impl Drop for Rest {
    fn drop(&mut self) {
        // At the end of a runtime there may be nothing that could do so.
        if let Some(body) = self.0.take()
            && tokio::runtime::Handle::try_current().is_ok()
        {
            linger(body);
        }
    }
}

/// Why the upload ended early, for those who get to see only that it did: readers of forms give errors of their own.
#[derive(Clone, Default)]
pub(super) struct Fault(Arc<Mutex<Option<Stop>>>);

impl Fault {
    /// What happened, or else what the reader made of it.
    pub(super) fn or(&self, read: Problem) -> Stop {
        let fault = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        fault.unwrap_or_else(|| read.into())
    }

    pub(super) fn set(&self, stop: Stop) -> io::Error {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(stop);
        io::Error::other("the upload ended early")
    }
}

impl Upload {
    /// The limits are those of the settings. Time counts only while more is waited for, not while what came is worked on.
    pub(super) fn new(body: Body, settings: &ApiSettings) -> Self {
        let (limit, patience) = (settings.max_batch_bytes, settings.body_timeout);
        let fault = Fault::default();
        let noted = fault.clone();
        let next = move |(mut rest, mut seen): (Rest, u64)| {
            let fault = noted.clone();
            async move {
                loop {
                    let body = rest.0.as_mut()?;
                    let frame = match tokio::time::timeout(patience, body.frame()).await {
                        Ok(None) => return None,
                        Ok(Some(Ok(frame))) => frame,
                        Ok(Some(Err(_))) => {
                            rest.0 = None;
                            let problem = Problem::new(problem::MALFORMED_BODY, "The upload broke off.");
                            return Some((Err(fault.set(Stop::of_connection(problem))), (rest, seen)));
                        }
                        Err(_) => {
                            rest.0 = None;
                            let detail = format!("Nothing came for {} seconds.", patience.as_secs_f32());
                            let problem = Problem::new(problem::REQUEST_TIMEOUT, detail);
                            return Some((Err(fault.set(Stop::of_connection(problem))), (rest, seen)));
                        }
                    };
                    let Ok(data) = frame.into_data() else { continue };
                    seen += data.len() as u64;
                    if seen > limit {
                        return Some((Err(fault.set(too_large(limit).into())), (rest, seen)));
                    }
                    return Some((Ok(data), (rest, seen)));
                }
            }
        };
        Self { pieces: stream::unfold((Rest(Some(body)), 0), next).boxed(), fault }
    }

    /// The next piece; nothing at the end.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, Stop> {
        let malformed = || Problem::new(problem::MALFORMED_BODY, "The upload broke off.");
        self.pieces.next().await.transpose().map_err(|_| self.fault.or(malformed()))
    }

    /// The same for a reader of its form.
    pub(super) fn into_pieces(self) -> (Pieces, Fault) {
        (self.pieces, self.fault)
    }
}

/// Refuses an upload that says it is too large, before any of it is read.
pub(crate) fn refuse_declared_length(headers: &HeaderMap, limit: u64) -> Result<(), Problem> {
    if declared_length(headers).is_some_and(|length| length > limit) { Err(too_large(limit)) } else { Ok(()) }
}

fn too_large(limit: u64) -> Problem {
    Problem::new(problem::BATCH_TOO_LARGE, format!("At most {limit} bytes are taken."))
}
