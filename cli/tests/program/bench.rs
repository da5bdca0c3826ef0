//! `byecaptcha bench`.

use std::{process::Stdio, time::Duration};

use serde_json::Value;
use tokio::time::sleep;

use crate::{
    program::{Server, byecaptcha, exit, fixture, signal, text},
    scripted::{Act, Scripted},
};

fn figures(url: &str, more: &[&str]) -> Value {
    let output =
        byecaptcha().args(["bench", "--server", url, "--format", "json"]).args(more).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_server_is_measured() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path(), &[]);
    let found = figures(&server.url, &["--requests", "40", "--clients", "4"]);
    assert_eq!((&found["succeeded"], &found["unanswered"]), (&40.into(), &0.into()), "{found}");
    assert_eq!(found["failures"], Value::Object(serde_json::Map::new()));
    let latency = |name: &str| found["latency_ms"][name].as_f64().unwrap();
    let ordered = ["p50", "p90", "p95", "p99", "max"].map(latency);
    assert!(ordered.is_sorted() && ordered[0] > 0.1, "{found}");
    assert!(found["throughput"].as_f64().unwrap() > 0.0);

    let picture = fixture("forms/plain.png");
    let output = byecaptcha()
        .args(["bench", "--server", &server.url, "--seconds", "0.3", "--rate", "20"])
        .arg(&picture)
        .output()
        .unwrap();
    let said = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(said.contains("20 pictures due a second") && said.contains("read        6 pictures"), "{said}");
    assert!(said.contains("p99"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_stands_still_makes_all_late_that_was_due_meanwhile() {
    let stalling = || {
        let mut posts = 0;
        Scripted::start(move |_, _| {
            posts += 1;
            // The first does not count; the third stands for a second.
            Act::Read(Duration::from_millis(if posts == 3 { 1000 } else { 1 }))
        })
    };
    let server = stalling().await;
    let closed = figures(&server.url, &["--clients", "1", "--requests", "100"]);
    assert!(closed["latency_ms"]["p90"].as_f64().unwrap() < 300.0, "{closed}");
    assert!(closed["latency_ms"]["max"].as_f64().unwrap() > 990.0, "{closed}");
    let server = stalling().await;
    let open = figures(&server.url, &["--clients", "1", "--requests", "100", "--rate", "50"]);
    assert_eq!(open["succeeded"], 100);
    assert!(open["latency_ms"]["p90"].as_f64().unwrap() > 500.0, "{open}");
}

#[tokio::test(flavor = "multi_thread")]
async fn where_nothing_is_answered_nothing_is_measured() {
    let server = Scripted::start(|_, _| Act::Refuse(503, "queue-full", Some(1))).await;
    let bench = |format: &str| {
        let arguments = ["bench", "--server", &server.url, "--requests", "3", "--format", format];
        let output = byecaptcha().args(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        assert!(text(&output.stderr).contains("nothing was answered"), "{}", text(&output.stderr));
        text(&output.stdout)
    };
    let said = bench("text");
    assert!(said.contains("latency ms  none") && !said.contains("p50"), "{said}");
    assert!(said.contains("not read    3: 503 queue-full"), "{said}");
    let figures: Value = serde_json::from_str(&bench("json")).unwrap();
    assert_eq!((&figures["latency_ms"], &figures["failures"]["503 queue-full"]), (&Value::Null, &3.into()));

    let empty = tempfile::tempdir().unwrap();
    let output = byecaptcha().args(["bench", "--server", &server.url]).arg(empty.path()).output().unwrap();
    assert_eq!(text(&output.stderr), "byecaptcha: no pictures were found\n");
}

#[test]
fn what_is_out_of_range_is_a_usage_error() {
    for (flag, value) in [("--requests", "0"), ("--requests", "1000000001"), ("--rate", "0.0001")] {
        let output = byecaptcha().args(["bench", flag, value]).output().unwrap();
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(flag), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_are_counted_by_their_kind_and_a_missing_server_is_an_error() {
    let mut posts = 0;
    let server = Scripted::start(move |_, _| {
        posts += 1;
        match posts % 2 {
            0 => Act::Refuse(503, "queue-full", Some(1)),
            _ => Act::Accept { polls: 1 },
        }
    })
    .await;
    let found = figures(&server.url, &["--clients", "1", "--requests", "10"]);
    assert_eq!(found["succeeded"], 5, "{found}");
    assert_eq!(found["failures"]["503 queue-full"], 5, "{found}");
    for (url, word) in [("http://127.0.0.1:9", "refused"), (&*format!("{}/elsewhere", server.url), "404")] {
        let output = byecaptcha().args(["bench", "--server", url]).output().unwrap();
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains(word), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn where_nobody_reads_the_first_pictures_it_can_be_stopped() {
    let server = Scripted::start(|_, _| Act::Accept { polls: u32::MAX }).await;
    let mut bench = byecaptcha();
    let bench = bench.args(["bench", "--server", &server.url]).stdout(Stdio::null());
    let mut child = bench.stderr(Stdio::null()).spawn().unwrap();
    while server.polls() == 0 {
        sleep(Duration::from_millis(20)).await;
    }
    signal(&child, "INT");
    assert_eq!(exit(&mut child).code(), Some(130));
}
