//! A body without an end costs no more memory than the limit. In a process of its own, so that it can be measured.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may end by a panic")]

mod measured;

use std::{sync::Arc, time::Duration};

use byecaptcha_api::{ApiSettings, ApiState};
use byecaptcha_queue::{BrokerOptions, MemoryBroker, MemoryResults, ResultOptions};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use measured::{MIB, peak};

#[tokio::test(flavor = "multi_thread")]
async fn sixty_megabytes_in_chunks_are_refused_and_never_held() {
    let broker = Arc::new(MemoryBroker::new(BrokerOptions::default()));
    let results = Arc::new(MemoryResults::new(ResultOptions::default()));
    let state = ApiState::new(broker, results, Vec::new(), ApiSettings::default());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(byecaptcha_api::serve(listener, state, std::future::pending()));
    let before = peak();

    let (mut answers, mut body) = TcpStream::connect(address).await.unwrap().into_split();
    let sending = tokio::spawn(async move {
        let head = "POST /v1/jobs HTTP/1.1\r\nhost: a\r\ncontent-type: image/png\r\ntransfer-encoding: chunked\r\n\r\n";
        body.write_all(head.as_bytes()).await?;
        let chunk = [&b"10000\r\n"[..], &[0x89; 0x10000], b"\r\n"].concat();
        for _ in 0..60 * MIB / 0x10000 {
            body.write_all(&chunk).await?;
        }
        body.write_all(b"0\r\n\r\n").await
    });
    // A client that reads nothing before it has sent everything, as browsers do, gets its answer too.
    tokio::time::timeout(Duration::from_secs(30), sending).await.expect("an end").unwrap().expect("no reset");
    let mut answer = Vec::new();
    while !answer.ends_with(b"}") {
        let read = answers.read_buf(&mut answer);
        let read = tokio::time::timeout(Duration::from_secs(10), read).await.expect("an answer").unwrap();
        assert!(read > 0, "the connection ended before its answer");
    }
    let answer = String::from_utf8(answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    assert!(answer.contains("/problems/body-too-large"), "{answer}");

    let grown = peak() - before;
    let limit = ApiSettings::default().max_upload_bytes;
    // A buffer that grows by doubling is, for a moment, there twice.
    assert!(grown < 3 * limit + 4 * MIB, "memory grew by {} MiB", grown / MIB);
    server.abort();
}
