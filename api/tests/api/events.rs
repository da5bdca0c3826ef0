//! A job followed by server-sent events.

use std::time::Duration;

use byecaptcha_queue::{JobId, JobRecord};
use serde_json::Value;

use crate::{
    app::{TestApp, assert_problem, header, read},
    pictures::png,
};

/// Names and data of the events in a stream that has ended.
fn events(text: &str) -> Vec<(String, Value)> {
    let blocks = text.split("\n\n").filter(|block| block.contains("data:"));
    let field = |block: &str, name: &str| {
        block.lines().find_map(|line| line.strip_prefix(name)).unwrap().trim().to_owned()
    };
    blocks
        .map(|block| (field(block, "event:"), serde_json::from_str(&field(block, "data:")).unwrap()))
        .collect()
}

#[tokio::test]
async fn a_job_is_told_from_its_queue_to_its_end() {
    let app = TestApp::start().await;
    let job: JobRecord = app.submit(png()).send().await.unwrap().json().await.unwrap();
    let path = format!("/v1/jobs/{}/events", job.id);
    let working = app.work(Duration::from_millis(1200), read("ABC"));
    let answer = app.get(&path).send().await.unwrap();
    assert_eq!(header(&answer, "content-type"), Some("text/event-stream"));
    let told = events(&answer.text().await.unwrap());
    working.await.unwrap();
    let names: Vec<&str> = told.iter().map(|(name, _)| name.as_str()).collect();
    // The worker may have been faster than the first look.
    assert!(
        names == ["queued", "processing", "succeeded"] || names == ["processing", "succeeded"],
        "{names:?}"
    );
    assert_eq!(told.last().unwrap().1["result"]["text"], "ABC");
    // One that has ended is told once.
    let told = events(&app.get(&path).send().await.unwrap().text().await.unwrap());
    assert_eq!((told.len(), told[0].0.as_str()), (1, "succeeded"));
}

#[tokio::test]
async fn there_is_nothing_to_tell_of_no_job() {
    let app = TestApp::start().await;
    let unknown = app.get(&format!("/v1/jobs/{}/events", JobId::new())).send().await.unwrap();
    assert_problem(&app, unknown, 404, "job-unknown").await;
}

#[tokio::test]
async fn a_shutdown_ends_the_stream() {
    let app = TestApp::start().await;
    let job: JobRecord = app.submit(png()).send().await.unwrap().json().await.unwrap();
    let answer = app.get(&format!("/v1/jobs/{}/events", job.id)).send().await.unwrap();
    let server = app.shut_down();
    let text = tokio::time::timeout(Duration::from_secs(20), answer.text()).await.unwrap().unwrap();
    assert_eq!(events(&text).len(), 1);
    server.await.unwrap().unwrap();
}
