//! Where deliveries come from: one receive at a time, which goes on while the loop looks at other things, can be
//! stopped without losing a job, and is tried again while the broker is away.

use std::sync::Arc;

use byecaptcha_queue::{Broker, BrokerError, Consumer, Delivery};
use futures::future::{self, BoxFuture};
use tokio_util::sync::CancellationToken;

use crate::backoff::Backoff;

type Round = (Option<Box<dyn Consumer>>, Result<Vec<Delivery>, BrokerError>);

pub(crate) struct Source {
    broker: Arc<dyn Broker>,
    /// Absent before the first receive, while one is under way, and once a failed one has been let go.
    consumer: Option<Box<dyn Consumer>>,
    receiving: Option<BoxFuture<'static, Round>>,
    stop: CancellationToken,
    backoff: Backoff,
    suspect: bool,
    /// Whether the broker pushes nothing ahead: so from the start, after a pause, and until the next receive.
    quiet: bool,
}

impl Source {
    pub(crate) fn new(broker: Arc<dyn Broker>) -> Self {
        Self {
            broker,
            consumer: None,
            receiving: None,
            stop: CancellationToken::new(),
            backoff: Backoff::default(),
            suspect: false,
            quiet: true,
        }
    }

    /// Starts to receive up to `max` deliveries, unless a receive is under way. `idle` says that nothing that came
    /// from here is still held: only then may a consumer that failed be replaced, since a consumer takes its
    /// deliveries with it.
    pub(crate) fn request(&mut self, max: usize, idle: bool) {
        if self.receiving.is_some() {
            return;
        }
        if self.suspect && idle {
            self.consumer = None;
            self.suspect = false;
        }
        let (broker, mut consumer) = (Arc::clone(&self.broker), self.consumer.take());
        let delay = self.backoff.delay();
        self.stop = CancellationToken::new();
        self.quiet = false;
        let stop = self.stop.clone();
        self.receiving = Some(Box::pin(async move {
            let receive = async {
                tokio::time::sleep(delay).await;
                let consumer = match &mut consumer {
                    Some(consumer) => consumer,
                    none => none.insert(broker.consumer().await?),
                };
                consumer.receive(max).await
            };
            let received = tokio::select! {
                biased;
                received = receive => received,
                () = stop.cancelled() => Ok(Vec::new()),
            };
            (consumer, received)
        }));
    }

    /// Whether nothing comes and nothing has been pushed ahead. Until then there is [`Source::quiet`] to ask for it.
    pub(crate) fn is_quiet(&self) -> bool {
        self.quiet && self.receiving.is_none()
    }

    /// Ends the receive under way with what it has, which may be nothing, or else has the broker take back what it has
    /// pushed ahead. [`Source::next`] tells when that is done; asked until [`Source::is_quiet`], both are.
    pub(crate) fn quiet(&mut self) {
        if self.receiving.is_some() {
            self.stop.cancel();
            return;
        }
        let mut consumer = self.consumer.take();
        self.quiet = true;
        self.receiving = Some(Box::pin(async move {
            let paused = match &mut consumer {
                Some(consumer) => consumer.pause().await,
                None => Ok(()),
            };
            (consumer, paused.map(|()| Vec::new()))
        }));
    }

    /// Waits for what is under way, for ever where there is nothing. Empty after [`Source::quiet`] and after an error,
    /// which is logged. Cancel-safe: the receive goes on with the next call.
    pub(crate) async fn next(&mut self) -> Vec<Delivery> {
        let Some(receiving) = &mut self.receiving else { return future::pending().await };
        let (consumer, received) = receiving.await;
        self.receiving = None;
        self.consumer = consumer;
        match received {
            Ok(deliveries) => {
                self.backoff.succeeded();
                deliveries
            }
            Err(error) => {
                self.backoff.failed();
                self.suspect = true;
                let retry_in = self.backoff.delay();
                tracing::warn!(%error, ?retry_in, "the broker hands out no jobs");
                Vec::new()
            }
        }
    }
}
