//! Gives the reader of forms no more of an upload than it needs. By itself it takes all that has come before it looks at any
//! of it, and where it finds no boundary or no end of a part's head, it would keep the whole upload, and search it anew
//! with every piece.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::Poll,
};

use axum::body::Body;
use futures::{StreamExt, stream};

use super::upload::{Fault, Pieces};
use crate::problem::{self, Problem};

/// Most bytes that the reader is given at one call, beside the last piece. A call gives back what stands in a part as it
/// comes, so it holds back no more than a boundary and a part's head.
const HEAD: usize = 64 << 10;
/// How often the reader asks until it can do nothing with what it has: before the first boundary it asks twice for each
/// time that it looks.
const DRY: usize = 2;

/// What is given to a reader, call by call.
pub(super) struct Sips {
    call: Arc<Call>,
    pub(super) fault: Fault,
}

#[derive(Default)]
struct Call {
    /// How often the reader asked, and had nothing, since the call or the last piece.
    asked: AtomicUsize,
    /// How many bytes it was given since the call began.
    given: AtomicUsize,
}

impl Sips {
    pub(super) fn new(fault: Fault) -> Self {
        Self { call: Arc::default(), fault }
    }

    /// The reader is about to be called.
    pub(super) fn begin(&self) {
        self.call.asked.store(0, Ordering::Relaxed);
        self.call.given.store(0, Ordering::Relaxed);
    }

    /// The pieces as a body. It has nothing at first when it is asked, so that the reader uses what it has; asked again and
    /// again, it has one piece.
    pub(super) fn body(&self, mut pieces: Pieces) -> Body {
        let (call, fault) = (Arc::clone(&self.call), self.fault.clone());
        Body::from_stream(stream::poll_fn(move |context| {
            if call.asked.fetch_add(1, Ordering::Relaxed) < DRY {
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
            if call.given.load(Ordering::Relaxed) > HEAD {
                return Poll::Ready(Some(Err(endless(&fault))));
            }
            let piece = pieces.poll_next_unpin(context);
            if let Poll::Ready(Some(Ok(piece))) = &piece {
                call.given.fetch_add(piece.len(), Ordering::Relaxed);
                call.asked.store(0, Ordering::Relaxed);
            }
            piece
        }))
    }
}

fn endless(fault: &Fault) -> io::Error {
    let detail = format!("There is no boundary, or a part's head does not end, within {HEAD} bytes.");
    fault.set(Problem::new(problem::MALFORMED_BODY, detail).into())
}
