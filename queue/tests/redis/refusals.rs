//! A server that answers and does not do what it was asked to.

use std::time::Duration;

use byecaptcha_queue::{JobStatus, Lookup, Outcome, ResultStore};
use byecaptcha_testbed::Redis;
use tokio::time::Instant;

use crate::{command, created, end, eventually, scripts_run, status, store};

#[tokio::test]
async fn a_full_server_refuses_at_once_and_loses_nothing() {
    let redis = Redis::start().await.unwrap();
    let store = store(&redis.url());
    let id = created(&store).await;
    assert!(end(&store, created(&store).await).await);
    command(redis.port(), "CONFIG SET maxmemory 1").await;

    let before = scripts_run(redis.port()).await;
    let error = store.finish(&[(id, Outcome::Expired)]).await.unwrap_err().to_string();
    assert!(error.contains("OOM"), "{error}");
    assert_eq!(scripts_run(redis.port()).await, before + 1, "memory does not come back by asking");
    assert!(store.ready().await.is_err());
    assert_eq!(status(&store, id).await, JobStatus::Queued, "it can be read, and nothing is half written");

    command(redis.port(), "CONFIG SET maxmemory 0").await;
    store.ready().await.unwrap();
    assert!(end(&store, id).await);
}

#[tokio::test]
async fn a_server_that_became_a_replica_is_not_ready() {
    let redis = Redis::start().await.unwrap();
    let store = store(&redis.url());
    let id = created(&store).await;
    command(redis.port(), "REPLICAOF 127.0.0.1 1").await;
    let start = Instant::now();
    let error = store.ready().await.unwrap_err().to_string();
    assert!(error.to_lowercase().contains("read only"), "{error}");
    assert!(start.elapsed() >= Duration::from_secs(1), "a failover is waited for");
    assert!(store.finish(&[(id, Outcome::Expired)]).await.is_err());
    command(redis.port(), "REPLICAOF NO ONE").await;
    store.ready().await.unwrap();
    assert!(end(&store, id).await, "what was refused is not written");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_busy_with_a_script_is_waited_for() {
    let redis = Redis::start().await.unwrap();
    let (store, port) = (store(&redis.url()), redis.port());
    let id = created(&store).await;
    command(port, "CONFIG SET busy-reply-threshold 1").await;
    let script = tokio::spawn(async move { command(port, "EVAL \"while true do end\" 0").await });
    eventually("BUSY", || async { command(port, "PING").await.starts_with("-BUSY").then_some(()) }).await;
    let start = Instant::now();
    let error = store.get(id).await.unwrap_err().to_string();
    assert!(start.elapsed() >= Duration::from_secs(1), "given up after {:?}: {error}", start.elapsed());
    command(port, "SCRIPT KILL").await;
    script.await.unwrap();
    assert!(end(&store, id).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_loads_its_data_is_waited_for() {
    let redis = Redis::start().await.unwrap();
    let (store, port) = (store(&redis.url()), redis.port());
    let id = created(&store).await;
    // 20 milliseconds for each of 50 keys, each so long that the server looks up from it.
    for number in 0..50 {
        command(port, &format!("SET filler{number} {}", "x".repeat(4096))).await;
    }
    command(port, "CONFIG SET rdbcompression no").await;
    command(port, "CONFIG SET loading-process-events-interval-bytes 1024").await;
    command(port, "CONFIG SET key-load-delay 20000").await;
    let reload = tokio::spawn(async move { command(port, "DEBUG RELOAD").await });
    eventually("LOADING", || async { command(port, "PING").await.starts_with("-LOADING").then_some(()) })
        .await;
    let lookup = store.get(id).await.unwrap();
    assert!(matches!(lookup, Lookup::Found(_)), "{lookup:?}");
    assert_eq!(reload.await.unwrap().trim(), "+OK");
}
