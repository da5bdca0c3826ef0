//! What a batch waits for, and what it is answered where that does not come.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::STANDARD};
use byecaptcha_api::ApiSettings;
use byecaptcha_queue::BrokerOptions;
use reqwest::StatusCode;
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

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
async fn who_takes_room_for_a_picture_of_a_batch_and_falls_behind_gives_it_back() {
    let settings = ApiSettings {
        max_upload_bytes: 200_000,
        max_held_batch_bytes: 0,
        body_timeout: Duration::from_secs(6),
        ..ApiSettings::default()
    };
    let app = TestApp::with(Setup { settings, ..Setup::default() }).await;
    let boundary = "multipart/form-data; boundary=x";
    let form = "--x\r\ncontent-disposition: form-data; name=image; filename=a.png\r\n\r\n";
    let slow = [(JSONL, String::new()), (boundary, form.to_owned())];
    for (kind, before) in slow {
        let mut slow = TcpStream::connect(app.socket()).await.unwrap();
        let head = format!(
            "POST /v1/batches HTTP/1.1\r\nhost: a\r\ncontent-type: {kind}\r\ncontent-length: 9000000\r\n\r\n{before}"
        );
        slow.write_all(head.as_bytes()).await.unwrap();
        slow.write_all(&large().as_bytes()[..100_000]).await.unwrap();
        // A byte now and then is not enough, though nothing is ever still for long.
        let drops = async {
            loop {
                tokio::time::sleep(Duration::from_millis(200)).await;
                if slow.write_all(b"A").await.is_err() {
                    std::future::pending::<()>().await;
                }
            }
        };
        let others = tokio::time::timeout(SOON, app.taken(app.batch(JSONL, large())));
        tokio::select! {
            () = drops => {}
            taken = others => { taken.expect("it is not kept from the room"); }
        }
        let mut answer = vec![0; 12];
        slow.read_exact(&mut answer).await.unwrap();
        assert_eq!(String::from_utf8(answer).unwrap(), "HTTP/1.1 408", "{kind}");
    }
}

#[tokio::test]
async fn archives_on_the_disk_take_turns() {
    let settings = ApiSettings { max_batch_bytes: 300_000, max_spooled_bytes: 0, ..ApiSettings::default() };
    let app = TestApp::with(Setup { settings, ..Setup::default() }).await;
    let head = "POST /v1/batches HTTP/1.1\r\nhost: a\r\ncontent-type: application/zip\r\ncontent-length: 290000\r\n\r\n";
    let begin = async || {
        let mut slow = TcpStream::connect(app.socket()).await.unwrap();
        slow.write_all(head.as_bytes()).await.unwrap();
        slow.write_all(&[0; 280_000]).await.unwrap();
        slow
    };
    let other = async || app.batch("application/zip", vec![0; 100_000]).send().await.unwrap();
    let refused = async {
        let mut slow = begin().await;
        loop {
            let answer = other().await;
            if answer.status() == StatusCode::SERVICE_UNAVAILABLE {
                break (answer, slow);
            }
            // Where the other came first, it is the slow one that is told to come again.
            if slow.try_read(&mut [0; 12]).is_ok() {
                slow = begin().await;
            }
        }
    };
    let (refused, slow) = tokio::time::timeout(SOON, refused).await.unwrap();
    assert_problem(&app, refused, 503, "too-many-uploads").await;
    drop(slow);
    // It has room now, and is no archive.
    let taken = async { while other().await.status() != StatusCode::BAD_REQUEST {} };
    tokio::time::timeout(SOON, taken).await.unwrap();
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
