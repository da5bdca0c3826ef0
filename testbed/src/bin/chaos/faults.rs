//! What breaks, in what order, and how long it takes until jobs get through again.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Result;
use byecaptcha_testbed::{Proxy, Supervised};
use rand::{RngExt, SeedableRng, seq::SliceRandom};
use rand_pcg::Pcg64Mcg;
use tokio::time::sleep;

use crate::{
    installation::{Installation, Link},
    ledger::{Counts, Ledger},
};

/// How long jobs may take to get through again before nobody believes in it any more.
const GIVEN_UP: Duration = Duration::from_secs(90);
/// Long enough for submissions to be confirmed.
const CONFIRMED: Duration = Duration::from_millis(500);

/// One thing that breaks, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    WorkerKilled(usize),
    WorkerStopped(usize, Duration),
    ApiKilled(usize),
    BrokerKilled,
    StoreKilled,
    Network(Link, Weather, Duration),
}

/// What a network does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Weather {
    Cut,
    Frozen,
    Mute,
    Stranded,
    Slow(Duration),
}

/// Faults without end: all kinds in turn, shuffled anew each time.
struct Schedule {
    rng: Pcg64Mcg,
    apis: usize,
    workers: usize,
    turn: Vec<Fault>,
}

/// A fault that was.
pub(crate) struct Happened {
    /// Since the load began.
    pub(crate) at: Duration,
    pub(crate) what: String,
    pub(crate) lasted: Duration,
    /// From the fault's end to the end of a job that was accepted after it.
    pub(crate) recovered: Option<Duration>,
    pub(crate) before: Counts,
    pub(crate) after: Counts,
}

impl Schedule {
    fn new(seed: u64, apis: usize, workers: usize) -> Self {
        Self { rng: Pcg64Mcg::seed_from_u64(seed), apis, workers, turn: Vec::new() }
    }

    fn next(&mut self) -> (Duration, Fault) {
        if self.turn.is_empty() {
            self.fill();
        }
        let pause = self.milliseconds(300, 1_500);
        (pause, self.turn.pop().unwrap_or(Fault::BrokerKilled))
    }

    fn fill(&mut self) {
        let (api, worker) = (self.rng.random_range(0..self.apis), self.rng.random_range(0..self.workers));
        let stopped = self.rng.random_range(0..self.workers);
        self.turn = vec![
            Fault::WorkerKilled(worker),
            Fault::WorkerStopped(stopped, self.milliseconds(1_000, 12_000)),
            Fault::ApiKilled(api),
            Fault::BrokerKilled,
            Fault::StoreKilled,
        ];
        for link in Link::ALL {
            let (weather, lasts) = match self.rng.random_range(0..5) {
                0 => (Weather::Cut, self.milliseconds(100, 3_000)),
                1 => (Weather::Frozen, self.milliseconds(500, 8_000)),
                2 => (Weather::Mute, self.milliseconds(500, 8_000)),
                3 => (Weather::Stranded, self.milliseconds(2_000, 8_000)),
                _ => (Weather::Slow(self.milliseconds(5, 60)), self.milliseconds(1_000, 5_000)),
            };
            self.turn.push(Fault::Network(link, weather, lasts));
        }
        self.turn.shuffle(&mut self.rng);
    }

    fn milliseconds(&mut self, from: u64, to: u64) -> Duration {
        Duration::from_millis(self.rng.random_range(from..to))
    }
}

impl Fault {
    fn describe(self) -> String {
        let seconds = |lasts: Duration| lasts.as_secs_f64();
        match self {
            Self::WorkerKilled(worker) => format!("worker {worker} killed"),
            Self::WorkerStopped(worker, lasts) => {
                format!("worker {worker} stopped for {:.1} s", seconds(lasts))
            }
            Self::ApiKilled(api) => format!("API {api} killed between confirms and answers"),
            Self::BrokerKilled => "broker killed and started again".to_owned(),
            Self::StoreKilled => "result store killed and started again".to_owned(),
            Self::Network(link, weather, lasts) => {
                let weather = match weather {
                    Weather::Cut => "cut".to_owned(),
                    Weather::Frozen => "frozen".to_owned(),
                    Weather::Mute => "without answers".to_owned(),
                    Weather::Stranded => "its connections frozen, new ones not".to_owned(),
                    Weather::Slow(delay) => format!("slowed by {} ms", delay.as_millis()),
                };
                format!("{}: {weather} for {:.1} s", link.name(), seconds(lasts))
            }
        }
    }

