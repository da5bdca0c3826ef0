//! Real servers for tests and benches: RabbitMQ, Redis, and a network between that can be cut and slowed.
//! Each runs on free ports of the loopback interface and in a temporary folder, and is gone when its owner is, however
//! that ends.

mod authority;
mod folder;
#[cfg(feature = "chaos")]
pub mod mark;
#[cfg(feature = "chaos")]
pub mod pictures;
mod process;
mod proxy;
mod rabbitmq;
mod redis;
mod supervised;

pub use authority::Authority;
pub use process::Group;
pub use proxy::Proxy;
pub use rabbitmq::RabbitMq;
pub use redis::Redis;
pub use supervised::Supervised;

use std::{
    fs, io,
    net::{Ipv4Addr, TcpListener},
    path::Path,
    time::Duration,
};

use anyhow::{Result, bail};
use tokio::{net::TcpStream, time::Instant};

/// How long a server may take to start, on a machine with other things to do.
const START: Duration = Duration::from_secs(120);

/// A port that was free a moment ago.
fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

/// Waits until `greet`, called on a fresh connection, is satisfied.
async fn wait_for_port<G>(what: &str, port: u16, group: &Group, log: &Path, greet: G) -> Result<()>
where
    G: AsyncFn(TcpStream) -> io::Result<bool>,
{
    let start = Instant::now();
    while start.elapsed() < START {
        if !group.is_alive() {
            bail!("{what} ended by itself: {}", fs::read_to_string(log).unwrap_or_default());
        }
        if let Ok(stream) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await {
            let greeted = tokio::time::timeout(Duration::from_secs(2), greet(stream)).await;
            if matches!(greeted, Ok(Ok(true))) {
                return Ok(());
            }
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let said = fs::read_to_string(log).unwrap_or_default();
    bail!("{what} did not start in {} seconds: {said}", START.as_secs())
}
