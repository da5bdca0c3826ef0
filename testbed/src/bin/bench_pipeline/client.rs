//! One connection to the API, kept alive, as a client program would hold it.

use std::net::SocketAddr;

use anyhow::{Context, Result, bail};
use byecaptcha_queue::JobRecord;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{
    Method, Request, Response, StatusCode,
    body::Incoming,
    client::conn::http1::{SendRequest, handshake},
    header,
};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// How long answers are held.
pub(crate) const WAIT: &str = "wait=20";

pub(crate) struct Client {
    sender: SendRequest<Full<Bytes>>,
    host: String,
}

/// What the API says of a request.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    /// Where the job is, for one that was accepted.
    pub(crate) location: Option<String>,
    pub(crate) body: Bytes,
}

impl Answer {
    /// The job in it.
    pub(crate) fn job(&self) -> Result<JobRecord> {
        if !self.status.is_success() {
            bail!("{}: {}", self.status, String::from_utf8_lossy(&self.body));
        }
        serde_json::from_slice(&self.body).context("the answer is no job")
    }
}

impl Client {
    pub(crate) async fn connect(api: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(api).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        // Ends with the sender; what goes wrong on it, the requests hear.
        tokio::spawn(async move { drop(connection.await) });
        Ok(Self { sender, host: api.to_string() })
    }

    /// Submits a picture; the answer is held until the job has ended where `wait` is set.
    pub(crate) async fn submit(&mut self, picture: Bytes, wait: bool) -> Result<Answer> {
        let headers: &[(&str, &str)] = match wait {
            true => &[("content-type", "image/jpeg"), ("prefer", WAIT)],
            false => &[("content-type", "image/jpeg")],
        };
        self.send(Method::POST, "/v1/jobs", headers, picture).await
    }

    /// Asks how a job stands.
    pub(crate) async fn show(&mut self, location: &str) -> Result<Answer> {
        self.send(Method::GET, location, &[], Bytes::new()).await
    }

    pub(crate) async fn send(
        &mut self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Bytes,
    ) -> Result<Answer> {
        let mut request = Request::builder().method(method).uri(path).header(header::HOST, &self.host);
        for &(name, value) in headers {
            request = request.header(name, value);
        }
        self.sender.ready().await?;
        let answer = self.sender.send_request(request.body(Full::new(body))?).await?;
        read(answer).await
    }
}

async fn read(answer: Response<Incoming>) -> Result<Answer> {
    let status = answer.status();
    let location = answer.headers().get(header::LOCATION).and_then(|value| value.to_str().ok());
    let location = location.map(str::to_owned);
    let body = answer.into_body().collect().await?.to_bytes();
    Ok(Answer { status, location, body })
}
