//! One client of a ByeCaptcha server's HTTP API, for all commands that speak to one: it knows the addresses, the headers
//! and what answers mean, and leaves to its callers when to try again.
// hyper, and not reqwest, which the tests use: what reqwest needs for TLS without a second library of cryptography
// would be switched on for every program of the workspace that is built along, and those that bring none would panic.

mod address;
pub(crate) mod connections;
mod media_type;
mod reply;
mod settings;

use std::{error::Error, io, sync::Arc, time::Duration};

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::{
    HeaderMap, Method, Request,
    header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue, USER_AGENT},
};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use rustls::{ClientConfig, Error as TlsError, RootCertStore};
use tokio::time::timeout;

pub(crate) use reply::{Refusal, Reply};
pub(crate) use settings::ServerSettings;

use crate::causes::in_words;
use address::ServerAddress;

/// How long answers are asked to be held, and no server holds them longer.
const WAIT: HeaderValue = HeaderValue::from_static("wait=25");

/// The longest that a request takes: the wait, and time to send a large picture over a poor line.
const LONGEST: Duration = Duration::from_secs(60);

const CONNECT: Duration = Duration::from_secs(10);

/// Shorter than servers and the proxies before them keep idle connections.
const IDLE: Duration = Duration::from_secs(20);

/// No answer of such a server is nearly as large.
const MAX_ANSWER: usize = 1 << 20;

/// What is added to the address that jobs are posted to, so that they do not delay people.
const BULK: &str = "?queue=bulk";

/// Which of a server's two queues jobs wait in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Queue {
    /// Someone waits for the answer.
    Interactive,
    /// Large jobs that take the time that is left.
    Bulk,
}

/// A server to speak to.
pub(crate) struct Server {
    http: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    address: ServerAddress,
    authorization: Option<HeaderValue>,
}

impl Server {
    /// Opens nothing yet; as many connections are kept as requests are ever under way at once.
    pub(crate) fn new(settings: &ServerSettings, connections: usize) -> Result<Self> {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(CONNECT));
        let address = settings.server.clone();
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls(address.is_encrypted())?)
            .https_or_http()
            .enable_http1()
            .wrap_connector(tcp);
        let http = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(connections)
            .build(connector);
        Ok(Self { http, address, authorization: settings.authorization()? })
    }

    /// Submits a picture; the answer is held until the job has ended, within reason. The same key is the same job,
    /// however often it is sent.
    pub(crate) async fn submit(&self, picture: Bytes, queue: Queue, key: Option<&str>) -> Reply {
        let query = if queue == Queue::Bulk { BULK } else { "" };
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type::sniff(&picture)));
        if let Some(Ok(key)) = key.map(HeaderValue::from_str) {
            headers.insert("idempotency-key", key);
        }
        self.ask(Method::POST, &format!("/v1/jobs{query}"), headers, picture).await
    }

    /// Asks how a job stands, likewise.
    pub(crate) async fn show(&self, job: &str) -> Reply {
        self.ask(Method::GET, &format!("/v1/jobs/{job}"), HeaderMap::new(), Bytes::new()).await
    }

    async fn ask(&self, method: Method, path: &str, mut headers: HeaderMap, body: Bytes) -> Reply {
        headers.insert("prefer", WAIT);
        headers
            .insert(USER_AGENT, HeaderValue::from_static(concat!("byecaptcha/", env!("CARGO_PKG_VERSION"))));
        if let Some(authorization) = &self.authorization {
            headers.insert(AUTHORIZATION, authorization.clone());
        }
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = method;
        *request.uri_mut() = match self.address.join(path) {
            Ok(uri) => uri,
            Err(error) => return Reply::Unreachable(error.to_string()),
        };
        *request.headers_mut() = headers;
        match timeout(LONGEST, self.answer(request)).await {
            Ok(Ok(reply)) => reply,
            Ok(Err(error)) if is_mistrust(error.as_ref()) => Reply::Foreign(in_words(error.as_ref())),
            Ok(Err(error)) => Reply::Unreachable(in_words(error.as_ref())),
            Err(_) => Reply::Unreachable(format!("no answer came in {} seconds", LONGEST.as_secs())),
        }
    }

    async fn answer(&self, request: Request<Full<Bytes>>) -> Result<Reply, Box<dyn Error + Send + Sync>> {
        let (parts, body) = self.http.request(request).await?.into_parts();
        let body = Limited::new(body, MAX_ANSWER).collect().await?.to_bytes();
        Ok(reply::read(&parts, &body))
    }
}

/// The certificates that this machine trusts, so that a company's own authority counts; only where there is need.
fn tls(needed: bool) -> Result<ClientConfig> {
    let mut roots = RootCertStore::empty();
    if needed {
        let found = rustls_native_certs::load_native_certs();
        roots.add_parsable_certificates(found.certs);
        ensure!(
            !roots.is_empty(),
            "this machine trusts no certificates; SSL_CERT_FILE can name a file of some"
        );
    }
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .context("TLS cannot be set up")?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}

/// Whether who answers is not who was meant, or speaks no TLS: waiting helps with neither.
fn is_mistrust(error: &(dyn Error + 'static)) -> bool {
    // An I/O error passes over what it carries where it names its source.
    let carried = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    let next = carried.map(|error| -> &(dyn Error + 'static) { error }).or_else(|| error.source());
    matches!(error.downcast_ref(), Some(TlsError::InvalidCertificate(_) | TlsError::InvalidMessage(_)))
        || next.is_some_and(is_mistrust)
}
