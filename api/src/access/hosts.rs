//! Which names the service answers to. A web page elsewhere can have its own name lead to this machine (DNS rebinding)
//! and is then, to the browser, of one origin with the service; but the browser still says the page's name.

use std::{fmt, net::SocketAddr, str::FromStr, sync::Arc};

use axum::{
    extract::{Request, State},
    http::{header, uri::Authority},
    middleware::Next,
    response::{IntoResponse, Response},
};

use crate::{
    linger::linger,
    problem::{self, Problem},
    state::ApiState,
};

/// A name or an IP address, without a port: any port is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host(String);

impl FromStr for Host {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = "a host is a name or an IP address without a port, as in captcha.example.org or [::1]";
        let authority: Authority = text.trim().parse().map_err(|_| wrong)?;
        if authority.host().len() != authority.as_str().len() || authority.host().is_empty() {
            return Err(wrong);
        }
        Ok(Self::of(&authority))
    }
}

impl fmt::Display for Host {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl Host {
    /// Names are the same in capitals, and with the dot that ends a whole one.
    fn of(authority: &Authority) -> Self {
        let host = authority.host().to_ascii_lowercase();
        Self(host.strip_suffix('.').map(str::to_owned).unwrap_or(host))
    }
}

/// The names that are answered to.
#[derive(Clone, Default)]
pub enum Hosts {
    /// All, for an address that others can reach: under which names they do, only its owner knows.
    #[default]
    Any,
    /// These.
    Only(Arc<[Host]>),
}

impl Hosts {
    /// What fits a server that listens at this address: its own names, where only this machine can reach it.
    pub fn fitting(listen: SocketAddr) -> Self {
        if !listen.ip().is_loopback() {
            return Self::Any;
        }
        let address = match listen {
            SocketAddr::V4(address) => address.ip().to_string(),
            SocketAddr::V6(address) => format!("[{}]", address.ip()),
        };
        ["localhost", "127.0.0.1", "[::1]", &address].map(|name| Host(name.to_owned())).into_iter().collect()
    }

    fn include(&self, host: Option<&Host>) -> bool {
        match self {
            Self::Any => true,
            Self::Only(hosts) => host.is_some_and(|host| hosts.contains(host)),
        }
    }
}

impl FromIterator<Host> for Hosts {
    fn from_iter<I: IntoIterator<Item = Host>>(hosts: I) -> Self {
        Self::Only(hosts.into_iter().collect())
    }
}

/// Refuses requests to other names.
pub(crate) async fn check(State(state): State<ApiState>, request: Request, next: Next) -> Response {
    if state.access.hosts.include(asked(&request).as_ref()) {
        return next.run(request).await;
    }
    linger(request.into_body());
    let detail = "The name in the request's Host header is none of those that are answered to here.";
    Problem::new(problem::HOST_NOT_ALLOWED, detail).in_field("host").into_response()
}

/// The host that was asked for: the request line's where it has one (RFC 9112, section 3.2.2), or else that of the one
/// Host header.
fn asked(request: &Request) -> Option<Host> {
    if let Some(authority) = request.uri().authority() {
        return Some(Host::of(authority));
    }
    let mut lines = request.headers().get_all(header::HOST).iter();
    let (line, None) = (lines.next()?, lines.next()) else { return None };
    let authority: Authority = line.to_str().ok()?.parse().ok()?;
    Some(Host::of(&authority))
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    fn included(hosts: &Hosts, asked_for: &[&str]) -> bool {
        let mut request = Request::new(Body::empty());
        for host in asked_for {
            request.headers_mut().append(header::HOST, host.parse().unwrap());
        }
        hosts.include(asked(&request).as_ref())
    }

    #[test]
    fn on_loopback_only_this_machines_names_are_answered_to() {
        let hosts = Hosts::fitting("127.9.9.9:8080".parse().unwrap());
        for own in ["localhost", "LocalHost.:80", "127.0.0.1:9", "[::1]:8080", "127.9.9.9"] {
            assert!(included(&hosts, &[own]), "{own}");
        }
        for foreign in ["evil.example", "localhost.evil.example:8080", "127.0.0.1.evil.example", "10.0.0.1"] {
            assert!(!included(&hosts, &[foreign]), "{foreign}");
        }
        for nothing in [&[][..], &[""], &["::1"], &["localhost", "evil.example"], &["a b"]] {
            assert!(!included(&hosts, nothing), "{nothing:?}");
        }
        assert!(included(&Hosts::fitting("[::1]:8080".parse().unwrap()), &["[::1]:8080"]));
        assert!(included(&Hosts::fitting("0.0.0.0:8080".parse().unwrap()), &["evil.example"]));
    }

    #[test]
    fn the_request_line_comes_first() {
        let hosts = Hosts::fitting("127.0.0.1:80".parse().unwrap());
        let request = Request::builder().uri("http://evil.example/v1/jobs").header("host", "localhost");
        assert!(!hosts.include(asked(&request.body(Body::empty()).unwrap()).as_ref()));
    }

    #[test]
    fn hosts_are_named_without_ports() {
        for right in ["captcha.example.org", "10.0.0.1", "[::1]", " a "] {
            assert!(right.parse::<Host>().is_ok(), "{right}");
        }
        for wrong in ["", "a:80", "http://a", "a/b", "user@a", "::1", "a b"] {
            assert!(wrong.parse::<Host>().is_err(), "{wrong}");
        }
    }
}
