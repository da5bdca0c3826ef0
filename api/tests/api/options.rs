//! What can be asked for beside the picture, in all places where it can stand.

use byecaptcha_queue::{Broker, JobOptions, job::now_ms};
use reqwest::{
    StatusCode,
    multipart::{Form, Part},
};
use serde_json::json;

use crate::{
    app::{Setup, TestApp, assert_problem},
    pictures::png,
};

fn picture() -> Part {
    Part::bytes(png()).file_name("a.png")
}

#[tokio::test]
async fn options_travel_to_the_worker_from_address_form_and_json() {
    let app = TestApp::start().await;
    let expected = JobOptions {
        model: Some("lean".to_owned()),
        charset: Some("12X".to_owned()),
        min_length: Some(4),
        max_length: Some(6),
        top_k: Some(5),
        min_confidence: Some(0.25),
        ..JobOptions::default()
    };
    let address = "?model=lean&charset=12X&min_length=4&max_length=6&top_k=5&min_confidence=0.25";
    let pairs = [("model", "lean"), ("charset", "12X"), ("min_length", "4"), ("max_length", "6")];
    let form = pairs.into_iter().fold(Form::new(), |form, (name, value)| form.text(name, value));
    let form = form.text("top_k", "5").text("min_confidence", "0.25").part("image", picture());
    let body = json!({
        "image": base64::Engine::encode(&base64::engine::general_purpose::STANDARD, png()),
        "model": "lean", "charset": "12X", "min_length": 4, "max_length": 6, "top_k": 5, "min_confidence": 0.25,
    });
    let submission = |query: &str| app.client.post(format!("{}/v1/jobs{query}", app.address));
    for request in [
        submission(address).body(png()),
        submission("").multipart(form),
        submission("").json(&body),
        submission("?top_k=5&min_confidence=0.25").multipart(
            pairs
                .into_iter()
                .fold(Form::new(), |form, (name, value)| form.text(name, value))
                .part("file", picture()),
        ),
    ] {
        assert_eq!(request.send().await.unwrap().status(), StatusCode::ACCEPTED);
        let options = app.next_job().await.options;
        assert_eq!(JobOptions { traceparent: None, ..options }, expected);
    }
    let exact = submission("?length=5&deadline_ms=60000").body(png()).send().await.unwrap();
    assert_eq!(exact.status(), StatusCode::ACCEPTED);
    let options = app.next_job().await.options;
    assert_eq!((options.min_length, options.max_length), (Some(5), Some(5)));
    let left = options.deadline_at_ms.unwrap() - now_ms();
    assert!((30_000..=60_000).contains(&left), "{left}");
}

#[tokio::test]
async fn the_least_confidence_can_be_the_one_that_the_model_recommends() {
    let setup = Setup { recommended_min_confidence: Some(0.75), ..Setup::default() };
    let app = TestApp::with(setup).await;
    let models: serde_json::Value =
        app.client.get(format!("{}/v1/models", app.address)).send().await.unwrap().json().await.unwrap();
    assert_eq!(models["models"][0]["recommended_min_confidence"], 0.75);
    let image = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, png());
    let submission = |query: &str| app.client.post(format!("{}/v1/jobs{query}", app.address));
    for request in [
        submission("?min_confidence=recommended").body(png()),
        submission("").json(&json!({ "image": image, "min_confidence": "recommended" })),
    ] {
        assert_eq!(request.send().await.unwrap().status(), StatusCode::ACCEPTED);
        assert_eq!(app.next_job().await.options.min_confidence, Some(0.75));
    }
    let without = TestApp::start().await;
    let request = without.client.post(format!("{}/v1/jobs?min_confidence=recommended", without.address));
    let problem =
        assert_problem(&without, request.body(png()).send().await.unwrap(), 422, "contradictory-options")
            .await;
    assert_eq!(problem["field"], "min_confidence");
}

