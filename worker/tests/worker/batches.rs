//! Which jobs meet in the engine, and what is written of them.

use std::time::Duration;

use byecaptcha_queue::{Broker, JobOptions, JobStatus, Lookup, ResultStore, job::now_ms};
use bytes::Bytes;

use crate::{
    script::{Script, picture},
    setting::{Setting, eventually},
};

const TWENTY: &str = "abcdefghijklmnopqrst";

#[tokio::test]
async fn batches_fill_while_the_engine_is_busy() {
    let setting = Setting::new(Script::gated());
    let running = setting.start();
    let first = setting.publish('X').await;
    assert_eq!(setting.batches(1).await, ["X"], "a lone job does not wait for company");

    let ids = setting.publish_all(TWENTY).await;
    // With the one in the engine, two batches are held and no more: the others are left for other workers.
    setting.depth_becomes(20 - 15).await;
    setting.script.open();

    assert_eq!(setting.texts(&ids).await, TWENTY);
    // What comes after the first full batch depends on how fast more jobs come; their order does not.
    let batches = setting.script.batches();
    assert_eq!(batches[..2], ["X", "abcdefgh"]);
    assert_eq!(batches[1..].concat(), TWENTY);
    let record = setting.ended(first).await;
    let result = record.result.unwrap();
    assert_eq!((result.model.as_str(), result.model_version.as_str()), ("scripted", "7"));
    assert_eq!(result.characters.len(), 1);
    assert!((result.confidence - 0.9).abs() < 0.02, "{}", result.confidence);
    assert!(result.engine_ms > 0.0 && result.queue_ms >= 0.0);
    assert_eq!(running.stop().await, byecaptcha_worker::Drained::default());
}

#[tokio::test]
async fn clients_see_that_their_job_has_started() {
    let setting = Setting::new(Script::gated());
    let running = setting.start();
    let id = setting.publish('a').await;
    eventually("the job is processing", async || {
        matches!(setting.results.get(id).await.unwrap(), Lookup::Found(record) if record.status == JobStatus::Processing)
    })
    .await;
    setting.script.open();
    assert_eq!(setting.texts(&[id]).await, "a");
    running.stop().await;
}

#[tokio::test]
async fn a_broken_picture_fails_alone() {
    let setting = Setting::new(Script::gated());
    let running = setting.start();
    setting.publish('X').await;
    setting.batches(1).await;
    let a = setting.publish('a').await;
    let broken = setting.publish_image(Bytes::from_static(b"no picture"), JobOptions::default()).await;
    let whole = picture('c');
    let truncated = setting.publish_image(whole.slice(..whole.len() - 30), JobOptions::default()).await;
    let b = setting.publish('b').await;
    setting.depth_becomes(0).await;
    setting.script.open();

    assert_eq!(setting.texts(&[a, b]).await, "ab");
    for (id, kind) in [(broken, "unsupported-image"), (truncated, "image-truncated")] {
        let record = setting.ended(id).await;
        assert_eq!(record.status, JobStatus::Failed);
        assert_eq!(record.error.unwrap().kind, kind);
    }
    assert_eq!(setting.script.batches(), ["X", "ab"], "once, and without the broken ones");
    running.stop().await;
}

#[tokio::test]
async fn a_model_that_is_not_here_is_named() {
    let setting = Setting::new(Script::default());
    let running = setting.start();
    let options = |model: &str| JobOptions { model: Some(model.to_owned()), ..Default::default() };
    let other = setting.publish_image(picture('a'), options("other")).await;
    let own = setting.publish_image(picture('b'), options("scripted")).await;
    let error = setting.ended(other).await.error.unwrap();
    assert_eq!(error.kind, "unknown-model");
    assert!(error.detail.contains("other") && error.detail.contains("scripted"), "{}", error.detail);
    assert_eq!(setting.texts(&[own]).await, "b");
    assert_eq!(setting.script.batches(), ["b"]);
    running.stop().await;
}

#[tokio::test]
async fn an_expired_job_ends_without_the_engine() {
    let setting = Setting::new(Script::default());
    let until = |deadline_at_ms| JobOptions { deadline_at_ms: Some(deadline_at_ms), ..Default::default() };
    let late = setting.publish_image(picture('a'), until(now_ms())).await;
    let early = setting.publish_image(picture('b'), until(now_ms() + 600_000)).await;
    let running = setting.start();
    assert_eq!(setting.ended(late).await.status, JobStatus::Expired);
    assert_eq!(setting.texts(&[early]).await, "b");
    assert_eq!(setting.script.batches(), ["b"]);
    running.stop().await;
}

