//! A store that refuses and a broker that is watched, each around one in memory.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use async_trait::async_trait;
use byecaptcha_queue::{
    Acknowledge, Broker, BrokerError, CallId, Cancellation, Claim, Consumer, DeadLetter, Delivery,
    Fingerprint, Job, JobId, JobRecord, Lookup, MemoryBroker, MemoryResults, Outcome, ResultError,
    ResultStore,
};

/// Refuses to write the first outcomes, and where told to, to count; or does both and loses the answers.
pub struct RefusingResults {
    inner: Arc<MemoryResults>,
    refusals_left: AtomicUsize,
    refused: AtomicUsize,
    refuse_alone: AtomicBool,
    answers_to_lose: AtomicUsize,
    told: Mutex<Vec<bool>>,
}

impl RefusingResults {
    pub fn new(inner: Arc<MemoryResults>, refusals: usize) -> Self {
        Self {
            inner,
            refusals_left: refusals.into(),
            refused: 0.into(),
            refuse_alone: false.into(),
            answers_to_lose: 0.into(),
            told: Mutex::default(),
        }
    }

    /// Whether to count no times alone.
    pub fn refuse_alone(&self, refuse: bool) {
        self.refuse_alone.store(refuse, SeqCst);
    }

    /// So many calls are carried out, and whoever made them hears nothing of it.
    pub fn lose_answers(&self, count: usize) {
        self.answers_to_lose.store(count, SeqCst);
    }

    /// Whether the caller was told that it was the first, of each outcome that it was told of.
    pub fn told(&self) -> Vec<bool> {
        self.told.lock().unwrap().clone()
    }

    fn answer<T>(&self, answer: T) -> Result<T, ResultError> {
        match self.answers_to_lose.fetch_update(SeqCst, SeqCst, |left| left.checked_sub(1)) {
            Ok(_) => Err(ResultError::Unavailable("the answer is lost".to_owned())),
            Err(_) => Ok(answer),
        }
    }

    pub fn accept(&self) {
        self.refusals_left.store(0, SeqCst);
    }

    pub fn refusals_left(&self) -> usize {
        self.refusals_left.load(SeqCst)
    }

    pub fn refused(&self) -> usize {
        self.refused.load(SeqCst)
    }
}

#[async_trait]
impl ResultStore for RefusingResults {
    async fn create(&self, record: &JobRecord) -> Result<(), ResultError> {
        self.inner.create(record).await
    }
    async fn discard(&self, id: JobId) -> Result<(), ResultError> {
        self.inner.discard(id).await
    }
    async fn confirm(&self, ids: &[JobId]) -> Result<(), ResultError> {
        self.inner.confirm(ids).await
    }
    async fn claim(
        &self,
        owner: &str,
        key: &str,
        fingerprint: &Fingerprint,
        id: JobId,
    ) -> Result<Claim, ResultError> {
        self.inner.claim(owner, key, fingerprint, id).await
    }
    async fn start(&self, ids: &[JobId]) -> Result<Vec<bool>, ResultError> {
        self.inner.start(ids).await
    }
    async fn begin_alone_as(&self, call: CallId, id: JobId) -> Result<Option<u32>, ResultError> {
        if self.refuse_alone.load(SeqCst) {
            self.refused.fetch_add(1, SeqCst);
            return Err(ResultError::Unavailable("as scripted".to_owned()));
        }
        self.answer(self.inner.begin_alone_as(call, id).await?)
    }
    async fn finish_as(&self, call: CallId, outcomes: &[(JobId, Outcome)]) -> Result<Vec<bool>, ResultError> {
        if self.refusals_left.fetch_update(SeqCst, SeqCst, |left| left.checked_sub(1)).is_ok() {
            self.refused.fetch_add(1, SeqCst);
            return Err(ResultError::Unavailable("as scripted".to_owned()));
        }
        let first = self.answer(self.inner.finish_as(call, outcomes).await?)?;
        self.told.lock().unwrap().extend(&first);
        Ok(first)
    }
    async fn cancel(&self, id: JobId) -> Result<Cancellation, ResultError> {
        self.inner.cancel(id).await
    }
    async fn get(&self, id: JobId) -> Result<Lookup, ResultError> {
        self.inner.get(id).await
    }
    async fn wait(&self, id: JobId, patience: Duration) -> Result<Lookup, ResultError> {
        self.inner.wait(id, patience).await
    }
    async fn ready(&self) -> Result<(), ResultError> {
        self.inner.ready().await
    }
}

