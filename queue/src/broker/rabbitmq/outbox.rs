//! How messages get to the server: confirmed, routed, and within a time limit.

use std::{sync::Arc, time::Duration};

use lapin::{BasicProperties, Confirmation, options::BasicPublishOptions, types::ShortString};

use super::{
    link::{Link, Session},
    message,
    topology::Topology,
};
use crate::{broker::BrokerError, job::Job};

/// The publishing side of one queue.
#[derive(Clone)]
pub(super) struct Outbox {
    pub(super) link: Arc<Link>,
    pub(super) topology: Topology,
}

impl Outbox {
    /// Puts a job that was tried so often into the queue.
    pub(super) async fn publish(
        &self,
        session: &Session,
        job: &Job,
        attempts: u32,
    ) -> Result<(), BrokerError> {
        let properties = message::properties(job, attempts).map_err(|error| unwritable(&error))?;
        send(session, self.topology.queue(), &job.image, properties).await
    }

    /// Puts a job back as if this attempt had not been made. Tried once: where it is refused, the original still goes
    /// back, and whoever gives it back may have little time.
    pub(super) async fn republish(&self, job: &Job, attempts: u32) -> Result<(), BrokerError> {
        let session = self.link.session().await?;
        let properties = message::properties(job, attempts).map_err(|error| unwritable(&error))?;
        let queue = self.topology.queue();
        match send_once(&session, queue, &job.image, properties).await? {
            true => Ok(()),
            false => Err(refused(queue)),
        }
    }

    /// Puts a job to the dead letters.
    pub(super) async fn bury(&self, job: &Job, attempts: u32, reason: &str) -> Result<(), BrokerError> {
        let session = self.link.session().await?;
        let properties =
            message::dead_properties(job, attempts, reason).map_err(|error| unwritable(&error))?;
        send(&session, self.topology.dead(), &job.image, properties).await
    }

    /// Puts a message that is no job to the dead letters as it is.
    pub(super) async fn set_aside(
        &self,
        body: &[u8],
        properties: BasicProperties,
    ) -> Result<(), BrokerError> {
        let session = self.link.session().await?;
        send(&session, self.topology.dead(), body, properties).await
    }
}

fn unwritable(error: &serde_json::Error) -> BrokerError {
    BrokerError::Storage(error.to_string())
}

fn refused(queue: &ShortString) -> BrokerError {
    BrokerError::Unavailable(format!("the queue {queue} refused a message"))
}

/// Pauses before what a new queue or one without a leader refuses is tried again.
pub(super) const SECOND_TRIES: [Duration; 4] = [
    Duration::from_millis(50),
    Duration::from_millis(150),
    Duration::from_millis(400),
    Duration::from_millis(1_000),
];

/// Sends a message until the server has it. A quorum queue refuses a channel's first message, without having tried to
/// store it, while it has no leader (`rabbit_fifo_client` in RabbitMQ): that passes in a moment. A message that was
/// stored all the same is there twice, which changes nothing: its job's result is written once.
async fn send(
    session: &Session,
    queue: &ShortString,
    body: &[u8],
    properties: BasicProperties,
) -> Result<(), BrokerError> {
    for pause in SECOND_TRIES {
        if send_once(session, queue, body, properties.clone()).await? {
            return Ok(());
        }
        tokio::time::sleep(pause).await;
    }
    match send_once(session, queue, body, properties).await? {
        true => Ok(()),
        false => Err(refused(queue)),
    }
}

/// Whether the server took the message or refused it.
async fn send_once(
    session: &Session,
    queue: &ShortString,
    body: &[u8],
    properties: BasicProperties,
) -> Result<bool, BrokerError> {
    session.check_flow()?;
    // Mandatory: a message for a queue that is gone comes back, where it would otherwise vanish.
    let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
    let publish = async {
        // The default exchange routes by the queue's name.
        let confirm = session.channel.basic_publish("".into(), queue.clone(), options, body, properties);
        confirm.await?.await
    };
    // Past the time limit it is unknown, not refused: the job may be there all the same.
    match session.bounded("a publish", publish).await? {
        Confirmation::Ack(None) => Ok(true),
        // The server confirms a message that it returns: only the second says that no queue has it.
        Confirmation::Ack(Some(_)) | Confirmation::Nack(Some(_)) => {
            // A new session declares the queue again.
            session.condemn();
            Err(BrokerError::Unavailable(format!("the queue {queue} is gone")))
        }
        Confirmation::Nack(None) => Ok(false),
        Confirmation::NotRequested => Err(BrokerError::Unavailable("publishes are not confirmed".to_owned())),
    }
}
