//! Sends commands over one connection that all share: again while that may help, and over another connection where this
//! one has gone silent.

use std::{
    future::Future,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use redis::{
    Client, RedisError, RedisResult, ServerErrorKind,
    aio::{ConnectionManager, ConnectionManagerConfig},
};
use tokio::time::Instant;

use super::ANSWER;
use crate::results::ResultError;

/// How long a command is tried again. A worker waits on, with its jobs unacknowledged; a client hears of it.
const PATIENCE: Duration = Duration::from_secs(3);
const FIRST_PAUSE: Duration = Duration::from_millis(20);

/// Refusals that end by themselves: the server loads its data, runs someone's long script, or is in a failover.
const PASSING: [&str; 6] = ["LOADING", "BUSY", "READONLY", "MASTERDOWN", "TRYAGAIN", "CLUSTERDOWN"];

/// The way to the server.
pub(super) struct Commands {
    client: Client,
    current: Mutex<Current>,
}

/// The connection in use. A `ConnectionManager` replaces by itself what the network has ended, not what is silent.
#[derive(Clone)]
struct Current {
    connection: ConnectionManager,
    /// Counts the replacements, so that of many commands that find the same connection silent one replaces it.
    number: u64,
}

impl Commands {
    /// Connects when it is first needed. Called within a tokio runtime.
    pub(super) fn new(client: Client) -> RedisResult<Self> {
        let current = Mutex::new(Current { connection: connection(&client)?, number: 0 });
        Ok(Self { client, current })
    }

    /// Sends a command until it is answered or its time is over, which is up to 5 seconds. One whose answer was lost is
    /// sent twice.
    ///
    /// # Errors
    ///
    /// `Unavailable`: nothing is known of what became of the command.
    pub(super) async fn send<T, C, F>(&self, command: C) -> Result<T, ResultError>
    where
        C: Fn(ConnectionManager) -> F,
        F: Future<Output = RedisResult<T>>,
    {
        let start = Instant::now();
        let mut pause = FIRST_PAUSE;
        loop {
            let Current { connection, number } = self.lock().clone();
            let error = match command(connection).await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            if may_lead_elsewhere(&error) {
                self.replace(number);
            }
            if !may_pass(&error) || start.elapsed() + pause >= PATIENCE {
                return Err(ResultError::Unavailable(error.to_string()));
            }
            tracing::debug!(%error, "a command to the result store is sent again");
            tokio::time::sleep(pause).await;
            pause *= 2;
        }
    }

    /// Has later commands use a fresh connection, unless another one has seen to that.
    fn replace(&self, number: u64) {
        let mut current = self.lock();
        if current.number != number {
            return;
        }
        match connection(&self.client) {
            Ok(connection) => *current = Current { connection, number: number + 1 },
            Err(error) => tracing::warn!(%error, "no other connection to the result store can be made"),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Current> {
        // Nothing under this lock can panic half-way through a change, so what a poisoned one guards is whole.
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn connection(client: &Client) -> RedisResult<ConnectionManager> {
    let config = ConnectionManagerConfig::new()
        .set_connection_timeout(Some(ANSWER))
        .set_response_timeout(Some(ANSWER))
        // Trying again is done here, where it is known how long anyone waits.
        .set_number_of_retries(0);
    ConnectionManager::new_lazy_with_config(client.clone(), config)
}

/// Whether the same command may well be answered a moment later.
fn may_pass(error: &RedisError) -> bool {
    // The error of a pipeline has no code of its own, only those of its commands have.
    let codes = error.clone().into_server_errors();
    error.is_io_error()
        || codes.is_some_and(|codes| codes.iter().any(|(_, one)| PASSING.contains(&one.code())))
}

/// Whether a new connection may do better than this one: a silent one may have been lost on the way, and one to a
/// replica may be to what was the primary before a failover.
fn may_lead_elsewhere(error: &RedisError) -> bool {
    error.is_timeout() || error.kind() == ServerErrorKind::ReadOnly.into()
}
