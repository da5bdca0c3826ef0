//! The right texts that people give, and the labelled set that they make.

use std::time::Duration;

use byecaptcha_queue::{JobId, JobRecord};
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::{
    app::{Setup, TestApp, assert_problem, failed, header, read},
    pictures::png,
};

async fn ended(app: &TestApp, text: &str) -> JobId {
    let job: JobRecord = app.submit(png()).send().await.unwrap().json().await.unwrap();
    app.work(Duration::ZERO, read(text)).await.unwrap();
    job.id
}

async fn give(app: &TestApp, id: JobId, body: &Value) -> reqwest::Response {
    app.client.post(format!("{}/v1/jobs/{id}/feedback", app.address)).json(body).send().await.unwrap()
}

async fn set(app: &TestApp, query: &str) -> Vec<Value> {
    let answer = app.get(&format!("/v1/feedback{query}")).send().await.unwrap();
    assert_eq!(header(&answer, "content-type"), Some("application/jsonl"));
    answer.text().await.unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test]
async fn feedback_becomes_a_labelled_set() {
    let app = TestApp::with(Setup { keep_images: Some(Duration::from_secs(60)), ..Setup::default() }).await;
    let mut ids = Vec::new();
    for number in 0..40 {
        ids.push(ended(&app, &format!("A{number}")).await);
    }
    for (number, id) in ids.iter().enumerate() {
        assert_eq!(
            give(&app, *id, &json!({ "text": format!("B{number}") })).await.status(),
            StatusCode::NO_CONTENT
        );
    }
    let all = set(&app, "").await;
    assert_eq!(all.len(), 40, "more than one page");
    assert_eq!(
        (&all[7]["text"], &all[7]["read"], &all[7]["job"]),
        (&json!("B7"), &json!("A7"), &json!(ids[7]))
    );
    let image =
        base64::Engine::decode(&base64::engine::general_purpose::STANDARD, all[7]["image"].as_str().unwrap());
    assert_eq!(image.unwrap(), png());
    let after = all[37]["number"].as_u64().unwrap();
    assert_eq!(set(&app, &format!("?after={after}")).await, all[38..]);
    // The last word counts.
    give(&app, ids[0], &json!({ "text": "C" })).await;
    let all = set(&app, "").await;
    assert_eq!((all.len(), &all[39]["text"]), (40, &json!("C")));
}

#[tokio::test]
async fn no_picture_is_kept_unless_that_is_wanted() {
    let app = TestApp::start().await;
    let id = ended(&app, "A").await;
    give(&app, id, &json!({ "text": "B" })).await;
    let all = set(&app, "").await;
    assert_eq!((&all[0]["text"], all[0].get("image")), (&json!("B"), None));
}

#[tokio::test]
async fn what_is_no_feedback_is_refused() {
    let app = TestApp::start().await;
    let waiting: JobRecord = app.submit(png()).send().await.unwrap().json().await.unwrap();
    assert_problem(&app, give(&app, waiting.id, &json!({ "text": "B" })).await, 409, "job-not-read").await;
    app.work(Duration::ZERO, failed("image-truncated")).await.unwrap();
    assert_eq!(give(&app, waiting.id, &json!({ "text": "B" })).await.status(), StatusCode::NO_CONTENT);
    assert_problem(&app, give(&app, JobId::new(), &json!({ "text": "B" })).await, 404, "job-unknown").await;
    for text in ["", "a\nb", &"x".repeat(65)] {
        let problem = assert_problem(
            &app,
            give(&app, waiting.id, &json!({ "text": text })).await,
            400,
            "malformed-option",
        );
        assert_eq!(problem.await["field"], "text");
    }
    for body in
        [json!({}), json!({ "text": 1 }), json!({ "text": "a", "label": "b" }), json!("a"), json!(["B"])]
    {
        assert_problem(&app, give(&app, waiting.id, &body).await, 400, "malformed-body").await;
    }
    let large = give(&app, waiting.id, &json!({ "text": "x".repeat(5000) })).await;
    assert_problem(&app, large, 413, "body-too-large").await;
    let form = app.client.post(format!("{}/v1/jobs/{}/feedback", app.address, waiting.id));
    let form = form.header("content-type", "text/plain").body(r#"{"text":"B"}"#).send().await.unwrap();
    assert_problem(&app, form, 415, "unsupported-media-type").await;
    for after in ["x", "-1", "", "9007199254740992", "18446744073709551616"] {
        let after = app.get(&format!("/v1/feedback?after={after}")).send().await.unwrap();
        assert_problem(&app, after, 400, "malformed-option").await;
    }
}
