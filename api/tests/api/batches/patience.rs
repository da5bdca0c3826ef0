//! What a batch waits for, and what it is answered where that does not come.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::STANDARD};
use byecaptcha_api::ApiSettings;
use byecaptcha_queue::BrokerOptions;
use reqwest::StatusCode;
use serde_json::json;
use tokio::{io::AsyncWriteExt, net::TcpStream};

use super::{JSONL, line, lines};
use crate::{
    app::{Setup, TestApp, assert_problem},
    pictures::png,
};

/// An upload that never gets room is not waited for for ever.
const SOON: Duration = Duration::from_secs(30);

fn large() -> String {
    let mut picture = png();
    picture.resize(150_000, 0);
    format!("{}\n", json!({ "image": STANDARD.encode(picture) }))
}

#[tokio::test]
async fn a_batch_waits_so_long_for_room_and_small_pictures_need_none() {
    let settings = ApiSettings {
        max_upload_bytes: 200_000,
        max_held_batch_bytes: 0,
        batch_patience: Duration::from_millis(100),
        ..ApiSettings::default()
    };
    let app = TestApp::with(Setup { settings, ..Setup::default() }).await;
    let mut slow = TcpStream::connect(app.socket()).await.unwrap();
    let head = format!(
        "POST /v1/batches HTTP/1.1\r\nhost: a\r\ncontent-type: {JSONL}\r\ncontent-length: 9000000\r\n\r\n"
    );
    slow.write_all(head.as_bytes()).await.unwrap();
    // Half a line takes all the room there is.
    slow.write_all(&large().as_bytes()[..100_000]).await.unwrap();
    let until = async |status: StatusCode| loop {
        let answer = app.batch(JSONL, large()).send().await.unwrap();
        if answer.status() == status {
            break answer;
        }
    };
    let refused = tokio::time::timeout(SOON, until(StatusCode::SERVICE_UNAVAILABLE)).await.unwrap();
    let problem = assert_problem(&app, refused, 503, "too-many-uploads").await;
    assert!(problem["detail"].as_str().unwrap().contains("0.1 seconds"), "{problem}");
    app.taken(app.batch(JSONL, line("small"))).await;
    drop(slow);
    tokio::time::timeout(SOON, until(StatusCode::ACCEPTED)).await.unwrap();
}

#[tokio::test]
async fn a_batch_waits_so_long_for_a_queue_that_is_full() {
    let settings = |batch_patience| ApiSettings { batch_patience, ..ApiSettings::default() };
    let broker = BrokerOptions { capacity: 2, ..BrokerOptions::default() };
    let with = |patience| TestApp::with(Setup { settings: settings(patience), broker, ..Setup::default() });
    let app = with(Duration::from_millis(100)).await;
    let refused = app.batch(JSONL, lines(3)).send().await.unwrap();
    assert_problem(&app, refused, 503, "queue-full").await;
    // A worker takes some in time.
    let app = with(SOON).await;
    let (_, jobs) = tokio::join!(app.taken(app.batch(JSONL, lines(9))), app.bulk_jobs(9));
    assert_eq!(jobs.len(), 9);
}
