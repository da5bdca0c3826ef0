//! Batches: what may come in, in every form; what is counted; what comes out; and what a broken upload leaves.

use std::{io::Write, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};
use byecaptcha_api::{
    ApiSettings,
    access::{Access, KeyFile, Scope},
};
use byecaptcha_queue::{Broker, BrokerOptions, Job};
use bytes::Bytes;
use futures::stream;
use reqwest::{Body, RequestBuilder, Response, StatusCode, multipart};
use serde_json::{Value, json};
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

use crate::{
    app::{Setup, TestApp, assert_problem, failed, header, read},
    pictures::png,
};

const JSONL: &str = "application/jsonl";

fn line(custom_id: &str) -> String {
    line_with(custom_id, json!({}))
}

fn line_with(custom_id: &str, mut members: Value) -> String {
    members["custom_id"] = custom_id.into();
    members["image"] = STANDARD.encode(png()).into();
    format!("{members}\n")
}

fn lines(count: usize) -> String {
    (1..=count).map(|number| line(&format!("p{number}"))).collect()
}

fn zip(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, content) in entries {
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
        if let Some(folder) = name.strip_suffix('/') {
            archive.add_directory(folder, options).unwrap();
        } else {
            archive.start_file(*name, options).unwrap();
            archive.write_all(content).unwrap();
        }
    }
    archive.finish().unwrap().into_inner()
}

impl TestApp {
    fn batch(&self, kind: &str, body: impl Into<Body>) -> RequestBuilder {
        self.client.post(format!("{}/v1/batches", self.address)).header("content-type", kind).body(body)
    }

    /// A batch that is taken: its address and what is said of it.
    async fn taken(&self, request: RequestBuilder) -> (String, Value) {
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::ACCEPTED, "{:?}", answer.text().await);
        let location = header(&answer, "location").unwrap().to_owned();
        (location, answer.json().await.unwrap())
    }

    async fn json(&self, path: &str) -> Value {
        self.get(path).send().await.unwrap().json().await.unwrap()
    }

    async fn rows(&self, path: &str) -> Vec<Value> {
        let text = self.get(path).send().await.unwrap().text().await.unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The bulk jobs that wait, as a worker gets them.
    async fn bulk_jobs(&self, count: usize) -> Vec<Job> {
        let mut consumer = self.bulk.consumer().await.unwrap();
        let mut jobs = Vec::new();
        while jobs.len() < count {
            for delivery in consumer.receive(count).await.unwrap() {
                jobs.push(delivery.job.clone());
                delivery.ack().await.unwrap();
            }
        }
        jobs
    }

    /// Reads so many bulk jobs, each as its place among them.
    async fn work_bulk(&self, count: usize) {
        for (place, job) in self.bulk_jobs(count).await.iter().enumerate() {
            self.results.start(&[job.id]).await.unwrap();
            self.results.finish(&[(job.id, read(&format!("T{place}")))]).await.unwrap();
        }
    }
}

