//! Requests of all kinds, as clients of all kinds send them, each held to what may come of it.

use std::{fmt, net::SocketAddr, time::Duration};

use anyhow::{Context, Result, bail, ensure};
use byecaptcha_queue::{JobId, JobStatus};
use bytes::Bytes;
use hyper::{Method, StatusCode};
use tokio::time::{sleep, timeout};

use crate::{
    client::{Client, WAIT},
    pictures,
};

/// How often each kind comes in a hundred requests.
const KINDS: [(Kind, usize); 9] = [
    (Kind::Waited, 45),
    (Kind::Polled, 15),
    (Kind::OtherForm, 10),
    (Kind::Truncated, 8),
    (Kind::NoPicture, 6),
    (Kind::Canceled, 6),
    (Kind::Overdue, 4),
    (Kind::HungUp, 3),
    (Kind::Unknown, 3),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// A captcha; the answer is held.
    Waited,
    /// A captcha; asked for until it is there.
    Polled,
    /// PNG, GIF, WebP, BMP and stranger things, as a form sends them.
    OtherForm,
    /// A JPEG file whose second half is missing.
    Truncated,
    /// No picture at all.
    NoPicture,
    /// Taken back at once.
    Canceled,
    /// Of no use from the moment that it is submitted.
    Overdue,
    /// The client is gone before its answer is there.
    HungUp,
    /// A question for a job that never was.
    Unknown,
}

/// How jobs ended, and what was refused.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Ends {
    pub(crate) succeeded: usize,
    pub(crate) failed: usize,
    pub(crate) canceled: usize,
    pub(crate) expired: usize,
    pub(crate) refused: usize,
    /// Their clients did not stay to see.
    pub(crate) unseen: usize,
}

impl Ends {
    pub(crate) fn add(&mut self, other: &Self) {
        self.succeeded += other.succeeded;
        self.failed += other.failed;
        self.canceled += other.canceled;
        self.expired += other.expired;
        self.refused += other.refused;
        self.unseen += other.unseen;
    }
}

impl fmt::Display for Ends {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { succeeded, failed, canceled, expired, refused, unseen } = self;
        write!(
            formatter,
            "{succeeded} jobs succeeded, {failed} failed, {canceled} canceled, {expired} expired; {refused} requests \
             refused, {unseen} clients hung up. Each as it should."
        )
    }
}

/// The pictures, and whose turn it is.
pub(crate) struct Mixture {
    api: SocketAddr,
    captchas: Vec<Bytes>,
    forms: Vec<Bytes>,
    order: Vec<Kind>,
}

impl Mixture {
    pub(crate) fn new(api: SocketAddr) -> Result<Self> {
        let kinds: Vec<Kind> = KINDS.iter().flat_map(|&(kind, count)| vec![kind; count]).collect();
        // 37 and 100 have no common divisor: every kind keeps its share, and no two of one kind stand together for long.
        let order = (0..kinds.len()).map(|place| kinds[place * 37 % kinds.len()]).collect();
        Ok(Self { api, captchas: pictures::captchas()?, forms: pictures::forms()?, order })
    }

