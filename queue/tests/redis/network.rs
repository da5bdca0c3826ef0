//! A network that loses questions, answers and whole connections.

use std::{sync::Arc, time::Duration};

use byecaptcha_queue::{Cancellation, JobId, JobStatus, Lookup, Outcome, ResultStore};
use byecaptcha_testbed::{Proxy, Redis};
use tokio::{task::JoinHandle, time::Instant};

use crate::{PATIENCE, created, end, eventually, status, store};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_winner_whose_answer_was_lost_is_told_so() {
    let redis = Redis::start().await.unwrap();
    let proxy = Proxy::start(redis.port()).await.unwrap();
    let (far, near) = (Arc::new(store(&proxy.redis_url())), store(&redis.url()));
    // So that the server knows the scripts: the first of each is asked for by two questions.
    assert!(end(&far, created(&near).await).await);
    assert_eq!(far.cancel(created(&near).await).await.unwrap(), Cancellation::Canceled);

    let (finished, canceled, late) = (created(&near).await, created(&near).await, created(&near).await);
    assert!(end(&near, late).await);
    proxy.mute();
    let outcomes = [(finished, Outcome::Expired), (late, Outcome::Canceled), (finished, Outcome::Canceled)];
    let (finisher, canceler) = (Arc::clone(&far), Arc::clone(&far));
    let finish = tokio::spawn(async move { finisher.finish(&outcomes).await });
    let cancel = tokio::spawn(async move { canceler.cancel(canceled).await });
    eventually("the end", || async {
        let ended = [status(&near, finished).await, status(&near, canceled).await];
        (ended == [JobStatus::Expired, JobStatus::Canceled]).then_some(())
    })
    .await;
    proxy.cut();
    assert!(!end(&near, finished).await, "another worker comes too late");
    assert_eq!(near.cancel(canceled).await.unwrap(), Cancellation::Ended);
    proxy.restore();
    assert_eq!(finish.await.unwrap().unwrap(), [true, false, false]);
    assert_eq!(cancel.await.unwrap().unwrap(), Cancellation::Canceled);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wait_survives_a_cut() {
    let redis = Redis::start().await.unwrap();
    let proxy = Proxy::start(redis.port()).await.unwrap();
    let (far, near) = (Arc::new(store(&proxy.redis_url())), store(&redis.url()));
    let id = created(&far).await;
    let waiter = Arc::clone(&far);
    let waiting = tokio::spawn(async move { waiter.wait(id, PATIENCE).await.unwrap() });
    tokio::time::sleep(Duration::from_millis(150)).await;
    proxy.cut();
    assert!(end(&near, id).await);
    proxy.restore();
    let lookup = tokio::time::timeout(PATIENCE / 2, waiting).await.unwrap().unwrap();
    assert!(matches!(lookup, Lookup::Found(record) if record.status == JobStatus::Expired));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn silent_connections_are_replaced() {
    let redis = Redis::start().await.unwrap();
    let proxy = Proxy::start(redis.port()).await.unwrap();
    let (far, near) = (Arc::new(store(&proxy.redis_url())), store(&redis.url()));
    eventually("a subscription that works", || async { hears(&far, &near).await.then_some(()) }).await;
    proxy.strand();
    let id = created(&near).await;
    assert!(end(&far, id).await, "within the patience of one command");
    assert!(far.ready().await.is_ok());
    eventually("another subscription", || async { hears(&far, &near).await.then_some(()) }).await;
}

/// Whether the end of a job was heard of, and not found by looking once in a second.
async fn hears(far: &Arc<byecaptcha_queue::RedisResults>, near: &byecaptcha_queue::RedisResults) -> bool {
    let id = created(near).await;
    let start = Instant::now();
    let waiting = waiting(far, id);
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(end(near, id).await);
    waiting.await.unwrap();
    start.elapsed() < Duration::from_millis(500)
}

fn waiting(store: &Arc<byecaptcha_queue::RedisResults>, id: JobId) -> JoinHandle<Lookup> {
    let store = Arc::clone(store);
    tokio::spawn(async move { store.wait(id, PATIENCE).await.unwrap() })
}

#[tokio::test]
async fn a_network_too_slow_is_unavailable_and_then_works_again() {
    let redis = Redis::start().await.unwrap();
    let proxy = Proxy::start(redis.port()).await.unwrap();
    let store = store(&proxy.redis_url());
    let id = created(&store).await;
    proxy.slow(Duration::from_millis(100));
    assert_eq!(status(&store, id).await, JobStatus::Queued, "slow is not down");
    proxy.slow(PATIENCE);
    assert!(tokio::time::timeout(PATIENCE / 2, store.get(id)).await.unwrap().is_err());
    proxy.restore();
    eventually("the store", || async { store.ready().await.ok() }).await;
    assert_eq!(status(&store, id).await, JobStatus::Queued);
}

#[tokio::test]
async fn a_server_without_tls_is_unavailable_over_tls() {
    let redis = Redis::start().await.unwrap();
    // Without exactly one source of cryptography in the build, this panics.
    let store = store(&redis.url().replace("redis:", "rediss:"));
    let refused = tokio::time::timeout(PATIENCE / 2, store.ready()).await.unwrap();
    assert!(refused.is_err());
}
