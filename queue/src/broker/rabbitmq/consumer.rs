//! The receiving end that a worker holds: takes what its feed has been pushed, and says how much it wants.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use async_trait::async_trait;
use tokio::sync::{Notify, mpsc, oneshot};

use super::{
    acknowledge::{Held, RabbitAcknowledge},
    feed::{self, Pushed},
    link::Link,
    outbox::Outbox,
};
use crate::broker::{BrokerError, Consumer, Delivery};

pub(super) struct RabbitConsumer {
    shared: Arc<Shared>,
    /// Closed with the consumer, which ends the feed.
    commands: mpsc::UnboundedSender<Command>,
    outbox: Outbox,
    delivery_limit: u32,
}

/// What a consumer asks of its feed.
pub(super) enum Command {
    /// The server may have pushed so many deliveries that are not answered, at most.
    Widen(u16),
    /// Nothing more is to be pushed, and what no receive has taken goes back. The sender is dropped once that is done.
    Pause(oneshot::Sender<()>),
}

/// Where the feed puts what it is pushed.
#[derive(Default)]
pub(super) struct Shared {
    state: Mutex<State>,
    arrived: Notify,
}

#[derive(Default)]
pub(super) struct State {
    pub(super) ready: VecDeque<Pushed>,
    /// Why the feed has nothing more to give; told once.
    pub(super) failed: Option<BrokerError>,
    /// What was last asked for by [`Command::Widen`]; 0 where nothing is pushed.
    pub(super) window: u16,
    /// How many deliveries of the present channel are handed out and not answered.
    pub(super) held: Arc<AtomicUsize>,
}

impl Shared {
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing under this lock can panic half-way through a change, so what a poisoned one guards is whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn push(&self, pushed: Pushed) {
        self.lock().ready.push_back(pushed);
        self.arrived.notify_one();
    }

    /// The channel is gone: what was pushed through it is the server's again.
    pub(super) fn fail(&self, error: BrokerError) {
        let mut state = self.lock();
        state.ready.clear();
        state.window = 0;
        state.failed = Some(error);
        drop(state);
        self.arrived.notify_one();
    }
}

impl RabbitConsumer {
    pub(super) fn start(link: Arc<Link>, outbox: Outbox, delivery_limit: u32) -> Self {
        let shared = Arc::new(Shared::default());
        let (commands, inbox) = mpsc::unbounded_channel();
        tokio::spawn(feed::run(link, outbox.clone(), Arc::clone(&shared), inbox));
        Self { shared, commands, outbox, delivery_limit }
    }

    /// What is there, or an error, or nothing, and then the server has been asked for more.
    fn take(&self, max: usize) -> Result<Vec<Delivery>, BrokerError> {
        let mut state = self.shared.lock();
        if let Some(error) = state.failed.take() {
            return Err(error);
        }
        let count = max.min(state.ready.len());
        if count == 0 {
            let held = state.held.load(Ordering::Relaxed);
            // Beside those that are held there is room for what is asked for now.
            let window = u16::try_from(held.saturating_add(max)).unwrap_or(u16::MAX);
            if window > state.window {
                state.window = window;
                self.commands.send(Command::Widen(window)).map_err(|_| BrokerError::stale())?;
            }
        }
        let held = Arc::clone(&state.held);
        let deliveries = state.ready.drain(..count).map(|Pushed { job, attempt, acker }| {
            let acknowledge = RabbitAcknowledge {
                acker,
                held: Some(Held::new(&held)),
                outbox: self.outbox.clone(),
                job: job.clone(),
                attempt,
                delivery_limit: self.delivery_limit,
            };
            Delivery { job, attempt, acknowledge: Box::new(acknowledge) }
        });
        Ok(deliveries.collect())
    }
}

#[async_trait]
impl Consumer for RabbitConsumer {
    async fn receive(&mut self, max: usize) -> Result<Vec<Delivery>, BrokerError> {
        loop {
            let deliveries = self.take(max.max(1))?;
            if !deliveries.is_empty() {
                return Ok(deliveries);
            }
            // A ring between the look above and this line is stored and ends the wait at once.
            self.shared.arrived.notified().await;
        }
    }

    async fn pause(&mut self) -> Result<(), BrokerError> {
        let (done, paused) = oneshot::channel();
        self.commands.send(Command::Pause(done)).map_err(|_| BrokerError::stale())?;
        // The sender is dropped without a word: what matters is that the feed is through with it.
        drop(paused.await);
        match self.shared.lock().failed.take() {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }
}
