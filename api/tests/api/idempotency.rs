//! Requests that are sent again.

use std::sync::Arc;

use byecaptcha_queue::{BrokerOptions, JobRecord};
use reqwest::StatusCode;

use crate::{
    app::{Setup, TestApp, assert_problem, read},
    pictures::{picture, png},
};

#[tokio::test]
async fn the_same_request_is_the_same_job() {
    let app = TestApp::start().await;
    let send = async |key: &str, query: &str, body: Vec<u8>| {
        let request = app.client.post(format!("{}/v1/jobs{query}", app.address)).body(body);
        request.header("idempotency-key", key).send().await.unwrap()
    };
    let first: JobRecord = send("one", "", png()).await.json().await.unwrap();
    let again = send("one", "", png()).await;
    assert_eq!(again.status(), StatusCode::ACCEPTED);
    assert_eq!(again.headers()["location"], format!("/v1/jobs/{}", first.id));
    // As the draft writes it, and as everybody does.
    assert_eq!(send("\"one\"", "", png()).await.json::<JobRecord>().await.unwrap().id, first.id);
    assert_eq!(app.broker_depth().await, 1, "the broker has it, and is given it once");

    let other = send("one", "", picture(image::ImageFormat::Jpeg)).await;
    let problem = assert_problem(&app, other, 422, "idempotency-key-reused").await;
    assert_eq!(problem["field"], "Idempotency-Key");
    assert_problem(&app, send("one", "?length=4", png()).await, 422, "idempotency-key-reused").await;

    let fresh: JobRecord = send("two", "", png()).await.json().await.unwrap();
    assert_ne!(fresh.id, first.id);
    let worked = app.work(std::time::Duration::ZERO, read("ABC")).await.unwrap();
    assert_eq!(worked, first.id);
    let ended = send("one", "", png()).await;
    assert_eq!(ended.status(), StatusCode::OK);
    assert_eq!(ended.json::<JobRecord>().await.unwrap().result.unwrap().text, "ABC");
}

#[tokio::test]
async fn a_retry_of_what_was_refused_is_taken() {
    let broker = BrokerOptions { capacity: 1, ..BrokerOptions::default() };
    let app = TestApp::with(Setup { broker, ..Setup::default() }).await;
    assert_eq!(app.submit(png()).send().await.unwrap().status(), StatusCode::ACCEPTED);
    let retry = async || app.submit(png()).header("idempotency-key", "again").send().await.unwrap();
    assert_problem(&app, retry().await, 503, "queue-full").await;
    app.next_job().await;
    let taken = retry().await;
    assert_eq!(taken.status(), StatusCode::ACCEPTED);
    let job = app.next_job().await;
    assert_eq!(taken.json::<JobRecord>().await.unwrap().id, job.id);
}

#[tokio::test]
async fn a_retry_of_what_waits_needs_no_place_in_the_queue() {
    let broker = BrokerOptions { capacity: 1, ..BrokerOptions::default() };
    let app = TestApp::with(Setup { broker, ..Setup::default() }).await;
    let send = async || app.submit(png()).header("idempotency-key", "waits").send().await.unwrap();
    let first: JobRecord = send().await.json().await.unwrap();
    let again = send().await;
    assert_eq!(again.status(), StatusCode::ACCEPTED);
    assert_eq!(again.json::<JobRecord>().await.unwrap().id, first.id);
    assert_eq!(app.broker_depth().await, 1);
}

#[tokio::test]
async fn of_many_at_once_one_makes_the_job() {
    let app = Arc::new(TestApp::start().await);
    let requests = (0..20).map(|_| {
        let app = Arc::clone(&app);
        tokio::spawn(async move {
            let answer = app.submit(png()).header("idempotency-key", "race").send().await.unwrap();
            answer.json::<JobRecord>().await.unwrap().id
        })
    });
    let mut ids = Vec::new();
    for request in requests.collect::<Vec<_>>() {
        ids.push(request.await.unwrap());
    }
    ids.dedup();
    assert_eq!(ids.len(), 1, "{ids:?}");
}

#[tokio::test]
async fn keys_that_are_none_are_refused() {
    let app = TestApp::start().await;
    for key in ["", "\"\"", "two words", &"x".repeat(256)] {
        let answer = app.submit(png()).header("idempotency-key", key).send().await.unwrap();
        assert_problem(&app, answer, 400, "malformed-idempotency-key").await;
    }
    let twice = app.submit(png()).header("idempotency-key", "a").header("idempotency-key", "b");
    assert_problem(&app, twice.send().await.unwrap(), 400, "malformed-idempotency-key").await;
}
