//! What an operator sees: traces that go through all programs, metrics, and a dashboard that asks for what is there.

use std::time::{Duration, Instant};

use reqwest::StatusCode;
use serde_json::Value;

use crate::{
    collector::{Collector, Sent},
    jobs::pictures,
    stack::{PATIENCE, Stack},
};

/// A caller's own span, from the example of the W3C's recommendation.
const CALLER: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

#[tokio::test(flavor = "multi_thread")]
async fn one_trace_shows_request_wait_batch_and_result() {
    let collector = Collector::start().await;
    let stack = Stack::start_with(vec![
        ("OTEL_EXPORTER_OTLP_ENDPOINT", collector.address.clone()),
        ("OTEL_BSP_SCHEDULE_DELAY", "50".to_owned()),
        ("BYECAPTCHA_LOG_FORMAT", "json".to_owned()),
        ("RUST_LOG", "byecaptcha_api=debug,info".to_owned()),
    ])
    .await;
    let worker = stack.worker().await;
    let (picture, text) = pictures().remove(0);
    let request = stack.client.post(format!("{}/v1/jobs", stack.address));
    let request = request.header("content-type", "image/jpeg").header("prefer", "wait=20");
    let answer = request.header("traceparent", CALLER).body(picture).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(answer.json::<Value>().await.unwrap()["result"]["text"], text);

    let trace = &CALLER[3..35];
    let names = ["POST /v1/jobs", "publish", "queue wait", "inference", "write result"];
    let start = Instant::now();
    let (spans, all) = loop {
        let all = collector.spans();
        let spans: Vec<Sent> = all.iter().filter(|sent| hex(&sent.span.trace_id) == trace).cloned().collect();
        if spans.len() >= names.len() && all.len() > spans.len() {
            break (spans, all);
        }
        assert!(start.elapsed() < PATIENCE, "{all:#?}\n{}", worker.log());
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    let named = |name: &str| spans.iter().find(|sent| sent.span.name == name).unwrap();
    let [request, publish, wait, inference, write] = names.map(named);
    assert_eq!(hex(&request.span.parent_span_id), &CALLER[36..52]);
    assert_eq!(publish.span.parent_span_id, request.span.span_id);
    for sent in [wait, inference, write] {
        assert_eq!(sent.span.parent_span_id, publish.span.span_id);
        assert_eq!(sent.service, "byecaptcha-worker");
    }
    assert_eq!((&*request.service, &*publish.service), ("byecaptcha-api", "byecaptcha-api"));
    assert!(wait.span.end_time_unix_nano <= inference.span.start_time_unix_nano);
    assert!(inference.span.end_time_unix_nano <= write.span.start_time_unix_nano);

    // The batch is a trace of its own, and each side is linked with the other.
    let batch = all.iter().find(|sent| sent.span.name == "batch").unwrap();
    assert_eq!(inference.span.links[0].span_id, batch.span.span_id);
    assert_eq!(batch.span.links[0].span_id, publish.span.span_id);

    let log = stack.api_log();
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let served = lines.iter().find(|line| line["target"] == "access" && line["trace_id"] == trace);
    assert!(served.is_some_and(|line| line["job"].is_string()), "{log}");
    assert!(!log.contains(&text) && !worker.log().contains(&text), "what was read is nobody's business");
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_count_and_the_dashboard_knows_them() {
    let stack = Stack::start().await;
    let worker = stack.worker().await;
    let pictures = pictures();
    let mut locations = Vec::new();
    for (picture, _) in &pictures {
        locations.push(stack.submit(picture).await);
    }
    let whole = &pictures[0].0;
    locations.push(stack.submit(&whole[..whole.len() / 2]).await);
    for location in &locations {
        stack.ended(location).await;
    }
    let metrics = async |address: &str| {
        let answer = stack.client.get(format!("{address}/metrics")).send().await.unwrap();
        answer.text().await.unwrap()
    };
    let jobs = locations.len();
    let on_api = [
        format!("jobs_submitted_total {jobs}"),
        format!("publish_confirm_seconds_count {jobs}"),
        format!("http_requests_total{{method=\"POST\",route=\"/v1/jobs\",status=\"202\"}} {jobs}"),
        "queue_depth{queue=\"interactive\"} 0".to_owned(),
    ];
    let on_worker = [
        format!("jobs_finished_total{{status=\"succeeded\"}} {}", jobs - 1),
        "jobs_finished_total{status=\"failed\"} 1".to_owned(),
        format!("job_queue_wait_seconds_count {jobs}"),
        format!("inference_batch_size_sum {jobs}"),
        "redeliveries_total 0".to_owned(),
        "dead_lettered_total 0".to_owned(),
    ];
    // A program counts once it has been answered, and clients may hear of an end before that.
    let counted = async |address: &str, lines: &[String]| {
        let start = Instant::now();
        loop {
            let text = metrics(address).await;
            let missing = lines.iter().find(|line| !text.lines().any(|found| found == **line));
            let Some(missing) = missing else { return text };
            assert!(start.elapsed() < PATIENCE, "{missing} is not in\n{text}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let (api, worker) = (counted(&stack.address, &on_api).await, counted(&worker.address, &on_worker).await);
    let info = worker.lines().find(|line| line.starts_with("model_info{")).unwrap();
    assert!(info.contains("model=\"general\"") && info.contains("engine=\"onnx\""), "{info}");

    let dashboard = include_str!("../../../grafana/byecaptcha.json");
    let dashboard: Value = serde_json::from_str(dashboard).unwrap();
    let known = format!("{api}{worker}");
    for panel in dashboard["panels"].as_array().unwrap() {
        for target in panel["targets"].as_array().unwrap() {
            let expression = target["expr"].as_str().unwrap();
            let words = expression.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
            for metric in words.filter(|word| word.matches('_').count() >= 1 && !word.starts_with("__")) {
                let functions = ["histogram_quantile", "__rate_interval"];
                assert!(functions.contains(&metric) || known.contains(metric), "{metric}: {expression}");
            }
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
