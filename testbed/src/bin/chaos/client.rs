//! Clients as they should be: they do as they are told, try again when they are not answered, and ask until their job
//! has ended.

use std::{sync::Arc, time::Duration};

use byecaptcha_queue::JobId;
use byecaptcha_testbed::pictures::Pictures;
use bytes::Bytes;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use reqwest::{Response, StatusCode, header};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::ledger::{Ledger, Submission};

/// How long a client waits where it is not told how long.
const PAUSE: Duration = Duration::from_millis(200);
/// How long answers are held.
const HELD: &str = "wait=10";
/// A client gives a request up after this, and knows nothing then.
const ANSWER: Duration = Duration::from_secs(20);

/// How a client goes about its job.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Manner {
    /// Submits, then asks.
    Ask,
    /// Has the answer to its submission held.
    Hold,
    /// Wants it within so many milliseconds or not at all.
    Hurry(u64),
    /// Takes it back at once.
    TakeBack,
}

pub(crate) struct Clients {
    pub(crate) http: reqwest::Client,
    pub(crate) addresses: Vec<String>,
    pub(crate) pictures: Arc<Pictures>,
    pub(crate) poison: Bytes,
    pub(crate) poison_share: f64,
    /// All have their answers held, so that a job is one request.
    pub(crate) all_hold: bool,
    pub(crate) seed: u64,
    pub(crate) ledger: Arc<Ledger>,
    /// Nothing more is submitted.
    pub(crate) closing: CancellationToken,
    /// Nobody asks any more.
    pub(crate) over: CancellationToken,
}

/// What became of a request that submits.
enum Submitted {
    Accepted(JobId, Bytes),
    Refused(Duration),
    Unanswered,
}

pub(crate) fn http(clients: u32) -> reqwest::Result<reqwest::Client> {
    reqwest::Client::builder()
        .connect_timeout(Duration::from_secs(2))
        .timeout(ANSWER)
        .pool_max_idle_per_host(clients as usize)
        .build()
}

impl Clients {
    /// The life of one job, all of which its number and the seed decide, but for the answers.
    pub(crate) async fn live(&self, number: u64) {
        let mut rng = Pcg64Mcg::seed_from_u64(self.seed ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let picture = (!rng.random_bool(self.poison_share)).then(|| rng.random_range(0..self.pictures.len()));
        let manner = match rng.random_range(0..20) {
            _ if self.all_hold => Manner::Hold,
            0 if picture.is_some() => Manner::Hurry(rng.random_range(1..3_000)),
            1 if picture.is_some() => Manner::TakeBack,
            2..8 => Manner::Hold,
            _ => Manner::Ask,
        };
        let submission = Submission {
            picture,
            may_expire: matches!(manner, Manner::Hurry(_)),
            may_be_canceled: manner == Manner::TakeBack,
        };
        let mut api = rng.random_range(0..self.addresses.len());
        while !self.closing.is_cancelled() {
            // Another API each time: this one may be the one that is dead.
            api += 1;
            self.ledger.count(|counts| counts.attempted += 1);
            match self.submit(api, submission, manner).await {
                Submitted::Accepted(id, body) => {
                    self.ledger.accepted(id, submission);
                    if !self.ledger.told(id, &body) {
                        self.follow(api, id, manner).await;
                    }
                    return;
                }
                Submitted::Refused(pause) => sleep(pause).await,
                Submitted::Unanswered => sleep(PAUSE).await,
            }
        }
    }

    fn address(&self, api: usize) -> &str {
        &self.addresses[api % self.addresses.len()]
    }

    async fn submit(&self, api: usize, submission: Submission, manner: Manner) -> Submitted {
        let picture = submission.picture.and_then(|picture| self.pictures.get(picture));
        let (kind, body) = match picture {
            Some(picture) => ("image/jpeg", picture.file.clone()),
            None => ("image/png", self.poison.clone()),
        };
        let query = match manner {
            Manner::Hurry(milliseconds) => format!("?deadline_ms={milliseconds}"),
            _ => String::new(),
        };
        let request = self.http.post(format!("{}/v1/jobs{query}", self.address(api)));
        let request = request.header(header::CONTENT_TYPE, kind).body(body);
        let request = if manner == Manner::Hold { request.header("prefer", HELD) } else { request };
        let answer = match request.send().await {
            Ok(answer) => answer,
            Err(error) => {
                self.ledger.count(|counts| match error.is_connect() {
                    true => counts.unreachable += 1,
                    false => counts.indeterminate += 1,
                });
                return Submitted::Unanswered;
            }
        };
        match answer.status() {
            StatusCode::OK | StatusCode::ACCEPTED => {
                let location = answer.headers().get(header::LOCATION).and_then(|value| value.to_str().ok());
                let id = location.and_then(|location| location.rsplit('/').next()?.parse().ok());
                match (id, answer.bytes().await) {
                    (Some(id), Ok(body)) => Submitted::Accepted(id, body),
                    // Half an answer: it was cut off.
                    _ => {
                        self.ledger.count(|counts| counts.indeterminate += 1);
                        Submitted::Unanswered
                    }
                }
            }
            StatusCode::SERVICE_UNAVAILABLE => {
                self.ledger.count(|counts| counts.refused += 1);
                Submitted::Refused(retry_after(&answer))
            }
            status => {
                self.ledger.unexpected(format!("a submission was answered {status}"));
                Submitted::Refused(PAUSE)
            }
        }
    }

    /// Asks until the job has ended.
    async fn follow(&self, mut api: usize, id: JobId, manner: Manner) {
        if manner == Manner::TakeBack && self.take_back(api, id).await {
            return;
        }
        while !self.over.is_cancelled() {
            api += 1;
            let question = self.http.get(format!("{}/v1/jobs/{id}", self.address(api)));
            let Ok(answer) = question.header("prefer", HELD).send().await else {
                sleep(PAUSE).await;
                continue;
            };
            match answer.status() {
                StatusCode::OK => {
                    if let Ok(body) = answer.bytes().await
                        && self.ledger.told(id, &body)
                    {
                        return;
                    }
                }
                StatusCode::SERVICE_UNAVAILABLE => sleep(retry_after(&answer)).await,
                StatusCode::NOT_FOUND | StatusCode::GONE => {
                    self.ledger.unknown(id, answer.status().as_u16());
                    sleep(PAUSE * 5).await;
                }
                status => {
                    self.ledger.unexpected(format!("a question was answered {status}"));
                    sleep(PAUSE).await;
                }
            }
        }
    }

    /// True where the job is taken back; else it has started, or nobody knows.
    async fn take_back(&self, api: usize, id: JobId) -> bool {
        let address = self.address(api);
        let Ok(answer) = self.http.delete(format!("{address}/v1/jobs/{id}")).send().await else {
            return false;
        };
        match answer.status() {
            StatusCode::OK => answer.bytes().await.is_ok_and(|body| self.ledger.told(id, &body)),
            StatusCode::CONFLICT | StatusCode::SERVICE_UNAVAILABLE => false,
            status => {
                self.ledger.unexpected(format!("a wish to take a job back was answered {status}"));
                false
            }
        }
    }
}

fn retry_after(answer: &Response) -> Duration {
    let seconds =
        answer.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
    seconds.map_or(PAUSE, Duration::from_secs)
}