    /// Breaks it, and mends it where that is not an orchestrator's business.
    async fn strike(self, installation: &mut Installation) -> Result<()> {
        match self {
            Self::WorkerKilled(worker) => {
                if let Some(worker) = installation.workers.get(worker) {
                    worker.kill();
                }
            }
            Self::WorkerStopped(worker, lasts) => {
                if let Some(worker) = installation.workers.get(worker) {
                    worker.pause();
                    sleep(lasts).await;
                    worker.resume();
                }
            }
            Self::ApiKilled(api) => {
                // With no worker at work it comes to hold answers to submissions that the broker has confirmed.
                installation.workers.iter().for_each(Supervised::pause);
                sleep(CONFIRMED).await;
                if let Some(api) = installation.apis.get(api) {
                    api.kill();
                }
                installation.workers.iter().for_each(Supervised::resume);
            }
            Self::BrokerKilled => installation.rabbitmq.restart().await?,
            Self::StoreKilled => installation.redis.restart().await?,
            Self::Network(link, weather, lasts) => {
                if let Some(link) = installation.link(link) {
                    weather.comes_over(link);
                    sleep(lasts).await;
                    link.restore();
                }
            }
        }
        Ok(())
    }
}

impl Weather {
    fn comes_over(self, link: &Proxy) {
        match self {
            Self::Cut => link.cut(),
            Self::Frozen => link.freeze(),
            Self::Mute => link.mute(),
            Self::Stranded => link.strand(),
            Self::Slow(delay) => link.slow(delay),
        }
    }
}

/// Breaks one thing after another until `end`, each once jobs get through again after the one before.
pub(crate) async fn rain(
    installation: &mut Installation,
    ledger: &Arc<Ledger>,
    seed: u64,
    end: Instant,
) -> Result<Vec<Happened>> {
    let mut schedule = Schedule::new(seed, installation.apis.len(), installation.workers.len());
    let start = Instant::now();
    let mut happened = Vec::new();
    loop {
        let (pause, fault) = schedule.next();
        if Instant::now() + pause >= end {
            return Ok(happened);
        }
        sleep(pause).await;
        let (began, before, what) = (Instant::now(), ledger.counts(), fault.describe());
        tracing::info!(fault = what);
        fault.strike(installation).await?;
        let mended = Instant::now();
        while !ledger.has_served_since(mended) && mended.elapsed() < GIVEN_UP {
            sleep(Duration::from_millis(20)).await;
        }
        let recovered = ledger.has_served_since(mended).then(|| mended.elapsed());
        let (at, lasted, after) = (began - start, mended - began, ledger.counts());
        happened.push(Happened { at, what, lasted, recovered, before, after });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(count: usize, seed: u64) -> Vec<(Duration, Fault)> {
        let mut schedule = Schedule::new(seed, 2, 3);
        (0..count).map(|_| schedule.next()).collect()
    }

    #[test]
    fn a_seed_is_a_schedule_and_every_kind_has_its_turn() {
        assert_eq!(first(40, 7), first(40, 7));
        assert_ne!(first(40, 7), first(40, 8));
        let turn = first(9, 7);
        for link in Link::ALL {
            assert!(turn.iter().any(|(_, fault)| matches!(fault, Fault::Network(one, ..) if *one == link)));
        }
        assert!(turn.iter().any(|(_, fault)| *fault == Fault::BrokerKilled));
        assert!(turn.iter().any(|(_, fault)| *fault == Fault::StoreKilled));
        assert!(turn.iter().any(|(_, fault)| matches!(fault, Fault::WorkerStopped(..))));
    }
}
