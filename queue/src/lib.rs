//! The contract between the API and the workers: what a job is, how it travels, where its result waits.
//! Every backend, from process memory to a broker cluster, stands behind these two traits.

pub mod broker;
pub mod job;
pub mod results;
pub mod sqlite;
pub mod trace;

pub use broker::{
    Acknowledge, Broker, BrokerError, BrokerOptions, Consumer, DeadLetter, Delivery, MemoryBroker,
    SqliteBroker,
};
#[cfg(feature = "rabbitmq")]
pub use broker::{QueueName, RabbitBroker};
pub use job::{
    Alternative, CharacterConfidence, Failure, Job, JobId, JobOptions, JobRecord, JobStatus, Outcome,
    Recognition,
};
#[cfg(feature = "redis")]
pub use results::RedisResults;
pub use results::{
    Cancellation, Lookup, MemoryResults, ResultError, ResultOptions, ResultStore, SqliteResults,
};
pub use sqlite::{DatabaseError, SqliteDatabase};
