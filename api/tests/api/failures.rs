//! What is answered when something here, and not the picture, is at fault.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use byecaptcha_queue::{
    BrokerOptions, CallId, Cancellation, Claim, Fingerprint, JobId, JobRecord, JobStatus, Lookup,
    MemoryResults, Outcome, ResultError, ResultOptions, ResultStore,
};
use reqwest::{Method, StatusCode};

use crate::{
    app::{Setup, TestApp, assert_problem, header},
    pictures::png,
};

/// A store that notes what is created and discarded, and fails or panics where it is told to.
struct Troubled {
    inner: MemoryResults,
    seen: Mutex<Vec<(&'static str, JobId)>>,
    create: Trouble,
    confirm: Trouble,
    get: Trouble,
    wait: Trouble,
}

#[derive(Clone, Copy, PartialEq)]
enum Trouble {
    Nothing,
    Error,
    Panic,
}

impl Trouble {
    fn strike(self) -> Result<(), ResultError> {
        match self {
            Self::Nothing => Ok(()),
            Self::Error => Err(ResultError::Storage("disk /secret/place is on fire".to_owned())),
            Self::Panic => panic!("as the test wants it"),
        }
    }
}

impl Default for Troubled {
    fn default() -> Self {
        Self {
            inner: MemoryResults::new(ResultOptions::default()),
            seen: Mutex::default(),
            create: Trouble::Nothing,
            confirm: Trouble::Nothing,
            get: Trouble::Nothing,
            wait: Trouble::Nothing,
        }
    }
}

#[async_trait]
impl ResultStore for Troubled {
    async fn create(&self, record: &JobRecord) -> Result<(), ResultError> {
        self.create.strike()?;
        self.seen.lock().unwrap().push(("create", record.id));
        self.inner.create(record).await
    }
    async fn discard(&self, id: JobId) -> Result<(), ResultError> {
        self.seen.lock().unwrap().push(("discard", id));
        self.inner.discard(id).await
    }
    async fn confirm(&self, ids: &[JobId]) -> Result<(), ResultError> {
        self.confirm.strike()?;
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
        self.inner.begin_alone_as(call, id).await
    }
    async fn finish_as(&self, call: CallId, outcomes: &[(JobId, Outcome)]) -> Result<Vec<bool>, ResultError> {
        self.inner.finish_as(call, outcomes).await
    }
    async fn cancel(&self, id: JobId) -> Result<Cancellation, ResultError> {
        self.inner.cancel(id).await
    }
    async fn get(&self, id: JobId) -> Result<Lookup, ResultError> {
        self.get.strike()?;
        self.inner.get(id).await
    }
    async fn wait(&self, id: JobId, patience: Duration) -> Result<Lookup, ResultError> {
        self.wait.strike()?;
        self.inner.wait(id, patience).await
    }
    async fn ready(&self) -> Result<(), ResultError> {
        self.get.strike()
    }
}

async fn over(store: Troubled) -> TestApp {
    TestApp::with(Setup { store: Some(Arc::new(store)), ..Setup::default() }).await
}

#[tokio::test]
async fn a_full_queue_takes_nothing_and_leaves_no_record() {
    let store = Arc::new(Troubled::default());
    let broker = BrokerOptions { capacity: 1, ..BrokerOptions::default() };
    let app = TestApp::with(Setup { broker, store: Some(store.clone()), ..Setup::default() }).await;
    assert_eq!(app.submit(png()).send().await.unwrap().status(), StatusCode::ACCEPTED);

    let response = app.submit(png()).header("prefer", "wait=20").send().await.unwrap();
    assert_eq!(header(&response, "retry-after"), Some("2"));
    assert_eq!(header(&response, "location"), None);
    assert_problem(&app, response, 503, "queue-full").await;
    let seen = store.seen.lock().unwrap().clone();
    let (refused, discarded) = (seen[1], seen[2]);
    assert_eq!((refused.0, discarded.0), ("create", "discard"));
    assert_eq!(refused.1, discarded.1);
    assert_eq!(app.results.get(refused.1).await.unwrap(), Lookup::Unknown);

    app.next_job().await;
    assert_eq!(app.submit(png()).send().await.unwrap().status(), StatusCode::ACCEPTED);
}

#[tokio::test]
async fn requests_of_one_key_that_a_full_queue_refuses_leave_no_record() {
    let store = Arc::new(Troubled::default());
    let broker = BrokerOptions { capacity: 1, ..BrokerOptions::default() };
    let app = TestApp::with(Setup { broker, store: Some(store.clone()), ..Setup::default() }).await;
    assert_eq!(app.submit(png()).send().await.unwrap().status(), StatusCode::ACCEPTED);
    for _ in 0..2 {
        let response = app.submit(png()).header("idempotency-key", "k").send().await.unwrap();
        assert_problem(&app, response, 503, "queue-full").await;
    }
    let seen: Vec<_> = store.seen.lock().unwrap().iter().map(|(what, _)| *what).collect();
    assert_eq!(seen, ["create", "create", "discard", "create", "discard"]);
}

#[tokio::test]
async fn a_job_that_the_broker_may_have_keeps_its_record_for_a_request_that_is_sent_again() {
    let app = TestApp::with(Setup { unconfirmed: 2, ..Setup::default() }).await;
    let refused = app.submit(png()).header("idempotency-key", "slow").send().await.unwrap();
    assert_problem(&app, refused, 503, "unavailable").await;
    // The broker has it, and it ends before its sender comes again.
    let taken = app.next_job().await.id;
    let Lookup::Found(record) = app.results.get(taken).await.unwrap() else { panic!("its record is gone") };
    assert_eq!(record.status, JobStatus::Queued);
    let again = app.submit(png()).header("idempotency-key", "slow").send().await.unwrap();
    assert_problem(&app, again, 503, "unavailable").await;
    let last = app.submit(png()).header("idempotency-key", "slow").send().await.unwrap();
    assert_eq!(last.json::<JobRecord>().await.unwrap().id, taken);

    // Without a key nobody can come again for it.
    let app = TestApp::with(Setup { unconfirmed: 1, ..Setup::default() }).await;
    assert_problem(&app, app.submit(png()).send().await.unwrap(), 503, "unavailable").await;
    assert_eq!(app.results.get(app.next_job().await.id).await.unwrap(), Lookup::Unknown);
}

#[tokio::test]
async fn a_record_without_its_job_is_no_promise() {
    // As after the death of an API between its two writes: the record is there, and nobody knows of the broker.
    let app = over(Troubled { confirm: Trouble::Error, ..Troubled::default() }).await;
    let send = async || app.submit(png()).header("idempotency-key", "died").send().await.unwrap();
    let first: JobRecord = send().await.json().await.unwrap();
    app.next_job().await;
    assert_eq!(app.broker_depth().await, 0);
    assert_eq!(send().await.status(), StatusCode::ACCEPTED);
    assert_eq!(app.next_job().await.id, first.id);
}

#[tokio::test]
async fn a_store_that_fails_is_said_without_its_secrets() {
    let app = over(Troubled { create: Trouble::Error, get: Trouble::Error, ..Troubled::default() }).await;
    for request in [app.submit(png()), app.get(&format!("/v1/jobs/{}", JobId::new()))] {
        let response = request.send().await.unwrap();
        assert_eq!(header(&response, "retry-after"), Some("2"));
        let problem = assert_problem(&app, response, 503, "unavailable").await;
        assert!(!problem.to_string().contains("secret"), "{problem}");
    }
}

#[tokio::test]
async fn a_wait_that_fails_does_not_take_an_accepted_job_back() {
    let app = over(Troubled { wait: Trouble::Error, ..Troubled::default() }).await;
    let response = app.submit(png()).header("prefer", "wait=20").send().await.unwrap();
    assert_eq!(response.status(), StatusCode::ACCEPTED);
    assert!(header(&response, "location").is_some());
}

#[tokio::test]
async fn panics_are_answered() {
    let app = over(Troubled { create: Trouble::Panic, get: Trouble::Panic, ..Troubled::default() }).await;
    for request in [app.submit(png()), app.get(&format!("/v1/jobs/{}", JobId::new()))] {
        let problem = assert_problem(&app, request.send().await.unwrap(), 500, "internal").await;
        assert!(!problem.to_string().contains("as the test wants it"));
    }
    assert_eq!(app.get("/healthz").send().await.unwrap().status(), StatusCode::OK);
}

#[tokio::test]
async fn ready_once_all_parts_are() {
    let app = TestApp::start().await;
    assert_eq!(app.get("/healthz").send().await.unwrap().status(), StatusCode::OK);
    assert_problem(&app, app.get("/readyz").send().await.unwrap(), 503, "not-ready").await;
    app.state.set_ready(true);
    assert_eq!(app.get("/readyz").send().await.unwrap().status(), StatusCode::OK);
    app.state.set_ready(false);
    assert_problem(&app, app.get("/readyz").send().await.unwrap(), 503, "not-ready").await;

    let app = over(Troubled { get: Trouble::Error, ..Troubled::default() }).await;
    app.state.set_ready(true);
    assert_problem(&app, app.get("/readyz").send().await.unwrap(), 503, "unavailable").await;
}

#[tokio::test]
async fn addresses_and_methods_that_are_not_there() {
    let app = TestApp::start().await;
    for path in
        ["/nothing", "/v1", "/v1/jobs/", "/v2/jobs", "/problems/no-such", "/problems/%ff", "/page/app.js"]
    {
        assert_problem(&app, app.get(path).send().await.unwrap(), 404, "not-found").await;
    }
    let id = JobId::new();
    for (method, path, allow) in [
        (Method::GET, "/v1/jobs".to_owned(), "POST"),
        (Method::PUT, "/v1/jobs".to_owned(), "POST"),
        (Method::POST, format!("/v1/jobs/{id}"), "GET,HEAD,DELETE"),
        (Method::POST, "/".to_owned(), "GET,HEAD"),
    ] {
        let response = app.client.request(method, format!("{}{path}", app.address)).send().await.unwrap();
        assert_eq!(header(&response, "allow"), Some(allow), "{path}");
        assert_problem(&app, response, 405, "method-not-allowed").await;
    }
}