#[tokio::test]
async fn what_cannot_be_met_is_refused_by_name() {
    let app = TestApp::start().await;
    for (query, status, name, field) in [
        ("length=0", 400, "malformed-option", "length"),
        ("length=33", 400, "malformed-option", "length"),
        ("length=-1", 400, "malformed-option", "length"),
        ("length=4.5", 400, "malformed-option", "length"),
        ("length=4&length=4", 422, "contradictory-options", "length"),
        ("length=4&max_length=5", 422, "contradictory-options", "length"),
        ("min_length=5&max_length=4", 422, "contradictory-options", "min_length"),
        ("top_k=0", 400, "malformed-option", "top_k"),
        ("top_k=11", 400, "malformed-option", "top_k"),
        ("min_confidence=1.01", 400, "malformed-option", "min_confidence"),
        ("min_confidence=NaN", 400, "malformed-option", "min_confidence"),
        ("min_confidence=often", 400, "malformed-option", "min_confidence"),
        ("deadline_ms=soon", 400, "malformed-option", "deadline_ms"),
        ("charset=xyz", 422, "contradictory-options", "charset"),
        ("charset=", 400, "malformed-option", "charset"),
        ("length=", 400, "malformed-option", "length"),
        ("model=", 422, "unknown-model", "model"),
        ("queue=slow", 400, "malformed-option", "queue"),
        ("quality=9", 400, "malformed-option", "query"),
        ("model=huge", 422, "unknown-model", "model"),
    ] {
        let request = app.client.post(format!("{}/v1/jobs?{query}", app.address)).body(png());
        let problem = assert_problem(&app, request.send().await.unwrap(), status, name).await;
        assert_eq!(problem["field"], field, "{query}: {problem}");
    }
    let image = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, png());
    for (body, name, field) in [
        (json!({ "image": image, "length": "four" }), "malformed-option", json!("length")),
        (json!({ "image": image, "length": [4] }), "malformed-option", json!("length")),
        (json!({ "image": image, "length": "4" }), "malformed-option", json!("length")),
        (json!({ "image": image, "length": 4.5 }), "malformed-option", json!("length")),
        (json!({ "image": image, "charset": 123 }), "malformed-option", json!("charset")),
        (json!({ "image": image, "size": 4 }), "malformed-body", json!(null)),
        (json!({ "image": 4 }), "malformed-body", json!("image")),
        (json!({ "length": 4 }), "malformed-body", json!("image")),
        (json!([image]), "malformed-body", json!(null)),
    ] {
        let problem =
            assert_problem(&app, app.submission().json(&body).send().await.unwrap(), 400, name).await;
        assert_eq!(problem["field"], field, "{body}: {problem}");
    }
    assert_eq!(app.broker_depth().await, 0);
}

#[tokio::test]
async fn members_of_json_come_once_each() {
    let app = TestApp::start().await;
    let image = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, png());
    let send = async |query: &str, members: &str| {
        let request = app.client.post(format!("{}/v1/jobs{query}", app.address));
        let body = format!(r#"{{"image":"{image}",{members}}}"#);
        request.header("content-type", "application/json").body(body).send().await.unwrap()
    };
    for (query, members, status, name, field) in [
        ("", r#""length":4,"length":5"#, 422, "contradictory-options", json!("length")),
        ("", r#""charset":"1","length":4,"charset":"1""#, 422, "contradictory-options", json!("charset")),
        ("?top_k=2", r#""top_k":2"#, 422, "contradictory-options", json!("top_k")),
        ("", r#""image":"""#, 400, "malformed-body", json!("image")),
        ("", r#""image":null"#, 400, "malformed-body", json!("image")),
        ("", r#""length":[4]"#, 400, "malformed-option", json!("length")),
        ("", r#""length":{"length":4}"#, 400, "malformed-option", json!("length")),
        ("", r#""length":true"#, 400, "malformed-option", json!("length")),
        ("", &vec![r#""length":null"#; 64].join(","), 400, "malformed-body", json!(null)),
    ] {
        let problem = assert_problem(&app, send(query, members).await, status, name).await;
        assert_eq!(problem["field"], field, "{members}: {problem}");
    }
    // One that asks for nothing is none.
    assert_eq!(send("", r#""length":null,"length":4.0"#).await.status(), StatusCode::ACCEPTED);
    assert_eq!(app.next_job().await.options.max_length, Some(4));
}

#[tokio::test]
async fn bulk_jobs_have_a_queue_of_their_own() {
    let app = TestApp::start().await;
    for (query, interactive, bulk) in [("", 1, 0), ("?queue=bulk", 1, 1), ("?queue=interactive", 2, 1)] {
        let request = app.client.post(format!("{}/v1/jobs{query}", app.address)).body(png());
        assert_eq!(request.send().await.unwrap().status(), StatusCode::ACCEPTED);
        assert_eq!((app.broker_depth().await, app.bulk.depth().await.unwrap()), (interactive, bulk));
    }
}
