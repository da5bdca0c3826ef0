//! The load: clients that send one picture after the other, each as soon as the one before has ended (a closed loop),
//! or each when it is due (an open one). In an open loop a picture's time counts from when it was due: a server that
//! stands still for a second makes a whole second's pictures late, and not only the one that each client has there.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use anyhow::{Context, Result, bail};
use byecaptcha_queue::JobStatus;
use bytes::Bytes;
use hdrhistogram::Histogram;
use tokio::{
    task::JoinSet,
    time::{Instant, sleep, sleep_until, timeout_at},
};
use tokio_util::sync::CancellationToken;

use crate::{
    bench::settings::Length,
    client::{Queue, Reply, Server},
};

/// How long, once no more is due, answers are waited for.
const DRAIN: Duration = Duration::from_secs(30);

/// Microseconds; a longer time counts as this one.
const LONGEST: u64 = 3_600_000_000;

/// A client that was free when a picture came due wakes up to so much later, which is this program's timer and not the
/// server's doing.
const TIMER: Duration = Duration::from_millis(2);

/// After an answer that is no job, in a closed loop: a server that is away is not to be asked a million times.
const AFTER_FAILURE: Duration = Duration::from_millis(100);

/// The pause before a job is asked after again where the server does not hold answers.
const POLL: Duration = Duration::from_millis(10);

pub(crate) struct Load {
    pub(crate) server: Server,
    pub(crate) pictures: Vec<Bytes>,
    pub(crate) clients: usize,
    pub(crate) length: Length,
    /// Pictures that come due in a second, in an open loop.
    pub(crate) rate: Option<f64>,
    pub(crate) stop: CancellationToken,
}

/// What was measured.
pub(crate) struct Tally {
    /// Microseconds from when it was sent, or due, to its end, of each job that has ended.
    pub(crate) latencies: Histogram<u64>,
    pub(crate) succeeded: u64,
    /// How many had no text, by why.
    pub(crate) failures: BTreeMap<String, u64>,
    /// How many had no answer when the time was up; the time until then is among the latencies.
    pub(crate) unanswered: u64,
    /// From the beginning to the last answer, or to the end where there was none.
    pub(crate) elapsed: Duration,
    /// Sent, and not answered yet, with when their time began.
    under_way: BTreeMap<u64, Instant>,
}

impl Tally {
    fn new() -> Result<Self> {
        Ok(Self {
            latencies: Histogram::new_with_max(LONGEST, 3).context("no histogram")?,
            succeeded: 0,
            failures: BTreeMap::new(),
            unanswered: 0,
            elapsed: Duration::ZERO,
            under_way: BTreeMap::new(),
        })
    }

    /// How many jobs have ended, with a text or without.
    pub(crate) fn answered(&self) -> u64 {
        self.latencies.len() - self.unanswered
    }

    fn time(&mut self, time: Duration) {
        self.latencies.saturating_record(u64::try_from(time.as_micros()).unwrap_or(u64::MAX));
    }
}

/// One measurement under way.
struct Course {
    load: Load,
    begun: Instant,
    /// The number of the next picture.
    next: AtomicU64,
    tally: Mutex<Tally>,
}

/// Why a picture has no end.
enum Unended {
    /// The server did not take it, or broke.
    Refused(String),
    /// Nothing that is sent there will ever be read.
    Hopeless(String),
}

/// Sends it all, and gives what was measured.
pub(crate) async fn run(load: Load) -> Result<Tally> {
    tokio::select! {
        warm = warm_up(&load) => warm?,
        // Where nobody reads, a first picture is waited for without end.
        () = load.stop.cancelled() => return Tally::new(),
    }
    let clients = load.clients;
    let begun = Instant::now();
    let course = Arc::new(Course { load, begun, next: AtomicU64::new(0), tally: Mutex::new(Tally::new()?) });
    let mut working = JoinSet::new();
    for _ in 0..clients {
        working.spawn(Arc::clone(&course).client());
    }
    let last = course.end().map(|end| end + DRAIN);
    let all = async { while working.join_next().await.is_some() {} };
    tokio::select! {
        () = course.load.stop.cancelled() => {}
        () = async {
            match last {
                // What is late by then is counted as it stands.
                Some(last) => drop(timeout_at(last, all).await),
                None => all.await,
            }
        } => {}
    }
    drop(working);
    let mut tally = std::mem::replace(&mut *course.tally(), Tally::new()?);
    if tally.elapsed.is_zero() {
        tally.elapsed = course.begun.elapsed();
    }
    if !course.load.stop.is_cancelled() {
        course.count_unanswered(&mut tally);
    }
    Ok(tally)
}

