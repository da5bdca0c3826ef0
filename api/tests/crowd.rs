//! Many large uploads at once take no more memory than there is room for. In a process of its own, so that it can be measured.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may end by a panic")]

mod measured;

use std::{io::Cursor, sync::Arc, time::Duration};

use async_trait::async_trait;
use base64::{Engine, engine::general_purpose::STANDARD};
use byecaptcha_api::{ApiSettings, ApiState, ModelInfo};
use byecaptcha_queue::{Broker, BrokerError, Consumer, DeadLetter, Job, JobId, MemoryResults, ResultOptions};
use bytes::Bytes;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

use measured::{MIB, peak};

/// Most bytes in a picture, so that its base64 is no longer than an upload may be.
const LARGE: usize = 7 * MIB;

/// A broker that takes all, and keeps nothing.
struct Nowhere;

#[async_trait]
impl Broker for Nowhere {
    async fn publish(&self, _: &Job) -> Result<(), BrokerError> {
        Ok(())
    }
    async fn consumer(&self) -> Result<Box<dyn Consumer>, BrokerError> {
        Err(BrokerError::Unavailable("nothing is kept".to_owned()))
    }
    async fn depth(&self) -> Result<usize, BrokerError> {
        Ok(0)
    }
    async fn dead_letters(&self) -> Result<Vec<DeadLetter>, BrokerError> {
        Ok(Vec::new())
    }
    async fn remove_dead_letters(&self, _: &[JobId]) -> Result<usize, BrokerError> {
        Ok(0)
    }
    async fn ready(&self) -> Result<(), BrokerError> {
        Ok(())
    }
}

fn model() -> ModelInfo {
    ModelInfo {
        name: "lean".to_owned(),
        version: "1".to_owned(),
        default: true,
        charset: "ABC".to_owned(),
        figures: serde_json::Value::Null,
        recommended_min_confidence: None,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_hundred_megabytes_at_once_take_turns() {
    let patience = Duration::from_secs(120);
    let settings = ApiSettings { room_timeout: patience, body_timeout: patience, ..ApiSettings::default() };
    let room = settings.max_held_bytes;
    let results = Arc::new(MemoryResults::new(ResultOptions::default()));
    let state = ApiState::new(Arc::new(Nowhere), results, vec![model()], settings);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(byecaptcha_api::serve(listener, state, std::future::pending()));

    let mut raw = Vec::new();
    image::DynamicImage::new_luma8(8, 8)
        .write_to(&mut Cursor::new(&mut raw), image::ImageFormat::Png)
        .unwrap();
    raw.resize(LARGE, 0);
    let json = Bytes::from(format!("{{\"image\":\"{}\"}}", STANDARD.encode(&raw)));
    let bodies = [("image/png", Bytes::from(raw)), ("application/json", json)];
    let before = peak();
    let mut clients = JoinSet::new();
    for number in 0..24 {
        let (kind, body) = bodies[number % 2].clone();
        clients.spawn(async move {
            let mut stream = TcpStream::connect(address).await.unwrap();
            let length = body.len();
            let head = format!(
                "POST /v1/jobs HTTP/1.1\r\nhost: a\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\n\r\n"
            );
            stream.write_all(head.as_bytes()).await.unwrap();
            // In small pieces, so that all of them come at the same time where nobody stops them.
            for piece in body.chunks(16 << 10) {
                stream.write_all(piece).await.unwrap();
                tokio::task::yield_now().await;
            }
            let mut answer = vec![0; 12];
            stream.read_exact(&mut answer).await.unwrap();
            String::from_utf8(answer).unwrap()
        });
    }
    let answers = tokio::time::timeout(patience, clients.join_all()).await.expect("all are answered");
    assert!(answers.iter().all(|answer| answer == "HTTP/1.1 202"), "{answers:?}");
    let grown = peak() - before;
    // A body of JSON is there twice while it is read; the rest, which is another amount each time, is what the allocator keeps. All of them
    // at once would be 200 MiB, and those of JSON twice.
    println!("memory grew by {} MiB", grown / MIB);
    assert!(grown < 4 * room, "memory grew by {} MiB", grown / MIB);
    server.abort();
}
