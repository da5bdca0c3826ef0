//! A connection that is made when it is needed, and made again, with a capped backoff, when it has ended.
//! The client library can recover connections by itself, but then a publish waits through an outage without a word,
//! and once in a while it does not come back; here every call fails within seconds, and the next one tries afresh.

use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use lapin::{
    Channel, Connection, ConnectionProperties,
    options::{ConfirmSelectOptions, QueueDeclareOptions},
    types::ShortString,
    uri::AMQPUri,
};
use tokio::{
    sync::Mutex,
    time::{Instant, timeout},
};

use super::topology::Topology;
use crate::broker::BrokerError;

/// No call waits longer for the broker.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);
/// How often both sides say that they are alive, in seconds, unless the address has a `heartbeat` of its own. A peer
/// that has been silent for twice as long is taken for dead.
const HEARTBEAT: u16 = 10;
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// One connection, with a channel for publishing and for questions.
pub(super) struct Session {
    pub(super) connection: Connection,
    pub(super) channel: Channel,
    condemned: AtomicBool,
}

impl Session {
    /// Gives the session up: whoever comes next gets a new one.
    pub(super) fn condemn(&self) {
        self.condemned.store(true, Ordering::Relaxed);
    }

    pub(super) fn usable(&self) -> bool {
        !self.condemned.load(Ordering::Relaxed)
            && self.connection.status().connected()
            && self.channel.status().connected()
    }

    /// Fails while the server takes no messages because it is short of memory or disk (`connection.blocked`). They
    /// would wait in this process, where a crash loses them.
    pub(super) fn check_flow(&self) -> Result<(), BrokerError> {
        if self.connection.status().blocked() {
            return Err(BrokerError::Unavailable(
                "it is short of memory or disk and takes no jobs".to_owned(),
            ));
        }
        Ok(())
    }

    /// How many messages in a queue wait for a consumer.
    pub(super) async fn depth(&self, queue: &ShortString) -> Result<usize, BrokerError> {
        let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::durable() };
        let answer = self.channel.queue_declare(queue.clone(), passive, Default::default());
        let queue = self.bounded("a question", answer).await?;
        Ok(usize::try_from(queue.message_count()).unwrap_or(usize::MAX))
    }

    /// Waits for the broker, but not for ever. What fails or takes too long costs the session.
    pub(super) async fn bounded<T>(
        &self,
        what: &str,
        answer: impl Future<Output = lapin::Result<T>>,
    ) -> Result<T, BrokerError> {
        let reason = match timeout(PATIENCE, answer).await {
            Ok(Ok(answer)) => return Ok(answer),
            Ok(Err(error)) => format!("{what} failed: {error}"),
            Err(_) => format!("{what} had no answer in {} seconds", PATIENCE.as_secs()),
        };
        self.condemn();
        Err(BrokerError::Unavailable(reason))
    }
}

/// Where a session is had.
pub(super) struct Link {
    uri: AMQPUri,
    name: &'static str,
    topology: Topology,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    session: Option<Arc<Session>>,
    failures: u32,
    retry_at: Option<Instant>,
}

impl Link {
    pub(super) fn new(mut uri: AMQPUri, name: &'static str, topology: Topology) -> Self {
        uri.query.heartbeat.get_or_insert(HEARTBEAT);
        Self { uri, name, topology, state: Mutex::default() }
    }

    /// The session, made anew where the last one has ended. Soon after a failure it fails again without trying.
    pub(super) async fn session(&self) -> Result<Arc<Session>, BrokerError> {
        let mut state = self.state.lock().await;
        if let Some(session) = state.session.as_ref().filter(|session| session.usable()) {
            return Ok(Arc::clone(session));
        }
        if let Some(old) = state.session.take() {
            tracing::warn!(connection = self.name, "the connection to the broker is lost");
            // Told to close where it still can be; a dead one has nobody to tell.
            tokio::spawn(async move { drop(timeout(PATIENCE, old.connection.close(200, "".into())).await) });
        }
        if state.retry_at.is_some_and(|at| Instant::now() < at) {
            return Err(BrokerError::Unavailable("it could not be reached a moment ago".to_owned()));
        }
        match timeout(PATIENCE, self.connect()).await {
            Ok(Ok(session)) => {
                let session = Arc::new(session);
                *state = State { session: Some(Arc::clone(&session)), ..State::default() };
                tracing::info!(connection = self.name, "connected to the broker");
                Ok(session)
            }
            failed => {
                let pause = FIRST_PAUSE.saturating_mul(1 << state.failures.min(10)).min(LONGEST_PAUSE);
                state.failures = state.failures.saturating_add(1);
                state.retry_at = Some(Instant::now() + pause);
                let reason = match failed {
                    Ok(Err(error)) => error.to_string(),
                    _ => format!("no answer in {} seconds", PATIENCE.as_secs()),
                };
                Err(BrokerError::Unavailable(reason))
            }
        }
    }

    async fn connect(&self) -> lapin::Result<Session> {
        let properties = ConnectionProperties::default().with_connection_name(self.name.into());
        let connection = Connection::connect_uri(self.uri.clone(), properties).await?;
        let channel = connection.create_channel().await?;
        // Without it the server drops what it cannot store, in silence.
        channel.confirm_select(ConfirmSelectOptions::default()).await?;
        self.topology.declare(&channel).await?;
        Ok(Session { connection, channel, condemned: AtomicBool::new(false) })
    }
}
