//! Engines, stores and brokers that fail: what is tried again, what is given up, and that nothing is lost.

use std::{sync::Arc, time::Duration};

use byecaptcha_queue::{Broker, Failure, JobStatus, Outcome, ResultStore};
use byecaptcha_worker::WorkerSettings;

use crate::{
    doubles::{RefusingResults, WatchedBroker},
    script::Script,
    setting::{Setting, eventually},
};

#[tokio::test]
async fn a_poison_picture_takes_no_innocents_along() {
    let setting = Setting::new(Script::gated().panics_on('P'));
    let running = setting.start();
    setting.publish('X').await;
    setting.batches(1).await;
    let ids = setting.publish_all("abPc").await;
    setting.depth_becomes(0).await;
    setting.script.pass(2);

    // The batch panicked. Now each comes alone, and while it is in the engine the others are in the queue.
    assert_eq!(setting.batches(3).await, ["X", "abPc", "a"]);
    setting.depth_becomes(3).await;
    setting.script.open();

    assert_eq!(setting.texts(&[ids[0], ids[1], ids[3]]).await, "abc");
    let record = setting.ended(ids[2]).await;
    assert_eq!(record.status, JobStatus::Failed);
    let error = record.error.unwrap();
    assert_eq!(error.kind, "engine-failed");
    assert!(error.detail.contains("P is poison"), "{}", error.detail);
    assert_eq!(setting.script.batches(), ["X", "abPc", "a", "b", "P", "P", "c"]);

    eventually("the poison is a dead letter", async || {
        setting.broker.dead_letters().await.unwrap().len() == 1
    })
    .await;
    let letters = setting.broker.dead_letters().await.unwrap();
    assert_eq!((letters[0].job.id, letters[0].attempts), (ids[2], 3));
    // The thread lives.
    let after = setting.publish('z').await;
    assert_eq!(setting.texts(&[after]).await, "z");
    running.stop().await;
}

#[tokio::test]
async fn after_a_redelivery_batches_form_again() {
    let setting = Setting::new(Script::gated().fails_first(1));
    let running = setting.start();
    let first = setting.publish('a').await;
    setting.batches(1).await;
    setting.script.pass(1);
    // "a" failed and comes again. While it is in the engine, newcomers stay in the queue.
    assert_eq!(setting.batches(2).await, ["a", "a"]);
    let ids = setting.publish_all("bcdefghijk").await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(setting.depth().await, 10);
    setting.script.open();
    assert_eq!(setting.texts(&[first]).await, "a");
    assert_eq!(setting.texts(&ids).await, "bcdefghijk");
    // The first of them might have been another redelivery.
    assert_eq!(setting.script.batches(), ["a", "a", "b", "cdefghij", "k"]);
    running.stop().await;
}

#[tokio::test]
async fn jobs_that_killed_the_worker_too_often_end_without_another_attempt() {
    let setting = Setting::new(Script::default());
    let killer = setting.publish('K').await;
    for attempt in 1..=3 {
        let mut consumer = setting.broker.consumer().await.unwrap();
        let deliveries = consumer.receive(1).await.unwrap();
        assert_eq!(deliveries[0].attempt, attempt);
        if attempt > 1 {
            assert_eq!(setting.results.begin_alone(killer).await.unwrap(), Some(attempt - 2));
        }
    }
    let innocent = setting.publish('a').await;
    let running = setting.start();
    let error = setting.ended(killer).await.error.unwrap();
    assert_eq!(error.kind, "engine-failed");
    assert!(error.detail.contains("3 attempts"), "{}", error.detail);
    assert_eq!(setting.texts(&[innocent]).await, "a");
    assert_eq!(setting.script.batches(), ["a"]);
    running.stop().await;
    assert_eq!(setting.broker.dead_letters().await.unwrap().len(), 1);
    assert_eq!(setting.depth().await, 0);
}

#[tokio::test]
async fn a_job_that_was_only_held_while_workers_died_is_not_given_up() {
    let setting = Setting::new(Script::default());
    let innocent = setting.publish('a').await;
    for _ in 0..5 {
        let mut consumer = setting.broker.consumer().await.unwrap();
        consumer.receive(1).await.unwrap();
    }
    let running = setting.start();
    assert_eq!(setting.texts(&[innocent]).await, "a");
    setting.depth_becomes(0).await;
    running.stop().await;
    assert_eq!(setting.broker.dead_letters().await.unwrap(), []);
}

#[tokio::test]
async fn a_redelivered_job_that_has_ended_is_not_read_again() {
    let setting = Setting::new(Script::default());
    let (read, given_up) = (setting.publish('a').await, setting.publish('b').await);
    let dead = Failure { kind: "engine-failed".to_owned(), detail: "as it was written".to_owned() };
    let ends = [(read, Outcome::Canceled), (given_up, Outcome::Failed(dead))];
    setting.results.finish(&ends).await.unwrap();
    for _ in 0..4 {
        let mut consumer = setting.broker.consumer().await.unwrap();
        consumer.receive(2).await.unwrap();
    }
    let running = setting.start();
    // The worker that gave it up died before it could say so.
    eventually("the one that was given up is a dead letter", async || {
        setting.broker.dead_letters().await.unwrap().len() == 1
    })
    .await;
    setting.depth_becomes(0).await;
    running.stop().await;
    let letters = setting.broker.dead_letters().await.unwrap();
    assert_eq!((letters[0].job.id, letters[0].reason.as_str()), (given_up, "as it was written"));
    assert_eq!(setting.script.batches(), [""; 0]);
}

