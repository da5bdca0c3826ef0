//! The loop that keeps the engine busy: it takes jobs ahead while a batch is in the engine, forms the next batch of
//! what has come by the time the engine is free, and lets outcomes be written meanwhile. Idle, it waits without timers.
//!
//! A job that comes for the second time may be the one that killed the worker. It goes through the engine alone, with
//! nothing else held, so that no other job's attempts are counted should the worker die of it again; and once it has
//! had its attempts alone, it is given up.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use byecaptcha_queue::{Delivery, JobId, Outcome, QueueName, ResultStore, job::now_ms};
use tokio::{
    task::JoinSet,
    time::{Instant, MissedTickBehavior, interval, timeout_at},
};
use tokio_util::sync::CancellationToken;

use crate::{
    Drained,
    batcher::{self, Step},
    engine::{Answers, Engine, EngineGone, Picture},
    heartbeat::{self, Heartbeat},
    metrics,
    pending::Pending,
    running::{Progress, Running, Stage, progress},
    settle::{join_all, log_if_panicked, settle},
    sources::Sources,
    starts::Starts,
    suspect::{self, Finding},
    trace::{self, Interval},
    verdict::{Identity, Timings, Verdict},
};

/// Batches whose outcomes may be on their way to the store while the engine goes on. A store that is down stops the
/// engine here, and the jobs stay in the broker.
const MAX_SETTLING: usize = 4;
/// For the broker to take back what it pushed ahead, before what the engine has read is written all the same.
const FOR_THE_BROKER: Duration = Duration::from_secs(1);
/// For the broker to take back what the store did not, once the time for draining is over.
const LAST_ANSWERS: Duration = Duration::from_secs(1);

pub(crate) struct ConsumerLoop {
    pub(crate) sources: Sources,
    pub(crate) results: Arc<dyn ResultStore>,
    pub(crate) engine: Engine,
    pub(crate) identity: Identity,
    pub(crate) limits: Limits,
    heartbeat: Heartbeat,
    /// Received and not started.
    pending: Pending,
    running: Option<Running>,
    /// Each yields how many deliveries it gave back unstarted.
    settling: JoinSet<usize>,
    give_up: CancellationToken,
    starts: Starts,
    /// Whether the next receive may well bring a redelivery. True at the start: after a crash the queue begins with
    /// the jobs that the crash interrupted.
    wary: bool,
}

/// What bounds the loop.
#[derive(Clone, Copy)]
pub(crate) struct Limits {
    /// Most jobs in one batch; at least 1.
    pub(crate) max_batch: usize,
    /// The last attempt at a job that is made; at least 1.
    pub(crate) delivery_limit: u32,
    /// Most deliveries held, in the engine and before it.
    pub(crate) prefetch: usize,
}

impl ConsumerLoop {
    pub(crate) fn new(
        sources: Sources,
        results: Arc<dyn ResultStore>,
        engine: Engine,
        identity: Identity,
        limits: Limits,
        heartbeat: Heartbeat,
    ) -> Self {
        Self {
            sources,
            results,
            engine,
            identity,
            limits: Limits { prefetch: limits.prefetch.max(limits.max_batch), ..limits },
            heartbeat,
            pending: Pending::default(),
            running: None,
            settling: JoinSet::new(),
            give_up: CancellationToken::new(),
            starts: Starts::default(),
            wary: true,
        }
    }

    /// Works until the shutdown, then drains. An error means that the engine's thread is gone.
    pub(crate) async fn run(
        mut self,
        shutdown: CancellationToken,
        drain: Duration,
    ) -> Result<Drained, EngineGone> {
        let mut pulse = interval(heartbeat::INTERVAL);
        pulse.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let ended = loop {
            self.beat();
            if let Err(gone) = self.start_next() {
                break Err(gone);
            }
            self.receive_more();
            tokio::select! {
                () = shutdown.cancelled() => break Ok(()),
                (queue, deliveries) = self.sources.next() => self.hold(queue, deliveries),
                progress = progress(&mut self.running) => match progress.and_then(|come| self.go_on(come)) {
                    Ok(()) => {}
                    Err(gone) => {
                        // Dropped, they go back with the attempt counted: it may be their fault.
                        self.running = None;
                        break Err(gone);
                    }
                },
                Some(settled) = self.settling.join_next() => log_if_panicked(&settled),
                _ = pulse.tick() => {}
            }
        };
        let drained = self.drain(drain).await;
        ended.map(|()| drained)
    }

    /// The loop turns; but for one whose engine is stuck, that says nothing.
    fn beat(&self) {
        let since = self.running.as_ref().and_then(Running::in_engine_since);
        if since.is_none_or(|since| since.elapsed() < heartbeat::INTERVAL) {
            self.heartbeat.beat();
        }
    }

