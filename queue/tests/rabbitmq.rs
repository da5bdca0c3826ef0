//! What RabbitMQ does that no other broker does: it refuses messages, for a moment or for good, makes dead letters by
//! itself, and shows them to one at a time.
#![allow(clippy::unwrap_used, reason = "a test may end by a panic")]

use std::{sync::Arc, time::Duration};

use byecaptcha_queue::{Broker, BrokerError, BrokerOptions, Job, JobOptions, QueueName, RabbitBroker};
use byecaptcha_testbed::RabbitMq;
use bytes::Bytes;
use reqwest::header::CONTENT_TYPE;
use tokio::time::{Instant, timeout};

/// Longer than anything here takes, on however busy a machine.
const PATIENCE: Duration = Duration::from_secs(60);
/// A receive that nothing comes to is ended after this time.
const A_MOMENT: Duration = Duration::from_millis(150);
/// Messages that the queue takes, near enough: it tells its publishers late.
const ROOM: usize = 3;
/// More than it takes however late it tells.
const TOO_MANY: usize = 50;

fn job(number: usize) -> Job {
    Job::new(Bytes::from(number.to_string()), JobOptions::default())
}

#[tokio::test]
async fn a_refusal_that_passes_is_none_and_one_that_stays_is_an_error() {
    let server = RabbitMq::start().await.unwrap();
    let broker: Arc<dyn Broker> = Arc::new(
        RabbitBroker::new(&server.url(), "small", QueueName::Interactive, BrokerOptions::default()).unwrap(),
    );
    let policy = format!(
        r#"{{"pattern": "interactive$", "apply-to": "queues", "definition": {{"max-length": {ROOM}}}}}"#
    );
    let answer = reqwest::Client::new()
        .put(format!("{}/api/policies/%2f/small", server.management_url()))
        .basic_auth("guest", Some("guest"))
        .header(CONTENT_TYPE, "application/json")
        .body(policy)
        .send();
    assert!(answer.await.unwrap().status().is_success());

    let mut accepted = 0;
    let refused = loop {
        assert!(accepted < TOO_MANY, "nothing is refused");
        match broker.publish(&job(accepted)).await {
            Ok(()) => accepted += 1,
            Err(error) => break error,
        }
    };
    assert!(accepted >= ROOM, "{accepted}");
    assert!(matches!(refused, BrokerError::Unavailable(_)), "{refused}");

    let waiting = tokio::spawn({
        let broker = Arc::clone(&broker);
        async move { broker.publish(&job(TOO_MANY)).await }
    });
    // Long enough for the first refusal, and short of the last.
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(!waiting.is_finished());
    let mut consumer = broker.consumer().await.unwrap();
    let mut received = 0;
    while received < accepted {
        for delivery in consumer.receive(accepted).await.unwrap() {
            delivery.ack().await.unwrap();
            received += 1;
        }
    }
    waiting.await.unwrap().unwrap();
}

#[tokio::test]
async fn what_the_server_gave_up_says_how_often_it_was_tried() {
    let server = RabbitMq::start().await.unwrap();
    let options = BrokerOptions { delivery_limit: u32::MAX, ..BrokerOptions::default() };
    let broker = RabbitBroker::new(&server.url(), "given-up", QueueName::Interactive, options).unwrap();
    broker.publish(&job(1)).await.unwrap();
    let mut consumer = broker.consumer().await.unwrap();
    let mut tried = 0;
    let start = Instant::now();
    let letters = loop {
        let letters = broker.dead_letters().await.unwrap();
        if !letters.is_empty() {
            break letters;
        }
        assert!(start.elapsed() < PATIENCE, "not given up after {tried} attempts");
        for delivery in
            timeout(A_MOMENT, consumer.receive(1)).await.unwrap_or_else(|_| Ok(Vec::new())).unwrap()
        {
            tried += 1;
            assert_eq!(delivery.attempt, tried);
            delivery.reject("no").await.unwrap();
        }
    };
    assert_eq!(letters.iter().map(|letter| letter.attempts).collect::<Vec<_>>(), [tried]);
    assert_eq!(letters[0].reason, "given up by the broker: delivery_limit");

    // Two who look at once see it once, at least, and neither fails.
    let (one, other) = tokio::join!(broker.dead_letters(), broker.dead_letters());
    assert!(one.unwrap().len() + other.unwrap().len() >= 1);
    broker.ready().await.unwrap();
}

#[tokio::test]
async fn a_pause_costs_hardly_an_attempt_while_jobs_come_one_by_one() {
    let server = RabbitMq::start().await.unwrap();
    let broker: Arc<dyn Broker> = Arc::new(
        RabbitBroker::new(&server.url(), "trickle", QueueName::Interactive, BrokerOptions::default())
            .unwrap(),
    );
    let publishing = tokio::spawn({
        let broker = Arc::clone(&broker);
        async move {
            for number in 0.. {
                broker.publish(&job(number)).await.unwrap();
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    });
    let mut consumer = broker.consumer().await.unwrap();
    let mut counted = 0;
    for _ in 0..60 {
        // There is room for more than the one that comes first.
        let deliveries = timeout(PATIENCE, consumer.receive(4)).await.unwrap().unwrap();
        timeout(PATIENCE, consumer.pause()).await.unwrap().unwrap();
        for delivery in deliveries {
            counted += u32::from(delivery.attempt > 1);
            delivery.ack().await.unwrap();
        }
    }
    publishing.abort();
    // Where a job comes after a long gap, it may come at the very moment of the end, which nobody can know.
    assert!(counted <= 3, "{counted} attempts");
}