#[tokio::test]
async fn a_job_that_comes_again_waits_for_the_store() {
    let setting = Setting::new(Script::default());
    let id = setting.publish('a').await;
    let mut consumer = setting.broker.consumer().await.unwrap();
    consumer.receive(1).await.unwrap();
    drop(consumer);
    let results = Arc::new(RefusingResults::new(setting.results.clone(), 0));
    results.refuse_alone(true);
    let running = setting.start_with(setting.broker.clone(), results.clone(), WorkerSettings::default());
    eventually("the store refuses", async || results.refused() >= 2).await;
    assert_eq!(setting.script.batches(), [""; 0]);
    // Told to stop, the worker gives it back, and it has lost no attempt.
    assert_eq!(running.stop().await.released, 1);
    let mut consumer = setting.broker.consumer().await.unwrap();
    let deliveries = consumer.receive(1).await.unwrap();
    assert_eq!(deliveries[0].attempt, 2);
    drop((deliveries, consumer));

    results.refuse_alone(false);
    let running = setting.start_with(setting.broker.clone(), results, WorkerSettings::default());
    assert_eq!(setting.texts(&[id]).await, "a");
    running.stop().await;
}

#[tokio::test]
async fn what_was_held_at_a_crash_is_held_one_by_one_afterwards() {
    let setting = Setting::new(Script::gated());
    let ids = setting.publish_all("abcdef").await;
    let mut consumer = setting.broker.consumer().await.unwrap();
    assert_eq!(consumer.receive(4).await.unwrap().len(), 4);
    drop(consumer);

    let running = setting.start();
    assert_eq!(setting.batches(1).await, ["a"]);
    setting.depth_becomes(5).await;
    setting.script.open();
    assert_eq!(setting.texts(&ids).await, "abcdef");
    assert_eq!(setting.script.batches()[..4], ["a", "b", "c", "d"]);
    running.stop().await;
}

#[tokio::test]
async fn no_job_is_acknowledged_before_its_result_is_written() {
    let setting = Setting::new(Script::default());
    let results = Arc::new(RefusingResults::new(setting.results.clone(), 3));
    let broker = Arc::new(WatchedBroker::new(setting.broker.clone(), setting.results.clone()));
    let running = setting.start_with(broker.clone(), results.clone(), WorkerSettings::default());
    let ids = setting.publish_all("abc").await;
    assert_eq!(setting.texts(&ids).await, "abc");
    eventually("all are acknowledged", async || broker.acks().len() == 3).await;
    assert!(broker.acks().iter().all(|(_, written)| *written), "{:?}", broker.acks());
    assert_eq!(results.refusals_left(), 0);
    assert_eq!(setting.depth().await, 0);
    running.stop().await;
}

#[tokio::test]
async fn a_store_that_is_down_stops_the_engine_and_loses_nothing() {
    let setting = Setting::new(Script::default());
    let results = Arc::new(RefusingResults::new(setting.results.clone(), usize::MAX));
    let running = setting.start_with(setting.broker.clone(), results.clone(), WorkerSettings::default());
    let all = "0123456789".repeat(20);
    let ids = setting.publish_all(&all).await;
    eventually("the store refuses", async || results.refused() >= 4).await;
    // What was read and not written is bounded, whatever waits in the queue.
    assert!(setting.depth().await >= all.len() - (4 + 2) * 8, "{}", setting.depth().await);
    results.accept();
    assert_eq!(setting.texts(&ids).await, all);
    running.stop().await;
}

#[tokio::test]
async fn a_broker_that_is_away_is_waited_for() {
    let setting = Setting::new(Script::default());
    let broker = Arc::new(WatchedBroker::new(setting.broker.clone(), setting.results.clone()));
    broker.refuse_consumers(2);
    broker.refuse_receives(2);
    let running = setting.start_with(broker.clone(), setting.results.clone(), WorkerSettings::default());
    let id = setting.publish('a').await;
    assert_eq!(setting.texts(&[id]).await, "a");
    assert_eq!(broker.consumers_made(), 3, "each that failed is replaced");
    running.stop().await;
}

#[tokio::test]
async fn an_outcome_whose_writing_was_not_confirmed_is_counted_once() {
    let setting = Setting::new(Script::default());
    let results = Arc::new(RefusingResults::new(setting.results.clone(), 0));
    results.lose_answers(2);
    let running = setting.start_with(setting.broker.clone(), results.clone(), WorkerSettings::default());
    let id = setting.publish('a').await;
    assert_eq!(setting.texts(&[id]).await, "a");
    running.stop().await;
    assert_eq!(results.told(), [true], "the worker that ended it hears so");
}

#[tokio::test]
async fn an_attempt_whose_noting_was_not_confirmed_counts_once() {
    let setting = Setting::new(Script::default());
    let id = setting.publish('a').await;
    for _ in 0..3 {
        let mut consumer = setting.broker.consumer().await.unwrap();
        consumer.receive(1).await.unwrap();
    }
    assert_eq!(setting.results.begin_alone(id).await.unwrap(), Some(0));
    let results = Arc::new(RefusingResults::new(setting.results.clone(), 0));
    results.lose_answers(2);
    // The second attempt alone. Were it counted three times, the job would be given up unread.
    let running = setting.start_with(setting.broker.clone(), results, WorkerSettings::default());
    assert_eq!(setting.texts(&[id]).await, "a");
    running.stop().await;
    assert_eq!(setting.script.batches(), ["a"]);
}
