//! Hears which jobs have ended, over one connection for the whole process.

use std::{
    future::Future,
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures::StreamExt;
use redis::{Client, RedisResult, aio::PubSubSink};
use tokio::{
    task::JoinHandle,
    time::{sleep, timeout},
};

use crate::results::Waiters;

/// For the connection and its subscription, and for the answer to a ping.
const ANSWER: Duration = Duration::from_secs(2);
/// Between pings: a connection that was lost in silence is otherwise indistinguishable from one with nothing to say.
const PING: Duration = Duration::from_secs(5);
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Listens until it is dropped. What is missed meanwhile, those who wait find by looking for themselves.
pub(super) struct Subscription {
    is_listening: Arc<AtomicBool>,
    listener: JoinHandle<()>,
}

impl Subscription {
    pub(super) fn start(client: Client, channel: String, waiters: Arc<Waiters>) -> Self {
        let is_listening = Arc::<AtomicBool>::default();
        let listening = Arc::clone(&is_listening);
        let listener = tokio::spawn(async move {
            let mut pause = FIRST_PAUSE;
            let mut is_first_failure = true;
            loop {
                let ended = listen(&client, &channel, &waiters, &listening).await;
                if listening.swap(false, Ordering::Relaxed) {
                    (pause, is_first_failure) = (FIRST_PAUSE, true);
                }
                // Said once for each outage, since it may also be a permission that is missing.
                if let Err(error) = ended
                    && std::mem::take(&mut is_first_failure)
                {
                    tracing::warn!(%error, "the ends of jobs are not heard of; those who wait look more often");
                }
                sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        });
        Self { is_listening, listener }
    }

    /// Whether ends are heard of, as far as is known.
    pub(super) fn is_listening(&self) -> bool {
        self.is_listening.load(Ordering::Relaxed)
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.listener.abort();
    }
}

async fn listen(
    client: &Client,
    channel: &str,
    waiters: &Waiters,
    is_listening: &AtomicBool,
) -> RedisResult<()> {
    let subscribe = async {
        let mut connection = client.get_async_pubsub().await?;
        connection.subscribe(channel).await?;
        Ok(connection)
    };
    let (pings, mut messages) = in_time(subscribe).await?.split();
    is_listening.store(true, Ordering::Relaxed);
    let hear = async {
        while let Some(message) = messages.next().await {
            // What is no id is not of our making, and nobody waits for it.
            let id = message.get_payload::<String>().ok().and_then(|text| text.parse().ok());
            if let Some(id) = id {
                waiters.wake([&id]);
            }
        }
        Ok(())
    };
    tokio::select! {
        ended = hear => ended,
        silent = ping(pings) => silent,
    }
}

/// Returns once a ping is not answered.
async fn ping(mut pings: PubSubSink) -> RedisResult<()> {
    loop {
        sleep(PING).await;
        in_time(pings.ping::<redis::Value>()).await?;
    }
}

async fn in_time<T>(answer: impl Future<Output = RedisResult<T>>) -> RedisResult<T> {
    timeout(ANSWER, answer).await.unwrap_or_else(|_| Err(io::Error::from(io::ErrorKind::TimedOut).into()))
}
