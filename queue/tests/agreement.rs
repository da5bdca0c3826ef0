//! The backends agree: whatever the order of publishes, receives, answers and drops, the SQLite broker hands out the
//! same jobs with the same attempts as the one in memory, and buries the same.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs, reason = "a test may stop at the first surprise")]

use std::sync::Arc;

use byecaptcha_queue::{
    Broker, BrokerError, BrokerOptions, Consumer, Delivery, Job, JobId, JobOptions, MemoryBroker,
    SqliteBroker, SqliteDatabase, broker::DEAD_LETTERS_KEPT,
};
use bytes::Bytes;
use proptest::{collection::vec, prelude::*};

const CONSUMERS: usize = 2;

#[derive(Clone, Copy, Debug)]
enum Answer {
    Ack,
    Reject,
    Release,
    Drop,
}

#[derive(Clone, Debug)]
enum Step {
    Publish,
    Receive { consumer: usize, max: usize },
    Answer { which: usize, answer: Answer },
    ReplaceConsumer { consumer: usize },
}

fn step() -> impl Strategy<Value = Step> {
    let answer =
        prop_oneof![Just(Answer::Ack), Just(Answer::Reject), Just(Answer::Release), Just(Answer::Drop)];
    prop_oneof![
        3 => Just(Step::Publish),
        3 => (0..CONSUMERS, 1..4_usize).prop_map(|(consumer, max)| Step::Receive { consumer, max }),
        4 => (0..8_usize, answer).prop_map(|(which, answer)| Step::Answer { which, answer }),
        1 => (0..CONSUMERS).prop_map(|consumer| Step::ReplaceConsumer { consumer }),
    ]
}

/// What a step shows to the outside.
#[derive(Debug, PartialEq)]
enum Seen {
    Accepted(bool),
    Received(Vec<(JobId, u32)>),
    Answered(bool),
    Nothing,
}

/// A broker with its consumers and the deliveries that they have yet to answer.
struct Side<B> {
    broker: B,
    consumers: Vec<Box<dyn Consumer>>,
    open: Vec<Delivery>,
}

impl<B: Broker> Side<B> {
    async fn new(broker: B) -> Self {
        let mut consumers = Vec::new();
        for _ in 0..CONSUMERS {
            consumers.push(broker.consumer().await.unwrap());
        }
        Self { broker, consumers, open: Vec::new() }
    }

    async fn take(&mut self, step: &Step, job: &Job) -> Seen {
        match step {
            Step::Publish => match self.broker.publish(job).await {
                Ok(()) => Seen::Accepted(true),
                Err(BrokerError::Full { .. }) => Seen::Accepted(false),
                Err(error) => panic!("{error}"),
            },
            Step::Receive { consumer, max } => {
                if self.broker.depth().await.unwrap() == 0 {
                    return Seen::Nothing;
                }
                let deliveries = self.consumers[*consumer].receive(*max).await.unwrap();
                let seen = deliveries.iter().map(|delivery| (delivery.job.id, delivery.attempt)).collect();
                self.open.extend(deliveries);
                Seen::Received(seen)
            }
            Step::Answer { which, answer } => {
                if self.open.is_empty() {
                    return Seen::Nothing;
                }
                let delivery = self.open.remove(which % self.open.len());
                Seen::Answered(match answer {
                    Answer::Ack => delivery.ack().await.is_ok(),
                    Answer::Reject => delivery.reject("engine lost").await.is_ok(),
                    Answer::Release => delivery.release().await.is_ok(),
                    Answer::Drop => {
                        drop(delivery);
                        true
                    }
                })
            }
            Step::ReplaceConsumer { consumer } => {
                self.consumers[*consumer] = self.broker.consumer().await.unwrap();
                Seen::Nothing
            }
        }
    }

    /// Taken after each step. `ready` goes through the same queue as the drops before it, so it waits for them.
    async fn standing(&self) -> (usize, Vec<(JobId, u32)>) {
        self.broker.ready().await.unwrap();
        let letters = self.broker.dead_letters().await.unwrap();
        let letters = letters.iter().map(|letter| (letter.job.id, letter.attempts)).collect();
        (self.broker.depth().await.unwrap(), letters)
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn brokers_agree(steps in vec(step(), 1..60)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let folder = tempfile::tempdir().unwrap();
            let database = SqliteDatabase::open(folder.path().join("queue.db")).unwrap();
            let options = BrokerOptions { capacity: 6, delivery_limit: 2 };
            let mut memory = Side::new(MemoryBroker::new(options)).await;
            let mut sqlite = Side::new(SqliteBroker::new(database, options)).await;
            for step in &steps {
                let job = Job::new(Bytes::from_static(b"picture"), JobOptions::default());
                let (one, other) = (memory.take(step, &job).await, sqlite.take(step, &job).await);
                prop_assert_eq!(one, other, "{:?}", step);
                prop_assert_eq!(memory.standing().await, sqlite.standing().await, "{:?}", step);
            }
            Ok(())
        })?;
    }
}

#[tokio::test]
async fn dead_letters_do_not_pile_up() {
    const MORE: usize = 20;
    let folder = tempfile::tempdir().unwrap();
    let database = SqliteDatabase::open(folder.path().join("queue.db")).unwrap();
    let options = BrokerOptions { delivery_limit: 1, ..BrokerOptions::default() };
    let sqlite = SqliteBroker::new(database, options);
    let memory = MemoryBroker::new(options);
    let jobs: Vec<Job> = (0..DEAD_LETTERS_KEPT + MORE)
        .map(|number| Job::new(Bytes::from(number.to_string()), JobOptions::default()))
        .collect();
    for broker in [Arc::new(sqlite) as Arc<dyn Broker>, Arc::new(memory)] {
        let mut tasks = tokio::task::JoinSet::new();
        for job in &jobs {
            let (broker, job) = (Arc::clone(&broker), job.clone());
            tasks.spawn(async move { broker.publish(&job).await });
        }
        assert!(tasks.join_all().await.iter().all(Result::is_ok));
        let mut consumer = broker.consumer().await.unwrap();
        let mut tasks = tokio::task::JoinSet::new();
        for delivery in consumer.receive(jobs.len()).await.unwrap() {
            tasks.spawn(async move { delivery.reject("no").await });
        }
        assert!(tasks.join_all().await.iter().all(Result::is_ok));
        let letters: Vec<_> =
            broker.dead_letters().await.unwrap().iter().map(|letter| letter.job.id).collect();
        let newest: Vec<_> = jobs[MORE..].iter().map(|job| job.id).collect();
        assert_eq!(letters, newest);
    }
}
