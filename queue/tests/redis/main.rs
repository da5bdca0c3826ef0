//! The result store on Redis where the server or the network fails: what was written stays, what was not is said, and
//! everything works again by itself.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs, reason = "a test may stop at the first surprise")]

mod network;
mod refusals;
mod restarts;

use std::{future::Future, net::Ipv4Addr, time::Duration};

use byecaptcha_queue::{
    Job, JobId, JobOptions, JobRecord, JobStatus, Lookup, Outcome, RedisResults, ResultOptions, ResultStore,
};
use bytes::Bytes;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
    time::Instant,
};

/// No answer takes this long, not even from a loaded machine, nor does any recovery.
const PATIENCE: Duration = Duration::from_secs(60);

fn store(url: &str) -> RedisResults {
    RedisResults::new(url, "test", ResultOptions::default()).unwrap()
}

async fn created(store: &RedisResults) -> JobId {
    let record = JobRecord::queued(&Job::new(Bytes::from_static(b"picture"), JobOptions::default()));
    store.create(&record).await.unwrap();
    record.id
}

async fn status(store: &RedisResults, id: JobId) -> JobStatus {
    match store.get(id).await.unwrap() {
        Lookup::Found(record) => record.status,
        other => panic!("{other:?} in place of a record"),
    }
}

/// As a worker does it: until it is written.
async fn end(store: &RedisResults, id: JobId) -> bool {
    let ends = [(id, Outcome::Expired)];
    eventually("the end", || async { store.finish(&ends).await.ok() }).await[0]
}

/// Asks until there is an answer.
async fn eventually<T, F: Future<Output = Option<T>>>(what: &str, mut ask: impl FnMut() -> F) -> T {
    let start = Instant::now();
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(start.elapsed() < PATIENCE, "{what} does not come");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// What the server says to one command, past the client under test: a line, or the lines of a longer answer.
async fn command(port: u16, command: &str) -> String {
    let mut stream = BufReader::new(TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.unwrap());
    stream.write_all(format!("{command}\r\n").as_bytes()).await.unwrap();
    let mut line = String::new();
    stream.read_line(&mut line).await.unwrap();
    match line.strip_prefix('$').and_then(|length| length.trim().parse::<usize>().ok()) {
        None => line,
        Some(length) => {
            let mut text = vec![0; length];
            stream.read_exact(&mut text).await.unwrap();
            String::from_utf8(text).unwrap()
        }
    }
}

/// How many scripts the server was asked to run.
async fn scripts_run(port: u16) -> u64 {
    let statistics = command(port, "INFO commandstats").await;
    let line = statistics.lines().find_map(|line| line.strip_prefix("cmdstat_evalsha:calls=")).unwrap_or("0");
    line.split(',').next().unwrap().parse().unwrap()
}
