//! The servers and the programs, as processes, and what each of them takes of the machine.

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use byecaptcha_testbed::{Group, RabbitMq, Redis};
use bytes::Bytes;

use crate::{client::Client, processes};

/// How long a program may take to be ready.
const START: Duration = Duration::from_secs(30);

/// Which worker reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reader {
    /// `byecaptcha-worker`, with the model that ships.
    Model,
    /// The one of this program that answers at once.
    Instant,
}

pub(crate) struct Stack {
    pub(crate) api: SocketAddr,
    rabbitmq: RabbitMq,
    redis: Redis,
    /// Ends before the servers do.
    programs: Option<Programs>,
    logs: tempfile::TempDir,
    environment: Vec<(&'static str, String)>,
}

struct Programs {
    api: Group,
    worker: Group,
}

/// Seconds of processor time since the start of each.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Seconds {
    pub(crate) api: f64,
    pub(crate) worker: f64,
    pub(crate) rabbitmq: f64,
    pub(crate) redis: f64,
    pub(crate) client: f64,
    /// The whole machine, these among others.
    pub(crate) machine: f64,
    /// The core that is the worker's own in some measurements, by whomever it was used.
    pub(crate) core: f64,
}

impl Stack {
    /// Starts servers and an API with these settings beside those for the servers, and no worker yet.
    pub(crate) async fn start(settings: &[(&'static str, String)]) -> Result<Self> {
        let (rabbitmq, redis) = tokio::try_join!(RabbitMq::start(), Redis::start())?;
        let api = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
        let mut environment =
            vec![("BROKER_URL", rabbitmq.url()), ("RESULTS_URL", redis.url()), ("NO_COLOR", "1".to_owned())];
        environment.extend(settings.iter().cloned());
        let logs = tempfile::tempdir()?;
        Ok(Self { api, rabbitmq, redis, programs: None, logs, environment })
    }

    /// Starts an API and this worker, in place of what ran before, and waits until they serve.
    pub(crate) async fn serve(&mut self, reader: Reader, picture: &Bytes) -> Result<()> {
        self.programs = None;
        let api = self.launch(&program("byecaptcha-api")?, &[], self.api)?;
        let worker = match reader {
            Reader::Model => {
                let probes = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
                self.launch(&program("byecaptcha-worker")?, &[], probes)?
            }
            Reader::Instant => {
                let this = std::env::current_exe()?;
                let this = this.to_str().context("the path of this program is no text")?;
                self.launch(this, &["instant-worker"], self.api)?
            }
        };
        let programs = self.programs.insert(Programs { api, worker });
        let begin = Instant::now();
        loop {
            let read = read(self.api, picture).await;
            if read.is_ok() {
                return Ok(());
            }
            let all_live = programs.api.is_alive() && programs.worker.is_alive();
            if !all_live || begin.elapsed() > START {
                let logs = ["api", "worker"].map(|name| fs::read_to_string(self.logs.path().join(name)));
                bail!("no job gets through: {read:?}\n{}", logs.map(Result::unwrap_or_default).concat());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    fn launch(&self, program: &str, arguments: &[&str], listen: SocketAddr) -> Result<Group> {
        let mut environment = self.environment.clone();
        environment.push(("BYECAPTCHA_LISTEN", listen.to_string()));
        let name = if program.ends_with("api") { "api" } else { "worker" };
        Group::start(program, arguments, &environment, &self.logs.path().join(name))
    }

    /// The worker has this core for itself; all else, this process among it, has the others.
    pub(crate) fn part(&mut self, core: usize) -> Result<()> {
        let cores = std::thread::available_parallelism()?.get();
        ensure!(core < cores && cores > 1, "there is no core {core} to be had beside others");
        let others: Vec<String> = (0..cores).filter(|&other| other != core).map(|c| c.to_string()).collect();
        self.place(&others.join(","), &core.to_string())
    }

    /// Everything runs on every core.
    pub(crate) fn join(&mut self, cores: usize) -> Result<()> {
        let all = format!("0-{}", cores.saturating_sub(1));
        self.place(&all, &all)
    }

    fn place(&mut self, others: &str, worker: &str) -> Result<()> {
        let this = i32::try_from(std::process::id())?;
        processes::pin_process(this, others)?;
        for leader in [self.rabbitmq.group().id(), self.redis.group().id()] {
            processes::pin(leader, others)?;
        }
        if let Some(programs) = &self.programs {
            processes::pin(programs.api.id(), others)?;
            processes::pin(programs.worker.id(), worker)?;
        }
        Ok(())
    }

    /// What everyone took so far.
    pub(crate) fn seconds(&mut self, core: usize) -> Seconds {
        let of = |group: Option<&Group>| group.map_or(0.0, |group| processes::session_seconds(group.id()));
        Seconds {
            api: of(self.programs.as_ref().map(|programs| &programs.api)),
            worker: of(self.programs.as_ref().map(|programs| &programs.worker)),
            rabbitmq: of(Some(self.rabbitmq.group())),
            redis: of(Some(self.redis.group())),
            client: processes::own_seconds(),
            machine: processes::machine_seconds(),
            core: processes::core_seconds(core),
        }
    }

    /// Resident megabytes of API and worker.
    pub(crate) fn resident(&self) -> Result<(f64, f64)> {
        let programs = self.programs.as_ref().context("nothing runs")?;
        let megabytes = |group: &Group| {
            processes::resident_megabytes(group.id()).context("a program has ended by itself")
        };
        Ok((megabytes(&programs.api)?, megabytes(&programs.worker)?))
    }
}

async fn read(api: SocketAddr, picture: &Bytes) -> Result<()> {
    let job = Client::connect(api).await?.submit(picture.clone(), true).await?.job()?;
    ensure!(job.status.is_terminal(), "a job is {:?}", job.status);
    Ok(())
}

/// A program of the workspace, built beside this one.
fn program(name: &str) -> Result<String> {
    let this = std::env::current_exe()?;
    let path = this.parent().unwrap_or(Path::new(".")).join(name);
    ensure!(
        path.exists(),
        "{name} is not built: cargo build --release -p byecaptcha-api -p byecaptcha-worker"
    );
    Ok(path.to_str().context("the path of a program is no text")?.to_owned())
}
