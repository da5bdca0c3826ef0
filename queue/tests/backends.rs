//! Runs the contract on every backend.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs, reason = "a test may stop at the first surprise")]

mod contract;

use std::sync::Arc;

#[cfg(any(feature = "rabbitmq", feature = "redis"))]
use byecaptcha_queue::JobId;
#[cfg(feature = "redis")]
use byecaptcha_queue::RedisResults;
use byecaptcha_queue::{
    Broker, BrokerOptions, FeedbackStore, MemoryBroker, MemoryFeedback, MemoryResults, ResultOptions,
    ResultStore, SqliteBroker, SqliteDatabase, SqliteFeedback, SqliteResults,
};
#[cfg(feature = "rabbitmq")]
use byecaptcha_queue::{QueueName, RabbitBroker};
use contract::{BatchesBackend, BrokerBackend, FeedbackBackend, Fixture, ResultsBackend, Store};
#[cfg(any(feature = "rabbitmq", feature = "redis"))]
use tokio::sync::OnceCell;

struct Memory;

impl BrokerBackend for Memory {
    async fn broker(options: BrokerOptions) -> Fixture<dyn Broker> {
        Fixture { store: Arc::new(MemoryBroker::new(options)), _guard: Box::new(()) }
    }
}

impl ResultsBackend for Memory {
    async fn results(options: ResultOptions) -> Fixture<dyn ResultStore> {
        Fixture { store: Arc::new(MemoryResults::new(options)), _guard: Box::new(()) }
    }
}

impl BatchesBackend for Memory {
    async fn batches(options: ResultOptions) -> Fixture<dyn Store> {
        Fixture { store: Arc::new(MemoryResults::new(options)), _guard: Box::new(()) }
    }
}

impl FeedbackBackend for Memory {
    async fn feedback() -> Fixture<dyn FeedbackStore> {
        Fixture { store: Arc::new(MemoryFeedback::default()), _guard: Box::new(()) }
    }
}

struct Sqlite;

impl FeedbackBackend for Sqlite {
    async fn feedback() -> Fixture<dyn FeedbackStore> {
        let folder = tempfile::tempdir().unwrap();
        let database = SqliteDatabase::open(folder.path().join("queue.db")).unwrap();
        Fixture { store: Arc::new(SqliteFeedback::new(database)), _guard: Box::new(folder) }
    }
}

impl BrokerBackend for Sqlite {
    async fn broker(options: BrokerOptions) -> Fixture<dyn Broker> {
        let folder = tempfile::tempdir().unwrap();
        let database = SqliteDatabase::open(folder.path().join("queue.db")).unwrap();
        Fixture { store: Arc::new(SqliteBroker::new(database, options)), _guard: Box::new(folder) }
    }
}

impl BatchesBackend for Sqlite {
    async fn batches(options: ResultOptions) -> Fixture<dyn Store> {
        let folder = tempfile::tempdir().unwrap();
        let database = SqliteDatabase::open(folder.path().join("queue.db")).unwrap();
        Fixture { store: Arc::new(SqliteResults::new(database, options)), _guard: Box::new(folder) }
    }
}

impl ResultsBackend for Sqlite {
    async fn results(options: ResultOptions) -> Fixture<dyn ResultStore> {
        let folder = tempfile::tempdir().unwrap();
        let database = SqliteDatabase::open(folder.path().join("queue.db")).unwrap();
        Fixture { store: Arc::new(SqliteResults::new(database, options)), _guard: Box::new(folder) }
    }
}

/// One server for all tests of this process; each has queues of its own.
#[cfg(feature = "rabbitmq")]
struct RabbitMq;

#[cfg(feature = "rabbitmq")]
impl BrokerBackend for RabbitMq {
    const RELEASES_TO_ITS_PLACE: bool = false;

    async fn broker(options: BrokerOptions) -> Fixture<dyn Broker> {
        static SERVER: OnceCell<byecaptcha_testbed::RabbitMq> = OnceCell::const_new();
        let server = SERVER.get_or_init(async || byecaptcha_testbed::RabbitMq::start().await.unwrap()).await;
        let prefix = format!("test-{}", JobId::new());
        let broker = RabbitBroker::new(&server.url(), &prefix, QueueName::Interactive, options).unwrap();
        Fixture { store: Arc::new(broker), _guard: Box::new(()) }
    }
}

/// One server for all tests of this process; each has keys of its own.
#[cfg(feature = "redis")]
struct Redis;

