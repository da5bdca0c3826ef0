//! A server that is killed and comes back.

use std::{sync::Arc, time::Duration};

use byecaptcha_queue::{JobStatus, Lookup, RedisResults, ResultOptions, ResultStore};
use byecaptcha_testbed::Redis;
use tokio::task::JoinSet;

use crate::{PATIENCE, created, end, eventually, status, store};

#[tokio::test]
async fn what_was_answered_survives_a_kill() {
    let mut redis = Redis::start_to_be_killed().await.unwrap();
    let store = store(&redis.url());
    let (ended, open) = (created(&store).await, created(&store).await);
    assert!(end(&store, ended).await);
    redis.group().kill();
    assert!(store.get(ended).await.is_err());
    assert!(store.ready().await.is_err());
    redis.restart().await.unwrap();
    // The server has forgotten the scripts, not the records.
    assert!(!end(&store, ended).await);
    assert_eq!(status(&store, ended).await, JobStatus::Expired);
    assert_eq!(status(&store, open).await, JobStatus::Queued);
    assert!(end(&store, open).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jobs_end_through_kills() {
    let mut redis = Redis::start_to_be_killed().await.unwrap();
    let store = Arc::new(store(&redis.url()));
    let mut ids = Vec::new();
    for _ in 0..100 {
        ids.push(created(&store).await);
    }
    let mut clients = JoinSet::new();
    let mut workers = JoinSet::new();
    for id in ids {
        let client = Arc::clone(&store);
        clients.spawn(async move {
            eventually("the answer", || async {
                match client.wait(id, PATIENCE).await {
                    Ok(Lookup::Found(record)) => Some(record.status),
                    Ok(other) => panic!("{other:?} in place of a record"),
                    Err(_) => None,
                }
            })
            .await
        });
        let worker = Arc::clone(&store);
        workers.spawn(async move {
            tokio::time::sleep(Duration::from_millis(u64::from(id.as_bytes()[15]) * 8)).await;
            end(&worker, id).await
        });
    }
    for _ in 0..3 {
        tokio::time::sleep(Duration::from_millis(400)).await;
        redis.restart().await.unwrap();
    }
    workers.join_all().await;
    assert!(clients.join_all().await.iter().all(|status| *status == JobStatus::Expired));
}

#[tokio::test]
async fn a_store_comes_before_its_server_and_keeps_its_password() {
    let mut redis = Redis::start_to_be_killed().await.unwrap();
    redis.group().kill();
    let url = format!("redis://user:secret@127.0.0.1:{}/0", redis.port());
    let guarded = RedisResults::new(&url, "test", ResultOptions::default()).unwrap();
    let early = store(&redis.url());
    let mut errors = vec![guarded.ready().await.unwrap_err()];
    assert!(early.ready().await.is_err());
    redis.restart().await.unwrap();
    eventually("ready", || async { early.ready().await.ok() }).await;
    // The server knows no such user.
    errors.push(guarded.ready().await.unwrap_err());
    for url in [
        "redis://:secret@127.0.0.1:port/0",
        "redis://user:secret@127.0.0.1:6379/secret",
        "redis://secret@:/",
        "http://user:secret@127.0.0.1/",
        "secret",
        "",
    ] {
        errors.push(RedisResults::new(url, "test", ResultOptions::default()).map(drop).unwrap_err());
    }
    for error in errors {
        let text = format!("{error} {error:?}");
        assert!(!text.contains("secret"), "{text}");
    }
}