#[tokio::test]
async fn lines_become_jobs_and_jobs_become_rows() {
    let app = TestApp::start().await;
    let body = [
        line("first"),
        "\r\n".to_owned(),
        line_with("short", json!({ "length": 2, "charset": "AB" })),
        "{\"custom_id\":\"bad\",\"image\":\"aGVsbG8=\"}\n".to_owned(),
        "no json\n".to_owned(),
        line_with("urgent", json!({ "queue": "interactive" })),
        line_with("odd", json!({ "colour": "red" })).trim_end().to_owned(),
    ];
    let request = app.batch(JSONL, body.concat()).query(&[("max_length", "6"), ("top_k", "2")]);
    let (address, batch) = app.taken(request).await;
    assert_eq!(address, format!("/v1/batches/{}", batch["id"].as_str().unwrap()));
    assert_eq!(batch["status"], "processing");
    let counts = json!({
        "total": 6, "pending": 2, "succeeded": 0, "failed": 0, "canceled": 0, "expired": 0, "refused": 4
    });
    assert_eq!(batch["counts"], counts);
    assert_eq!(app.broker_depth().await, 0, "no person waits behind it");

    let jobs = app.bulk_jobs(2).await;
    let lengths: Vec<_> = jobs.iter().map(|job| (job.options.min_length, job.options.max_length)).collect();
    assert_eq!(lengths, [(None, Some(6)), (Some(2), Some(2))], "a line's own options come first");
    assert_eq!(jobs[1].options.top_k, Some(2), "and the others are the batch's");
    assert_eq!(&jobs[0].image[..], png());

    app.results.start(&[jobs[0].id]).await.unwrap();
    let pending = app.rows(&format!("{address}/results")).await;
    let statuses: Vec<_> = pending.iter().map(|row| row["status"].as_str().unwrap()).collect();
    assert_eq!(statuses, ["processing", "queued", "refused", "refused", "refused", "refused"]);

    app.results.finish(&[(jobs[0].id, read("A1")), (jobs[1].id, failed("image-truncated"))]).await.unwrap();
    let ended = app.json(&address).await;
    assert_eq!((&ended["status"], &ended["counts"]["succeeded"]), (&json!("completed"), &json!(1)));
    assert!(ended["finished_at_ms"].as_u64() >= ended["created_at_ms"].as_u64());
    let rows = app.rows(&format!("{address}/results")).await;
    let names: Vec<_> = rows.iter().map(|row| row["custom_id"].as_str().unwrap()).collect();
    assert_eq!(
        names,
        ["first", "short", "bad", "4", "urgent", "odd"],
        "without a name, its number is its name"
    );
    assert_eq!(rows[0]["result"]["text"], "A1");
    assert_eq!(rows[0]["job_id"], *jobs[0].id.to_string());
    assert_eq!(rows[1]["error"]["kind"], "image-truncated");
    let refused: Vec<_> = rows[2..].iter().map(|row| row["error"]["kind"].as_str().unwrap()).collect();
    assert_eq!(refused, ["unsupported-image", "malformed-body", "malformed-option", "malformed-body"]);
    // Each is a job as any other.
    let job = app.json(&format!("/v1/jobs/{}", jobs[0].id)).await;
    assert_eq!(job["result"]["text"], "A1");

    let table = app.get(&format!("{address}/results")).header("accept", "text/csv").send().await.unwrap();
    assert!(header(&table, "content-type").unwrap().starts_with("text/csv"));
    let table = table.text().await.unwrap();
    let mut table = table.lines();
    assert_eq!(table.next(), Some("number,custom_id,text,confidence,status,error_kind,error_detail,job_id"));
    assert_eq!(table.next(), Some(&*format!("1,first,A1,0.97,succeeded,,,{}", jobs[0].id)));
    assert!(table.next().unwrap().starts_with("2,short,,,failed,image-truncated,"));
}

#[tokio::test]
async fn a_form_holds_options_and_then_pictures() {
    let app = TestApp::start().await;
    let part = |name: &str| multipart::Part::bytes(png()).file_name(name.to_owned());
    let form = multipart::Form::new()
        .text("charset", "AB")
        .part("file", part("a.png"))
        .part("file", part("b.png"))
        .part("anything", part("c.png"));
    let (address, batch) =
        app.taken(app.client.post(format!("{}/v1/batches", app.address)).multipart(form)).await;
    assert_eq!(batch["counts"]["pending"], 3);
    let jobs = app.bulk_jobs(3).await;
    assert!(jobs.iter().all(|job| job.options.charset.as_deref() == Some("AB")));
    let rows = app.rows(&format!("{address}/results")).await;
    assert_eq!(rows[2]["custom_id"], "c.png");

    let late = multipart::Form::new().part("file", part("a.png")).text("charset", "AB");
    let answer = app.client.post(format!("{}/v1/batches", app.address)).multipart(late).send().await.unwrap();
    assert_problem(&app, answer, 422, "option-too-late").await;
}

