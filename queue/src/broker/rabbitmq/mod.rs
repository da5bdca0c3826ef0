//! The broker on RabbitMQ: durable quorum queues, confirmed publishing, manual acknowledgement.
//!
//! **What is promised.** A publish is answered once a majority of the queue's replicas have the job on disk (quorum
//! queues, publisher confirms). A delivery that is not acknowledged comes back when its consumer's channel ends. So
//! every accepted job is delivered at least once, and some twice; the result store makes the second harmless.
//!
//! **Attempts.** The broker counts rejections and lost consumers in `x-delivery-count`. Before RabbitMQ 4.3 it counts
//! returned messages as well, and a release must not count; so a release publishes a copy that carries the count of
//! attempts in a header of its own, and acknowledges the original once the copy is confirmed. It joins the end of the
//! queue. A crash between the two leaves the job there twice, which is harmless too.
//!
//! **Outages.** A connection that ends is replaced when it is next needed, no more often than a capped backoff allows;
//! until then every call fails at once. Nothing waits longer than five seconds for the broker, and a connection that
//! once kept a call waiting so long is given up, for it may be half dead.
//!
//! Specifications: AMQP 0-9-1; <https://www.rabbitmq.com/docs/quorum-queues>, <https://www.rabbitmq.com/docs/confirms>.

mod acknowledge;
mod capacity;
mod consumer;
mod dead_letters;
mod feed;
mod link;
mod message;
mod outbox;
mod topology;

use std::sync::Arc;

use async_trait::async_trait;
use lapin::uri::AMQPUri;

use self::{capacity::Capacity, consumer::RabbitConsumer, link::Link, outbox::Outbox, topology::Topology};
use super::{Broker, BrokerError, BrokerOptions, Consumer, DeadLetter, QueueName};
use crate::job::{Job, JobId};

/// One queue on a RabbitMQ server or cluster. Clones share its connections.
#[derive(Clone)]
pub struct RabbitBroker {
    /// Publishing and consuming have a connection each: a server short of memory or disk blocks connections that
    /// publish, and acknowledgements must still get through.
    outbox: Outbox,
    consuming: Arc<Link>,
    capacity: Arc<Capacity>,
    options: BrokerOptions,
}

impl RabbitBroker {
    /// The queue `PREFIX.QUEUE` at an address such as `amqp://user:password@host:5672/%2f`, or `amqps://…` for TLS.
    /// Connects when it is first needed. Installations that share a virtual host differ in their prefix.
    ///
    /// # Errors
    ///
    /// Where the address cannot be understood. The message does not repeat it, since it may hold a password.
    pub fn new(
        url: &str,
        prefix: &str,
        queue: QueueName,
        options: BrokerOptions,
    ) -> Result<Self, BrokerError> {
        let uri: AMQPUri =
            url.parse().map_err(|error: String| BrokerError::Unavailable(format!("its address: {error}")))?;
        let topology = Topology::new(prefix, queue);
        let publishing = Arc::new(Link::new(uri.clone(), "byecaptcha publishing", topology.clone()));
        let consuming = Arc::new(Link::new(uri, "byecaptcha consuming", topology.clone()));
        let outbox = Outbox { link: publishing, topology };
        Ok(Self { outbox, consuming, capacity: Arc::default(), options })
    }
}

#[async_trait]
impl Broker for RabbitBroker {
    async fn publish(&self, job: &Job) -> Result<(), BrokerError> {
        let session = self.outbox.link.session().await?;
        self.capacity.admit(&session, self.outbox.topology.queue(), self.options.capacity).await?;
        self.outbox.publish(&session, job, 0).await
    }

    async fn consumer(&self) -> Result<Box<dyn Consumer>, BrokerError> {
        // Known at once, and not from the first receive, that the broker is there.
        self.consuming.session().await?;
        let limit = self.options.delivery_limit;
        Ok(Box::new(RabbitConsumer::start(Arc::clone(&self.consuming), self.outbox.clone(), limit)))
    }

    async fn depth(&self) -> Result<usize, BrokerError> {
        let session = self.outbox.link.session().await?;
        session.depth(self.outbox.topology.queue()).await
    }

    async fn dead_letters(&self) -> Result<Vec<DeadLetter>, BrokerError> {
        dead_letters::list(&self.outbox).await
    }

    async fn remove_dead_letters(&self, ids: &[JobId]) -> Result<usize, BrokerError> {
        dead_letters::remove(&self.outbox, ids).await
    }

    async fn ready(&self) -> Result<(), BrokerError> {
        let session = self.outbox.link.session().await?;
        session.check_flow()?;
        session.depth(self.outbox.topology.queue()).await.map(drop)
    }
}
