//! A server for one test, a worker that makes its readings up, and what tests keep asserting.

use std::{
    sync::{
        Arc,
        atomic::{AtomicIsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;

use byecaptcha_api::{ApiSettings, ApiState, ModelInfo, access::Access};
use byecaptcha_queue::{
    BatchStore, Broker, BrokerError, BrokerOptions, CharacterConfidence, Consumer, DeadLetter, Failure, Job,
    JobId, MemoryBroker, MemoryFeedback, MemoryResults, Outcome, Recognition, ResultOptions, ResultStore,
};
use reqwest::{Client, RequestBuilder, Response, StatusCode};
use serde_json::Value;
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};

pub(crate) struct TestApp {
    pub(crate) address: String,
    pub(crate) client: Client,
    pub(crate) broker: Arc<MemoryBroker>,
    pub(crate) bulk: Arc<MemoryBroker>,
    pub(crate) results: Arc<dyn ResultStore>,
    pub(crate) batches: Arc<dyn BatchStore>,
    pub(crate) state: ApiState,
    shutdown: Option<oneshot::Sender<()>>,
    server: JoinHandle<std::io::Result<()>>,
}

/// What a test may want different.
#[derive(Default)]
pub(crate) struct Setup {
    pub(crate) broker: BrokerOptions,
    pub(crate) results: ResultOptions,
    pub(crate) settings: ApiSettings,
    pub(crate) store: Option<Arc<dyn ResultStore>>,
    pub(crate) batches: Option<Arc<dyn BatchStore>>,
    pub(crate) keep_images: Option<Duration>,
    pub(crate) access: Access,
    pub(crate) recommended_min_confidence: Option<f32>,
    /// Jobs, the first ones, that the broker takes without a word that it has.
    pub(crate) unconfirmed: isize,
}

/// A broker that is slow to confirm.
struct Unconfirmed {
    inner: Arc<MemoryBroker>,
    left: AtomicIsize,
}

#[async_trait]
impl Broker for Unconfirmed {
    async fn publish(&self, job: &Job) -> Result<(), BrokerError> {
        self.inner.publish(job).await?;
        match self.left.fetch_sub(1, Ordering::Relaxed) {
            1.. => Err(BrokerError::Unavailable("it did not confirm in time".to_owned())),
            _ => Ok(()),
        }
    }
    async fn consumer(&self) -> Result<Box<dyn Consumer>, BrokerError> {
        self.inner.consumer().await
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

impl TestApp {
    pub(crate) async fn start() -> Self {
        Self::with(Setup::default()).await
    }

    pub(crate) async fn with(setup: Setup) -> Self {
        let broker = Arc::new(MemoryBroker::new(setup.broker));
        let records = Arc::new(MemoryResults::new(setup.results));
        let results = setup.store.unwrap_or_else(|| records.clone());
        let model = ModelInfo {
            name: "lean".to_owned(),
            version: "1".to_owned(),
            default: true,
            charset: "ABC123".to_owned(),
            figures: serde_json::json!({ "exact": 0.9 }),
            recommended_min_confidence: setup.recommended_min_confidence,
        };
        let batches = setup.batches.unwrap_or(records);
        let producer = Arc::new(Unconfirmed { inner: broker.clone(), left: setup.unconfirmed.into() });
        let bulk = Arc::new(MemoryBroker::new(setup.broker));
        let state = ApiState::new(producer, results.clone(), vec![model], setup.settings)
            .with_bulk(bulk.clone())
            .with_batches(batches.clone())
            .with_feedback(Arc::new(MemoryFeedback::default()), setup.keep_images)
            .with_access(setup.access);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let (shutdown, ended) = oneshot::channel::<()>();
        let serving = state.clone();
        let server = tokio::spawn(byecaptcha_api::serve(listener, serving, async {
            drop(ended.await);
        }));
        Self {
            address,
            client: Client::new(),
            broker,
            bulk,
            results,
            batches,
            state,
            shutdown: Some(shutdown),
            server,
        }
    }

    /// Its address and port alone.
    pub(crate) fn socket(&self) -> &str {
        self.address.trim_start_matches("http://")
    }

    pub(crate) fn get(&self, path: &str) -> RequestBuilder {
        self.client.get(format!("{}{path}", self.address))
    }

    /// A submission that still lacks its body.
    pub(crate) fn submission(&self) -> RequestBuilder {
        self.client.post(format!("{}/v1/jobs", self.address))
    }

    pub(crate) fn submit(&self, picture: impl Into<reqwest::Body>) -> RequestBuilder {
        self.submission().header("content-type", "image/png").body(picture)
    }

    /// The job that the broker hands out next.
    pub(crate) async fn next_job(&self) -> Job {
        let mut consumer = self.broker.consumer().await.unwrap();
        let delivery = consumer.receive(1).await.unwrap().remove(0);
        let job = delivery.job.clone();
        delivery.ack().await.unwrap();
        job
    }

    pub(crate) async fn broker_depth(&self) -> usize {
        self.broker.depth().await.unwrap()
    }

    /// Ends the next job so, after a moment.
    pub(crate) fn work(&self, after: Duration, outcome: Outcome) -> JoinHandle<JobId> {
        let (broker, results) = (self.broker.clone(), self.results.clone());
        tokio::spawn(async move {
            let mut consumer = broker.consumer().await.unwrap();
            let delivery = consumer.receive(1).await.unwrap().remove(0);
            let id = delivery.job.id;
            results.start(&[id]).await.unwrap();
            tokio::time::sleep(after).await;
            results.finish(&[(id, outcome)]).await.unwrap();
            delivery.ack().await.unwrap();
            id
        })
    }

    /// Begins the shutdown; what comes back ends with the server.
    pub(crate) fn shut_down(mut self) -> JoinHandle<std::io::Result<()>> {
        self.shutdown.take().unwrap().send(()).unwrap();
        self.server
    }
}

pub(crate) fn read(text: &str) -> Outcome {
    let characters = text.chars().map(|character| CharacterConfidence { character, confidence: 0.99 });
    Outcome::Succeeded(Recognition {
        text: text.to_owned(),
        confidence: 0.97,
        characters: characters.collect(),
        alternatives: Vec::new(),
        model: "lean".to_owned(),
        model_version: "1".to_owned(),
        queue_ms: 1.0,
        engine_ms: 2.0,
    })
}

pub(crate) fn failed(kind: &str) -> Outcome {
    Outcome::Failed(Failure { kind: kind.to_owned(), detail: "The picture ends too early.".to_owned() })
}

pub(crate) fn header<'a>(response: &'a Response, name: &str) -> Option<&'a str> {
    response.headers().get(name).map(|value| value.to_str().unwrap())
}

/// Asserts that this is a whole problem of this kind, and that its type can be followed; gives its body.
pub(crate) async fn assert_problem(app: &TestApp, response: Response, status: u16, name: &str) -> Value {
    assert_eq!(response.status().as_u16(), status, "status of {name}");
    assert_eq!(header(&response, "content-type"), Some("application/problem+json"));
    assert_eq!(header(&response, "cache-control"), Some("no-store"));
    let problem: Value = response.json().await.unwrap();
    let r#type = format!("/problems/{name}");
    assert_eq!(problem["type"], *r#type);
    assert_eq!(problem["status"], status);
    for member in ["title", "detail"] {
        assert!(problem[member].as_str().is_some_and(|text| !text.is_empty()), "{member} of {problem}");
    }
    let page = app.get(&r#type).send().await.unwrap();
    assert_eq!(page.status(), StatusCode::OK);
    let page = page.text().await.unwrap();
    assert!(page.contains(problem["title"].as_str().unwrap()), "{page}");
    problem
}