#[tokio::test]
async fn an_archive_is_unpacked_within_its_limits() {
    let settings = ApiSettings { max_upload_bytes: 3 << 20, ..ApiSettings::default() };
    let app = TestApp::with(Setup { settings, ..Setup::default() }).await;
    let (bomb, large) = (vec![0; 2 << 20], vec![7; (3 << 20) + 1]);
    let archive = zip(&[
        ("set/", b""),
        ("set/a.png", &png()),
        ("../../etc/passwd", &png()),
        ("set/../../b.png", &png()),
        ("set/note.txt", b"no picture"),
        ("__MACOSX/set/._a.png", b"fork"),
        ("set/bomb.png", &bomb),
        ("set/large.png", &large),
        ("set/b.png", &png()),
    ]);
    let (address, batch) = app.taken(app.batch("application/zip", archive)).await;
    assert_eq!((&batch["counts"]["pending"], &batch["counts"]["refused"]), (&json!(2), &json!(5)));
    let rows = app.rows(&format!("{address}/results")).await;
    let rows: Vec<_> = rows
        .iter()
        .map(|row| (row["custom_id"].as_str().unwrap(), row["error"]["kind"].as_str().unwrap_or("taken")))
        .collect();
    let expected = [
        ("set/a.png", "taken"),
        ("../../etc/passwd", "malformed-body"),
        ("set/../../b.png", "malformed-body"),
        ("set/note.txt", "unsupported-image"),
        ("set/bomb.png", "body-too-large"),
        ("set/large.png", "body-too-large"),
        ("set/b.png", "taken"),
    ];
    assert_eq!(rows, expected);

    let mut damaged = zip(&[("a.png", &png())]);
    damaged.truncate(damaged.len() - 8);
    for (body, name) in
        [(damaged, "malformed-body"), (b"PK".to_vec(), "malformed-body"), (zip(&[]), "empty-image")]
    {
        let answer = app.batch("application/zip", body).send().await.unwrap();
        assert_problem(&app, answer, 400, name).await;
    }
}

#[tokio::test]
async fn a_batch_that_is_too_large_is_taken_back() {
    let settings = ApiSettings { max_batch_items: 100, max_batch_bytes: 60_000, ..ApiSettings::default() };
    let app = TestApp::with(Setup { settings, ..Setup::default() }).await;
    let many: Vec<_> = (0..101).map(|number| number.to_string()).collect();
    let small = png();
    let entries: Vec<(&str, &[u8])> = many.iter().map(|name| (&**name, &*small)).collect();
    let (blank, blanks) = (vec![0; 30_000], ["a", "b", "c"]);
    let blanks: Vec<(&str, &[u8])> = blanks.iter().map(|name| (*name, &*blank)).collect();
    for (kind, body) in
        [(JSONL, lines(101)), (JSONL, line_with("long", json!({ "charset": "A".repeat(60_000) })))]
    {
        let answer = app.batch(kind, body).send().await.unwrap();
        assert_problem(&app, answer, 413, "batch-too-large").await;
    }
    for archive in [zip(&entries), zip(&blanks)] {
        let answer = app.batch("application/zip", archive).send().await.unwrap();
        assert_problem(&app, answer, 413, "batch-too-large").await;
    }
    // What was accepted before that is of no use to a worker.
    for job in app.bulk_jobs(64).await {
        assert_eq!(app.results.start(&[job.id]).await.unwrap(), [false]);
    }
}

#[tokio::test]
async fn what_cannot_be_a_batch_is_refused() {
    let app = TestApp::start().await;
    for (kind, query, status, name) in [
        ("image/png", "", 415, "unsupported-media-type"),
        (JSONL, "?queue=interactive", 400, "malformed-option"),
        (JSONL, "?colour=red", 400, "malformed-option"),
        (JSONL, "", 400, "empty-image"),
        ("multipart/form-data", "", 400, "malformed-body"),
    ] {
        let request = app.client.post(format!("{}/v1/batches{query}", app.address));
        let answer = request.header("content-type", kind).body("").send().await.unwrap();
        assert_problem(&app, answer, status, name).await;
    }
    let unknown = "/v1/batches/00000000-0000-7000-8000-000000000000";
    for (path, status, name) in [
        ("/v1/batches/one", 400, "batch-id-malformed"),
        (unknown, 404, "batch-unknown"),
        (&*format!("{unknown}/results"), 404, "batch-unknown"),
        (&*format!("{unknown}/results?limit=0"), 400, "malformed-option"),
        (&*format!("{unknown}/results?after=-1"), 400, "malformed-option"),
        (&*format!("{unknown}/results?format=xml"), 400, "malformed-option"),
        (&*format!("{unknown}/results?after=1&after=2"), 400, "malformed-option"),
    ] {
        assert_problem(&app, app.get(path).send().await.unwrap(), status, name).await;
    }
}

