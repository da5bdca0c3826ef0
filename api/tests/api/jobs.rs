//! The life of a job over HTTP: submitted, asked after, ended, expired.

use std::time::Duration;

use byecaptcha_queue::{JobId, Lookup, Outcome, ResultOptions, job::now_ms};
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::{
    app::{Setup, TestApp, assert_problem, failed, header, read},
    pictures::png,
};

#[tokio::test]
async fn a_waiting_job_can_be_taken_back_and_a_started_one_cannot() {
    let app = TestApp::start().await;
    let delete = |location: &str| app.client.delete(format!("{}{location}", app.address)).send();
    let submitted = app.submit(png()).send().await.unwrap();
    let location = submitted.headers()["location"].to_str().unwrap().to_owned();
    for _ in 0..2 {
        let answer = delete(&location).await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        assert_eq!(answer.json::<Value>().await.unwrap()["status"], "canceled");
    }

    let started = app.submit(png()).send().await.unwrap();
    let location = started.headers()["location"].to_str().unwrap().to_owned();
    let id = location.rsplit('/').next().unwrap().parse().unwrap();
    app.results.start(&[id]).await.unwrap();
    let answer = delete(&location).await.unwrap();
    assert_eq!(answer.status(), StatusCode::CONFLICT);
    assert_eq!(answer.json::<Value>().await.unwrap()["type"], "/problems/job-started");

    let unknown = delete(&format!("/v1/jobs/{}", JobId::new())).await.unwrap();
    assert_eq!(unknown.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_deadline_travels_with_the_job() {
    let app = TestApp::start().await;
    let submit = |query: &str| {
        let request = app.client.post(format!("{}/v1/jobs{query}", app.address));
        request.header("content-type", "image/png").body(png()).send()
    };
    let before = now_ms();
    assert_eq!(submit("?deadline_ms=60000").await.unwrap().status(), StatusCode::ACCEPTED);
    let deadline = app.next_job().await.options.deadline_at_ms.unwrap();
    assert!((before + 60_000..=now_ms() + 60_000).contains(&deadline), "{deadline}");
    for malformed in ["?deadline_ms=soon", "?deadline_ms=-1", "?deadline_ms=1.5"] {
        let answer = submit(malformed).await.unwrap();
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{malformed}");
        let problem: Value = answer.json().await.unwrap();
        assert_eq!(
            (&problem["type"], &problem["field"]),
            (&"/problems/malformed-option".into(), &"deadline_ms".into())
        );
    }
}

#[tokio::test]
async fn a_submission_is_accepted_and_can_be_followed_to_its_end() {
    let app = TestApp::start().await;
    let response = app.submit(png()).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::ACCEPTED);
    assert_eq!(header(&response, "retry-after"), Some("1"));
    assert_eq!(header(&response, "cache-control"), Some("no-store"));
    assert_eq!(header(&response, "content-type"), Some("application/json"));
    assert_eq!(header(&response, "preference-applied"), None);
    let location = header(&response, "location").unwrap().to_owned();
    let record: Value = response.json().await.unwrap();
    assert_eq!(location, format!("/v1/jobs/{}", record["id"].as_str().unwrap()));
    let members: Vec<&str> = record.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(members, ["id", "status", "submitted_at_ms"], "the record and nothing else");
    assert_eq!(record["status"], "queued");

    let response = app.get(&location).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(header(&response, "retry-after"), Some("1"));
    assert_eq!(header(&response, "cache-control"), Some("no-store"));
    assert_eq!(response.json::<Value>().await.unwrap(), record);

    app.work(Duration::ZERO, read("3fK")).await.unwrap();
    let response = app.get(&location).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(header(&response, "retry-after"), None, "nothing will change any more");
    let record: Value = response.json().await.unwrap();
    assert_eq!(record["status"], "succeeded");
    assert_eq!(record["result"]["text"], "3fK");
    assert!(record["finished_at_ms"].as_u64() >= record["submitted_at_ms"].as_u64());
}

#[tokio::test]
async fn the_picture_reaches_the_worker_byte_by_byte() {
    let app = TestApp::start().await;
    let body = json!({ "image": base64(&png()), "model": "lean" });
    assert_eq!(app.submission().json(&body).send().await.unwrap().status(), StatusCode::ACCEPTED);
    let job = app.next_job().await;
    assert_eq!(job.image, png());
    assert_eq!(job.options.model.as_deref(), Some("lean"));
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

#[tokio::test]
async fn a_picture_that_cannot_be_decoded_is_a_failed_job_and_no_failed_request() {
    let app = TestApp::start().await;
    let picture = png();
    let half = picture[..picture.len() / 2].to_vec();
    let working = app.work(Duration::ZERO, failed("image-truncated"));
    let response = app.submit(half).header("prefer", "wait=20").send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    let record: Value = response.json().await.unwrap();
    assert_eq!(record["status"], "failed");
    assert_eq!(record["error"]["kind"], "image-truncated");
    working.await.unwrap();
}

#[tokio::test]
async fn jobs_end_in_other_ways_too() {
    let app = TestApp::start().await;
    for (outcome, status) in [(Outcome::Canceled, "canceled"), (Outcome::Expired, "expired")] {
        let id = JobId::new();
        app.results.finish(&[(id, outcome)]).await.unwrap();
        let record: Value = app.get(&format!("/v1/jobs/{id}")).send().await.unwrap().json().await.unwrap();
        assert_eq!(record["status"], status);
    }
}

#[tokio::test]
async fn ids_that_lead_nowhere() {
    let app = TestApp::start().await;
    let unknown = JobId::new();
    let response = app.get(&format!("/v1/jobs/{unknown}")).send().await.unwrap();
    let problem = assert_problem(&app, response, 404, "job-unknown").await;
    assert!(problem["detail"].as_str().unwrap().contains(&unknown.to_string()));

    for malformed in ["1", "0192a0", "..%2f..%2fetc", "%ff", "00000000-0000-0000-0000-00000000000g"] {
        let response = app.get(&format!("/v1/jobs/{malformed}")).send().await.unwrap();
        assert_problem(&app, response, 400, "job-id-malformed").await;
    }
}

#[tokio::test]
async fn a_result_that_was_kept_for_its_time_is_gone() {
    let results = ResultOptions { keep: Duration::from_millis(30), ..ResultOptions::default() };
    let app = TestApp::with(Setup { results, ..Setup::default() }).await;
    let id = JobId::new();
    app.results.finish(&[(id, read("a"))]).await.unwrap();
    tokio::time::sleep(Duration::from_millis(60)).await;
    assert_eq!(app.results.get(id).await.unwrap(), Lookup::Expired);
    for prefer in ["", "wait=20"] {
        let response = app.get(&format!("/v1/jobs/{id}")).header("prefer", prefer).send().await.unwrap();
        assert_problem(&app, response, 410, "job-expired").await;
    }
}

#[tokio::test]
async fn the_models_are_listed() {
    let app = TestApp::start().await;
    let list: Value = app.get("/v1/models").send().await.unwrap().json().await.unwrap();
    let lean = json!({
        "name": "lean", "version": "1", "default": true, "charset": "ABC123", "figures": { "exact": 0.9 },
    });
    assert_eq!(list, json!({ "models": [lean] }));
}
