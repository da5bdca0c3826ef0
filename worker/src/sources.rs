//! The queues that a worker takes jobs from: the one it works for, and behind it, where it has one, the bulk queue.

use byecaptcha_queue::{Delivery, QueueName};
use futures::future;

use crate::source::Source;

/// One source or two.
pub(crate) struct Sources {
    pub(crate) interactive: Source,
    pub(crate) bulk: Option<Source>,
}

impl Sources {
    /// As [`Source::request`], with the room that each queue's line has.
    pub(crate) fn request(&mut self, room: impl Fn(QueueName) -> usize, idle: bool) {
        let bulk = self.bulk.as_mut().map(|bulk| (QueueName::Bulk, bulk));
        for (queue, source) in [(QueueName::Interactive, &mut self.interactive)].into_iter().chain(bulk) {
            let room = room(queue);
            if room > 0 {
                source.request(room, idle);
            }
        }
    }

    /// As [`Source::is_quiet`], of all.
    pub(crate) fn is_quiet(&self) -> bool {
        self.interactive.is_quiet() && self.bulk.as_ref().is_none_or(Source::is_quiet)
    }

    /// As [`Source::quiet`], of those that are not.
    pub(crate) fn quiet(&mut self) {
        for source in [&mut self.interactive].into_iter().chain(&mut self.bulk) {
            if !source.is_quiet() {
                source.quiet();
            }
        }
    }

    /// As [`Source::next`], of whichever is first. Cancel-safe.
    pub(crate) async fn next(&mut self) -> (QueueName, Vec<Delivery>) {
        let bulk = async {
            match &mut self.bulk {
                Some(bulk) => bulk.next().await,
                None => future::pending().await,
            }
        };
        tokio::select! {
            biased;
            deliveries = self.interactive.next() => (QueueName::Interactive, deliveries),
            deliveries = bulk => (QueueName::Bulk, deliveries),
        }
    }
}