#[tokio::test]
async fn rows_come_by_pages_and_as_one_stream() {
    let app = TestApp::start().await;
    let (address, _) = app.taken(app.batch(JSONL, lines(500))).await;
    let (mut path, mut numbers) = (format!("{address}/results?limit=200"), Vec::new());
    loop {
        let page = app.get(&path).send().await.unwrap();
        let next = header(&page, "link").map(str::to_owned);
        for line in page.text().await.unwrap().lines() {
            numbers.push(serde_json::from_str::<Value>(line).unwrap()["number"].as_u64().unwrap());
        }
        let Some(next) = next else { break };
        path = next.strip_prefix('<').unwrap().split_once(">; rel=\"next\"").unwrap().0.to_owned();
    }
    assert_eq!(numbers, (1..=500).collect::<Vec<_>>());

    let followed = app.get(&format!("{address}/results?follow=true&after=100&format=csv")).send();
    let followed = tokio::spawn(async move { followed.await.unwrap().text().await.unwrap() });
    app.work_bulk(500).await;
    let table = followed.await.unwrap();
    let rows: Vec<&str> = table.lines().collect();
    assert_eq!(rows.len(), 401);
    assert!(rows[1].starts_with("101,p101,T100,"), "{}", rows[1]);
    assert!(rows.iter().skip(1).all(|row| row.contains(",succeeded,")));
}

#[tokio::test]
async fn the_end_can_be_waited_for() {
    let app = TestApp::start().await;
    let (address, _) = app.taken(app.batch(JSONL, lines(2))).await;
    let waiting = app.get(&address).header("prefer", "wait=20").send();
    let waiting = tokio::spawn(async move { waiting.await.unwrap() });
    tokio::time::sleep(Duration::from_millis(100)).await;
    app.work_bulk(2).await;
    let answer = waiting.await.unwrap();
    assert_eq!(header(&answer, "preference-applied"), Some("wait=20"));
    assert_eq!(answer.json::<Value>().await.unwrap()["status"], "completed");
}

#[tokio::test]
async fn a_batch_can_be_taken_back() {
    let app = TestApp::start().await;
    let (address, _) = app.taken(app.batch(JSONL, lines(150))).await;
    let started = app.bulk_jobs(1).await.remove(0).id;
    app.results.start(&[started]).await.unwrap();
    let delete = || app.client.delete(format!("{}{address}", app.address)).send();
    let canceled: Value = delete().await.unwrap().json().await.unwrap();
    assert_eq!((&canceled["status"], &canceled["counts"]["canceled"]), (&json!("canceling"), &json!(149)));
    app.results.finish(&[(started, read("A"))]).await.unwrap();
    let canceled: Value = delete().await.unwrap().json().await.unwrap();
    assert_eq!((&canceled["status"], &canceled["counts"]["succeeded"]), (&json!("canceled"), &json!(1)));
}

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

#[tokio::test]
async fn a_batch_is_its_submitters_alone() {
    let folder = tempfile::tempdir().unwrap();
    let file = KeyFile::at(folder.path().join("keys.json"));
    let key = |scopes: &[Scope]| file.create("test", scopes.to_vec(), None).unwrap().shown;
    let (own, other, reader) =
        (key(&[Scope::Submit, Scope::Read]), key(&[Scope::Submit, Scope::Read]), key(&[Scope::Read]));
    let access = Access::default().with_keys(file.clone(), None).unwrap();
    let app = TestApp::with(Setup { access, ..Setup::default() }).await;
    let keyed = |key: &str| app.batch(JSONL, lines(1)).header("idempotency-key", "k").bearer_auth(key);
    let (address, _) = app.taken(keyed(&own)).await;
    assert_ne!(app.taken(keyed(&other)).await.0, address, "another's key is another key");
    assert_problem(&app, keyed(&reader).send().await.unwrap(), 403, "forbidden").await;
    for path in [address.clone(), format!("{address}/results")] {
        let seen = app.get(&path).bearer_auth(&own).send().await.unwrap();
        assert_eq!(seen.status(), StatusCode::OK);
        assert_problem(&app, app.get(&path).bearer_auth(&other).send().await.unwrap(), 404, "batch-unknown")
            .await;
        assert_problem(&app, app.get(&path).send().await.unwrap(), 401, "unauthorized").await;
    }
    let delete = app.client.delete(format!("{}{address}", app.address)).bearer_auth(&other);
    assert_problem(&app, delete.send().await.unwrap(), 404, "batch-unknown").await;
}
