//! A whole installation: RabbitMQ, Redis, an API and workers, as processes.

use std::{
    net::{Ipv4Addr, TcpListener},
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use byecaptcha_queue::{Broker, BrokerOptions, QueueName, RabbitBroker};
use byecaptcha_testbed::{Group, RabbitMq, Redis};
use reqwest::{Client, StatusCode};
use serde_json::Value;

/// No answer takes this long, not even from a loaded machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Stack {
    pub(crate) rabbitmq: RabbitMq,
    pub(crate) redis: Redis,
    _api: Group,
    pub(crate) address: String,
    pub(crate) client: Client,
    /// What the programs' environment holds beside the servers' addresses.
    extra: Vec<(&'static str, String)>,
    logs: tempfile::TempDir,
}

impl Stack {
    /// Servers and an API, and no worker yet.
    pub(crate) async fn start() -> Self {
        Self::start_with(Vec::new()).await
    }

    /// The same, with more in the programs' environment.
    pub(crate) async fn start_with(extra: Vec<(&'static str, String)>) -> Self {
        let (rabbitmq, redis) = tokio::join!(RabbitMq::start(), Redis::start());
        let (rabbitmq, redis) = (rabbitmq.unwrap(), redis.unwrap());
        let logs = tempfile::tempdir().unwrap();
        let listen = free_address();
        let environment = environment(&rabbitmq, &redis, &listen, &extra);
        let arguments: [&str; 0] = [];
        let api = Group::start(&program("byecaptcha-api"), arguments, &environment, &logs.path().join("api"))
            .unwrap();
        let stack = Self {
            rabbitmq,
            redis,
            _api: api,
            address: format!("http://{listen}"),
            client: Client::new(),
            extra,
            logs,
        };
        stack.wait_until_ready(&stack.address).await;
        stack
    }

    /// One more worker, once it is ready.
    pub(crate) async fn worker(&self) -> Worker {
        let listen = free_address();
        let environment = environment(&self.rabbitmq, &self.redis, &listen, &self.extra);
        let arguments: [&str; 0] = [];
        let log = self.logs.path().join(format!("worker {listen}"));
        let group = Group::start(&program("byecaptcha-worker"), arguments, &environment, &log).unwrap();
        self.wait_until_ready(&format!("http://{listen}")).await;
        Worker { group, log, address: format!("http://{listen}") }
    }

    async fn wait_until_ready(&self, address: &str) {
        let start = Instant::now();
        loop {
            let answer = self.client.get(format!("{address}/readyz")).send().await;
            match answer {
                Ok(answer) if answer.status() == StatusCode::OK => return,
                _ => assert!(start.elapsed() < PATIENCE, "{address} is not ready: {answer:?}"),
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// What workers and the commands beside them are told about the servers.
    pub(crate) fn environment(&self) -> Vec<(&'static str, String)> {
        environment(&self.rabbitmq, &self.redis, &free_address(), &self.extra)
    }

    /// Where log files go.
    pub(crate) fn logs(&self) -> &Path {
        self.logs.path()
    }

    /// Waits until something is so.
    pub(crate) async fn eventually(&self, what: &str, condition: impl AsyncFn() -> bool) {
        let start = Instant::now();
        while !condition().await {
            assert!(start.elapsed() < PATIENCE, "in vain: {what}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// The broker as a worker sees it.
    pub(crate) fn broker(&self) -> Arc<dyn Broker> {
        let options = BrokerOptions::default();
        Arc::new(
            RabbitBroker::new(&self.rabbitmq.url(), "byecaptcha", QueueName::Interactive, options).unwrap(),
        )
    }

    pub(crate) fn api_log(&self) -> String {
        std::fs::read_to_string(self.logs.path().join("api")).unwrap()
    }

    /// Submits until the job is accepted; gives its address.
    pub(crate) async fn submit(&self, picture: &[u8]) -> String {
        let start = Instant::now();
        loop {
            let request = self.client.post(format!("{}/v1/jobs", self.address));
            let answer = request.header("content-type", "image/jpeg").body(picture.to_vec()).send().await;
            if let Ok(answer) = &answer
                && answer.status() == StatusCode::ACCEPTED
            {
                return answer.headers()["location"].to_str().unwrap().to_owned();
            }
            assert!(start.elapsed() < PATIENCE, "not accepted: {answer:?}\n{}", self.api_log());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// The job once it has ended.
    pub(crate) async fn ended(&self, location: &str) -> Value {
        let start = Instant::now();
        loop {
            let request = self.client.get(format!("{}{location}", self.address));
            let answer = request.header("prefer", "wait=20").send().await;
            if let Ok(answer) = answer
                && answer.status() == StatusCode::OK
            {
                let job: Value = answer.json().await.unwrap();
                if !matches!(job["status"].as_str(), Some("queued" | "processing")) {
                    return job;
                }
            }
            assert!(start.elapsed() < PATIENCE, "{location} does not end");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

pub(crate) struct Worker {
    pub(crate) group: Group,
    pub(crate) address: String,
    log: PathBuf,
}

impl Worker {
    /// Its log lines so far.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }

    /// Waits until the process has ended by itself.
    pub(crate) async fn gone(&self) {
        let start = Instant::now();
        while self.group.is_alive() {
            assert!(start.elapsed() < PATIENCE, "it goes on");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

fn environment(
    rabbitmq: &RabbitMq,
    redis: &Redis,
    listen: &str,
    extra: &[(&'static str, String)],
) -> Vec<(&'static str, String)> {
    let mut environment = vec![
        ("BROKER_URL", rabbitmq.url()),
        ("RESULTS_URL", redis.url()),
        ("BYECAPTCHA_LISTEN", listen.to_owned()),
        ("NO_COLOR", "1".to_owned()),
    ];
    environment.extend_from_slice(extra);
    environment
}

/// An address whose port was free a moment ago.
fn free_address() -> String {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().to_string()
}

/// A program of the workspace, built beside this test.
pub(crate) fn program(name: &str) -> String {
    let folder = std::env::current_exe().unwrap().parent().and_then(|deps| deps.parent()).unwrap().to_owned();
    let path = folder.join(name);
    assert!(
        path.exists(),
        "{name} is not built: cargo build --release -p byecaptcha-api -p byecaptcha-worker"
    );
    path.to_str().unwrap().to_owned()
}
