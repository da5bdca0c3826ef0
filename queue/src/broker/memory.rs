//! The broker in this process's memory: for tests, for trying things out, and for the one-shot command line.
//! Everything it holds is gone when the process ends.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use tokio::sync::Notify;

use super::{
    Acknowledge, Broker, BrokerError, BrokerOptions, Consumer, DEAD_LETTERS_KEPT, DeadLetter, Delivery,
};
use crate::job::{Job, JobId};

/// A broker in memory. Clones share one queue.
#[derive(Clone)]
pub struct MemoryBroker {
    queue: Arc<Queue>,
}

impl MemoryBroker {
    /// An empty queue with these limits.
    pub fn new(options: BrokerOptions) -> Self {
        let queue = Queue { options, state: Mutex::default(), work: Notify::new() };
        Self { queue: Arc::new(queue) }
    }
}

#[async_trait]
impl Broker for MemoryBroker {
    async fn publish(&self, job: &Job) -> Result<(), BrokerError> {
        let limit = self.queue.options.capacity;
        let mut state = self.queue.lock();
        if state.waiting.len() >= limit {
            return Err(BrokerError::Full { limit });
        }
        let sequence = state.next_number();
        state.waiting.insert(sequence, Waiting { job: job.clone(), attempts: 0 });
        drop(state);
        self.queue.work.notify_one();
        Ok(())
    }

    async fn consumer(&self) -> Result<Box<dyn Consumer>, BrokerError> {
        let id = self.queue.lock().next_number();
        Ok(Box::new(MemoryConsumer { queue: Arc::clone(&self.queue), id }))
    }

    async fn depth(&self) -> Result<usize, BrokerError> {
        Ok(self.queue.lock().waiting.len())
    }

    async fn dead_letters(&self) -> Result<Vec<DeadLetter>, BrokerError> {
        Ok(self.queue.lock().dead_letters.iter().cloned().collect())
    }

    async fn remove_dead_letters(&self, ids: &[JobId]) -> Result<usize, BrokerError> {
        let letters = &mut self.queue.lock().dead_letters;
        let before = letters.len();
        letters.retain(|letter| !ids.contains(&letter.job.id));
        Ok(before - letters.len())
    }

    async fn ready(&self) -> Result<(), BrokerError> {
        Ok(())
    }
}

struct Queue {
    options: BrokerOptions,
    state: Mutex<State>,
    /// Rung once for each job that starts to wait. Whoever hears it and leaves jobs behind rings it again.
    work: Notify,
}

#[derive(Default)]
struct State {
    numbers: u64,
    /// By the order of acceptance, which a job keeps through every return.
    waiting: BTreeMap<u64, Waiting>,
    /// By the number of the delivery.
    held: BTreeMap<u64, Held>,
    dead_letters: VecDeque<DeadLetter>,
}

struct Waiting {
    job: Job,
    /// How many deliveries counted so far.
    attempts: u32,
}

struct Held {
    consumer: u64,
    sequence: u64,
    job: Job,
    attempt: u32,
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing under this lock can panic half-way through a change, so what a poisoned one guards is whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(self: &Arc<Self>, consumer: u64, max: usize) -> Vec<Delivery> {
        let mut state = self.lock();
        let mut deliveries = Vec::new();
        while deliveries.len() < max.max(1)
            && let Some((sequence, Waiting { job, attempts })) = state.waiting.pop_first()
        {
            let attempt = attempts.saturating_add(1);
            let number = state.next_number();
            state.held.insert(number, Held { consumer, sequence, job: job.clone(), attempt });
            let acknowledge = MemoryAcknowledge { queue: Arc::clone(self), number, answered: false };
            deliveries.push(Delivery { job, attempt, acknowledge: Box::new(acknowledge) });
        }
        if !deliveries.is_empty() && !state.waiting.is_empty() {
            self.work.notify_one();
        }
        deliveries
    }

    /// Ends a delivery; `None` where it no longer is its consumer's.
    fn settle(&self, number: u64, answer: Answer<'_>) -> Option<()> {
        let mut state = self.lock();
        let Held { sequence, job, attempt, .. } = state.held.remove(&number)?;
        match answer {
            Answer::Ack => {}
            Answer::Reject(reason) if attempt >= self.options.delivery_limit => {
                tracing::warn!(job = %job.id, attempt, reason, "the job is a dead letter now");
                state.dead_letters.push_back(DeadLetter {
                    job,
                    attempts: attempt,
                    reason: reason.to_owned(),
                });
                if state.dead_letters.len() > DEAD_LETTERS_KEPT {
                    state.dead_letters.pop_front();
                }
            }
            Answer::Reject(_) | Answer::Drop => {
                state.waiting.insert(sequence, Waiting { job, attempts: attempt });
                self.work.notify_one();
            }
            Answer::Release => {
                state.waiting.insert(sequence, Waiting { job, attempts: attempt.saturating_sub(1) });
                self.work.notify_one();
            }
        }
        Some(())
    }
}

impl State {
    /// One counter names jobs in their order, consumers and deliveries.
    fn next_number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }
}

struct MemoryConsumer {
    queue: Arc<Queue>,
    id: u64,
}

#[async_trait]
impl Consumer for MemoryConsumer {
    async fn receive(&mut self, max: usize) -> Result<Vec<Delivery>, BrokerError> {
        loop {
            let deliveries = self.queue.take(self.id, max);
            if !deliveries.is_empty() {
                return Ok(deliveries);
            }
            // A ring between the look above and this line is stored and ends the wait at once.
            self.queue.work.notified().await;
        }
    }
}

impl Drop for MemoryConsumer {
    fn drop(&mut self) {
        let mut state = self.queue.lock();
        let returned: Vec<Held> =
            state.held.extract_if(.., |_, held| held.consumer == self.id).map(|(_, held)| held).collect();
        for Held { sequence, job, attempt, .. } in returned {
            state.waiting.insert(sequence, Waiting { job, attempts: attempt });
        }
        if !state.waiting.is_empty() {
            self.queue.work.notify_one();
        }
    }
}

#[derive(Clone, Copy)]
enum Answer<'a> {
    Ack,
    Reject(&'a str),
    Release,
    Drop,
}

struct MemoryAcknowledge {
    queue: Arc<Queue>,
    number: u64,
    answered: bool,
}

impl MemoryAcknowledge {
    fn answer(&mut self, answer: Answer<'_>) -> Result<(), BrokerError> {
        self.answered = true;
        self.queue.settle(self.number, answer).ok_or_else(BrokerError::stale)
    }
}

#[async_trait]
impl Acknowledge for MemoryAcknowledge {
    async fn ack(mut self: Box<Self>) -> Result<(), BrokerError> {
        self.answer(Answer::Ack)
    }

    async fn reject(mut self: Box<Self>, reason: &str) -> Result<(), BrokerError> {
        self.answer(Answer::Reject(reason))
    }

    async fn release(mut self: Box<Self>) -> Result<(), BrokerError> {
        self.answer(Answer::Release)
    }
}

impl Drop for MemoryAcknowledge {
    fn drop(&mut self) {
        if !self.answered {
            // `None` means that the consumer went first and returned the job itself.
            self.queue.settle(self.number, Answer::Drop);
        }
    }
}
