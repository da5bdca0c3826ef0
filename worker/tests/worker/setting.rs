//! A worker with its queue and its results, and the questions that tests ask them.

use std::{sync::Arc, time::Duration};

use byecaptcha_queue::{
    Broker, BrokerOptions, Job, JobId, JobOptions, JobRecord, JobStatus, Lookup, MemoryBroker, MemoryResults,
    ResultOptions, ResultStore,
};
use byecaptcha_worker::{Drained, Heartbeat, Worker, WorkerError, WorkerSettings};
use bytes::Bytes;
use tokio::{task::JoinHandle, time::timeout};
use tokio_util::sync::CancellationToken;

use crate::script::{Script, picture};

/// Longer than anything here takes, on however busy a machine.
pub const PATIENCE: Duration = Duration::from_secs(20);

pub struct Setting {
    pub broker: Arc<MemoryBroker>,
    pub bulk: Arc<MemoryBroker>,
    pub results: Arc<MemoryResults>,
    pub script: Script,
}

pub struct Running {
    pub shutdown: CancellationToken,
    pub heartbeat: Heartbeat,
    pub worker: JoinHandle<Result<Drained, WorkerError>>,
}

impl Setting {
    pub fn new(script: Script) -> Self {
        Self {
            broker: Arc::new(MemoryBroker::new(BrokerOptions::default())),
            bulk: Arc::new(MemoryBroker::new(BrokerOptions::default())),
            results: Arc::new(MemoryResults::new(ResultOptions::default())),
            script,
        }
    }

    pub fn start(&self) -> Running {
        self.start_with(self.broker.clone(), self.results.clone(), WorkerSettings::default())
    }

    pub fn start_with(
        &self,
        broker: Arc<dyn Broker>,
        results: Arc<dyn ResultStore>,
        settings: WorkerSettings,
    ) -> Running {
        let shutdown = CancellationToken::new();
        let worker =
            Worker::new(broker, results, self.script.recognizer(), settings).with_bulk(self.bulk.clone());
        let heartbeat = worker.heartbeat();
        let worker = tokio::spawn(worker.run(shutdown.clone()));
        Running { shutdown, heartbeat, worker }
    }

    pub async fn publish(&self, character: char) -> JobId {
        self.publish_image(picture(character), JobOptions::default()).await
    }

    pub async fn publish_all(&self, characters: &str) -> Vec<JobId> {
        let mut ids = Vec::new();
        for character in characters.chars() {
            ids.push(self.publish(character).await);
        }
        ids
    }

    pub async fn publish_image(&self, image: Bytes, options: JobOptions) -> JobId {
        self.publish_to(&*self.broker, image, options).await
    }

    pub async fn publish_bulk(&self, characters: &str) -> Vec<JobId> {
        let mut ids = Vec::new();
        for character in characters.chars() {
            ids.push(self.publish_to(&*self.bulk, picture(character), JobOptions::default()).await);
        }
        ids
    }

    async fn publish_to(&self, broker: &dyn Broker, image: Bytes, options: JobOptions) -> JobId {
        let job = Job::new(image, options);
        self.results.create(&JobRecord::queued(&job)).await.unwrap();
        broker.publish(&job).await.unwrap();
        job.id
    }

    /// The job once it has ended.
    pub async fn ended(&self, id: JobId) -> JobRecord {
        match self.results.wait(id, PATIENCE).await.unwrap() {
            Lookup::Found(record) if record.status.is_terminal() => record,
            other => panic!("{id} did not end: {other:?}"),
        }
    }

    pub async fn texts(&self, ids: &[JobId]) -> String {
        let mut texts = String::new();
        for &id in ids {
            let record = self.ended(id).await;
            assert_eq!(record.status, JobStatus::Succeeded, "{:?}", record.error);
            texts += &record.result.unwrap().text;
        }
        texts
    }

    pub async fn depth(&self) -> usize {
        self.broker.depth().await.unwrap()
    }

    /// Waits until the engine has been given so many batches.
    pub async fn batches(&self, count: usize) -> Vec<String> {
        eventually("the engine gets its batches", async || self.script.batches().len() >= count).await;
        self.script.batches()
    }

    pub async fn depth_becomes(&self, depth: usize) {
        eventually("the queue's depth changes", async || self.depth().await == depth).await;
    }
}

impl Running {
    pub async fn stop(self) -> Drained {
        self.shutdown.cancel();
        timeout(PATIENCE, self.worker).await.expect("the worker stops").unwrap().unwrap()
    }
}

pub async fn eventually(what: &str, condition: impl AsyncFn() -> bool) {
    let met = async {
        while !condition().await {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    assert!(timeout(PATIENCE, met).await.is_ok(), "in vain: {what}");
}
