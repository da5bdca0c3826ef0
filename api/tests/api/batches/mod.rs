//! Batches: what they are made of and how a worker gets at them, for the tests of what comes in, what comes out and what
//! breaks off.

mod broken;
mod changing;
mod intake;
mod patience;
mod results;

use base64::{Engine, engine::general_purpose::STANDARD};
use byecaptcha_queue::{Broker, Job};
use reqwest::{Body, RequestBuilder, StatusCode};
use serde_json::{Value, json};

use crate::{
    app::{TestApp, header, read},
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