    /// The request of this number, and what came of it. An error is an answer that should not be.
    pub(crate) async fn request(&self, client: &mut Client, number: usize, ends: &mut Ends) -> Result<()> {
        let kind = self.order[number % self.order.len()];
        let captcha = self.captchas[number * 7 % self.captchas.len()].clone();
        let status = match kind {
            Kind::Waited => waited(client, captcha).await,
            Kind::OtherForm => posted(client, &self.forms[number % self.forms.len()]).await,
            Kind::Truncated => waited(client, captcha.slice(..captcha.len() / 2)).await,
            Kind::Polled => self.polled(client, captcha).await,
            Kind::Canceled => self.canceled(client, captcha).await,
            Kind::Overdue => self.overdue(client, captcha).await,
            Kind::HungUp => {
                ends.unseen += 1;
                return self.hung_up(client, captcha).await;
            }
            Kind::NoPicture => {
                ends.refused += 1;
                let answer = client.submit(Bytes::from_static(b"<svg/>"), true).await?;
                ensure!(answer.status == StatusCode::UNSUPPORTED_MEDIA_TYPE, "no picture: {}", answer.status);
                return Ok(());
            }
            Kind::Unknown => {
                ends.refused += 1;
                let answer = client.show(&format!("/v1/jobs/{}", JobId::new())).await?;
                ensure!(answer.status == StatusCode::NOT_FOUND, "an unknown job: {}", answer.status);
                return Ok(());
            }
        };
        let status = status.with_context(|| format!("{kind:?}"))?;
        match (kind, status) {
            (Kind::Truncated, JobStatus::Failed) => ends.failed += 1,
            (Kind::Overdue, JobStatus::Expired) => ends.expired += 1,
            (Kind::Canceled, JobStatus::Canceled) => ends.canceled += 1,
            // Too late to take back.
            (Kind::Waited | Kind::Polled | Kind::OtherForm | Kind::Canceled, JobStatus::Succeeded) => {
                ends.succeeded += 1;
            }
            (kind, status) => bail!("{kind:?} ended as {status:?}"),
        }
        Ok(())
    }

    async fn polled(&self, client: &mut Client, picture: Bytes) -> Result<JobStatus> {
        let location = accepted(client, "/v1/jobs", picture).await?;
        ended(client, &location).await
    }

    async fn canceled(&self, client: &mut Client, picture: Bytes) -> Result<JobStatus> {
        let location = accepted(client, "/v1/jobs", picture).await?;
        let answer = client.send(Method::DELETE, &location, &[], Bytes::new()).await?;
        match answer.status {
            StatusCode::OK => Ok(answer.job()?.status),
            StatusCode::CONFLICT => ended(client, &location).await,
            other => bail!("DELETE answers {other}"),
        }
    }

    async fn overdue(&self, client: &mut Client, picture: Bytes) -> Result<JobStatus> {
        let location = accepted(client, "/v1/jobs?deadline_ms=0", picture).await?;
        ended(client, &location).await
    }

    async fn hung_up(&self, client: &mut Client, picture: Bytes) -> Result<()> {
        // Somewhere between the first byte sent and the last one received.
        drop(timeout(Duration::from_millis(2), client.submit(picture, true)).await);
        *client = Client::connect(self.api).await?;
        Ok(())
    }
}

async fn waited(client: &mut Client, picture: Bytes) -> Result<JobStatus> {
    Ok(client.submit(picture, true).await?.job()?.status)
}

/// In the one field of a form (RFC 7578).
async fn posted(client: &mut Client, picture: &[u8]) -> Result<JobStatus> {
    let head = b"--limit\r\nContent-Disposition: form-data; name=\"image\"; filename=\"picture\"\r\n\r\n";
    let body = [head, picture, b"\r\n--limit--\r\n"].concat();
    let headers = [("content-type", "multipart/form-data; boundary=limit"), ("prefer", WAIT)];
    let answer = client.send(Method::POST, "/v1/jobs", &headers, body.into()).await?;
    Ok(answer.job()?.status)
}

/// Where an accepted job is.
async fn accepted(client: &mut Client, path: &str, picture: Bytes) -> Result<String> {
    let answer = client.send(Method::POST, path, &[("content-type", "image/jpeg")], picture).await?;
    ensure!(answer.status == StatusCode::ACCEPTED, "{}: {:?}", answer.status, answer.body);
    answer.location.context("the answer does not say where the job is")
}

/// How a job ends, asked every 20 milliseconds.
async fn ended(client: &mut Client, location: &str) -> Result<JobStatus> {
    loop {
        let status = client.show(location).await?.job()?.status;
        if status.is_terminal() {
            return Ok(status);
        }
        sleep(Duration::from_millis(20)).await;
    }
}
