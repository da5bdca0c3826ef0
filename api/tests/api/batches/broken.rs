//! Uploads that break off or meet a full queue: nothing is lost, and nothing is left.

use std::time::Duration;

use byecaptcha_queue::{BatchLookup, BatchStatus, Broker, BrokerOptions, Lookup};
use bytes::Bytes;
use futures::stream;
use reqwest::{
    Body, RequestBuilder, Response, StatusCode,
    multipart::{Form, Part},
};
use serde_json::json;

use super::{
    JSONL,
    changing::{Change, Changing},
    line, lines,
};
use crate::{
    app::{Setup, TestApp, assert_problem, header, read},
    pictures::png,
};

/// Sends a body in two parts, and the second, or none, only when told.
pub(super) async fn in_two(
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

pub(super) async fn eventually_waiting(app: &TestApp, count: usize) {
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
    // One that is cut off and yet has an end does not close it.
    let shorter = keyed(lines(3)).send().await.unwrap();
    assert_problem(&app, shorter, 422, "idempotency-key-reused").await;

    let (address, batch) = app.taken(keyed(lines(100))).await;
    let counts = &batch["counts"];
    assert_eq!(
        (&counts["total"], &counts["succeeded"], &counts["pending"]),
        (&json!(100), &json!(10), &json!(90))
    );
    // What the broker has had since the first try is not published again.
    let mut waiting: Vec<_> = app.bulk_jobs(90).await.iter().map(|job| job.id).collect();
    assert_eq!(app.bulk.depth().await.unwrap(), 0);
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
async fn a_batch_that_waits_needs_no_place_in_the_queue_when_it_comes_again() {
    let broker = BrokerOptions { capacity: 5, ..BrokerOptions::default() };
    let app = TestApp::with(Setup { broker, ..Setup::default() }).await;
    let keyed = || app.batch(JSONL, lines(5)).header("idempotency-key", "k1");
    let (address, _) = app.taken(keyed()).await;
    assert_eq!(app.taken(keyed()).await.0, address);
    assert_eq!(app.bulk.depth().await.unwrap(), 5);
}

#[tokio::test]
async fn an_upload_that_broke_off_without_a_key_is_taken_back() {
    let app = TestApp::start().await;
    let (sending, tell) = in_two(app.batch(JSONL, ""), lines(64)).await;
    eventually_waiting(&app, 64).await;
    let (jobs, mut batch) = (app.bulk_jobs(64).await, None);
    tell.send(None).unwrap();
    assert!(sending.await.is_err());
    for job in jobs {
        let ended = app.results.wait(job.id, Duration::from_secs(20)).await.unwrap();
        let Lookup::Found(record) = ended else { panic!("{ended:?}") };
        assert_eq!(record.status, byecaptcha_queue::JobStatus::Canceled);
        batch = record.batch;
    }
    // Nothing comes any more, so the pages end.
    let results = format!("/v1/batches/{}/results", batch.unwrap().batch);
    let page = app.get(&results).send().await.unwrap();
    assert_eq!((page.status(), header(&page, "link")), (StatusCode::OK, None));
}

#[tokio::test]
async fn a_service_that_stops_does_not_take_half_for_all() {
    let app = TestApp::start().await;
    let keyed = app.batch(JSONL, String::new()).header("idempotency-key", "k1");
    let (sending, tell) = in_two(keyed, lines(100)).await;
    eventually_waiting(&app, 100).await;
    let job = app.bulk_jobs(100).await.remove(0);
    let Lookup::Found(record) = app.results.get(job.id).await.unwrap() else { panic!("{} is gone", job.id) };
    let store = app.batches.clone();
    let ending = app.shut_down();
    assert_eq!(sending.await.unwrap().status(), StatusCode::SERVICE_UNAVAILABLE);
    drop(tell);
    ending.await.unwrap().unwrap();
    let found = store.batch(record.batch.unwrap().batch).await.unwrap();
    let BatchLookup::Found(batch) = found else { panic!("{found:?}") };
    assert_eq!((batch.status(), batch.counts.total), (BatchStatus::Receiving, 100), "it can be sent again");
}

#[tokio::test]
async fn a_few_small_pictures_are_accepted_while_the_next_is_waited_for() {
    let app = TestApp::start().await;
    let (sending, tell) = in_two(app.batch(JSONL, String::new()), lines(3)).await;
    eventually_waiting(&app, 3).await;
    tell.send(Some(lines(2))).unwrap();
    assert_eq!(sending.await.unwrap().status(), StatusCode::ACCEPTED);
    assert_eq!(app.bulk.depth().await.unwrap(), 5);
}

#[tokio::test]
async fn a_refusal_half_way_is_told() {
    let app = TestApp::start().await;
    let form = Form::new().part("file", Part::bytes(png()).file_name("a.png")).text("charset", "AB");
    let form = form.part("file", Part::bytes(vec![7; 32 << 20]).file_name("b.png"));
    let request = app.client.post(format!("{}/v1/batches", app.address)).multipart(form);
    assert_problem(&app, request.send().await.unwrap(), 422, "option-too-late").await;
}

#[tokio::test]
async fn a_batch_that_was_accepted_is_so_whatever_fails_after_that() {
    let store = Changing::store(Change::Unreadable);
    let app = TestApp::with(Setup { batches: Some(store), ..Setup::default() }).await;
    let (address, batch) = app.taken(app.batch(JSONL, lines(2) + "no json\n")).await;
    assert!(address.ends_with(batch["id"].as_str().unwrap()));
    let counts = (&batch["counts"]["total"], &batch["counts"]["pending"], &batch["counts"]["refused"]);
    assert_eq!((&batch["status"], counts), (&json!("processing"), (&json!(3), &json!(2), &json!(1))));
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
