//! `Prefer: wait=N` (RFC 7240): answers that are held until the job has ended.

use std::time::{Duration, Instant};

use reqwest::StatusCode;
use serde_json::Value;

use crate::{
    app::{TestApp, header, read},
    pictures::png,
};

#[tokio::test]
async fn a_submission_is_held_until_the_job_has_ended() {
    let app = TestApp::start().await;
    let working = app.work(Duration::from_millis(50), read("xX"));
    let response = app.submit(png()).header("prefer", "respond-async, wait=20").send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(header(&response, "preference-applied"), Some("wait=20"));
    assert_eq!(header(&response, "retry-after"), None);
    assert!(header(&response, "location").is_some());
    let record: Value = response.json().await.unwrap();
    assert_eq!(record["result"]["text"], "xX");
    assert_eq!(record["id"], working.await.unwrap().to_string());
}

#[tokio::test]
async fn a_wait_that_runs_out_gives_the_job_as_it_stands() {
    let app = TestApp::start().await;
    let begun = Instant::now();
    let response = app.submit(png()).header("prefer", "wait=1").send().await.unwrap();
    assert!(begun.elapsed() >= Duration::from_secs(1), "it was held");
    assert_eq!(response.status(), StatusCode::ACCEPTED);
    assert_eq!(header(&response, "preference-applied"), Some("wait=1"));
    assert_eq!(header(&response, "retry-after"), Some("1"));
    let location = header(&response, "location").unwrap().to_owned();
    assert_eq!(response.json::<Value>().await.unwrap()["status"], "queued");

    let response = app.get(&location).header("prefer", "wait=0").send().await.unwrap();
    assert_eq!(response.json::<Value>().await.unwrap()["status"], "queued");
}

#[tokio::test]
async fn a_question_is_held_until_the_job_has_ended() {
    let app = TestApp::start().await;
    let response = app.submit(png()).send().await.unwrap();
    let location = header(&response, "location").unwrap().to_owned();
    let working = app.work(Duration::from_millis(50), read("9"));
    let response = app.get(&location).header("prefer", "wait=90").send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(header(&response, "preference-applied"), Some("wait=25"), "no longer than this");
    assert_eq!(response.json::<Value>().await.unwrap()["result"]["text"], "9");
    working.await.unwrap();
}

#[tokio::test]
async fn what_is_no_wait_holds_nothing() {
    let app = TestApp::start().await;
    for nonsense in ["wait", "wait=", "wait=-5", "wait=soon", "respond-async"] {
        let answer = app.submit(png()).header("prefer", nonsense).send();
        let response = tokio::time::timeout(Duration::from_secs(10), answer).await.expect(nonsense).unwrap();
        assert_eq!(response.status(), StatusCode::ACCEPTED);
        assert_eq!(header(&response, "preference-applied"), None);
    }
}