#[tokio::test]
async fn canceled_jobs_stay_out_of_the_engine_once_some_were_in_it() {
    let setting = Setting::new(Script::gated());
    let all = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    let ids = setting.publish_bulk(all).await;
    let (last, canceled) = ids.split_last().unwrap();
    for &id in canceled {
        setting.results.cancel(id).await.unwrap();
    }
    let running = setting.start();
    setting.batches(1).await;
    setting.script.open();
    assert_eq!(setting.texts(&[*last]).await, "Z");
    eventually("the broker hears of all", async || setting.bulk.depth().await.unwrap() == 0).await;
    let batches = setting.script.batches();
    assert!(batches.len() == 2 && batches[0].len() <= 8 && batches[1] == "Z", "{batches:?}");
    // And those that come after them are not waited for.
    assert_eq!(setting.texts(&setting.publish_all("xy").await).await, "xy");
    assert_eq!(running.stop().await, byecaptcha_worker::Drained::default());
}

#[tokio::test]
async fn the_heart_stops_with_an_engine_that_is_stuck() {
    let setting = Setting::new(Script::gated());
    let running = setting.start();
    let id = setting.publish('a').await;
    setting.batches(1).await;
    // The loop goes on turning, once a second at least, and that is not enough.
    eventually("the heartbeat grows old", async || running.heartbeat.age() > Duration::from_secs(3)).await;
    setting.script.open();
    assert_eq!(setting.texts(&[id]).await, "a");
    eventually("it beats again", async || running.heartbeat.age() < Duration::from_secs(2)).await;
    running.stop().await;
}

#[tokio::test]
async fn bulk_jobs_wait_for_those_that_someone_waits_for() {
    let setting = Setting::new(Script::gated());
    let running = setting.start();
    let bulk = setting.publish_bulk(TWENTY).await;
    setting.batches(1).await;
    eventually("the worker takes its share ahead", async || setting.bulk.depth().await.unwrap() <= 5).await;
    let people = setting.publish_all("XYZ").await;
    setting.depth_becomes(0).await;
    setting.script.open();
    assert_eq!(setting.texts(&people).await, "XYZ");
    assert_eq!(setting.texts(&bulk).await, TWENTY);
    let batches = setting.script.batches();
    assert_eq!(batches[1], "XYZ", "the next batch is theirs alone: {batches:?}");
    assert_eq!(running.stop().await, byecaptcha_worker::Drained::default());
}

#[tokio::test]
async fn bulk_jobs_that_were_not_started_go_back() {
    let setting = Setting::new(Script::gated());
    let running = setting.start();
    setting.publish_bulk("abc").await;
    let first = setting.batches(1).await[0].len();
    eventually("all are taken", async || setting.bulk.depth().await.unwrap() == 0).await;
    running.shutdown.cancel();
    eventually("they are back", async || setting.bulk.depth().await.unwrap() == 3 - first).await;
    setting.script.open();
    assert_eq!(running.stop().await.released, 3 - first);
}

#[tokio::test]
async fn a_reading_below_what_was_asked_for_is_none() {
    let setting = Setting::new(Script::default());
    let running = setting.start();
    let ask = async |options: JobOptions| setting.publish_image(picture('a'), options).await;
    let sure = ask(JobOptions { min_confidence: Some(0.8), ..JobOptions::default() }).await;
    let unsure = ask(JobOptions { min_confidence: Some(0.95), ..JobOptions::default() }).await;
    let other =
        ask(JobOptions { charset: Some("bcd".to_owned()), min_length: Some(1), ..JobOptions::default() })
            .await;
    let long = ask(JobOptions { min_length: Some(3), ..JobOptions::default() }).await;
    let many = ask(JobOptions { top_k: Some(6), ..JobOptions::default() }).await;

    assert_eq!(setting.texts(&[sure]).await, "a");
    let failure = setting.ended(unsure).await.error.unwrap();
    assert_eq!(failure.kind, "low-confidence");
    assert!(failure.detail.contains("0.95"), "{}", failure.detail);
    let text = setting.texts(&[other]).await;
    assert!("bcd".contains(&text) && !text.is_empty(), "{text}");
    assert_eq!(
        setting.ended(long).await.error.unwrap().kind,
        "no-text",
        "one step has one character at most"
    );
    assert_eq!(setting.ended(many).await.result.unwrap().alternatives.len(), 5);
    running.stop().await;
}
