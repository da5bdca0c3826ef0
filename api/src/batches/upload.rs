//! The bytes of a batch's upload as they come, with a limit on all of them and on how long the next ones may take.

use std::{
    io,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
};

use axum::body::Body;
use bytes::Bytes;
use futures::{Stream, StreamExt, stream};
use http_body_util::BodyExt;

use super::Stop;
use crate::{
    problem::{self, Problem},
    state::ApiSettings,
};

/// An upload that is read piece by piece.
pub(super) struct Upload {
    pieces: Pin<Box<dyn Stream<Item = io::Result<Bytes>> + Send>>,
    fault: Fault,
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

    fn set(&self, stop: Stop) -> io::Error {
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
        let next = move |(mut body, mut seen): (Body, u64)| {
            let fault = noted.clone();
            async move {
                loop {
                    let frame = match tokio::time::timeout(patience, body.frame()).await {
                        Ok(None) => return None,
                        Ok(Some(Ok(frame))) => frame,
                        Ok(Some(Err(_))) => {
                            let problem = Problem::new(problem::MALFORMED_BODY, "The upload broke off.");
                            return Some((Err(fault.set(Stop { problem, may_pass: true })), (body, seen)));
                        }
                        Err(_) => {
                            let detail = format!("Nothing came for {} seconds.", patience.as_secs_f32());
                            let problem = Problem::new(problem::REQUEST_TIMEOUT, detail);
                            return Some((Err(fault.set(Stop { problem, may_pass: true })), (body, seen)));
                        }
                    };
                    let Ok(data) = frame.into_data() else { continue };
                    seen += data.len() as u64;
                    if seen > limit {
                        let detail = format!("At most {limit} bytes are taken.");
                        let stop = Problem::new(problem::BATCH_TOO_LARGE, detail).into();
                        return Some((Err(fault.set(stop)), (body, seen)));
                    }
                    return Some((Ok(data), (body, seen)));
                }
            }
        };
        Self { pieces: stream::unfold((body, 0), next).boxed(), fault }
    }

    /// The next piece; nothing at the end.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, Stop> {
        let malformed = || Problem::new(problem::MALFORMED_BODY, "The upload broke off.");
        self.pieces.next().await.transpose().map_err(|_| self.fault.or(malformed()))
    }

    /// The same as a body for a reader of its form.
    pub(super) fn into_body(self) -> (Body, Fault) {
        (Body::from_stream(self.pieces), self.fault)
    }
}
