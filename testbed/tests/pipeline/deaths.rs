//! Workers and servers that are stopped and killed under load.

use std::time::Duration;

use futures::{StreamExt, stream};
use serde_json::Value;

use crate::{
    jobs::pictures,
    stack::{PATIENCE, Stack},
};

/// Submits so many jobs, has something happen meanwhile, and gives them all with their ends.
async fn load(stack: &Stack, count: usize, pictures: &[(Vec<u8>, String)]) -> Vec<(String, Value)> {
    let jobs = stream::iter(0..count).map(|number| async move {
        let (picture, text) = &pictures[number % pictures.len()];
        let location = stack.submit(picture).await;
        (text.clone(), stack.ended(&location).await)
    });
    jobs.buffer_unordered(32).collect().await
}

fn assert_all_read(jobs: &[(String, Value)]) {
    for (text, job) in jobs {
        assert_eq!(job["result"]["text"].as_str(), Some(text.as_str()), "{job}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_worker_loses_nothing() {
    let stack = Stack::start().await;
    let (mut first, _second) = (stack.worker().await, stack.worker().await);
    let pictures = pictures();
    let killing = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        first.group.kill();
    };
    let (jobs, ()) = tokio::join!(load(&stack, 600, &pictures), killing);
    assert_all_read(&jobs);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_is_told_to_stop_gives_back_what_it_has_not_started() {
    let stack = Stack::start().await;
    let worker = stack.worker().await;
    let pictures = pictures();
    let mut locations = Vec::new();
    for number in 0..400 {
        if number == 200 {
            worker.group.terminate();
        }
        locations.push(stack.submit(&pictures[number % pictures.len()].0).await);
    }
    worker.gone().await;
    assert!(worker.log().contains("stopped"), "{}", worker.log());

    // What it gave back counts no attempt.
    let broker = stack.broker();
    let waiting = broker.depth().await.unwrap();
    assert!(waiting >= 200, "{waiting}");
    let mut consumer = broker.consumer().await.unwrap();
    let mut deliveries = Vec::new();
    while deliveries.len() < waiting {
        let left = waiting - deliveries.len();
        deliveries.extend(tokio::time::timeout(PATIENCE, consumer.receive(left)).await.unwrap().unwrap());
    }
    let attempts: Vec<u32> = deliveries.iter().map(|delivery| delivery.attempt).collect();
    assert!(attempts.iter().all(|&attempt| attempt == 1), "{attempts:?}\n{}", worker.log());
    for delivery in deliveries {
        delivery.release().await.unwrap();
    }
    drop(consumer);

    let _next = stack.worker().await;
    for (number, location) in locations.iter().enumerate() {
        assert_eq!(stack.ended(location).await["result"]["text"], pictures[number % pictures.len()].1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_broker_and_the_result_store_can_be_killed() {
    let mut stack = Stack::start().await;
    // RabbitMQ 3.10 writes the names of new quorum queues to disk up to three seconds later. One that is killed before
    // that finds the queue without its messages; a queue of any age is safe.
    tokio::time::sleep(Duration::from_secs(5)).await;
    let _workers = (stack.worker().await, stack.worker().await);
    let pictures = pictures();
    let mut locations = Vec::new();
    for number in 0..300 {
        locations.push(stack.submit(&pictures[number % pictures.len()].0).await);
        if number == 100 {
            stack.rabbitmq.restart().await.unwrap();
        }
        if number == 200 {
            stack.redis.restart().await.unwrap();
        }
    }
    for (number, location) in locations.iter().enumerate() {
        assert_eq!(stack.ended(location).await["result"]["text"], pictures[number % pictures.len()].1);
    }
}
