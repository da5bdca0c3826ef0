//! Runs the contract on every backend.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs, reason = "a test may stop at the first surprise")]

mod contract;

use std::sync::Arc;

use byecaptcha_queue::{
    Broker, BrokerOptions, MemoryBroker, MemoryResults, ResultOptions, ResultStore, SqliteBroker,
    SqliteDatabase, SqliteResults,
};
use contract::{Backend, Fixture};

struct Memory;

impl Backend for Memory {
    async fn broker(options: BrokerOptions) -> Fixture<dyn Broker> {
        Fixture { store: Arc::new(MemoryBroker::new(options)), _guard: Box::new(()) }
    }

    async fn results(options: ResultOptions) -> Fixture<dyn ResultStore> {
        Fixture { store: Arc::new(MemoryResults::new(options)), _guard: Box::new(()) }
    }
}

struct Sqlite;

impl Backend for Sqlite {
    async fn broker(options: BrokerOptions) -> Fixture<dyn Broker> {
        let folder = tempfile::tempdir().unwrap();
        let database = SqliteDatabase::open(folder.path().join("queue.db")).unwrap();
        Fixture { store: Arc::new(SqliteBroker::new(database, options)), _guard: Box::new(folder) }
    }

    async fn results(options: ResultOptions) -> Fixture<dyn ResultStore> {
        let folder = tempfile::tempdir().unwrap();
        let database = SqliteDatabase::open(folder.path().join("queue.db")).unwrap();
        Fixture { store: Arc::new(SqliteResults::new(database, options)), _guard: Box::new(folder) }
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

macro_rules! backends {
    ($($module:ident: $backend:ident),* $(,)?) => {
        $(mod $module {
            contract! { crate::$backend:
                broker {
                    delivers_what_was_published,
                    keeps_the_order_of_acceptance,
                    ack_forgets,
                    reject_counts_and_ends_as_a_dead_letter,
                    dead_letters_stand_in_their_order,
                    release_does_not_count_and_goes_first,
                    a_dropped_delivery_is_a_failed_attempt,
                    a_dropped_consumer_returns_what_it_held,
                    a_full_queue_refuses,
                    depth_counts_what_waits,
                }
                competition {
                    competing_consumers_share_the_jobs,
                    idle_consumers_all_wake,
                    receive_can_be_cancelled_at_any_moment,
                    a_cancelled_receive_keeps_no_job_from_others,
                    many_publish_at_once,
                }
                results {
                    a_record_goes_through_its_life,
                    every_outcome_is_kept,
                    the_first_outcome_stays,
                    one_of_many_writers_wins,
                    an_end_without_a_beginning_is_kept,
                    discard_takes_a_record_back,
                    wait_is_woken_by_the_end,
                    wait_ends_with_its_patience,
                    wait_sees_a_record_taken_back,
                    results_expire_and_ids_are_forgotten,
                }
            }
        })*
    };
}

backends! { memory: Memory, sqlite: Sqlite }
