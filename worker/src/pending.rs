//! What has come and is not started: one line for each queue, and the interactive one always first.

use std::collections::VecDeque;

use byecaptcha_queue::{Delivery, QueueName};

use crate::batcher::{self, Step};

/// Deliveries in the order of their coming.
#[derive(Default)]
pub(crate) struct Pending {
    interactive: VecDeque<Delivery>,
    bulk: VecDeque<Delivery>,
}

impl Pending {
    pub(crate) fn is_empty(&self) -> bool {
        self.interactive.is_empty() && self.bulk.is_empty()
    }

    pub(crate) fn len(&self, queue: QueueName) -> usize {
        match queue {
            QueueName::Interactive => self.interactive.len(),
            QueueName::Bulk => self.bulk.len(),
        }
    }

    pub(crate) fn extend(&mut self, queue: QueueName, deliveries: Vec<Delivery>) {
        match queue {
            QueueName::Interactive => self.interactive.extend(deliveries),
            QueueName::Bulk => self.bulk.extend(deliveries),
        }
    }

    /// Whether a redelivery is among them.
    pub(crate) fn holds_suspects(&self) -> bool {
        self.interactive.iter().chain(&self.bulk).any(|delivery| batcher::is_suspect(delivery.attempt))
    }

    /// The next step. A batch is of one queue: one that was filled up with bulk jobs would keep the person who waits for
    /// it for longer.
    pub(crate) fn next_step(&self, max_batch: usize) -> Option<Step> {
        let line = if self.interactive.is_empty() { &self.bulk } else { &self.interactive };
        batcher::next_step(line.iter().map(|delivery| delivery.attempt), max_batch)
    }

    /// Takes the first `count` of those that [`Pending::next_step`] speaks of.
    pub(crate) fn take(&mut self, count: usize) -> Vec<Delivery> {
        let line = if self.interactive.is_empty() { &mut self.bulk } else { &mut self.interactive };
        line.drain(..count.min(line.len())).collect()
    }

    /// Takes all but the first.
    pub(crate) fn take_all_but_first(&mut self) -> Vec<Delivery> {
        let mut all = self.take_all();
        if !all.is_empty() {
            // Whichever queue it is from, alone it is the first.
            self.interactive.push_back(all.remove(0));
        }
        all
    }

    /// Takes all.
    pub(crate) fn take_all(&mut self) -> Vec<Delivery> {
        self.interactive.drain(..).chain(self.bulk.drain(..)).collect()
    }
}
