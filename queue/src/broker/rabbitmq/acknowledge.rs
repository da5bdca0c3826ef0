//! How the RabbitMQ broker takes the answer to a delivery, or its silence.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use async_trait::async_trait;
use lapin::{
    Acker,
    options::{BasicAckOptions, BasicNackOptions, BasicRejectOptions},
};

use super::outbox::Outbox;
use crate::{
    broker::{Acknowledge, BrokerError},
    job::Job,
};

/// The way back for one delivery.
pub(super) struct RabbitAcknowledge {
    pub(super) acker: Acker,
    /// Counts this delivery among the unanswered ones of its channel. Let go before the answer is sent: the server is never
    /// to have more room than it is thought to have.
    pub(super) held: Option<Held>,
    pub(super) outbox: Outbox,
    /// What a release or a dead letter publishes; its picture is shared with the delivery.
    pub(super) job: Job,
    pub(super) attempt: u32,
    pub(super) delivery_limit: u32,
}

#[async_trait]
impl Acknowledge for RabbitAcknowledge {
    async fn ack(mut self: Box<Self>) -> Result<(), BrokerError> {
        drop(self.held.take());
        ack(&self.acker).await
    }

    async fn reject(mut self: Box<Self>, reason: &str) -> Result<(), BrokerError> {
        drop(self.held.take());
        if self.attempt < self.delivery_limit {
            // Requeued, and counted by servers of every version.
            return answered(&self.acker.reject(BasicRejectOptions { requeue: true }).await);
        }
        if self.acker.poisoned() {
            return Err(BrokerError::stale());
        }
        // In this order, since a crash between the two leaves a dead letter and a job, where the other order would
        // lose it.
        self.outbox.bury(&self.job, self.attempt, reason).await?;
        tracing::warn!(job = %self.job.id, attempt = self.attempt, reason, "the job is a dead letter now");
        ack(&self.acker).await
    }

    async fn release(mut self: Box<Self>) -> Result<(), BrokerError> {
        drop(self.held.take());
        release(&self.acker, &self.outbox, &self.job, self.attempt).await
    }
}

impl Drop for RabbitAcknowledge {
    fn drop(&mut self) {
        drop(self.held.take());
        // Outside a runtime the connection is gone as well, and the server takes the job back by itself.
        if self.acker.usable()
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            let acker = self.acker.clone();
            runtime.spawn(async move { drop(acker.reject(BasicRejectOptions { requeue: true }).await) });
        }
    }
}

/// One of the deliveries that a consumer has handed out and that are not answered.
pub(super) struct Held(Arc<AtomicUsize>);

impl Held {
    pub(super) fn new(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(count))
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Returns a delivery to the queue without counting the attempt.
pub(super) async fn release(
    acker: &Acker,
    outbox: &Outbox,
    job: &Job,
    attempt: u32,
) -> Result<(), BrokerError> {
    if acker.poisoned() {
        return Err(BrokerError::stale());
    }
    match outbox.republish(job, attempt.saturating_sub(1)).await {
        Ok(()) => ack(acker).await,
        Err(error) => {
            // Better returned with an attempt too many than held by someone who does not want it. Servers from 4.3 on
            // do not count this.
            tracing::warn!(%error, job = %job.id, "a job goes back to the queue with its attempt counted");
            answered(&acker.nack(BasicNackOptions { requeue: true, ..Default::default() }).await)
        }
    }
}

pub(super) async fn ack(acker: &Acker) -> Result<(), BrokerError> {
    answered(&acker.ack(BasicAckOptions::default()).await)
}

fn answered(answer: &lapin::Result<bool>) -> Result<(), BrokerError> {
    match answer {
        Ok(true) => Ok(()),
        Ok(false) | Err(_) => Err(BrokerError::stale()),
    }
}
