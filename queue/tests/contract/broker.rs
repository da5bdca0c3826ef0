//! What every broker has to do.

use byecaptcha_queue::{
    Broker, BrokerError, BrokerOptions, Consumer, DeadLetter, Delivery, Job, JobId, JobOptions,
};
use bytes::Bytes;

use super::{A_MOMENT, BrokerBackend, eventually, job, soon};

pub(super) fn options() -> BrokerOptions {
    BrokerOptions { capacity: 10_000, delivery_limit: 3 }
}

pub(super) async fn publish_all(broker: &dyn Broker, jobs: &[Job]) {
    for job in jobs {
        soon("publish", broker.publish(job)).await.unwrap();
    }
}

pub(super) async fn consumer(broker: &dyn Broker) -> Box<dyn Consumer> {
    soon("consumer", broker.consumer()).await.unwrap()
}

/// Receives until there are this many, which may take more than one call, and leaves all others in the queue.
pub(super) async fn receive(consumer: &mut dyn Consumer, count: usize) -> Vec<Delivery> {
    let mut deliveries = Vec::new();
    while deliveries.len() < count {
        let received = soon("receive", consumer.receive(count - deliveries.len())).await.unwrap();
        assert!(!received.is_empty(), "an answer holds at least one job");
        deliveries.extend(received);
    }
    assert_eq!(deliveries.len(), count, "no more than was asked for");
    soon("pause", consumer.pause()).await.unwrap();
    deliveries
}

pub(super) async fn receive_one(consumer: &mut dyn Consumer) -> Delivery {
    receive(consumer, 1).await.remove(0)
}

pub(super) async fn nothing_comes(consumer: &mut dyn Consumer) {
    let received = tokio::time::timeout(A_MOMENT, consumer.receive(10)).await;
    assert!(received.is_err(), "{} jobs too many", received.unwrap().unwrap().len());
}

pub(super) async fn depth_becomes(broker: &dyn Broker, expected: usize) {
    eventually("depth", expected, || async { broker.depth().await.unwrap() }).await;
}

pub(super) fn ids(jobs: &[Job]) -> Vec<JobId> {
    jobs.iter().map(|job| job.id).collect()
}

/// As they come, or by their ids where the backend puts released jobs to the end.
fn after_release<B: BrokerBackend>(mut ids: Vec<JobId>) -> Vec<JobId> {
    if !B::RELEASES_TO_ITS_PLACE {
        ids.sort_unstable();
    }
    ids
}

pub(super) fn delivered(deliveries: &[Delivery]) -> Vec<JobId> {
    deliveries.iter().map(|delivery| delivery.job.id).collect()
}

pub(crate) async fn delivers_what_was_published<B: BrokerBackend>() {
    let fixture = B::broker(options()).await;
    let every_byte: Vec<u8> = (0..=255).cycle().take(300 * 1024 + 7).collect();
    let jobs = [
        Job::new(
            Bytes::from(every_byte),
            JobOptions {
                model: Some("lean \"ü\"\n".to_owned()),
                charset: Some("\"ß\\ 1".to_owned()),
                min_length: Some(3),
                max_length: Some(32),
                top_k: Some(10),
                min_confidence: Some(0.1),
                deadline_at_ms: Some(u64::MAX / 4),
                traceparent: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned()),
            },
        ),
        Job::new(Bytes::from(vec![0; 64 * 1024]), JobOptions::default()),
        Job::new(Bytes::new(), JobOptions::default()),
    ];
    publish_all(&*fixture.store, &jobs).await;
    let mut consumer = consumer(&*fixture.store).await;
    for delivery in receive(&mut *consumer, jobs.len()).await {
        assert_eq!(Some(&delivery.job), jobs.iter().find(|job| job.id == delivery.job.id));
        assert_eq!(delivery.attempt, 1);
        delivery.ack().await.unwrap();
    }
}

pub(crate) async fn keeps_the_order_of_acceptance<B: BrokerBackend>() {
    let fixture = B::broker(options()).await;
    let jobs: Vec<Job> = (0..50).map(|number| job(&number.to_string())).collect();
    publish_all(&*fixture.store, &jobs).await;
    let mut consumer = consumer(&*fixture.store).await;
    let mut order = Vec::new();
    while order.len() < jobs.len() {
        let received = soon("receive", consumer.receive(7)).await.unwrap();
        assert!((1..=7).contains(&received.len()));
        order.extend(delivered(&received));
        for delivery in received {
            delivery.ack().await.unwrap();
        }
    }
    assert_eq!(order, ids(&jobs));
}

