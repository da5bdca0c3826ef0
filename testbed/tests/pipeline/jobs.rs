//! Jobs through the whole pipeline: every answer the right one for its picture.

use std::{fs, path::Path};

use byecaptcha_models::Recognizer;
use futures::{StreamExt, stream};
use reqwest::StatusCode;
use serde_json::Value;

use crate::stack::Stack;

/// Pictures and what the engine reads in them, alone in this process.
pub(crate) fn pictures() -> Vec<(Vec<u8>, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../trainer/tests/fixtures/var456");
    let mut recognizer = Recognizer::embedded().unwrap();
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let pictures = paths.into_iter().map(|path| {
        let picture = fs::read(path).unwrap();
        let prepared = recognizer.prepare(&picture).unwrap();
        let text = recognizer.recognize(&[prepared]).unwrap().remove(0).text;
        (picture, text)
    });
    pictures.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn many_clients_get_their_own_answers() {
    let stack = Stack::start().await;
    let _workers = (stack.worker().await, stack.worker().await);
    let pictures = pictures();
    let jobs = stream::iter(0..2_000).map(|number| {
        let (picture, text) = &pictures[number * 7 % pictures.len()];
        let request = stack.client.post(format!("{}/v1/jobs", stack.address));
        let request = request.header("content-type", "image/jpeg").header("prefer", "wait=20");
        async move {
            let answer = request.body(picture.clone()).send().await.unwrap();
            assert_eq!(answer.status(), StatusCode::OK);
            let job: Value = answer.json().await.unwrap();
            assert_eq!(job["result"]["text"].as_str(), Some(text.as_str()));
        }
    });
    jobs.buffer_unordered(32).collect::<Vec<()>>().await;
    assert_eq!(stack.broker().dead_letters().await.unwrap().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_wait_for_workers_and_can_be_taken_back() {
    let stack = Stack::start().await;
    let (picture, text) = pictures().remove(0);
    let kept = stack.submit(&picture).await;
    let unwanted = stack.submit(&picture).await;
    let canceled = stack.client.delete(format!("{}{unwanted}", stack.address)).send().await.unwrap();
    assert_eq!(canceled.status(), StatusCode::OK);
    let _worker = stack.worker().await;
    assert_eq!(stack.ended(&kept).await["result"]["text"], text);
    assert_eq!(stack.ended(&unwanted).await["status"], "canceled");
}