    /// Asks the broker for as many as are useful to have at hand beside those in the engine.
    fn receive_more(&mut self) {
        let idle = self.pending.is_empty() && self.running.is_none() && self.settling.is_empty();
        let careful = self.wary
            || self.running.as_ref().is_some_and(|running| running.alone)
            || self.pending.holds_suspects();
        let running = self.running.as_ref().map_or(0, Running::count);
        let room = |queue| match careful {
            true => usize::from(idle),
            // Each queue has its own: bulk jobs that wait here must not keep interactive ones from coming.
            false => self.limits.prefetch.saturating_sub(self.pending.len(queue) + running),
        };
        self.sources.request(room, idle);
    }

    fn hold(&mut self, queue: QueueName, deliveries: Vec<Delivery>) {
        if deliveries.is_empty() {
            return;
        }
        let redelivered = deliveries.iter().filter(|delivery| batcher::is_suspect(delivery.attempt)).count();
        metrics::redelivered(redelivered);
        self.wary = redelivered > 0;
        self.pending.extend(queue, deliveries);
    }

    /// Starts whatever can be started now.
    fn start_next(&mut self) -> Result<(), EngineGone> {
        while self.running.is_none() && self.settling.len() < MAX_SETTLING {
            let Some(step) = self.pending.next_step(self.limits.max_batch) else { return Ok(()) };
            match step {
                Step::Together(count) => {
                    let batch = self.sift(count);
                    if batch.is_empty() {
                        continue;
                    }
                    if self.starts.ask_first() {
                        self.ask(batch);
                    } else {
                        self.note_start(&batch);
                        self.start(batch, false)?;
                    }
                }
                Step::Alone => {
                    self.wary = true;
                    let others = self.pending.take_all_but_first();
                    self.release(others);
                    if !self.sources.is_quiet() {
                        // A receive ends with what it has; if that is anything, it is released as well.
                        self.sources.quiet();
                        return Ok(());
                    }
                    if !self.settling.is_empty() {
                        return Ok(());
                    }
                    if let Some(delivery) = self.sift(1).pop() {
                        self.examine(delivery);
                    }
                }
            }
        }
        Ok(())
    }

    /// Takes the first `count`, but for those that ask for a model that is not here or that nobody waits for any more.
    fn sift(&mut self, count: usize) -> Vec<Delivery> {
        let mut known = Vec::with_capacity(count);
        let mut over = Vec::new();
        let now = now_ms();
        for delivery in self.pending.take(count) {
            let options = &delivery.job.options;
            match &options.model {
                _ if options.deadline_at_ms.is_some_and(|deadline| deadline <= now) => {
                    over.push((delivery, Verdict::Done(Outcome::Expired)));
                }
                Some(model) if *model != self.identity.name => {
                    let verdict = Verdict::unknown_model(model, &self.identity);
                    over.push((delivery, verdict));
                }
                _ => known.push(delivery),
            }
        }
        if !over.is_empty() {
            self.settle(over);
        }
        known
    }

    /// Asks what is known of a job that comes again.
    fn examine(&mut self, delivery: Delivery) {
        let results = Arc::clone(&self.results);
        let limit = self.limits.delivery_limit;
        let finding = suspect::examine(results, delivery.job.id, delivery.attempt, limit);
        let stage = Stage::Examined(Box::pin(finding));
        self.running = Some(Running { deliveries: vec![delivery], stage, alone: true });
    }

    /// Asks which of these are still to be done.
    fn ask(&mut self, deliveries: Vec<Delivery>) {
        let stage = Stage::Noted(Box::pin(self.noted(&deliveries)));
        self.running = Some(Running { deliveries, stage, alone: false });
    }

    /// Hands these to the engine.
    fn start(&mut self, deliveries: Vec<Delivery>, alone: bool) -> Result<(), EngineGone> {
        let pictures = deliveries.iter().map(|delivery| Picture::of(&delivery.job)).collect();
        let answers = self.engine.submit(pictures)?;
        let at_ms = now_ms();
        for delivery in &deliveries {
            metrics::started(Duration::from_millis(at_ms.saturating_sub(delivery.job.submitted_at_ms)));
        }
        let stage = Stage::Engine { answers, since: Instant::now(), at_ms };
        self.running = Some(Running { deliveries, stage, alone });
        Ok(())
    }

    fn go_on(&mut self, progress: Progress) -> Result<(), EngineGone> {
        let Some(Running { deliveries, alone, .. }) = self.running.take() else { return Ok(()) };
        match progress {
            Progress::Found(Finding::Try) => {
                self.note_start(&deliveries);
                self.start(deliveries, alone)?;
            }
            Progress::Found(Finding::Settle(verdict)) => {
                self.settle(deliveries.into_iter().zip([verdict]).collect());
            }
            Progress::Noted(to_do) => {
                let mut to_do = to_do.into_iter();
                let (to_do, over): (Vec<_>, Vec<_>) =
                    deliveries.into_iter().partition(|_| to_do.next().unwrap_or(true));
                if !over.is_empty() {
                    tracing::info!(jobs = over.len(), "jobs had ended before they were started");
                    self.settle(over.into_iter().map(|delivery| (delivery, Verdict::Over)).collect());
                }
                if !to_do.is_empty() {
                    self.start(to_do, alone)?;
                }
            }
            Progress::Answered(answers, at_ms) => self.conclude(deliveries, at_ms, answers),
        }
        Ok(())
    }