/// Notes each acknowledgement and whether the job's result was there by then; refuses at first where it is told to.
#[derive(Clone)]
pub struct WatchedBroker {
    inner: Arc<MemoryBroker>,
    watch: Arc<Watch>,
}

struct Watch {
    results: Arc<MemoryResults>,
    acks: Mutex<Vec<(JobId, bool)>>,
    refused_consumers: AtomicUsize,
    refused_receives: AtomicUsize,
    never_paused: AtomicBool,
    consumers: AtomicUsize,
}

impl WatchedBroker {
    pub fn new(inner: Arc<MemoryBroker>, results: Arc<MemoryResults>) -> Self {
        let watch = Watch {
            results,
            acks: Mutex::default(),
            refused_consumers: 0.into(),
            refused_receives: 0.into(),
            never_paused: false.into(),
            consumers: 0.into(),
        };
        Self { inner, watch: Arc::new(watch) }
    }

    pub fn acks(&self) -> Vec<(JobId, bool)> {
        self.watch.acks.lock().unwrap().clone()
    }

    pub fn refuse_consumers(&self, count: usize) {
        self.watch.refused_consumers.store(count, SeqCst);
    }

    pub fn refuse_receives(&self, count: usize) {
        self.watch.refused_receives.store(count, SeqCst);
    }

    /// From now on no pause comes to an end.
    pub fn never_pause(&self) {
        self.watch.never_paused.store(true, SeqCst);
    }

    pub fn consumers_made(&self) -> usize {
        self.watch.consumers.load(SeqCst)
    }
}

fn refuse(left: &AtomicUsize) -> Result<(), BrokerError> {
    match left.fetch_update(SeqCst, SeqCst, |left| left.checked_sub(1)) {
        Ok(_) => Err(BrokerError::Unavailable("as scripted".to_owned())),
        Err(_) => Ok(()),
    }
}

#[async_trait]
impl Broker for WatchedBroker {
    async fn publish(&self, job: &Job) -> Result<(), BrokerError> {
        self.inner.publish(job).await
    }
    async fn consumer(&self) -> Result<Box<dyn Consumer>, BrokerError> {
        refuse(&self.watch.refused_consumers)?;
        self.watch.consumers.fetch_add(1, SeqCst);
        Ok(Box::new(WatchedConsumer { inner: self.inner.consumer().await?, watch: Arc::clone(&self.watch) }))
    }
    async fn depth(&self) -> Result<usize, BrokerError> {
        self.inner.depth().await
    }
    async fn dead_letters(&self) -> Result<Vec<DeadLetter>, BrokerError> {
        self.inner.dead_letters().await
    }
    async fn remove_dead_letters(&self, ids: &[JobId]) -> Result<usize, BrokerError> {
        self.inner.remove_dead_letters(ids).await
    }
    async fn ready(&self) -> Result<(), BrokerError> {
        self.inner.ready().await
    }
}

struct WatchedConsumer {
    inner: Box<dyn Consumer>,
    watch: Arc<Watch>,
}

#[async_trait]
impl Consumer for WatchedConsumer {
    async fn receive(&mut self, max: usize) -> Result<Vec<Delivery>, BrokerError> {
        refuse(&self.watch.refused_receives)?;
        let deliveries = self.inner.receive(max).await?;
        Ok(deliveries
            .into_iter()
            .map(|Delivery { job, attempt, acknowledge }| {
                let watched =
                    WatchedAcknowledge { id: job.id, inner: acknowledge, watch: Arc::clone(&self.watch) };
                Delivery { job, attempt, acknowledge: Box::new(watched) }
            })
            .collect())
    }
    async fn pause(&mut self) -> Result<(), BrokerError> {
        if self.watch.never_paused.load(SeqCst) {
            std::future::pending::<()>().await;
        }
        self.inner.pause().await
    }
}

struct WatchedAcknowledge {
    id: JobId,
    inner: Box<dyn Acknowledge>,
    watch: Arc<Watch>,
}

#[async_trait]
impl Acknowledge for WatchedAcknowledge {
    async fn ack(self: Box<Self>) -> Result<(), BrokerError> {
        let written = matches!(
            self.watch.results.get(self.id).await.unwrap(),
            Lookup::Found(record) if record.status.is_terminal()
        );
        self.watch.acks.lock().unwrap().push((self.id, written));
        self.inner.ack().await
    }
    async fn reject(self: Box<Self>, reason: &str) -> Result<(), BrokerError> {
        self.inner.reject(reason).await
    }
    async fn release(self: Box<Self>) -> Result<(), BrokerError> {
        self.inner.release().await
    }
}