#[cfg(feature = "redis")]
impl Redis {
    async fn store(options: ResultOptions) -> Arc<RedisResults> {
        static SERVER: OnceCell<byecaptcha_testbed::Redis> = OnceCell::const_new();
        let server = SERVER.get_or_init(async || byecaptcha_testbed::Redis::start().await.unwrap()).await;
        let prefix = format!("test-{}", JobId::new());
        Arc::new(RedisResults::new(&server.url(), &prefix, options).unwrap())
    }
}

#[cfg(feature = "redis")]
impl ResultsBackend for Redis {
    async fn results(options: ResultOptions) -> Fixture<dyn ResultStore> {
        Fixture { store: Self::store(options).await, _guard: Box::new(()) }
    }
}

#[cfg(feature = "redis")]
impl BatchesBackend for Redis {
    async fn batches(options: ResultOptions) -> Fixture<dyn Store> {
        Fixture { store: Self::store(options).await, _guard: Box::new(()) }
    }
}

#[cfg(feature = "redis")]
impl FeedbackBackend for Redis {
    async fn feedback() -> Fixture<dyn FeedbackStore> {
        Fixture { store: Self::store(ResultOptions::default()).await, _guard: Box::new(()) }
    }
}

/// One test for each function of the contract.
macro_rules! contract {
    ($backend:ty: $($part:ident { $($name:ident),* $(,)? })*) => {
        $(mod $part {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                crate::contract::$part::$name::<$backend>().await;
            })*
        })*
    };
}

/// The contract of brokers, on each of these.
macro_rules! brokers {
    ($($(#[$condition:meta])* $module:ident: $backend:ident),* $(,)?) => {
        $($(#[$condition])* mod $module {
            contract! { crate::$backend:
                broker {
                    delivers_what_was_published,
                    keeps_the_order_of_acceptance,
                    ack_forgets,
                    reject_counts_and_ends_as_a_dead_letter,
                    dead_letters_stand_in_their_order,
                    dead_letters_can_be_removed,
                    release_does_not_count,
                    a_dropped_delivery_is_a_failed_attempt,
                    a_dropped_consumer_returns_what_it_held,
                    a_full_queue_refuses,
                    depth_counts_what_waits,
                }
                competition {
                    competing_consumers_share_the_jobs,
                    idle_consumers_all_wake,
                    receive_can_be_cancelled_at_any_moment,
                    a_paused_consumer_keeps_no_job_from_others,
                    many_publish_at_once,
                }
            }
        })*
    };
}

/// The contract of result stores, on each of these.
macro_rules! result_stores {
    ($($(#[$condition:meta])* $module:ident: $backend:ident),* $(,)?) => {
        $($(#[$condition])* mod $module {
            contract! { crate::$backend:
                results {
                    a_record_goes_through_its_life,
                    every_outcome_is_kept,
                    the_first_outcome_stays,
                    one_of_many_writers_wins,
                    an_end_without_a_beginning_is_kept,
                    times_alone_are_counted_until_the_end,
                    discard_takes_a_record_back,
                    what_the_broker_has_is_noted,
                    cancel_takes_back_what_is_queued,
                    cancel_wakes_those_who_wait,
                    cancel_and_finish_have_one_winner,
                    a_key_stands_for_its_first_job,
                    an_owner_stays_with_the_record,
                    wait_is_woken_by_the_end,
                    wait_ends_with_its_patience,
                    wait_sees_a_record_taken_back,
                    results_expire_and_ids_are_forgotten,
                }
                repeats {
                    an_end_that_is_written_again_is_the_first,
                    a_time_alone_that_is_noted_again_counts_once,
                }
                batches {
                    a_batch_goes_through_its_life,
                    items_that_come_again_are_compared,
                    every_end_is_counted_once,
                    items_are_read_page_by_page,
                    a_batch_keeps_the_results_of_its_jobs,
                }
            }
        })*
    };
}

/// The contract of stores for feedback, on each of these.
macro_rules! feedback_stores {
    ($($(#[$condition:meta])* $module:ident: $backend:ident),* $(,)?) => {
        $($(#[$condition])* mod $module {
            contract! { crate::$backend:
                feedback {
                    what_was_given_is_there_in_its_order,
                    the_last_word_counts,
                    pictures_are_kept_for_their_time,
                }
            }
        })*
    };
}

brokers! {
    memory_broker: Memory,
    sqlite_broker: Sqlite,
    #[cfg(feature = "rabbitmq")]
    rabbitmq_broker: RabbitMq,
}

result_stores! {
    memory_results: Memory,
    sqlite_results: Sqlite,
    #[cfg(feature = "redis")]
    redis_results: Redis,
}

feedback_stores! {
    memory_feedback: Memory,
    sqlite_feedback: Sqlite,
    #[cfg(feature = "redis")]
    redis_feedback: Redis,
}
