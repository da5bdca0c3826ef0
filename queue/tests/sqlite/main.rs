//! What only the SQLite backend promises: everything is still there after a restart, one process at a time, one
//! commit for many jobs, queues of their own in one file, and clear words for files that it cannot use.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs, reason = "a test may stop at the first surprise")]

mod files;
mod queues;

use std::{
    path::Path,
    sync::Arc,
    task::Poll,
    time::{Duration, Instant},
};

use byecaptcha_queue::{
    Broker, BrokerOptions, Consumer, Failure, Job, JobOptions, JobRecord, JobStatus, Lookup, Outcome,
    ResultOptions, ResultStore, SqliteBroker, SqliteDatabase, SqliteResults,
};
use bytes::Bytes;
use rusqlite::Connection;

fn job(picture: &str) -> Job {
    Job::new(
        Bytes::copy_from_slice(picture.as_bytes()),
        JobOptions { model: Some("lean".to_owned()), ..Default::default() },
    )
}

fn broker(path: &Path) -> SqliteBroker {
    SqliteBroker::new(SqliteDatabase::open(path).unwrap(), BrokerOptions::default())
}

/// Begins something and leaves before the answer, unless that is there at once.
async fn begin<T>(future: impl Future<Output = T>) -> Option<T> {
    let mut future = std::pin::pin!(future);
    std::future::poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(answer) => Poll::Ready(Some(answer)),
        Poll::Pending => Poll::Ready(None),
    })
    .await
}

async fn receive_all(consumer: &mut dyn Consumer, count: usize) -> Vec<(Job, u32)> {
    let deliveries = consumer.receive(count).await.unwrap();
    assert_eq!(deliveries.len(), count);
    let seen = deliveries.iter().map(|delivery| (delivery.job.clone(), delivery.attempt)).collect();
    for delivery in deliveries {
        delivery.release().await.unwrap();
    }
    seen
}

#[tokio::test]
async fn everything_is_there_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("queue.db");
    let jobs: Vec<Job> = (0..6).map(|number| job(&number.to_string())).collect();
    let failure = Failure { kind: "image-truncated".to_owned(), detail: "It ends early.".to_owned() };
    let ended = {
        let database = SqliteDatabase::open(&path).unwrap();
        let broker = SqliteBroker::new(database.clone(), BrokerOptions { delivery_limit: 1, capacity: 10 });
        let results = SqliteResults::new(database, ResultOptions::default());
        for job in &jobs {
            results.create(&JobRecord::queued(job)).await.unwrap();
            broker.publish(job).await.unwrap();
        }
        let mut consumer = broker.consumer().await.unwrap();
        let mut deliveries = consumer.receive(4).await.unwrap().into_iter();
        results.start(&[jobs[0].id, jobs[1].id]).await.unwrap();
        results.finish(&[(jobs[0].id, Outcome::Failed(failure.clone()))]).await.unwrap();
        deliveries.next().unwrap().ack().await.unwrap();
        deliveries.next().unwrap().reject("engine lost").await.unwrap();
        deliveries.next().unwrap().release().await.unwrap();
        results.get(jobs[0].id).await.unwrap()
        // The fourth is dropped with its consumer.
    };

    let database = SqliteDatabase::open(&path).unwrap();
    let results = SqliteResults::new(database.clone(), ResultOptions::default());
    let broker = SqliteBroker::new(database, BrokerOptions::default());
    assert_eq!(broker.depth().await.unwrap(), 4);
    let mut consumer = broker.consumer().await.unwrap();
    let expected = [(2, 1), (3, 2), (4, 1), (5, 1)].map(|(index, attempt)| (jobs[index].clone(), attempt));
    assert_eq!(receive_all(&mut *consumer, 4).await, expected);
    let letters = broker.dead_letters().await.unwrap();
    assert_eq!((&letters[0].job, letters[0].attempts, &*letters[0].reason), (&jobs[1], 1, "engine lost"));

    assert_eq!(results.get(jobs[0].id).await.unwrap(), ended);
    let Lookup::Found(record) = ended else { panic!("{ended:?}") };
    assert_eq!((record.status, record.error), (JobStatus::Failed, Some(failure)));
    let Lookup::Found(record) = results.get(jobs[1].id).await.unwrap() else { panic!("lost") };
    assert_eq!(record.status, JobStatus::Processing);
    assert_eq!(results.get(jobs[5].id).await.unwrap(), Lookup::Found(JobRecord::queued(&jobs[5])));
}

#[tokio::test]
async fn closing_finishes_what_was_handed_in() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("queue.db");
    let before = broker(&path);
    for number in 0..50 {
        begin(before.publish(&job(&number.to_string()))).await;
    }
    let mut consumer = before.consumer().await.unwrap();
    if let Some(deliveries) = begin(consumer.receive(20)).await {
        for delivery in deliveries.unwrap() {
            delivery.release().await.unwrap();
        }
    }
    drop((consumer, before));

    // The file is free the moment the drop returns, and a receive that was given up is no attempt.
    let after = broker(&path);
    assert_eq!(after.depth().await.unwrap(), 50);
    let mut consumer = after.consumer().await.unwrap();
    let seen = receive_all(&mut *consumer, 50).await;
    assert!(seen.iter().all(|(_, attempt)| *attempt == 1));
}