pub(crate) async fn ack_forgets<B: BrokerBackend>() {
    let fixture = B::broker(options()).await;
    publish_all(&*fixture.store, &[job("picture")]).await;
    let mut first = consumer(&*fixture.store).await;
    receive_one(&mut *first).await.ack().await.unwrap();
    drop(first);
    let mut second = consumer(&*fixture.store).await;
    nothing_comes(&mut *second).await;
    depth_becomes(&*fixture.store, 0).await;
    assert_eq!(fixture.store.dead_letters().await.unwrap(), []);
}

pub(crate) async fn reject_counts_and_ends_as_a_dead_letter<B: BrokerBackend>() {
    let fixture = B::broker(options()).await;
    let bad = Job::new(
        Bytes::from_static(b"poison"),
        JobOptions { model: Some("lean".to_owned()), ..Default::default() },
    );
    publish_all(&*fixture.store, std::slice::from_ref(&bad)).await;
    let mut consumer = consumer(&*fixture.store).await;
    for attempt in 1..=3 {
        let delivery = receive_one(&mut *consumer).await;
        assert_eq!((&delivery.job, delivery.attempt), (&bad, attempt));
        assert_eq!(fixture.store.dead_letters().await.unwrap(), [], "not before the limit");
        delivery.reject(&format!("engine lost, {attempt}")).await.unwrap();
    }
    nothing_comes(&mut *consumer).await;
    let expected = [DeadLetter { job: bad, attempts: 3, reason: "engine lost, 3".to_owned() }];
    eventually("the dead letter", Ok(expected.to_vec()), || async {
        fixture.store.dead_letters().await.map_err(|error| error.to_string())
    })
    .await;
    depth_becomes(&*fixture.store, 0).await;
}

pub(crate) async fn dead_letters_stand_in_their_order<B: BrokerBackend>() {
    let fixture = B::broker(BrokerOptions { delivery_limit: 1, ..options() }).await;
    let jobs: Vec<Job> = (0..3).map(|number| job(&number.to_string())).collect();
    publish_all(&*fixture.store, &jobs).await;
    let mut consumer = consumer(&*fixture.store).await;
    let mut deliveries = receive(&mut *consumer, 3).await;
    deliveries.reverse();
    for delivery in deliveries {
        delivery.reject("no").await.unwrap();
    }
    let expected = [jobs[2].id, jobs[1].id, jobs[0].id];
    eventually("dead letters", expected.to_vec(), || async {
        fixture.store.dead_letters().await.unwrap().iter().map(|letter| letter.job.id).collect()
    })
    .await;
}

pub(crate) async fn dead_letters_can_be_removed<B: BrokerBackend>() {
    let fixture = B::broker(BrokerOptions { delivery_limit: 1, ..options() }).await;
    let broker = &*fixture.store;
    let jobs: Vec<Job> = (0..4).map(|number| job(&number.to_string())).collect();
    publish_all(broker, &jobs).await;
    let mut consumer = consumer(broker).await;
    for delivery in receive(&mut *consumer, 4).await {
        delivery.reject("no").await.unwrap();
    }
    let left = || async { broker.dead_letters().await.unwrap().iter().map(|letter| letter.job.id).collect() };
    eventually("dead letters", ids(&jobs), left).await;
    assert_eq!(broker.remove_dead_letters(&[jobs[2].id, JobId::new(), jobs[0].id]).await.unwrap(), 2);
    eventually("the others", vec![jobs[1].id, jobs[3].id], left).await;
    assert_eq!(broker.remove_dead_letters(&[jobs[0].id]).await.unwrap(), 0);
    assert_eq!(broker.remove_dead_letters(&ids(&jobs)).await.unwrap(), 2);
    eventually("none", Vec::new(), left).await;
}

pub(crate) async fn release_does_not_count<B: BrokerBackend>() {
    let fixture = B::broker(options()).await;
    let jobs: Vec<Job> = (0..4).map(|number| job(&number.to_string())).collect();
    publish_all(&*fixture.store, &jobs).await;
    let mut consumer = consumer(&*fixture.store).await;
    for _ in 0..5 {
        for delivery in receive(&mut *consumer, 2).await {
            assert_eq!(delivery.attempt, 1, "a release is no attempt");
            delivery.release().await.unwrap();
        }
        depth_becomes(&*fixture.store, 4).await;
    }
    let deliveries = receive(&mut *consumer, 4).await;
    assert_eq!(after_release::<B>(delivered(&deliveries)), ids(&jobs));

    // A failed attempt stays counted when the next one is released.
    for delivery in deliveries {
        delivery.reject("engine lost").await.unwrap();
    }
    for delivery in receive(&mut *consumer, 4).await {
        assert_eq!(delivery.attempt, 2);
        delivery.release().await.unwrap();
    }
    assert!(receive(&mut *consumer, 4).await.iter().all(|delivery| delivery.attempt == 2));
}

