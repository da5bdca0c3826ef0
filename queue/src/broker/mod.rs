//! How jobs reach workers: at least once, in order of acceptance, with failed attempts counted.
//! Each backend is a file or a folder; all of them pass the same contract suite.

use async_trait::async_trait;

use crate::job::{Job, JobId};

mod memory;
#[cfg(feature = "rabbitmq")]
mod rabbitmq;
mod sqlite;

pub use memory::MemoryBroker;
#[cfg(feature = "rabbitmq")]
pub use rabbitmq::RabbitBroker;
pub use sqlite::SqliteBroker;

/// How many dead letters a broker keeps; beyond that the oldest are forgotten, so that a worker that fails
/// everything cannot fill the machine with pictures.
pub const DEAD_LETTERS_KEPT: usize = 1_000;

/// Which of the queues: people wait for the interactive one, and no bulk job is ever in their way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(rename_all = "lowercase"))]
pub enum QueueName {
    /// Someone waits for the answer.
    Interactive,
    /// Large jobs that take the time that is left.
    Bulk,
}

impl QueueName {
    /// Its name in settings and on servers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Interactive => "interactive",
            Self::Bulk => "bulk",
        }
    }
}

/// The limits of a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BrokerOptions {
    /// How many jobs may wait. A publish beyond that gets [`BrokerError::Full`]; jobs that come back from a consumer
    /// are always taken, since they were accepted before. 10,000 by default.
    pub capacity: usize,
    /// The attempt whose rejection makes a job a dead letter. 3 by default.
    pub delivery_limit: u32,
}

impl Default for BrokerOptions {
    fn default() -> Self {
        Self { capacity: 10_000, delivery_limit: 3 }
    }
}

/// What can go wrong between a program and its broker.
#[derive(Debug, thiserror::Error)]
pub enum BrokerError {
    /// The queue holds as many jobs as it may; the caller should come back later.
    #[error("the queue is full: {limit} jobs are waiting")]
    Full {
        /// The most jobs that may wait.
        limit: usize,
    },
    /// The broker was closed or cannot be reached.
    #[error("the broker is unavailable: {0}")]
    Unavailable(String),
    /// The broker's storage failed or holds something unreadable.
    #[error("the broker's storage failed: {0}")]
    Storage(String),
}

impl BrokerError {
    /// The answer to an answer that came too late.
    fn stale() -> Self {
        Self::Unavailable("the delivery went back to the queue when its consumer was closed".to_owned())
    }
}

/// A broker: takes jobs from producers and hands them to consumers.
#[async_trait]
pub trait Broker: Send + Sync {
    /// Hands a job over. Once this returns `Ok`, the job is as durable as the backend makes anything, and will be
    /// delivered at least once.
    async fn publish(&self, job: &Job) -> Result<(), BrokerError>;

    /// A new consumer, competing with all others for jobs.
    async fn consumer(&self) -> Result<Box<dyn Consumer>, BrokerError>;

    /// How many jobs wait for a consumer; those delivered and not yet acknowledged do not count.
    async fn depth(&self) -> Result<usize, BrokerError>;

    /// Jobs that used up their attempts, oldest first, each with its reason.
    async fn dead_letters(&self) -> Result<Vec<DeadLetter>, BrokerError>;

    /// Takes those with these ids out of the dead letters; the answer is how many there were.
    async fn remove_dead_letters(&self, ids: &[JobId]) -> Result<usize, BrokerError>;

    /// Whether the broker can take and hand out jobs now.
    async fn ready(&self) -> Result<(), BrokerError>;
}

/// One reader of the queue. Dropping it returns its unacknowledged deliveries to the queue with their attempt
/// counted, and answering one of them afterwards is an error.
#[async_trait]
pub trait Consumer: Send {
    /// Waits until at least one job is there, then takes what waits, up to `max` (at least 1). Cancel-safe: a job
    /// is either in the answer or still in the queue.
    async fn receive(&mut self, max: usize) -> Result<Vec<Delivery>, BrokerError>;

    /// Gives back, uncounted, whatever the broker has pushed ahead of the next receive, and has nothing more pushed
    /// until then. A broker that hands out only what is asked for has nothing to do here.
    async fn pause(&mut self) -> Result<(), BrokerError> {
        Ok(())
    }
}

/// A job handed to a consumer. Dropped without a word, it goes back to the queue as a failed attempt would.
///
/// A rejected or dropped job goes back to its place in the order of acceptance; a released one goes there or to the
/// end of the queue, as the backend can. Only [`Delivery::reject`] makes a dead letter: after
/// crashes and dropped deliveries a job is handed out even when `attempt` is above the delivery limit, so that a
/// worker can write down the failure that the job's submitter waits for, and then reject it.
pub struct Delivery {
    /// The job itself.
    pub job: Job,
    /// Which attempt this is, from 1. A crash of the consumer counts as an attempt, a release does not.
    pub attempt: u32,
    /// The way back to the broker.
    pub acknowledge: Box<dyn Acknowledge>,
}

impl Delivery {
    /// The job is done with: its result is written. The broker forgets it.
    pub async fn ack(self) -> Result<(), BrokerError> {
        self.acknowledge.ack().await
    }

    /// The attempt failed. The job comes back, or becomes a dead letter with this reason once `attempt` has reached
    /// the broker's delivery limit.
    pub async fn reject(self, reason: &str) -> Result<(), BrokerError> {
        self.acknowledge.reject(reason).await
    }

    /// The job was not started. It comes back, and the attempt does not count.
    pub async fn release(self) -> Result<(), BrokerError> {
        self.acknowledge.release().await
    }
}

/// How a backend takes the answer to one delivery.
#[async_trait]
pub trait Acknowledge: Send {
    /// See [`Delivery::ack`].
    async fn ack(self: Box<Self>) -> Result<(), BrokerError>;
    /// See [`Delivery::reject`].
    async fn reject(self: Box<Self>, reason: &str) -> Result<(), BrokerError>;
    /// See [`Delivery::release`].
    async fn release(self: Box<Self>) -> Result<(), BrokerError>;
}

/// A job that will not be tried again.
#[derive(Clone, Debug, PartialEq)]
pub struct DeadLetter {
    /// The job.
    pub job: Job,
    /// How often it was tried.
    pub attempts: u32,
    /// What the last attempt died of.
    pub reason: String,
}