/// One picture for each client, which are not counted: connections are made, and settings that cannot work end here.
async fn warm_up(load: &Load) -> Result<()> {
    let first = load.pictures.first().context("no pictures were found")?;
    let all = (0..load.clients).map(|_| load.read(first));
    for ended in futures::future::join_all(all).await {
        match ended {
            Ok(_) | Err(Unended::Refused(_)) => {}
            Err(Unended::Hopeless(why)) => bail!(why),
        }
    }
    Ok(())
}

impl Load {
    /// Has one picture read; gives why it has no text where it has none.
    async fn read(&self, picture: &Bytes) -> Result<Option<String>, Unended> {
        let mut reply = self.server.submit(picture.clone(), Queue::Interactive, None).await;
        loop {
            let asked = Instant::now();
            reply = match reply {
                Reply::Job { record, .. } if record.status == JobStatus::Succeeded => return Ok(None),
                Reply::Job { record, .. } if record.status.is_terminal() => {
                    let kind = record.error.map(|failure| failure.kind);
                    return Ok(Some(kind.unwrap_or_else(|| record.status.name().to_owned())));
                }
                Reply::Job { record, .. } => {
                    let reply = self.server.show(&record.id.to_string()).await;
                    if asked.elapsed() < POLL {
                        sleep(POLL).await;
                    }
                    reply
                }
                Reply::Refused(refusal) if refusal.is_denial() || refusal.is_absence() => {
                    return Err(Unended::Hopeless(refusal.to_string()));
                }
                Reply::Busy { refusal, .. } | Reply::Broken(refusal) | Reply::Refused(refusal) => {
                    return Err(Unended::Refused(format!("{} {}", refusal.status.as_u16(), refusal.kind)));
                }
                Reply::Foreign(why) | Reply::Unreachable(why) => return Err(Unended::Hopeless(why)),
            }
        }
    }
}

impl Course {
    async fn client(self: Arc<Self>) {
        while let Some((number, due)) = self.take() {
            sleep_until(due).await;
            let from = if due.elapsed() < TIMER { Instant::now() } else { due };
            self.tally().under_way.insert(number, from);
            let pictures = &self.load.pictures;
            let picture = &pictures[usize::try_from(number).unwrap_or_default() % pictures.len()];
            let ended = self.load.read(picture).await;
            let time = from.elapsed();
            let failed = ended.is_err();
            self.count(number, time, ended);
            if failed && self.load.rate.is_none() {
                sleep(AFTER_FAILURE).await;
            }
        }
    }

    /// The next picture and when it is due, or none where there are no more.
    fn take(&self) -> Option<(u64, Instant)> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        if self.load.rate.is_some() {
            return self.is_due(number).then(|| (number, self.due(number)));
        }
        let now = Instant::now();
        let more = match self.load.length {
            Length::Time(time) => now < self.begun + time,
            Length::Requests(count) => number < count,
        };
        more.then_some((number, now))
    }

    fn due(&self, number: u64) -> Instant {
        let rate = self.load.rate.unwrap_or(f64::INFINITY);
        self.begun + Duration::from_secs_f64(number as f64 / rate)
    }

    /// When the last picture is sent, where that is known beforehand.
    fn end(&self) -> Option<Instant> {
        match (self.load.length, self.load.rate) {
            (Length::Time(time), _) => Some(self.begun + time),
            (Length::Requests(count), Some(_)) => Some(self.due(count)),
            (Length::Requests(_), None) => None,
        }
    }

    fn count(&self, number: u64, time: Duration, ended: Result<Option<String>, Unended>) {
        let mut tally = self.tally();
        tally.under_way.remove(&number);
        tally.elapsed = self.begun.elapsed();
        let failure = match ended {
            Ok(failure) => {
                tally.time(time);
                failure
            }
            Err(Unended::Refused(why) | Unended::Hopeless(why)) => Some(why),
        };
        match failure {
            Some(why) => *tally.failures.entry(why).or_default() += 1,
            None => tally.succeeded += 1,
        }
    }

    /// What has no answer is as much the server's as what has: left out, the worst times would be. In an open loop that
    /// goes for what was due and never sent as well.
    fn count_unanswered(&self, tally: &mut Tally) {
        let not_sent = (self.next.load(Ordering::Relaxed)..)
            .take_while(|&number| self.load.rate.is_some() && self.is_due(number))
            .map(|number| self.due(number));
        for since in std::mem::take(&mut tally.under_way).into_values().chain(not_sent) {
            tally.unanswered += 1;
            tally.time(since.elapsed());
        }
    }

    /// Whether there is such a picture in an open loop.
    fn is_due(&self, number: u64) -> bool {
        match self.load.length {
            Length::Time(time) => self.due(number) < self.begun + time,
            Length::Requests(count) => number < count,
        }
    }

    fn tally(&self) -> MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