pub(crate) async fn a_dropped_delivery_is_a_failed_attempt<B: BrokerBackend>() {
    let fixture = B::broker(options()).await;
    publish_all(&*fixture.store, &[job("picture")]).await;
    let mut consumer = consumer(&*fixture.store).await;
    // Also beyond the limit of three: someone has to tell the submitter, so the job is not buried in silence.
    for attempt in 1..=5 {
        let delivery = receive_one(&mut *consumer).await;
        assert_eq!(delivery.attempt, attempt);
        drop(delivery);
    }
    let delivery = receive_one(&mut *consumer).await;
    delivery.reject("too many attempts").await.unwrap();
    eventually("the dead letter", vec![6], || async {
        fixture.store.dead_letters().await.unwrap().iter().map(|letter| letter.attempts).collect()
    })
    .await;
}

pub(crate) async fn a_dropped_consumer_returns_what_it_held<B: BrokerBackend>() {
    let fixture = B::broker(options()).await;
    let jobs: Vec<Job> = (0..4).map(|number| job(&number.to_string())).collect();
    publish_all(&*fixture.store, &jobs).await;
    let mut first = consumer(&*fixture.store).await;
    let mut second = consumer(&*fixture.store).await;
    let mut held = receive(&mut *first, 3).await;
    let kept = receive_one(&mut *second).await;
    held.remove(1).ack().await.unwrap();
    depth_becomes(&*fixture.store, 0).await;

    // One who already waits gets them.
    let waiting = tokio::spawn(async move {
        let deliveries = receive(&mut *second, 2).await;
        (second, deliveries)
    });
    tokio::time::sleep(A_MOMENT).await;
    drop(first);
    let (mut second, again) = soon("what was held", waiting).await.unwrap();
    assert_eq!(delivered(&again), [jobs[0].id, jobs[2].id]);
    assert!(again.iter().all(|delivery| delivery.attempt == 2), "a lost consumer counts as an attempt");

    // The old deliveries are void, and neither an answer nor a drop disturbs the new ones.
    let mut late = held.into_iter();
    assert!(late.next().unwrap().ack().await.is_err());
    drop(late);
    kept.ack().await.unwrap();
    nothing_comes(&mut *second).await;
    for delivery in again {
        delivery.ack().await.unwrap();
    }
    depth_becomes(&*fixture.store, 0).await;
}

pub(crate) async fn a_full_queue_refuses<B: BrokerBackend>() {
    let fixture = B::broker(BrokerOptions { capacity: 3, ..options() }).await;
    let broker = &*fixture.store;
    let refused = || async {
        let refused = soon("publish", broker.publish(&job("one too many"))).await;
        assert!(matches!(refused, Err(BrokerError::Full { limit: 3 })), "{refused:?}");
    };
    let jobs: Vec<Job> = (0..5).map(|number| job(&number.to_string())).collect();
    publish_all(broker, &jobs[..3]).await;
    refused().await;
    depth_becomes(broker, 3).await;

    // What a consumer holds does not wait, so there is room again before any ack.
    let mut consumer = consumer(broker).await;
    let held = receive(&mut *consumer, 2).await;
    publish_all(broker, &jobs[3..]).await;
    refused().await;
    for delivery in held {
        delivery.release().await.unwrap();
    }
    depth_becomes(broker, 5).await; // accepted once, accepted for good
    refused().await;
    assert_eq!(after_release::<B>(delivered(&receive(&mut *consumer, 5).await)), ids(&jobs));
}

pub(crate) async fn depth_counts_what_waits<B: BrokerBackend>() {
    let fixture = B::broker(options()).await;
    let broker = &*fixture.store;
    soon("ready", broker.ready()).await.unwrap();
    depth_becomes(broker, 0).await;
    let jobs: Vec<Job> = (0..5).map(|number| job(&number.to_string())).collect();
    publish_all(broker, &jobs).await;
    depth_becomes(broker, 5).await;
    let mut consumer = consumer(broker).await;
    let mut held = receive(&mut *consumer, 3).await;
    depth_becomes(broker, 2).await;
    held.remove(0).ack().await.unwrap();
    depth_becomes(broker, 2).await;
    held.remove(0).reject("engine lost").await.unwrap();
    depth_becomes(broker, 3).await;
    drop(held);
    depth_becomes(broker, 4).await;
    drop(consumer);
    depth_becomes(broker, 4).await;
}
