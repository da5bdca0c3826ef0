//! A server of jobs that does as a test says, and keeps a ledger of everything that was posted to it.

use std::{
    collections::HashMap,
    io,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use axum::{
    Json, Router,
    body::{Body, Bytes},
    extract::{Path, RawQuery, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde_json::{Value, json};
use tokio::{net::TcpListener, time::sleep};

/// What every picture shows.
pub const TEXT: &str = "aB3dE";

/// How much longer answers of a server take that is forwarded to.
const FAR: Duration = Duration::from_millis(50);

/// One request that came.
#[derive(Clone, Default)]
pub struct Post {
    pub query: String,
    pub headers: HashMap<String, String>,
    pub body: Bytes,
}

impl Post {
    pub fn key(&self) -> &str {
        &self.headers["idempotency-key"]
    }
}

/// What to do about it.
pub enum Act {
    /// Reads it in this time, and answers with the end.
    Read(Duration),
    /// Takes it, and has it read when it was asked after so many times.
    Accept { polls: u32 },
    /// Takes it, and knows nothing of it when asked.
    Forget,
    /// Answers with this problem, and Retry-After where there is one.
    Refuse(u16, &'static str, Option<u64>),
    /// Reads it, and the answer breaks off.
    BreakOff,
    /// Has another server do it.
    Forward(String),
}

type Script = Box<dyn FnMut(&Post, usize) -> Act + Send>;

struct Ledger {
    posts: Vec<Post>,
    /// How often jobs were asked after that this server knows.
    polls: usize,
    ids: HashMap<String, String>,
    /// How often each will still be asked after in vain.
    jobs: HashMap<String, u32>,
    script: Script,
}

#[derive(Clone)]
pub struct Scripted {
    pub url: String,
    ledger: Arc<Mutex<Ledger>>,
    /// The server that jobs are asked after at, where they are forwarded.
    upstream: Arc<Mutex<Option<String>>>,
}

impl Scripted {
    /// The script gets each post and how often its key has come, this time included.
    pub async fn start(script: impl FnMut(&Post, usize) -> Act + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let ledger = Ledger {
            posts: Vec::new(),
            polls: 0,
            ids: HashMap::new(),
            jobs: HashMap::new(),
            script: Box::new(script),
        };
        let server = Self {
            url: format!("http://{}", listener.local_addr().unwrap()),
            ledger: Arc::new(Mutex::new(ledger)),
            upstream: Arc::default(),
        };
        let routes = Router::new().route("/v1/jobs", post(submit)).route("/v1/jobs/{id}", get(show));
        let routes = routes.with_state(server.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await });
        server
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap()
    }

    pub fn set_script(&self, script: impl FnMut(&Post, usize) -> Act + Send + 'static) {
        self.ledger().script = Box::new(script);
    }

    pub fn posts(&self) -> Vec<Post> {
        self.ledger().posts.clone()
    }

    pub fn polls(&self) -> usize {
        self.ledger().polls
    }

    /// How often each key has come.
    pub fn by_key(&self) -> HashMap<String, usize> {
        let mut counts = HashMap::new();
        for post in &self.ledger().posts {
            *counts.entry(post.key().to_owned()).or_default() += 1;
        }
        counts
    }

    /// All jobs end when they are next asked after.
    pub fn end_all(&self) {
        self.ledger().jobs.values_mut().for_each(|polls| *polls = 0);
    }
}

async fn submit(
    State(server): State<Scripted>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let headers = headers.iter().map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()));
    let post = Post { query: query.unwrap_or_default(), headers: headers.collect(), body };
    let (act, id) = {
        let mut ledger = server.ledger();
        ledger.posts.push(post.clone());
        let key = post.headers.get("idempotency-key").cloned().unwrap_or_default();
        let same = |other: &&Post| other.headers.get("idempotency-key").is_some_and(|other| *other == key);
        let times = ledger.posts.iter().filter(same).count();
        let act = (ledger.script)(&post, times);
        let fresh = format!("00000000-0000-7000-8000-{:012}", ledger.posts.len());
        // The same key is the same job.
        let id = if key.is_empty() { fresh } else { ledger.ids.entry(key).or_insert(fresh).clone() };
        match act {
            Act::Accept { polls } => drop(ledger.jobs.entry(id.clone()).or_insert(polls)),
            Act::Read(_) | Act::BreakOff => drop(ledger.jobs.insert(id.clone(), 0)),
            _ => {}
        }
        (act, id)
    };
    match act {
        Act::Read(time) => {
            sleep(time).await;
            Json(record(&id, true)).into_response()
        }
        Act::Accept { .. } | Act::Forget => (StatusCode::ACCEPTED, Json(record(&id, false))).into_response(),
        Act::Refuse(status, kind, retry_after) => refuse(status, kind, retry_after),
        Act::BreakOff => {
            let pieces = [Ok(Bytes::from_static(b"{")), Err(io::Error::other("it breaks off"))];
            Body::from_stream(futures::stream::iter(pieces)).into_response()
        }
        Act::Forward(url) => {
            *server.upstream.lock().unwrap() = Some(url.clone());
            sleep(FAR).await;
            let request = reqwest::Client::new().post(format!("{url}/v1/jobs?{}", post.query));
            let request = request.header("prefer", &post.headers["prefer"]).body(post.body);
            pass_on(request).await
        }
    }
}

async fn show(State(server): State<Scripted>, Path(id): Path<String>) -> Response {
    let upstream = server.upstream.lock().unwrap().clone();
    if let Some(url) = upstream {
        return pass_on(reqwest::Client::new().get(format!("{url}/v1/jobs/{id}"))).await;
    }
    let mut ledger = server.ledger();
    let Some(polls) = ledger.jobs.get_mut(&id) else { return refuse(410, "job-expired", None) };
    let ended = *polls == 0;
    *polls = polls.saturating_sub(1);
    ledger.polls += 1;
    let mut answer = Json(record(&id, ended)).into_response();
    answer.headers_mut().insert(header::RETRY_AFTER, 0.into());
    answer
}

async fn pass_on(request: reqwest::RequestBuilder) -> Response {
    let answer = request.send().await.unwrap();
    (answer.status(), answer.bytes().await.unwrap()).into_response()
}

fn refuse(status: u16, kind: &str, retry_after: Option<u64>) -> Response {
    let problem = json!({"type": format!("/problems/{kind}"), "title": "No", "detail": "It is so."});
    let mut answer = (StatusCode::from_u16(status).unwrap(), Json(problem)).into_response();
    if let Some(seconds) = retry_after {
        answer.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    }
    answer
}

fn record(id: &str, ended: bool) -> Value {
    let mut record = json!({"id": id, "status": "queued", "submitted_at_ms": 1});
    if ended {
        record["status"] = "succeeded".into();
        record["result"] = json!({
            "text": TEXT, "confidence": 0.5, "characters": [], "alternatives": [], "model": "lean",
            "model_version": "1", "queue_ms": 0.0, "engine_ms": 0.0,
        });
    }
    record
}
