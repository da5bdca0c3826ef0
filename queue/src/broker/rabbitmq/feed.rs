//! The task behind a consumer: it owns the channel, takes what the server pushes, and looks whether the server is
//! still there. A consumer can stop waiting at any moment, and what half-way work that would leave is left to this task.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use futures::{StreamExt, future, stream::SelectAll};
use lapin::{
    Acker, Channel,
    message::Delivery,
    options::{BasicCancelOptions, BasicConsumeOptions, BasicQosOptions},
    types::FieldTable,
};
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, MissedTickBehavior, interval, timeout},
};

use super::{
    acknowledge,
    consumer::{Command, Shared},
    link::{Link, PATIENCE, Session},
    message,
    outbox::{Outbox, SECOND_TRIES},
};
use crate::{broker::BrokerError, job::Job};

/// How often a quiet connection is asked whether it lives. Heartbeats find a dead network; this finds a server that
/// answers them and does nothing else.
const WATCHDOG: Duration = Duration::from_secs(10);

/// A server before 4.3 counts an attempt at a message that is under way when its consumer is ended. So a consumer is ended
/// only once the server has pushed as many as it may, or once nothing has come for this long. No question to the server
/// tells the second for sure, since a job can be published after any answer. Nearly as good is to be slow about it: where
/// jobs come faster than this, the server soon has pushed as many as it may.
const QUIET: Duration = Duration::from_millis(100);
/// Consumers on one channel after which they are replaced by one.
const CONSUMERS: usize = 8;

/// A delivery that the server has pushed, ready to be handed out.
pub(super) struct Pushed {
    pub(super) job: Job,
    pub(super) attempt: u32,
    pub(super) acker: Acker,
}

/// A channel, and what is consumed on it at present. A consumer's prefetch is fixed for its life, so a wider window
/// is another consumer beside it.
struct Open {
    session: Arc<Session>,
    channel: Channel,
    consuming: SelectAll<lapin::Consumer>,
    /// How many unanswered deliveries all of them together may be pushed.
    window: u16,
}

/// Runs until the consumer is dropped; then gives back what it did not take.
pub(super) async fn run(
    link: Arc<Link>,
    outbox: Outbox,
    shared: Arc<Shared>,
    mut commands: mpsc::UnboundedReceiver<Command>,
) {
    let mut feed = Feed { link, outbox, shared, open: None };
    let mut watchdog = interval(WATCHDOG);
    watchdog.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let done = tokio::select! {
            command = commands.recv() => match command {
                Some(Command::Widen(window)) => feed.widen(window).await,
                Some(Command::Pause(done)) => feed.pause(done).await,
                None => break,
            },
            pushed = next(&mut feed.open) => feed.accept(pushed).await,
            _ = watchdog.tick() => feed.look().await,
        };
        if let Err(error) = done {
            feed.open = None;
            feed.shared.fail(error);
        }
    }
    feed.close().await;
}

/// The next message; waits for ever where nothing is consumed.
async fn next(open: &mut Option<Open>) -> Option<lapin::Result<Delivery>> {
    match open.as_mut().filter(|open| !open.consuming.is_empty()) {
        Some(open) => open.consuming.next().await,
        None => future::pending().await,
    }
}

struct Feed {
    link: Arc<Link>,
    outbox: Outbox,
    shared: Arc<Shared>,
    open: Option<Open>,
}

impl Feed {
    /// Has the server push up to so many unanswered deliveries.
    async fn widen(&mut self, window: u16) -> Result<(), BrokerError> {
        if self.open.is_some() {
            return self.consume(window).await;
        }
        for pause in SECOND_TRIES {
            let session = self.link.session().await?;
            let start = Instant::now();
            let Err(error) = self.open(Arc::clone(&session), window).await else { return Ok(()) };
            // What the server refuses it refuses with the channel, and would again.
            if start.elapsed() >= PATIENCE || session.connection.status().connected() {
                return Err(error);
            }
            // Another process may have declared the queue just now, and then older servers end the connection of
            // whoever consumes before the queue's processes run. That passes in a moment.
            tracing::warn!(%error, ?pause, "a queue cannot be consumed from; tried again");
            tokio::time::sleep(pause).await;
        }
        let session = self.link.session().await?;
        self.open(session, window).await
    }

    /// Begins to consume, where nothing is open.
    async fn open(&mut self, session: Arc<Session>, window: u16) -> Result<(), BrokerError> {
        let channel = session.bounded("opening a channel", session.connection.create_channel()).await?;
        // Deliveries of an earlier channel are not this one's.
        self.shared.lock().held = Arc::default();
        self.open = Some(Open { session, channel, consuming: SelectAll::new(), window: 0 });
        let consuming = self.consume(window).await;
        if consuming.is_err() {
            self.open = None;
        }
        consuming
    }

