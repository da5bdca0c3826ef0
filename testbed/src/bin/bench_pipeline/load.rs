//! The load: clients that each submit one job after the other, and what became of the jobs in a given time.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use anyhow::{Context, Result, ensure};
use byecaptcha_queue::{JobRecord, JobStatus};
use bytes::Bytes;
use tokio::{
    task::JoinSet,
    time::{Instant, sleep, sleep_until},
};

use crate::{client::Client, latency::Latencies};

/// How clients come by their answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// Their submission's answer is held until the job has ended.
    Wait,
    /// They submit, and then ask until the job has ended.
    Poll,
}

/// Between two questions of a client that polls, and before the first.
const POLL: Duration = Duration::from_millis(10);

/// What is sent, and the text that must come back where it is known.
pub(crate) struct Work {
    pub(crate) api: SocketAddr,
    pub(crate) pictures: Vec<(Bytes, Option<String>)>,
    pub(crate) way: Way,
}

/// Before the measurement: connections are made, and caches fill.
pub(crate) const WARM_UP: Duration = Duration::from_secs(1);

/// Has so many clients work, and gives how long those jobs took that ended within `time` after the warm-up. `begins` and
/// `ends` are called at its two ends.
pub(crate) async fn load(
    work: Arc<Work>,
    clients: usize,
    time: Duration,
    begins: impl FnOnce(),
    ends: impl FnOnce(),
) -> Result<Latencies> {
    let begin = Instant::now() + WARM_UP;
    let end = begin + time;
    let mut working = JoinSet::new();
    for number in 0..clients {
        working.spawn(submit_until(Arc::clone(&work), number, begin, end));
    }
    sleep_until(begin).await;
    begins();
    sleep_until(end).await;
    ends();
    let mut times = Vec::new();
    while let Some(done) = working.join_next().await {
        times.extend(done.context("a client has panicked")??);
    }
    ensure!(!times.is_empty(), "no job has ended in {} seconds", time.as_secs());
    Ok(Latencies::of(times))
}

async fn submit_until(work: Arc<Work>, number: usize, begin: Instant, end: Instant) -> Result<Vec<Duration>> {
    let mut client = Client::connect(work.api).await?;
    let mut times = Vec::new();
    // Clients start at different pictures and go through all of them.
    let pictures = work.pictures.iter().cycle().skip(number * 7 % work.pictures.len());
    for (picture, text) in pictures {
        let submitted = Instant::now();
        if submitted >= end {
            break;
        }
        let job = match work.way {
            Way::Wait => client.submit(picture.clone(), true).await?.job()?,
            Way::Poll => poll(&mut client, picture.clone()).await?,
        };
        let ended = Instant::now();
        check(&job, text.as_deref())?;
        if (begin..end).contains(&ended) {
            times.push(ended - submitted);
        }
    }
    Ok(times)
}

async fn poll(client: &mut Client, picture: Bytes) -> Result<JobRecord> {
    let answer = client.submit(picture, false).await?;
    let location = answer.location.clone().context("the answer does not say where the job is")?;
    let mut job = answer.job()?;
    while !job.status.is_terminal() {
        sleep(POLL).await;
        job = client.show(&location).await?.job()?;
    }
    Ok(job)
}

/// A fast answer that is wrong is worth nothing.
fn check(job: &JobRecord, text: Option<&str>) -> Result<()> {
    ensure!(job.status == JobStatus::Succeeded, "job {} ended as {:?}", job.id, job.status);
    let read = job.result.as_ref().map(|result| result.text.as_str());
    ensure!(text.is_none() || text == read, "job {} was read as {read:?}, not {text:?}", job.id);
    Ok(())
}
