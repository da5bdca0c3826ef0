//! What every broker has to do when many publish and receive at once, and change their minds.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use byecaptcha_queue::{Job, JobId};

use super::{
    A_MOMENT, BrokerBackend,
    broker::{
        consumer, delivered, depth_becomes, ids, nothing_comes, options, publish_all, receive, receive_one,
    },
    job, soon,
};

pub(crate) async fn competing_consumers_share_the_jobs<B: BrokerBackend>() {
    let fixture = B::broker(options()).await;
    let jobs: Vec<Job> = (0..200).map(|number| job(&number.to_string())).collect();
    let (sender, mut seen) = tokio::sync::mpsc::unbounded_channel();
    let mut consumers = tokio::task::JoinSet::new();
    for size in [1, 2, 3, 10] {
        let (sender, mut consumer) = (sender.clone(), consumer(&*fixture.store).await);
        consumers.spawn(async move {
            while let Ok(deliveries) = consumer.receive(size).await {
                for delivery in deliveries {
                    sender.send(delivery.job.id).unwrap();
                    delivery.ack().await.unwrap();
                }
            }
        });
    }
    publish_all(&*fixture.store, &jobs).await;
    let mut received = Vec::new();
    while received.len() < jobs.len() {
        received.push(soon("a job", seen.recv()).await.unwrap());
    }
    tokio::time::sleep(A_MOMENT).await;
    assert!(seen.try_recv().is_err(), "a job came twice");
    received.sort_unstable();
    assert_eq!(received, ids(&jobs));
}

pub(crate) async fn idle_consumers_all_wake<B: BrokerBackend>() {
    let fixture = B::broker(options()).await;
    let mut waiting = tokio::task::JoinSet::new();
    for _ in 0..5 {
        let mut consumer = consumer(&*fixture.store).await;
        waiting.spawn(async move {
            let deliveries = consumer.receive(1).await.unwrap();
            (consumer, deliveries)
        });
    }
    tokio::time::sleep(A_MOMENT).await;
    let jobs: Vec<Job> = (0..5).map(|number| job(&number.to_string())).collect();
    let publishes = jobs.iter().map(|job| {
        let (broker, job) = (Arc::clone(&fixture.store), job.clone());
        tokio::spawn(async move { broker.publish(&job).await.unwrap() })
    });
    for publish in publishes.collect::<Vec<_>>() {
        soon("publish", publish).await.unwrap();
    }
    let woken = soon("all five", waiting.join_all()).await;
    let mut received: Vec<JobId> = woken.iter().flat_map(|(_, deliveries)| delivered(deliveries)).collect();
    received.sort_unstable();
    assert_eq!(received, ids(&jobs));
}

pub(crate) async fn receive_can_be_cancelled_at_any_moment<B: BrokerBackend>() {
    const JOBS: usize = 150;
    let fixture = B::broker(options()).await;
    let broker = Arc::clone(&fixture.store);
    let publisher = tokio::spawn(async move {
        let jobs: Vec<Job> = (0..JOBS).map(|number| job(&number.to_string())).collect();
        for job in &jobs {
            broker.publish(job).await.unwrap();
            tokio::time::sleep(Duration::from_micros(300)).await;
        }
        ids(&jobs)
    });
    let mut consumer = consumer(&*fixture.store).await;
    let mut received = HashMap::new();
    for turn in 0.. {
        // From too short to finish even once to long enough to get something.
        let patience = Duration::from_micros([0, 50, 200, 500, 1_000, 3_000, 20_000][turn % 7]);
        tokio::select! {
            biased;
            deliveries = consumer.receive(1 + turn % 4) => {
                for delivery in deliveries.unwrap() {
                    received.insert(delivery.job.id, delivery.attempt);
                    delivery.ack().await.unwrap();
                }
            }
            () = tokio::time::sleep(patience) => {}
        }
        if publisher.is_finished() && turn > 500 {
            break;
        }
    }
    while received.len() < JOBS {
        let delivery = receive_one(&mut *consumer).await;
        received.insert(delivery.job.id, delivery.attempt);
        delivery.ack().await.unwrap();
    }
    let mut order: Vec<JobId> = received.keys().copied().collect();
    order.sort_unstable();
    assert_eq!(order, publisher.await.unwrap());
    assert!(received.values().all(|attempt| *attempt == 1), "what was never handed out was never tried");
    nothing_comes(&mut *consumer).await;
    depth_becomes(&*fixture.store, 0).await;
}

pub(crate) async fn a_paused_consumer_keeps_no_job_from_others<B: BrokerBackend>() {
    let fixture = B::broker(options()).await;
    let mut first = consumer(&*fixture.store).await;
    let mut second = consumer(&*fixture.store).await;
    for round in 0..40 {
        let published = job(&round.to_string());
        {
            let mut cancelled = std::pin::pin!(first.receive(5));
            // Waiting for work, then cancelled at about the time when it comes.
            assert!(tokio::time::timeout(Duration::from_micros(100), cancelled.as_mut()).await.is_err());
            publish_all(&*fixture.store, std::slice::from_ref(&published)).await;
            if round % 2 == 0 {
                let now = tokio::time::timeout(Duration::ZERO, cancelled).await;
                if let Ok(deliveries) = now {
                    for delivery in deliveries.unwrap() {
                        delivery.release().await.unwrap();
                    }
                }
            }
        }
        soon("pause", first.pause()).await.unwrap();
        let delivery = receive_one(&mut *second).await;
        assert_eq!((delivery.job.id, delivery.attempt), (published.id, 1));
        delivery.ack().await.unwrap();
    }
}

pub(crate) async fn many_publish_at_once<B: BrokerBackend>() {
    let fixture = B::broker(options()).await;
    let mut publishers = tokio::task::JoinSet::new();
    for publisher in 0..100 {
        let broker = Arc::clone(&fixture.store);
        publishers.spawn(async move {
            let jobs: Vec<Job> = (0..5).map(|number| job(&format!("{publisher} {number}"))).collect();
            publish_all(&*broker, &jobs).await;
            ids(&jobs)
        });
    }
    let accepted = soon("all publishers", publishers.join_all()).await;
    depth_becomes(&*fixture.store, 500).await;
    let mut consumer = consumer(&*fixture.store).await;
    let received = delivered(&receive(&mut *consumer, 500).await);
    for own in &accepted {
        let order: Vec<JobId> = received.iter().filter(|id| own.contains(id)).copied().collect();
        assert_eq!(&order, own, "each publisher's jobs come in its order");
    }
    assert_eq!(received.iter().collect::<HashSet<_>>().len(), 500);
}
