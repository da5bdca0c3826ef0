//! The servers start, keep their data through a kill, and the network between can be cut and mended.

#![allow(clippy::unwrap_used, missing_docs, reason = "a test may stop at the first surprise")]

use std::{net::Ipv4Addr, time::Duration};

use byecaptcha_testbed::{Proxy, RabbitMq, Redis};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

async fn ask(port: u16, question: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
    stream.write_all(format!("{question}\r\nQUIT\r\n").as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}

#[tokio::test]
async fn redis_keeps_its_data_through_a_kill() {
    let mut redis = Redis::start().await.unwrap();
    assert_eq!(ask(redis.port(), "SET key value").await.unwrap(), "+OK\r\n+OK\r\n");
    // The file is synced once a second; the process's death alone loses nothing that was written.
    redis.group().kill();
    assert!(ask(redis.port(), "GET key").await.is_err());
    redis.restart().await.unwrap();
    assert_eq!(ask(redis.port(), "GET key").await.unwrap(), "$5\r\nvalue\r\n+OK\r\n");
}

#[tokio::test]
async fn the_network_can_be_cut_frozen_and_mended() {
    let redis = Redis::start().await.unwrap();
    let proxy = Proxy::start(redis.port()).await.unwrap();
    let pong = "+PONG\r\n+OK\r\n";
    assert_eq!(ask(proxy.port(), "PING").await.unwrap(), pong);
    proxy.cut();
    assert_ne!(ask(proxy.port(), "PING").await.ok().as_deref(), Some(pong));
    proxy.freeze();
    let waiting = tokio::spawn(async move { ask(proxy.port(), "PING").await.map(|answer| (answer, proxy)) });
    assert!(
        timeout(Duration::from_millis(200), async {
            while !waiting.is_finished() {
                tokio::task::yield_now().await;
            }
        })
        .await
        .is_err()
    );
    waiting.abort();
}

#[tokio::test]
async fn rabbitmq_starts_again_on_its_port() {
    let mut rabbitmq = RabbitMq::start().await.unwrap();
    let port = rabbitmq.port();
    rabbitmq.group().kill();
    assert!(TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.is_err());
    rabbitmq.restart().await.unwrap();
    assert!(TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.is_ok());
    assert!(rabbitmq.group().is_alive());
}
