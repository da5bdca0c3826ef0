//! Where a program listens: read from a setting, bound with an error that helps.

use std::{
    io::{self, ErrorKind},
    net::{SocketAddr, ToSocketAddrs},
};

use anyhow::Result;
use tokio::net::TcpListener;

/// The first address of a setting such as `127.0.0.1:8080`.
///
/// # Errors
///
/// A sentence that shows the form.
pub fn parse(text: &str) -> Result<SocketAddr, String> {
    let form = "expected HOST:PORT, as in 127.0.0.1:8080";
    let mut addresses = text.to_socket_addrs().map_err(|error| format!("{form}: {error}"))?;
    addresses.next().ok_or_else(|| format!("{form}: the host has no address"))
}

/// Listens; the answer holds the port that was taken where the setting had 0.
///
/// # Errors
///
/// What the system says, with advice where there is some.
pub async fn bind(listen: SocketAddr) -> Result<(TcpListener, SocketAddr)> {
    let bound = async {
        let listener = TcpListener::bind(listen).await?;
        let address = listener.local_addr()?;
        Ok((listener, address))
    };
    bound.await.map_err(|error: io::Error| {
        let advice = match error.kind() {
            ErrorKind::AddrInUse => ": another program listens there; stop it or choose another port",
            ErrorKind::PermissionDenied => ": ports below 1024 are for the system",
            _ => "",
        };
        anyhow::Error::new(error).context(format!("--listen {listen}{advice}"))
    })
}
