//! The contract between the API and the workers: what a job is, how it travels, where its result waits.
//! Every backend, from process memory to a broker cluster, stands behind these two traits.

pub mod batch;
pub mod broker;
pub mod feedback;
pub mod job;
pub mod results;
pub mod sqlite;
pub mod trace;

pub use batch::{
    Appended, Batch, BatchCounts, BatchId, BatchItem, BatchLookup, BatchStatus, BatchStore, Membership,
};
#[cfg(feature = "rabbitmq")]
pub use broker::RabbitBroker;
pub use broker::{
    Acknowledge, Broker, BrokerError, BrokerOptions, Consumer, DeadLetter, Delivery, MemoryBroker, QueueName,
    SqliteBroker,
};
pub use feedback::{Feedback, FeedbackStore, Labelled, MemoryFeedback, SqliteFeedback};
pub use job::{
    Alternative, CharacterConfidence, Failure, Job, JobId, JobOptions, JobRecord, JobStatus, Outcome,
    Recognition,
};
#[cfg(feature = "redis")]
pub use results::RedisResults;
pub use results::{
    CallId, Cancellation, Claim, Fingerprint, Lookup, MemoryResults, ResultError, ResultOptions, ResultStore,
    SqliteResults,
};
pub use sqlite::{DatabaseError, SqliteDatabase};
