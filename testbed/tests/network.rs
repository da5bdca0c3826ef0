//! The network can be cut, frozen, muted and mended, and each fault is what it says: tests of failures rest on it.

#![allow(clippy::unwrap_used, missing_docs, reason = "a test may stop at the first surprise")]

use std::{net::Ipv4Addr, time::Duration};

use byecaptcha_testbed::Proxy;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::mpsc,
    time::{Instant, timeout},
};

/// No answer takes this long, not even from a loaded machine.
const PATIENCE: Duration = Duration::from_secs(30);
/// Long enough to be fairly sure that nothing comes.
const A_MOMENT: Duration = Duration::from_millis(150);

/// A server that answers each byte with itself, and reports it.
async fn echo() -> (u16, mpsc::UnboundedReceiver<u8>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (report, heard) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let report = report.clone();
            tokio::spawn(async move {
                while let Ok(byte) = stream.read_u8().await {
                    report.send(byte).unwrap();
                    stream.write_u8(byte).await.unwrap();
                }
            });
        }
    });
    (port, heard)
}

async fn connect(proxy: &Proxy) -> TcpStream {
    TcpStream::connect((Ipv4Addr::LOCALHOST, proxy.port())).await.unwrap()
}

async fn ask(stream: &mut TcpStream, byte: u8) -> std::io::Result<u8> {
    stream.write_u8(byte).await?;
    timeout(PATIENCE, stream.read_u8()).await.unwrap()
}

#[tokio::test]
async fn a_cut_ends_connections_also_when_it_is_mended_at_once() {
    let (port, _heard) = echo().await;
    let proxy = Proxy::start(port).await.unwrap();
    let mut old = connect(&proxy).await;
    assert_eq!(ask(&mut old, 1).await.unwrap(), 1);
    proxy.cut();
    proxy.restore();
    assert!(ask(&mut old, 2).await.is_err());
    assert_eq!(ask(&mut connect(&proxy).await, 3).await.unwrap(), 3);
    proxy.cut();
    assert!(ask(&mut connect(&proxy).await, 4).await.is_err());
}

#[tokio::test]
async fn a_mute_network_carries_questions_and_no_answers() {
    let (port, mut heard) = echo().await;
    let proxy = Proxy::start(port).await.unwrap();
    let mut stream = connect(&proxy).await;
    proxy.mute();
    stream.write_u8(7).await.unwrap();
    assert_eq!(timeout(PATIENCE, heard.recv()).await.unwrap(), Some(7));
    assert!(timeout(A_MOMENT, stream.read_u8()).await.is_err());
    proxy.restore();
    assert_eq!(timeout(PATIENCE, stream.read_u8()).await.unwrap().unwrap(), 7);
}

#[tokio::test]
async fn stranded_connections_are_silent_and_new_ones_work() {
    let (port, mut heard) = echo().await;
    let proxy = Proxy::start(port).await.unwrap();
    let mut old = connect(&proxy).await;
    assert_eq!(ask(&mut old, 1).await.unwrap(), 1);
    assert_eq!(heard.recv().await, Some(1));
    proxy.strand();
    old.write_u8(2).await.unwrap();
    assert_eq!(ask(&mut connect(&proxy).await, 3).await.unwrap(), 3);
    assert_eq!(heard.recv().await, Some(3), "what was asked on the old one is still under way");
    assert!(timeout(A_MOMENT, old.read_u8()).await.is_err());
}

#[tokio::test]
async fn a_slow_network_is_slow_both_ways() {
    let (port, _heard) = echo().await;
    let proxy = Proxy::start(port).await.unwrap();
    let mut stream = connect(&proxy).await;
    proxy.slow(A_MOMENT);
    let start = Instant::now();
    assert_eq!(ask(&mut stream, 1).await.unwrap(), 1);
    assert!(start.elapsed() >= 2 * A_MOMENT, "{:?}", start.elapsed());
}
