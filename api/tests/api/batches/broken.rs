//! Uploads that break off or meet a full queue: nothing is lost, and nothing is left.

use std::time::Duration;

use byecaptcha_queue::{Broker, BrokerOptions};
use bytes::Bytes;
use futures::stream;
use reqwest::{Body, RequestBuilder, Response, StatusCode};
use serde_json::json;

use super::{JSONL, line, lines};
use crate::app::{Setup, TestApp, assert_problem, header, read};

/// Sends a body in two parts, and the second, or none, only when told.
async fn in_two(
    request: RequestBuilder,
    first: String,
) -> (tokio::task::JoinHandle<Response>, tokio::sync::oneshot::Sender<Option<String>>) {
    let (tell, told) = tokio::sync::oneshot::channel::<Option<String>>();
    let second = async move {
        let second = told.await.ok().flatten().ok_or_else(|| std::io::Error::other("broken off"))?;
        Ok::<_, std::io::Error>(Bytes::from(second))
    };
    let body = stream::once(async { Ok::<_, std::io::Error>(Bytes::from(first)) });
    let body = futures::StreamExt::chain(body, stream::once(second));
    let sending = tokio::spawn(async move {
        request.body(Body::wrap_stream(body)).send().await.unwrap_or_else(|_| panic!("broken off"))
    });
    (sending, tell)
}

async fn eventually_waiting(app: &TestApp, count: usize) {
    for _ in 0..200 {
        if app.bulk.depth().await.unwrap() == count {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{} wait, not {count}", app.bulk.depth().await.unwrap());
}

#[tokio::test]
async fn an_upload_that_broke_off_goes_on_under_its_key() {
    let app = TestApp::start().await;
    let keyed = |body: String| app.batch(JSONL, body).header("idempotency-key", "k1");
    let (sending, tell) = in_two(keyed(String::new()), lines(64)).await;
    // They are with the workers while the rest is still to come.
    eventually_waiting(&app, 64).await;
    let early = app.bulk_jobs(10).await;
    for job in &early {
        app.results.finish(&[(job.id, read("early"))]).await.unwrap();
    }
    tell.send(None).unwrap();
    assert!(sending.await.is_err());

    let (address, batch) = app.taken(keyed(lines(100))).await;
    let counts = &batch["counts"];
    assert_eq!(
        (&counts["total"], &counts["succeeded"], &counts["pending"]),
        (&json!(100), &json!(10), &json!(90))
    );
    // Those that nobody knew to be with the broker are there twice, and are the same jobs.
    let mut waiting: Vec<_> = app.bulk_jobs(144).await.iter().map(|job| job.id).collect();
    waiting.sort();
    waiting.dedup();
    assert_eq!(waiting.len(), 90);
    assert!(early.iter().all(|job| !waiting.contains(&job.id)));

    // Once more is the same batch still; another body is another batch, and not under this key.
    assert_eq!(app.taken(keyed(lines(100))).await.0, address);
    let other = keyed(lines(99) + &line("other")).send().await.unwrap();
    let problem = assert_problem(&app, other, 422, "idempotency-key-reused").await;
    assert!(problem["detail"].as_str().unwrap().contains("100"), "{problem}");
    let longer = keyed(lines(101)).send().await.unwrap();
    assert_problem(&app, longer, 422, "idempotency-key-reused").await;
}

#[tokio::test]
async fn an_upload_that_broke_off_without_a_key_is_taken_back() {
    let app = TestApp::start().await;
    let (sending, tell) = in_two(app.batch(JSONL, ""), lines(64)).await;
    eventually_waiting(&app, 64).await;
    let jobs = app.bulk_jobs(64).await;
    tell.send(None).unwrap();
    assert!(sending.await.is_err());
    for job in jobs {
        let ended = app.results.wait(job.id, Duration::from_secs(20)).await.unwrap();
        let byecaptcha_queue::Lookup::Found(record) = ended else { panic!("{ended:?}") };
        assert_eq!(record.status, byecaptcha_queue::JobStatus::Canceled);
    }
}

#[tokio::test]
async fn a_full_queue_is_waited_for() {
    let broker = BrokerOptions { capacity: 5, ..BrokerOptions::default() };
    let app = TestApp::with(Setup { broker, ..Setup::default() }).await;
    let request = app.batch(JSONL, lines(100));
    let sending = tokio::spawn(async move { request.send().await.unwrap() });
    app.work_bulk(100).await;
    let answer = sending.await.unwrap();
    assert_eq!(answer.status(), StatusCode::ACCEPTED);
    let batch = app.json(header(&answer, "location").unwrap()).await;
    assert_eq!((&batch["status"], &batch["counts"]["succeeded"]), (&json!("completed"), &json!(100)));
}
