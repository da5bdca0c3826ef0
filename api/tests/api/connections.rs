//! Clients that take connections and say nothing, or nearly nothing.

use std::time::{Duration, Instant};

use byecaptcha_api::ApiSettings;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use reqwest::StatusCode;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
};

use crate::app::{Setup, TestApp};

async fn with_header_timeout(header_timeout: Duration) -> TestApp {
    let settings = ApiSettings { header_timeout, ..ApiSettings::default() };
    TestApp::with(Setup { settings, ..Setup::default() }).await
}

async fn assert_answers(app: &TestApp) {
    let begun = Instant::now();
    // Over a connection of its own, as a new client has.
    let answer = reqwest::get(format!("{}/v1/models", app.address)).await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    assert!(begun.elapsed() < Duration::from_secs(5), "it took {:?}", begun.elapsed());
}

#[tokio::test]
async fn heads_that_come_drop_by_drop_are_cut_off() {
    let app = with_header_timeout(Duration::from_millis(500)).await;
    let mut clients = JoinSet::new();
    for _ in 0..50 {
        let mut stream = TcpStream::connect(app.socket()).await.unwrap();
        clients.spawn(async move {
            stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: a\r\n").await.unwrap();
            let begun = Instant::now();
            // For as long as the server puts up with it.
            while stream.write_all(b"x: y\r\n").await.is_ok() && begun.elapsed() < Duration::from_secs(60) {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            begun.elapsed()
        });
    }
    assert_answers(&app).await;
    for took in clients.join_all().await {
        assert!(took < Duration::from_secs(30), "{took:?}");
    }
    assert_answers(&app).await;
}

#[tokio::test]
async fn a_thousand_idle_connections_keep_nobody_else_waiting() {
    // Both ends of each are in this process.
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    setrlimit(Resource::RLIMIT_NOFILE, most, most).unwrap();
    let app = with_header_timeout(Duration::from_secs(3)).await;
    let mut idle = Vec::new();
    for _ in 0..1000 {
        idle.push(TcpStream::connect(app.socket()).await.unwrap());
    }
    assert_answers(&app).await;
    for mut stream in idle {
        let closed = tokio::time::timeout(Duration::from_secs(30), stream.read(&mut [0])).await;
        // By a farewell or by a reset.
        assert!(closed.expect("it is closed").unwrap_or(0) == 0);
    }
    assert_answers(&app).await;
}
