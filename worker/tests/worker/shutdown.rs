//! Stopping: what was started ends, what was not goes back as if nobody had touched it.

use std::{sync::Arc, time::Duration};

use byecaptcha_queue::{Broker, JobStatus, Lookup, ResultStore};
use byecaptcha_worker::{Drained, Worker, WorkerError, WorkerSettings};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::{
    doubles::{RefusingResults, WatchedBroker},
    script::Script,
    setting::{PATIENCE, Setting},
};

fn short_drain() -> WorkerSettings {
    WorkerSettings { drain: Duration::from_millis(100), ..WorkerSettings::default() }
}

/// The attempts of all that waits in the queue.
async fn attempts(setting: &Setting) -> Vec<u32> {
    let mut consumer = setting.broker.consumer().await.unwrap();
    let deliveries = timeout(PATIENCE, consumer.receive(1000)).await.unwrap().unwrap();
    deliveries.iter().map(|delivery| delivery.attempt).collect()
}

#[tokio::test]
async fn what_is_in_the_engine_ends_and_the_rest_goes_back_uncounted() {
    let setting = Setting::new(Script::gated());
    let running = setting.start();
    let first = setting.publish('X').await;
    setting.batches(1).await;
    setting.publish_all("abcdefghijklmnopqrst").await;
    setting.depth_becomes(20 - 15).await;

    running.shutdown.cancel();
    // Those not started go back at once, not when the engine is done.
    setting.depth_becomes(20).await;
    assert!(!running.worker.is_finished());
    setting.script.open();
    assert_eq!(running.stop().await, Drained { released: 15, abandoned: 0 });
    assert_eq!(setting.texts(&[first]).await, "X");
    assert_eq!(setting.script.batches(), ["X"]);
    assert_eq!(attempts(&setting).await, [1; 20]);
}

#[tokio::test]
async fn an_engine_that_does_not_end_is_not_waited_for() {
    let setting = Setting::new(Script::gated());
    let running = setting.start_with(setting.broker.clone(), setting.results.clone(), short_drain());
    let id = setting.publish('X').await;
    setting.batches(1).await;
    assert_eq!(running.stop().await, Drained { released: 0, abandoned: 1 });
    assert_eq!(attempts(&setting).await, [2], "it may be what the engine hangs on");
    let Lookup::Found(record) = setting.results.get(id).await.unwrap() else { panic!("the record is gone") };
    assert!(matches!(record.status, JobStatus::Queued | JobStatus::Processing));
    setting.script.open();
}

#[tokio::test]
async fn results_that_cannot_be_written_in_time_go_back_uncounted() {
    let setting = Setting::new(Script::default());
    let results = Arc::new(RefusingResults::new(setting.results.clone(), usize::MAX));
    let running = setting.start_with(setting.broker.clone(), results.clone(), short_drain());
    setting.publish('a').await;
    crate::setting::eventually("the store refuses", async || results.refused() > 0).await;
    assert_eq!(running.stop().await, Drained { released: 1, abandoned: 0 });
    assert_eq!(attempts(&setting).await, [1]);
}

#[tokio::test]
async fn a_broker_that_takes_nothing_back_is_not_waited_for() {
    let setting = Setting::new(Script::default());
    let broker = WatchedBroker::new(setting.broker.clone(), setting.results.clone());
    let running = setting.start_with(Arc::new(broker.clone()), setting.results.clone(), short_drain());
    let id = setting.publish('a').await;
    assert_eq!(setting.texts(&[id]).await, "a");
    broker.never_pause();
    running.stop().await;
}

#[tokio::test]
async fn what_the_engine_has_read_is_written_while_the_broker_is_slow() {
    let setting = Setting::new(Script::gated());
    let broker = WatchedBroker::new(setting.broker.clone(), setting.results.clone());
    let settings = WorkerSettings { drain: Duration::from_secs(2), ..WorkerSettings::default() };
    let running = setting.start_with(Arc::new(broker.clone()), setting.results.clone(), settings);
    let id = setting.publish('X').await;
    setting.batches(1).await;
    broker.never_pause();
    running.shutdown.cancel();
    setting.script.open();
    assert_eq!(setting.texts(&[id]).await, "X");
    assert_eq!(running.stop().await, Drained::default());
    assert_eq!(broker.acks(), [(id, true)]);
}

#[tokio::test]
async fn an_idle_worker_stops_at_once_and_says_when_it_is_ready() {
    let setting = Setting::new(Script::default());
    let worker = Worker::new(
        setting.broker.clone(),
        setting.results.clone(),
        setting.script.recognizer(),
        WorkerSettings::default(),
    );
    let mut ready = worker.ready();
    assert!(!*ready.borrow());
    let shutdown = CancellationToken::new();
    let running = tokio::spawn(worker.run(shutdown.clone()));
    timeout(PATIENCE, ready.wait_for(|ready| *ready)).await.unwrap().unwrap();
    shutdown.cancel();
    timeout(PATIENCE, ready.wait_for(|ready| !*ready)).await.unwrap().unwrap();
    assert_eq!(timeout(PATIENCE, running).await.unwrap().unwrap().unwrap(), Drained::default());
}

#[tokio::test]
async fn a_worker_whose_engine_is_broken_ends_and_leaves_the_queue_to_others() {
    let setting = Setting::new(Script::gated().breaks_on('X'));
    let running = setting.start();
    setting.publish('X').await;
    setting.batches(1).await;
    setting.publish_all("abc").await;
    setting.depth_becomes(0).await;
    setting.script.open();
    let ended = timeout(PATIENCE, running.worker).await.unwrap().unwrap();
    assert!(matches!(ended, Err(WorkerError::Engine(_))), "{ended:?}");
    let mut attempts = attempts(&setting).await;
    attempts.sort_unstable();
    assert_eq!(attempts, [1, 1, 1, 2], "what it broke on has been attempted, and nothing else");
    assert_eq!(setting.script.batches(), ["X"]);
}
