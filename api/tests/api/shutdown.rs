//! How the server ends: nobody is left without an answer, and nobody can keep it from ending.

use std::time::{Duration, Instant};

use byecaptcha_queue::JobId;
use reqwest::StatusCode;
use serde_json::Value;
use tokio::{io::AsyncWriteExt, net::TcpStream};

use crate::{
    app::{TestApp, header},
    pictures::png,
};

#[tokio::test]
async fn held_answers_are_given_as_things_stand() {
    let app = TestApp::start().await;
    let submitted = app.submit(png()).send().await.unwrap();
    let location = header(&submitted, "location").unwrap().to_owned();
    let asking = tokio::spawn(app.get(&location).header("prefer", "wait=25").send());
    let submitting = tokio::spawn(app.submit(png()).header("prefer", "wait=25").send());
    while app.broker_depth().await < 2 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    tokio::time::sleep(Duration::from_millis(100)).await;

    let (address, begun) = (app.address.clone(), Instant::now());
    let ending = app.shut_down();
    let (asked, submitted) = (asking.await.unwrap().unwrap(), submitting.await.unwrap().unwrap());
    assert_eq!((asked.status(), submitted.status()), (StatusCode::OK, StatusCode::ACCEPTED));
    assert_eq!(asked.json::<Value>().await.unwrap()["status"], "queued");
    assert_eq!(submitted.json::<Value>().await.unwrap()["status"], "queued");
    ending.await.unwrap().unwrap();
    assert!(begun.elapsed() < Duration::from_secs(20), "long before the waits were over");
    assert!(reqwest::get(format!("{address}/v1/jobs/{}", JobId::new())).await.is_err(), "nobody listens");
}

#[tokio::test]
async fn a_stalled_request_is_cut_off() {
    let app = TestApp::start().await;
    let mut stream = TcpStream::connect(app.socket()).await.unwrap();
    let head =
        b"POST /v1/jobs HTTP/1.1\r\nhost: a\r\ncontent-type: image/png\r\ncontent-length: 500\r\n\r\nx";
    stream.write_all(head).await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    let ending = tokio::time::timeout(Duration::from_secs(30), app.shut_down());
    ending.await.expect("it ends before the body's time is over").unwrap().unwrap();
}
