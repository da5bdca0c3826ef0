//! A program that asks a running one of its kind whether it is ready: for container engines, which can only run a command
//! inside the container, and images that hold no other command.

use std::{
    io::{Read, Write},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream},
    time::Duration,
};

use anyhow::{Context, Result, bail};

/// A program that is well answers in a millisecond, and one whose broker is away within five seconds, which is a no.
const PATIENCE: Duration = Duration::from_secs(3);
/// Of the answer; what is beyond it is of no interest.
const LONGEST: u64 = 4096;

/// Asks the program that listens at this address for `/readyz`. `host` is a name that it answers to, where not every
/// name is.
///
/// # Errors
///
/// What it said where that was not yes, or why it could not be asked.
pub fn ask(listen: SocketAddr, host: Option<&str>) -> Result<()> {
    let address = reachable(listen);
    let said = exchange(address, host).with_context(|| format!("nobody answers at {address}"))?;
    let (head, body) = said.split_once("\r\n\r\n").unwrap_or((&said, ""));
    match head.split(' ').nth(1) {
        Some("200") => Ok(()),
        Some(status) => bail!("not ready: {status} {}", body.trim()),
        None => bail!("what answers at {address} does not speak HTTP"),
    }
}

/// One request and the beginning of its answer.
fn exchange(address: SocketAddr, host: Option<&str>) -> std::io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let host = host.map_or_else(|| address.to_string(), str::to_owned);
    // In one piece, and so in one packet.
    let request = format!("GET /readyz HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    stream.take(LONGEST).read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

/// Who listens at all addresses is reached at the loopback one.
fn reachable(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listen.port())
}

#[cfg(test)]
mod tests {
    use std::{net::TcpListener, thread};

    use super::*;

    /// What `ask` makes of this answer, and what was asked.
    fn asked(answer: &'static str, host: Option<&str>) -> (Result<()>, String) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        // As a program in a container does.
        let listen = SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), listener.local_addr().unwrap().port());
        let server = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = [0; 1024];
            let read = stream.read(&mut request).unwrap();
            stream.write_all(answer.as_bytes()).unwrap();
            String::from_utf8_lossy(&request[..read]).into_owned()
        });
        (ask(listen, host), server.join().unwrap())
    }

    #[test]
    fn two_hundred_is_ready() {
        let (answer, request) =
            asked("HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nready\n", Some("example.org"));
        assert!(answer.is_ok());
        assert!(request.starts_with("GET /readyz HTTP/1.1\r\nHost: example.org\r\n"), "{request}");
        let (_, request) = asked("HTTP/1.1 200 OK\r\n\r\n", None);
        assert!(request.contains("\r\nHost: 127.0.0.1:"), "{request}");
    }

    #[test]
    fn anything_else_is_not_and_is_repeated() {
        let (answer, _) = asked("HTTP/1.1 503 Service Unavailable\r\n\r\nthe broker is away\n", None);
        assert_eq!(answer.unwrap_err().to_string(), "not ready: 503 the broker is away");
        for strange in ["", "SSH-2.0-OpenSSH_9.2\r\n"] {
            let (answer, _) = asked(strange, None);
            assert!(answer.unwrap_err().to_string().contains("does not speak HTTP"), "{strange:?}");
        }
    }

    #[test]
    fn a_closed_port_is_an_error_that_names_it() {
        let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        assert!(ask(free, None).unwrap_err().to_string().contains(&free.to_string()));
    }
}
