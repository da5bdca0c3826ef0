//! All processes of an installation, and the network between them.

use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use byecaptcha_queue::{Broker, BrokerOptions, QueueName, RabbitBroker};
use byecaptcha_testbed::{Proxy, RabbitMq, Redis, Supervised};

use crate::settings::Settings;

/// What the names of queues and keys begin with.
pub(crate) const PREFIX: &str = "byecaptcha";

/// How long programs may take to be ready on a busy machine.
const START: Duration = Duration::from_secs(60);
/// RabbitMQ 3.10 writes the names of new quorum queues to disk up to three seconds later. One that is killed before that
/// finds the queue without its messages; a queue of any age is safe.
const NAMES_ON_DISK: Duration = Duration::from_secs(5);

/// What the faulty workers do at poison: how long after, and what.
const FAULTS: [(&str, &str); 3] = [("0s", "abort"), ("0s", "panic"), ("2s", "abort")];

pub(crate) struct Installation {
    pub(crate) apis: Vec<Supervised>,
    pub(crate) workers: Vec<Supervised>,
    /// In the order of [`Link::ALL`]; none where nothing is to break.
    links: Vec<Proxy>,
    pub(crate) rabbitmq: RabbitMq,
    pub(crate) redis: Redis,
    pub(crate) addresses: Vec<String>,
    _logs: tempfile::TempDir,
}

/// One of the ways between programs and servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Link {
    ApiBroker,
    ApiStore,
    WorkerBroker,
    WorkerStore,
}

impl Link {
    pub(crate) const ALL: [Self; 4] =
        [Self::ApiBroker, Self::ApiStore, Self::WorkerBroker, Self::WorkerStore];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::ApiBroker => "API to broker",
            Self::ApiStore => "API to result store",
            Self::WorkerBroker => "workers to broker",
            Self::WorkerStore => "workers to result store",
        }
    }
}

impl Installation {
    pub(crate) async fn start(settings: &Settings) -> Result<Self> {
        let (rabbitmq, redis) = tokio::try_join!(RabbitMq::start(), Redis::start_to_be_killed())?;
        let mut links = Vec::new();
        if !settings.no_faults {
            for target in [rabbitmq.port(), redis.port(), rabbitmq.port(), redis.port()] {
                links.push(Proxy::start(target).await?);
            }
        }
        let servers = |first: usize| match links.get(first..first + 2) {
            Some([broker, store]) => (broker.amqp_url(), store.redis_url()),
            _ => (rabbitmq.url(), redis.url()),
        };
        let (for_apis, for_workers) = (servers(0), servers(2));
        let logs = tempfile::tempdir()?;
        let mut apis = Vec::new();
        let mut addresses = Vec::new();
        for number in 0..settings.apis {
            let listen = free_address()?;
            let log = logs.path().join(format!("api {number}"));
            apis.push(Supervised::start(&program("byecaptcha-api")?, environment(&for_apis, listen), &log)?);
            addresses.push(format!("http://{listen}"));
        }
        let reader = if settings.no_faults { "byecaptcha-worker" } else { "faulty-worker" };
        let mut workers = Vec::new();
        for (number, (delay, then)) in (0..settings.workers).zip(FAULTS.into_iter().cycle()) {
            let mut environment = environment(&for_workers, free_address()?);
            environment.push(("FAULTY_DELAY", delay.to_owned()));
            environment.push(("FAULTY_THEN", then.to_owned()));
            environment.push(("BYECAPTCHA_LOG_FORMAT", "json".to_owned()));
            let log = logs.path().join(format!("worker {number}"));
            workers.push(Supervised::start(&program(reader)?, environment, &log)?);
        }
        let installation = Self { apis, workers, links, rabbitmq, redis, addresses, _logs: logs };
        installation.wait_until_ready().await?;
        if !settings.no_faults {
            tokio::time::sleep(NAMES_ON_DISK).await;
        }
        Ok(installation)
    }

    async fn wait_until_ready(&self) -> Result<()> {
        let start = Instant::now();
        for (address, api) in self.addresses.iter().zip(&self.apis) {
            loop {
                let answer = reqwest::get(format!("{address}/readyz")).await;
                if answer.is_ok_and(|answer| answer.status().is_success()) {
                    break;
                }
                ensure!(start.elapsed() < START, "an API is not ready: {}", api.said());
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
        Ok(())
    }

    /// The network there; `None` where nothing is to break.
    pub(crate) fn link(&self, link: Link) -> Option<&Proxy> {
        let place = Link::ALL.iter().position(|&one| one == link)?;
        self.links.get(place)
    }

    /// The broker, past any proxy.
    pub(crate) fn broker(&self) -> Result<Arc<dyn Broker>> {
        let options = BrokerOptions::default();
        Ok(Arc::new(RabbitBroker::new(&self.rabbitmq.url(), PREFIX, QueueName::Interactive, options)?))
    }
}

fn environment((broker, results): &(String, String), listen: SocketAddr) -> Vec<(&'static str, String)> {
    vec![
        ("BROKER_URL", broker.clone()),
        ("RESULTS_URL", results.clone()),
        ("BYECAPTCHA_PREFIX", PREFIX.to_owned()),
        ("BYECAPTCHA_LISTEN", listen.to_string()),
        ("NO_COLOR", "1".to_owned()),
    ]
}

/// An address whose port was free a moment ago.
fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}

/// A program of the workspace, built beside this one.
fn program(name: &str) -> Result<String> {
    let this = std::env::current_exe()?;
    let path = this.parent().unwrap_or(Path::new(".")).join(name);
    ensure!(
        path.exists(),
        "{name} is not built: cargo build --release -p byecaptcha-api -p byecaptcha-worker -p byecaptcha-testbed"
    );
    Ok(path.to_str().context("the path of a program is no text")?.to_owned())
}
