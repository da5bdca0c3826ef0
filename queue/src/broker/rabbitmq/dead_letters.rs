//! Looking through the dead letters, which AMQP has no question for: all are taken, and what is not to be removed goes
//! back as the channel closes.

use futures::StreamExt;
use std::time::Duration;

use lapin::{
    options::{BasicConsumeOptions, BasicQosOptions},
    types::FieldTable,
};
use tokio::time::timeout;

use super::{acknowledge, link::PATIENCE, message, outbox::Outbox};
use crate::{
    broker::{BrokerError, DeadLetter},
    job::JobId,
};

/// How often it is asked whether what was looked at is back.
const RETURN: Duration = Duration::from_millis(5);
/// Nothing more comes once nothing has come for this long: someone else is looking at the others, or has taken them.
const QUIET: Duration = Duration::from_secs(1);

/// All dead letters that nobody else is looking at, oldest first.
pub(super) async fn list(outbox: &Outbox) -> Result<Vec<DeadLetter>, BrokerError> {
    let mut letters = Vec::new();
    each(outbox, |letter| {
        letters.push(letter);
        false
    })
    .await?;
    Ok(letters)
}

/// Removes those with these ids; says how many there were.
pub(super) async fn remove(outbox: &Outbox, ids: &[JobId]) -> Result<usize, BrokerError> {
    each(outbox, |letter| ids.contains(&letter.job.id)).await
}

/// Shows every dead letter to `remove` as it comes, which says whether it is to go; gives the number of those that went.
async fn each(outbox: &Outbox, mut remove: impl FnMut(DeadLetter) -> bool) -> Result<usize, BrokerError> {
    let session = outbox.link.session().await?;
    let count = session.depth(outbox.topology.dead()).await?;
    if count == 0 {
        return Ok(0);
    }
    let channel = session.bounded("opening a channel", session.connection.create_channel()).await?;
    let window = u16::try_from(count).unwrap_or(u16::MAX);
    session.bounded("setting the prefetch", channel.basic_qos(window, BasicQosOptions::default())).await?;
    let (queue, options) = (outbox.topology.dead().clone(), BasicConsumeOptions::default());
    let consume = channel.basic_consume(queue, "".into(), options, FieldTable::default());
    let mut consumer = session.bounded("looking at the dead letters", consume).await?;
    let mut removed = 0;
    for _ in 0..window {
        let Ok(Some(delivery)) = timeout(QUIET, consumer.next()).await else { break };
        let mut delivery = delivery.map_err(|error| BrokerError::Unavailable(error.to_string()))?;
        match message::dead_letter(&mut delivery) {
            Ok(letter) => {
                if remove(letter) {
                    acknowledge::ack(&delivery.acker).await?;
                    removed += 1;
                }
            }
            Err(reason) => tracing::warn!(
                reason,
                "something that is no job is among the dead letters; RabbitMQ's own tools remove it"
            ),
        }
    }
    session.bounded("closing a channel", channel.close(200, "".into())).await?;
    // Not before: a consumer that is dropped is canceled beside whatever follows, and where that meets a channel that
    // closes, the client library ends the connection.
    drop(consumer);
    // The others are on their way back: whoever looks next shall find them.
    let back = async {
        while session.depth(outbox.topology.dead()).await? < count - removed {
            tokio::time::sleep(RETURN).await;
        }
        Ok::<(), BrokerError>(())
    };
    match timeout(PATIENCE, back).await {
        Ok(back) => back?,
        Err(_) => tracing::warn!("dead letters are slow to return, or someone else has taken them"),
    }
    Ok(removed)
}
