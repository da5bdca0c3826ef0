//! The worker: takes jobs from a broker in batches, reads them with one model, writes their outcomes to a result store.
//!
//! ```text
//! broker --receive--> held --batch--> engine thread --answers--> result store --then--> ack
//!           (ahead of the engine)      (owns the model)          (asked until it takes them)
//! ```
//!
//! A job's outcome is written before the broker is told, so whatever dies in between, nothing is lost and at most some
//! work is done twice. One worker has one engine thread; more of them, or more processes, compete for the jobs.

mod backoff;
pub mod batcher;
mod consumer;
pub mod engine;
mod heartbeat;
mod metrics;
mod pending;
mod running;
mod settle;
mod source;
mod sources;
mod starts;
mod suspect;
mod trace;
mod verdict;

use std::{io, sync::Arc, time::Duration};

use byecaptcha_models::Recognizer;
use byecaptcha_queue::{Broker, ResultStore};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

pub use heartbeat::Heartbeat;

use crate::{
    consumer::{ConsumerLoop, Limits},
    engine::{Engine, EngineGone},
    source::Source,
    sources::Sources,
    verdict::Identity,
};

/// How a worker works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WorkerSettings {
    /// Most pictures that go through the engine together. 8 by default.
    pub max_batch: usize,
    /// Most jobs held, in the engine and before it; at least a batch. Twice the batch by default, so that the next one
    /// is there when the engine is free.
    pub prefetch: usize,
    /// The last attempt at a job that is made; the same number as the broker's. 3 by default.
    pub delivery_limit: u32,
    /// How long a shutdown waits for what was started. 10 seconds by default.
    pub drain: Duration,
}

impl Default for WorkerSettings {
    fn default() -> Self {
        Self { max_batch: 8, prefetch: 16, delivery_limit: 3, drain: Duration::from_secs(10) }
    }
}

/// What a worker left when it stopped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Drained {
    /// Jobs that went back to the queue since they were not started, or their results could not be written in time.
    pub released: usize,
    /// Jobs that went back with an attempt counted since the engine did not finish them in time.
    pub abandoned: usize,
}

/// Why a worker stopped other than by its shutdown.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    /// The system gave no thread.
    #[error("the engine's thread cannot be started: {0}")]
    Thread(#[from] io::Error),
    /// The model does not run.
    #[error("the model cannot be warmed up: {0}")]
    WarmUp(String),
    /// The engine's thread ended.
    #[error(transparent)]
    Engine(#[from] EngineGone),
}

/// A worker that has not started yet.
pub struct Worker {
    broker: Arc<dyn Broker>,
    bulk: Option<Arc<dyn Broker>>,
    results: Arc<dyn ResultStore>,
    recognizer: Recognizer,
    settings: WorkerSettings,
    ready: watch::Sender<bool>,
    heartbeat: Heartbeat,
}

impl Worker {
    /// A worker for this queue, these results and this model.
    pub fn new(
        broker: Arc<dyn Broker>,
        results: Arc<dyn ResultStore>,
        recognizer: Recognizer,
        settings: WorkerSettings,
    ) -> Self {
        Self {
            broker,
            bulk: None,
            results,
            recognizer,
            settings,
            ready: watch::Sender::new(false),
            heartbeat: Heartbeat::new(),
        }
    }

    /// Takes jobs from this queue, too, whenever the first one has none.
    #[must_use]
    pub fn with_bulk(self, broker: Arc<dyn Broker>) -> Self {
        Self { bulk: Some(broker), ..self }
    }

    /// True from the end of the warm-up until the shutdown begins.
    pub fn ready(&self) -> watch::Receiver<bool> {
        self.ready.subscribe()
    }

    /// Beats while the worker runs, also while the engine warms up, for five minutes at most, or the broker is away.
    pub fn heartbeat(&self) -> Heartbeat {
        self.heartbeat.clone()
    }

    /// Works until `shutdown` is cancelled. Then it takes no more jobs, gives back those it has not started, and waits
    /// up to the drain time for the others.
    ///
    /// # Errors
    ///
    /// Only what no retry mends: the model or its thread. A broker or a store that is away is waited for.
    pub async fn run(self, shutdown: CancellationToken) -> Result<Drained, WorkerError> {
        let max_batch = self.settings.max_batch.max(1);
        let card = self.recognizer.card();
        let identity = Identity { name: card.name.clone(), version: card.version.clone() };
        metrics::describe(&identity, self.recognizer.engine());
        let engine = Engine::start(self.recognizer, max_batch)?;
        tokio::select! {
            warm = engine.warm() => warm.map_err(WorkerError::WarmUp)?,
            never = self.heartbeat.beat_through_warm_up() => match never {},
            () = shutdown.cancelled() => return Ok(Drained::default()),
        }
        self.ready.send_replace(true);
        let limits = Limits {
            max_batch,
            delivery_limit: self.settings.delivery_limit.max(1),
            prefetch: self.settings.prefetch,
        };
        let work = ConsumerLoop::new(
            Sources { interactive: Source::new(self.broker), bulk: self.bulk.map(Source::new) },
            self.results,
            engine,
            identity,
            limits,
            self.heartbeat,
        );
        let working = work.run(shutdown.clone(), self.settings.drain);
        tokio::pin!(working);
        let drained = tokio::select! {
            drained = &mut working => drained,
            () = shutdown.cancelled() => {
                self.ready.send_replace(false);
                working.await
            }
        };
        self.ready.send_replace(false);
        Ok(drained?)
    }
}
