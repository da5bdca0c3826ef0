//! The memory of API and worker under a steady load of requests of all kinds: what they start with, what they hold each
//! minute, and whether that grows.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use anyhow::{Context, Result};
use tokio::{
    task::JoinSet,
    time::{Instant, MissedTickBehavior, interval, sleep_until},
};

use crate::{
    client::Client,
    mixture::{Ends, Mixture},
    pictures,
    settings::MemorySettings,
    stack::{Reader, Stack},
    table::print,
};

/// Between two looks at the memory.
const LOOK: Duration = Duration::from_secs(5);

pub(crate) async fn run(settings: &MemorySettings) -> Result<()> {
    let mut stack = Stack::start(&[("BYECAPTCHA_KEEP", settings.keep.clone())]).await?;
    stack.serve(Reader::Model, &pictures::captchas()?[0]).await?;
    let mixture = Arc::new(Mixture::new(stack.api)?);
    let begin = Instant::now();
    let end = begin + Duration::from_secs(settings.minutes * 60);
    let next = Arc::<AtomicUsize>::default();
    let mut working = JoinSet::new();
    for _ in 0..settings.clients.max(1) {
        let (mixture, next) = (Arc::clone(&mixture), Arc::clone(&next));
        let (api, rate) = (stack.api, settings.rate.max(1));
        working.spawn(async move {
            let (mut client, mut ends) = (Client::connect(api).await?, Ends::default());
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                let due = begin + Duration::from_secs_f64(number as f64 / f64::from(rate));
                if due >= end {
                    return Ok::<Ends, anyhow::Error>(ends);
                }
                sleep_until(due).await;
                mixture.request(&mut client, number, &mut ends).await?;
            }
        });
    }
    let mut memory = Memory { api: Span::new(), worker: Span::new() };
    print("Resident megabytes, looked at every 5 seconds: least and most of each minute.\n")?;
    print("| minute | requests | api | worker |\n|---|---|---|---|")?;
    let (mut ends, mut done) = (Ends::default(), 0);
    let mut looks = interval(LOOK);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut minute = 0_u64;
    while done < settings.clients.max(1) {
        tokio::select! {
            _ = looks.tick() => {
                memory.look(&stack)?;
                if begin.elapsed().as_secs() / 60 > minute {
                    minute += 1;
                    memory.turn(minute, next.load(Ordering::Relaxed))?;
                }
            }
            Some(client) = working.join_next() => {
                ends.add(&client.context("a client has panicked")??);
                done += 1;
            }
        }
    }
    memory.look(&stack)?;
    memory.turn(minute + 1, next.load(Ordering::Relaxed))?;
    print(&format!("\napi: {}\nworker: {}\n{ends}", memory.api.whole(), memory.worker.whole()))
}

struct Memory {
    api: Span,
    worker: Span,
}

impl Memory {
    fn look(&mut self, stack: &Stack) -> Result<()> {
        let (api, worker) = stack.resident()?;
        self.api.add(api);
        self.worker.add(worker);
        Ok(())
    }

    /// A minute is over, or the last part of one: prints its line.
    fn turn(&mut self, minute: u64, requests: usize) -> Result<()> {
        let (api, worker) = (self.api.turn(), self.worker.turn());
        print(&format!("| {minute} | {requests} | {api} | {worker} |"))
    }
}

/// The memory of one program: from its start, and since the last full minute.
struct Span {
    first: Option<f64>,
    last: f64,
    peak: f64,
    least: f64,
    most: f64,
}

impl Span {
    fn new() -> Self {
        Self { first: None, last: 0.0, peak: 0.0, least: f64::MAX, most: 0.0 }
    }

    fn add(&mut self, megabytes: f64) {
        self.first.get_or_insert(megabytes);
        self.last = megabytes;
        self.peak = self.peak.max(megabytes);
        self.least = self.least.min(megabytes);
        self.most = self.most.max(megabytes);
    }

    /// The minute's least and most; begins the next.
    fn turn(&mut self) -> String {
        let said = format!("{:.1} to {:.1}", self.least, self.most);
        (self.least, self.most) = (f64::MAX, 0.0);
        said
    }

    fn whole(&self) -> String {
        let first = self.first.unwrap_or_default();
        format!("{first:.1} MB at the start, {:.1} at the end, {:.1} at most", self.last, self.peak)
    }
}