    /// Clients may see that their jobs have started. The engine does not wait for that: an outcome that is written
    /// first stays as it is.
    fn note_start(&mut self, deliveries: &[Delivery]) {
        let noted = self.noted(deliveries);
        self.settling.spawn(async move {
            noted.await;
            0
        });
    }

    fn noted(&self, deliveries: &[Delivery]) -> impl Future<Output = Vec<bool>> + Send + use<> {
        let (results, starts) = (Arc::clone(&self.results), self.starts.clone());
        let ids: Vec<JobId> = deliveries.iter().map(|delivery| delivery.job.id).collect();
        async move { starts.note(results.as_ref(), &ids).await }
    }

    /// Turns the answers of the batch that was in the engine into outcomes and new attempts.
    fn conclude(
        &mut self,
        deliveries: Vec<Delivery>,
        started_at_ms: u64,
        Answers { answers, elapsed }: Answers,
    ) {
        let engine_ms = elapsed.as_secs_f64() * 1e3;
        tracing::debug!(jobs = deliveries.len(), engine_ms, "a batch is through");
        metrics::inferred(deliveries.len(), elapsed);
        let end = SystemTime::now();
        let engine = Interval { start: end - elapsed, end };
        trace::batch(deliveries.iter().map(|delivery| &delivery.job), engine);
        let verdicts = deliveries.into_iter().zip(answers).map(|(delivery, answer)| {
            let queue_ms = started_at_ms.saturating_sub(delivery.job.submitted_at_ms) as f64;
            let last = delivery.attempt >= self.limits.delivery_limit;
            let timings = Timings { queue_ms, engine_ms };
            let verdict = Verdict::of(answer, &delivery.job.options, &self.identity, timings, last);
            (delivery, verdict)
        });
        let verdicts = verdicts.collect();
        self.settle(verdicts);
    }

    fn settle(&mut self, verdicts: Vec<(Delivery, Verdict)>) {
        self.settling.spawn(settle(Arc::clone(&self.results), verdicts, self.give_up.clone()));
    }

    fn release(&mut self, deliveries: Vec<Delivery>) {
        if !deliveries.is_empty() {
            self.settle(deliveries.into_iter().map(|delivery| (delivery, Verdict::Release)).collect());
        }
    }

    /// Gives back what was not started, and lets what was come to its end.
    async fn drain(mut self, drain: Duration) -> Drained {
        let deadline = Instant::now() + drain;
        let mut drained = Drained::default();
        // RabbitMQ pushes a job for each that is answered, and one that it pushes while its consumer ends costs an attempt.
        // So answers wait until it pushes no more, but for a moment only where it is slow.
        let quiet = async {
            while !self.sources.is_quiet() {
                self.sources.quiet();
                let (queue, deliveries) = self.sources.next().await;
                self.hold(queue, deliveries);
            }
        };
        drop(timeout_at(deadline.min(Instant::now() + FOR_THE_BROKER), quiet).await);
        if let Some(unstarted) = self.running.take_if(|running| running.in_engine_since().is_none()) {
            self.release(unstarted.deliveries);
        }
        let over = timeout_at(deadline, async {
            loop {
                let unstarted = self.pending.take_all();
                self.release(unstarted);
                if !self.sources.is_quiet() {
                    self.sources.quiet();
                } else if self.running.is_none() {
                    break;
                }
                tokio::select! {
                    (queue, deliveries) = self.sources.next() => self.hold(queue, deliveries),
                    progress = progress(&mut self.running) => self.end(progress, &mut drained),
                }
            }
        });
        if over.await.is_err() {
            if !self.sources.is_quiet() {
                // Its consumer is dropped with the loop, and what it pushed goes back then.
                tracing::warn!("the broker did not take back in time what it had pushed ahead");
            }
            self.end(Err(EngineGone), &mut drained);
        }
        if timeout_at(deadline, join_all(&mut self.settling, &mut drained)).await.is_err() {
            self.give_up.cancel();
            let last = Instant::now() + LAST_ANSWERS;
            drop(timeout_at(last, join_all(&mut self.settling, &mut drained)).await);
        }
        drained
    }

    /// What becomes of the batch in the engine when no other is to follow.
    fn end(&mut self, progress: Result<Progress, EngineGone>, drained: &mut Drained) {
        let Some(Running { deliveries, .. }) = self.running.take() else { return };
        match progress {
            Ok(Progress::Answered(answers, at_ms)) => self.conclude(deliveries, at_ms, answers),
            // Dropped with `deliveries`, they go back with the attempt counted: it may be their fault.
            _ => drained.abandoned += deliveries.len(),
        }
    }
}
