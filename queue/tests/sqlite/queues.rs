//! The queues of one file, which have nothing to do with one another.

use std::time::Duration;

use byecaptcha_queue::{Broker, BrokerError, BrokerOptions, QueueName, SqliteBroker, SqliteDatabase};
use rusqlite::Connection;

use super::job;

#[tokio::test]
async fn the_queues_of_a_file_have_nothing_to_do_with_one_another() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("jobs.db");
    let options = BrokerOptions { capacity: 2, delivery_limit: 1 };
    {
        let interactive = SqliteBroker::new(SqliteDatabase::open(&path).unwrap(), options);
        let bulk = interactive.clone().on(QueueName::Bulk);
        bulk.publish(&job("a")).await.unwrap();
        bulk.publish(&job("b")).await.unwrap();
        assert!(matches!(bulk.publish(&job("c")).await, Err(BrokerError::Full { limit: 2 })));
        interactive.publish(&job("person")).await.unwrap();
        assert_eq!((interactive.depth().await.unwrap(), bulk.depth().await.unwrap()), (1, 2));

        let mut consumer = interactive.consumer().await.unwrap();
        let delivery = consumer.receive(5).await.unwrap().remove(0);
        assert_eq!(&delivery.job.image[..], b"person");
        delivery.reject("no").await.unwrap();
        assert_eq!(interactive.dead_letters().await.unwrap().len(), 1);
        assert_eq!(bulk.dead_letters().await.unwrap(), []);
        let waiting = tokio::spawn(async move { consumer.receive(1).await.unwrap().remove(0).job });
        tokio::time::sleep(Duration::from_millis(50)).await;
        bulk.consumer().await.unwrap().receive(1).await.unwrap().remove(0).ack().await.unwrap();
        // A bell of the one queue must not be heard, and so be lost, in the other.
        interactive.publish(&job("another")).await.unwrap();
        assert_eq!(&waiting.await.unwrap().image[..], b"another");
    }
    // The consumer is gone with the rest, and its job is back.
    let interactive = SqliteBroker::new(SqliteDatabase::open(&path).unwrap(), options);
    let bulk = interactive.clone().on(QueueName::Bulk);
    assert_eq!((interactive.depth().await.unwrap(), bulk.depth().await.unwrap()), (1, 1));
}

#[tokio::test]
async fn each_queue_keeps_its_own_dead_letters() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("queue.db");
    let options = BrokerOptions { delivery_limit: 1, ..BrokerOptions::default() };
    let bury = async |broker: &SqliteBroker, picture: &str| {
        broker.publish(&job(picture)).await.unwrap();
        let mut consumer = broker.consumer().await.unwrap();
        consumer.receive(1).await.unwrap().remove(0).reject("no").await.unwrap();
    };
    let interactive = SqliteBroker::new(SqliteDatabase::open(&path).unwrap(), options);
    let bulk = interactive.clone().on(QueueName::Bulk);
    bury(&bulk, "bulk").await;
    let file = Connection::open(&path).unwrap();
    let fill = "WITH RECURSIVE count(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM count WHERE n < 1000)
                INSERT INTO dead_letters (queue, id, submitted_at_ms, options, image, attempts, reason)
                SELECT 'interactive', randomblob(16), n, '{}', x'00', 1, '' FROM count";
    file.execute_batch(fill).unwrap();
    bury(&interactive, "the last").await;
    let kept = interactive.dead_letters().await.unwrap();
    assert_eq!((kept.len(), kept[0].job.submitted_at_ms), (1000, 2), "the oldest is gone");
    assert_eq!(&kept[999].job.image[..], b"the last");
    assert_eq!(bulk.dead_letters().await.unwrap().len(), 1, "however many the other queue has");

    let query =
        "EXPLAIN QUERY PLAN SELECT number FROM dead_letters WHERE queue = 'bulk' ORDER BY number DESC";
    let plan: String = file.query_row(query, [], |row| row.get("detail")).unwrap();
    assert!(plan.contains("COVERING INDEX dead_letters_by_queue"), "{plan}");
}
