//! The reading thread: answers queries from the last committed state, whatever the writing thread is busy with.

use std::sync::mpsc::{Receiver, Sender, channel};

use rusqlite::Connection;
use tokio::sync::oneshot;

use super::CommandError;

type Query = Box<dyn FnOnce(&Connection) + Send>;

/// The way to the reading thread, which ends when this is gone.
pub(super) struct ReadQueue {
    queries: Sender<Query>,
}

impl ReadQueue {
    pub(super) fn new() -> (Self, Receiver<Query>) {
        let (queries, inbox) = channel();
        (Self { queries }, inbox)
    }

    pub(super) async fn read<T, Q>(&self, query: Q) -> Result<T, CommandError>
    where
        T: Send + 'static,
        Q: FnOnce(&Connection) -> Result<T, CommandError> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let query: Query = Box::new(move |connection| {
            if !reply.is_closed() {
                // Whoever asked may have left in the meantime.
                drop(reply.send(query(connection)));
            }
        });
        // A closed channel drops the query and its reply with it, which is what the wait below sees.
        drop(self.queries.send(query));
        answer.await.unwrap_or(Err(CommandError::Closed))
    }
}

/// What the reading thread does until its [`ReadQueue`] is gone.
pub(super) fn run(connection: &Connection, inbox: &Receiver<Query>) {
    for query in inbox {
        query(connection);
    }
}
