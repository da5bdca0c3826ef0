//! Hears which jobs have ended, over one connection for the whole process.

use std::{sync::Arc, time::Duration};

use futures::StreamExt;
use redis::Client;
use tokio::{task::JoinHandle, time::timeout};

use crate::results::Waiters;

const CONNECT: Duration = Duration::from_secs(2);
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Listens until it is dropped. What is missed meanwhile, those who wait find by looking for themselves.
pub(super) struct Subscription(JoinHandle<()>);

impl Subscription {
    pub(super) fn start(client: Client, channel: String, waiters: Arc<Waiters>) -> Self {
        Self(tokio::spawn(async move {
            let mut pause = FIRST_PAUSE;
            loop {
                if let Err(error) = listen(&client, &channel, &waiters, &mut pause).await {
                    tracing::debug!(%error, "the ends of jobs are not heard of");
                }
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }))
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn listen(
    client: &Client,
    channel: &str,
    waiters: &Waiters,
    pause: &mut Duration,
) -> redis::RedisResult<()> {
    let subscribe = async {
        let mut connection = client.get_async_pubsub().await?;
        connection.subscribe(channel).await?;
        redis::RedisResult::Ok(connection)
    };
    let connection = match timeout(CONNECT, subscribe).await {
        Ok(connection) => connection?,
        Err(_) => return Ok(()),
    };
    *pause = FIRST_PAUSE;
    let mut messages = connection.into_on_message();
    while let Some(message) = messages.next().await {
        let id: String = message.get_payload()?;
        if let Ok(id) = id.parse() {
            waiters.wake([&id]);
        }
    }
    Ok(())
}