#[tokio::test]
async fn many_jobs_share_a_commit() {
    let folder = tempfile::tempdir().unwrap();
    let database = SqliteDatabase::open(folder.path().join("queue.db")).unwrap();
    let broker = Arc::new(SqliteBroker::new(database.clone(), BrokerOptions::default()));
    let mut publishes = tokio::task::JoinSet::new();
    // The first keeps the disk busy while the others gather.
    let large = Job::new(Bytes::from(vec![7; 16 << 20]), JobOptions::default());
    let jobs = std::iter::once(large).chain((0..200).map(|number| job(&number.to_string())));
    for job in jobs {
        let broker = Arc::clone(&broker);
        publishes.spawn(async move { broker.publish(&job).await });
    }
    while let Some(published) = publishes.join_next().await {
        published.unwrap().unwrap();
    }
    let statistics = database.statistics();
    assert_eq!(statistics.commands, 201);
    assert!(statistics.commits <= 20, "{statistics:?}");
    assert_eq!(broker.depth().await.unwrap(), 201);
}

#[tokio::test]
async fn polling_does_not_wait_behind_commits() {
    let folder = tempfile::tempdir().unwrap();
    let database = SqliteDatabase::open(folder.path().join("queue.db")).unwrap();
    let results = SqliteResults::new(database.clone(), ResultOptions::default());
    let record = JobRecord::queued(&job("picture"));
    results.create(&record).await.unwrap();
    let broker = SqliteBroker::new(database.clone(), BrokerOptions::default());
    let large = Job::new(Bytes::from(vec![7; 64 << 20]), JobOptions::default());
    let mut publish = std::pin::pin!(broker.publish(&large));
    assert!(tokio::time::timeout(Duration::ZERO, publish.as_mut()).await.is_err());
    let mut polls = 0;
    // In this order the poll is looked at only while the commit is under way.
    loop {
        tokio::select! {
            biased;
            published = publish.as_mut() => break published.unwrap(),
            lookup = results.get(record.id) => {
                assert_eq!(lookup.unwrap(), Lookup::Found(record.clone()));
                polls += 1;
            }
        }
    }
    assert!(polls > 1, "no poll was answered during the commit");
}

#[tokio::test]
async fn all_handles_share_one_queue() {
    let folder = tempfile::tempdir().unwrap();
    let database = SqliteDatabase::open(folder.path().join("queue.db")).unwrap();
    let producing = SqliteBroker::new(database.clone(), BrokerOptions::default());
    let consuming = SqliteBroker::new(database.clone(), BrokerOptions::default());
    let mut consumer = consuming.consumer().await.unwrap();
    let waiting = tokio::spawn(async move { receive_all(&mut *consumer, 1).await });
    tokio::time::sleep(Duration::from_millis(50)).await;
    let published = job("picture");
    producing.publish(&published).await.unwrap();
    assert_eq!(waiting.await.unwrap(), [(published.clone(), 1)]);

    let writing = SqliteResults::new(database.clone(), ResultOptions::default());
    let reading = SqliteResults::new(database, ResultOptions::default());
    writing.create(&JobRecord::queued(&published)).await.unwrap();
    let waiting = tokio::spawn(async move { reading.wait(published.id, Duration::from_secs(60)).await });
    tokio::time::sleep(Duration::from_millis(50)).await;
    writing.finish(&[(published.id, Outcome::Canceled)]).await.unwrap();
    let lookup = tokio::time::timeout(Duration::from_secs(30), waiting).await.unwrap().unwrap().unwrap();
    assert!(matches!(lookup, Lookup::Found(record) if record.status == JobStatus::Canceled));
}

#[tokio::test]
async fn a_delivery_outlives_its_database_without_harm() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("queue.db");
    let first = broker(&path);
    first.publish(&job("picture")).await.unwrap();
    let mut consumer = first.consumer().await.unwrap();
    let mut deliveries = consumer.receive(1).await.unwrap();
    drop((consumer, first));

    let second = broker(&path);
    assert!(deliveries.remove(0).ack().await.is_err());
    assert_eq!(second.depth().await.unwrap(), 1);
}

fn rows(path: &Path, condition: &str) -> i64 {
    let connection = Connection::open(path).unwrap();
    let query = format!("SELECT count(*) FROM results WHERE {condition}");
    connection.query_row(&query, [], |row| row.get(0)).unwrap()
}

#[tokio::test]
async fn old_results_leave_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("queue.db");
    let database = SqliteDatabase::open(&path).unwrap();
    let failure = Failure { kind: "image-truncated".to_owned(), detail: "It ends early.".to_owned() };
    let ends: Vec<_> = (0..1_200).map(|_| (job("").id, Outcome::Failed(failure.clone()))).collect();
    let becomes_zero = async |condition: &str| {
        let start = Instant::now();
        while rows(&path, condition) > 0 {
            assert!(start.elapsed() < Duration::from_secs(30), "{} rows", rows(&path, condition));
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let long = Duration::from_secs(3_600);
    let results =
        SqliteResults::new(database.clone(), ResultOptions { keep: Duration::ZERO, remember: long });
    assert!(results.finish(&ends).await.unwrap().iter().all(|first| *first));
    becomes_zero("error IS NOT NULL").await;
    assert_eq!(rows(&path, "true"), 1_200, "the ids are remembered");
    assert_eq!(results.get(ends[0].0).await.unwrap(), Lookup::Expired);

    let none = ResultOptions { keep: Duration::ZERO, remember: Duration::ZERO };
    let results = SqliteResults::new(database, none);
    assert_eq!(results.get(ends[0].0).await.unwrap(), Lookup::Unknown);
    becomes_zero("true").await;
}