    /// As [`Feed::widen`], on the channel that is open.
    async fn consume(&mut self, window: u16) -> Result<(), BrokerError> {
        if self.open.as_ref().is_some_and(|open| open.consuming.len() >= CONSUMERS) {
            self.stop_pushing().await?;
        }
        let Some(Open { session, channel, consuming, window: before }) = &mut self.open else {
            return Ok(());
        };
        let more = window.saturating_sub(*before);
        if more == 0 {
            return Ok(());
        }
        // For one consumer (`global` off): quorum queues know no limit for a whole channel.
        session.bounded("setting the prefetch", channel.basic_qos(more, BasicQosOptions::default())).await?;
        // With acknowledgements (`no_ack` off), and not alone on the queue (`exclusive` off). No tag: the server makes
        // one up.
        let options = BasicConsumeOptions::default();
        let queue = self.outbox.topology.queue().clone();
        let consume = channel.basic_consume(queue, "".into(), options, FieldTable::default());
        consuming.push(session.bounded("consuming", consume).await?);
        *before = window;
        Ok(())
    }

    /// Whether there is room in the window, so that something may be under way.
    fn may_be_pushed_more(&self) -> bool {
        self.open.as_ref().filter(|open| !open.consuming.is_empty()).is_some_and(|open| {
            let state = self.shared.lock();
            state.ready.len() + state.held.load(Ordering::Relaxed) < usize::from(open.window)
        })
    }

    /// Ends the pushing; what came until then is ready to be handed out.
    async fn stop_pushing(&mut self) -> Result<(), BrokerError> {
        while self.may_be_pushed_more() {
            match timeout(QUIET, next(&mut self.open)).await {
                Ok(pushed) => self.accept(pushed).await?,
                Err(_) => break,
            }
        }
        let Some(Open { session, channel, consuming, window }) = &mut self.open else { return Ok(()) };
        *window = 0;
        let mut last = Vec::new();
        for mut consumer in std::mem::take(consuming) {
            let end = async {
                channel.basic_cancel(consumer.tag(), BasicCancelOptions::default()).await?;
                while let Some(delivery) = consumer.next().await {
                    last.push(delivery?);
                }
                Ok(())
            };
            session.bounded("ending a consumer", end).await?;
        }
        for delivery in last {
            self.push(delivery).await?;
        }
        Ok(())
    }

    async fn pause(&mut self, done: oneshot::Sender<()>) -> Result<(), BrokerError> {
        let paused = self.give_back().await;
        if let Err(error) = paused {
            self.open = None;
            self.shared.fail(error);
        }
        drop(done);
        Ok(())
    }

    /// Ends the pushing and returns what nobody took.
    async fn give_back(&mut self) -> Result<(), BrokerError> {
        self.stop_pushing().await?;
        let untaken = {
            let mut state = self.shared.lock();
            state.window = 0;
            std::mem::take(&mut state.ready)
        };
        // At once: one by one a server that is slow would keep a worker that stops for as long as it has jobs.
        let releases = untaken
            .iter()
            .map(|Pushed { job, attempt, acker }| acknowledge::release(acker, &self.outbox, job, *attempt));
        future::join_all(releases).await.into_iter().collect()
    }

    /// Takes what the stream has to say.
    async fn accept(&mut self, pushed: Option<lapin::Result<Delivery>>) -> Result<(), BrokerError> {
        match pushed {
            Some(Ok(delivery)) => self.push(delivery).await,
            Some(Err(error)) => Err(self.lost(&error.to_string())),
            None => Err(self.lost("the server ended the consumer")),
        }
    }

    fn lost(&self, reason: &str) -> BrokerError {
        if let Some(open) = &self.open {
            open.session.condemn();
        }
        BrokerError::Unavailable(reason.to_owned())
    }

    async fn push(&self, mut delivery: Delivery) -> Result<(), BrokerError> {
        match message::job(&mut delivery) {
            Ok((job, attempt)) => {
                self.shared.push(Pushed { job, attempt, acker: delivery.acker });
                Ok(())
            }
            // No worker can ever make anything of it, and it must not come back for ever.
            Err(reason) => {
                tracing::error!(reason, "something that is no job was in the queue; it is a dead letter now");
                self.outbox.set_aside(&delivery.data, delivery.properties).await?;
                acknowledge::ack(&delivery.acker).await
            }
        }
    }

    /// Asks the server something, to hear whether it lives.
    async fn look(&mut self) -> Result<(), BrokerError> {
        let Some(open) = &self.open else { return Ok(()) };
        open.session.depth(self.outbox.topology.queue()).await.map(drop)
    }

    /// The end: what was not taken goes back uncounted, what was handed out and not answered goes back counted.
    async fn close(mut self) {
        if let Err(error) = self.give_back().await {
            tracing::warn!(%error, "the broker takes back by itself what was not handed out");
        }
        if let Some(Open { session, channel, .. }) = self.open.take() {
            drop(session.bounded("closing a channel", channel.close(200, "".into())).await);
        }
    }
}
