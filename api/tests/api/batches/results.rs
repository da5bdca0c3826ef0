//! What comes out of a batch, by pages and as one stream; its end, its cancellation, and who may see it.

use std::time::Duration;

use byecaptcha_api::access::{Access, KeyFile, Scope};
use byecaptcha_queue::Lookup;
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::{
    JSONL,
    broken::{eventually_waiting, in_two},
    changing::{Change, Changing},
    lines,
};
use crate::app::{Setup, TestApp, assert_problem, header, read};

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
async fn what_comes_while_a_page_is_read_is_on_the_next_one_alone() {
    let app =
        TestApp::with(Setup { batches: Some(Changing::store(Change::MoreComes)), ..Setup::default() }).await;
    let (sending, tell) = in_two(app.batch(JSONL, String::new()), lines(3)).await;
    eventually_waiting(&app, 3).await;
    let job = app.bulk_jobs(3).await.remove(0);
    let Lookup::Found(record) = app.results.get(job.id).await.unwrap() else { panic!("{} is gone", job.id) };
    let mut path = format!("/v1/batches/{}/results", record.batch.unwrap().batch);
    let mut numbers = Vec::new();
    for _ in 0..2 {
        let page = app.get(&path).send().await.unwrap();
        let next = header(&page, "link").unwrap().to_owned();
        path = next.strip_prefix('<').unwrap().split_once('>').unwrap().0.to_owned();
        for line in page.text().await.unwrap().lines() {
            numbers.push(serde_json::from_str::<Value>(line).unwrap()["number"].as_u64().unwrap());
        }
    }
    assert_eq!(numbers, [1, 2, 3, 4]);
    drop(tell);
    drop(sending);
}

#[tokio::test]
async fn a_stream_whose_batch_is_gone_breaks_off() {
    let app = TestApp::with(Setup { batches: Some(Changing::store(Change::Gone)), ..Setup::default() }).await;
    let (address, _) = app.taken(app.batch(JSONL, lines(400))).await;
    app.work_bulk(400).await;
    // It may break off before anything of it was sent.
    let table = match app.get(&format!("{address}/results?follow=true")).send().await {
        Ok(followed) => followed.text().await,
        Err(error) => Err(error),
    };
    assert!(table.is_err(), "half of it is no whole table");
}

#[tokio::test]
async fn a_table_is_written_as_its_reader_would_rather_have_it() {
    let app = TestApp::start().await;
    let (address, _) = app.taken(app.batch(JSONL, lines(1))).await;
    for (accept, query, expected) in [
        ("text/csv", "", "text/csv"),
        ("text/csv;q=0", "", JSONL),
        ("text/csv;q=0.5, application/jsonl", "", JSONL),
        ("application/jsonl;q=0.5, text/csv;q=0.6", "", "text/csv"),
        ("application/jsonl;q=0, */*;q=0.1", "", "text/csv"),
        ("text/csv, */*", "", "text/csv"),
        ("*/*", "", JSONL),
        ("text/html", "", JSONL),
        ("text/csv", "?format=jsonl", JSONL),
    ] {
        let table =
            app.get(&format!("{address}/results{query}")).header("accept", accept).send().await.unwrap();
        let kind = header(&table, "content-type").unwrap();
        assert!(kind.starts_with(expected), "{accept}: {kind}");
    }
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

#[tokio::test]
async fn items_without_a_record_keep_nobody_waiting() {
    let app = TestApp::start().await;
    let (address, _) = app.taken(app.batch(JSONL, lines(61))).await;
    let jobs = app.bulk_jobs(61).await;
    for lost in &jobs[..60] {
        app.results.discard(lost.id).await.unwrap();
    }
    app.results.finish(&[(jobs[60].id, read("A"))]).await.unwrap();
    for path in [format!("{address}/results"), format!("{address}/results?follow=true")] {
        let rows = tokio::time::timeout(Duration::from_secs(30), app.rows(&path)).await.unwrap();
        let statuses: Vec<_> = rows.iter().map(|row| row["status"].as_str().unwrap()).collect();
        assert_eq!(statuses[..60], ["gone"; 60], "{path}");
        assert_eq!(statuses[60..], ["succeeded"], "{path}");
    }

    // Taken back, it has its end as any other.
    let delete = app.client.delete(format!("{}{address}", app.address)).send().await.unwrap();
    let canceled: Value = delete.json().await.unwrap();
    assert_eq!((&canceled["status"], &canceled["counts"]["canceled"]), (&json!("canceled"), &json!(60)));
    assert_eq!(app.rows(&format!("{address}/results")).await[0]["status"], "canceled");
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
