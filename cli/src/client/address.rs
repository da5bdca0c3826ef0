//! The address of a server, as a user types it: checked before anything is sent there.

use std::{fmt, str::FromStr};

use hyper::{
    Uri,
    http::uri::{InvalidUri, Scheme},
};

/// The part of an address that all of a server's addresses begin with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ServerAddress {
    /// Without a slash at its end.
    text: String,
    encrypted: bool,
}

impl FromStr for ServerAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let uri: Uri = text.parse().map_err(|error| format!("{error}"))?;
        let encrypted = match uri.scheme() {
            Some(scheme) if *scheme == Scheme::HTTP => false,
            Some(scheme) if *scheme == Scheme::HTTPS => true,
            _ => return Err("it must begin with http:// or https://".to_owned()),
        };
        // It is written into logs and journals, where a password has no place.
        if uri.authority().is_some_and(|authority| authority.as_str().contains('@')) {
            return Err("it must not hold a name or a password; there is --api-key-file".to_owned());
        }
        if uri.query().is_some() {
            return Err("it must not have a query".to_owned());
        }
        Ok(Self { text: text.trim_end_matches('/').to_owned(), encrypted })
    }
}

impl ServerAddress {
    pub(crate) fn is_encrypted(&self) -> bool {
        self.encrypted
    }

    /// The address of this path there.
    pub(crate) fn join(&self, path: &str) -> Result<Uri, InvalidUri> {
        format!("{}{path}", self.text).parse()
    }
}

impl fmt::Display for ServerAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_joined_to_servers_wherever_they_are() {
        for (server, expected) in [
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080/v1/jobs"),
            ("http://[::1]:8080/", "http://[::1]:8080/v1/jobs"),
            ("https://example.org/captchas//", "https://example.org/captchas/v1/jobs"),
        ] {
            let server: ServerAddress = server.parse().unwrap();
            assert_eq!(server.join("/v1/jobs").unwrap(), expected);
        }
        assert!("https://example.org".parse::<ServerAddress>().unwrap().is_encrypted());
    }

    #[test]
    fn what_is_no_server_is_refused_and_no_secret_repeated() {
        for wrong in ["", "127.0.0.1:8080", "localhost", "ftp://x", "/v1", "http://", "http://x/?a=b"] {
            assert!(wrong.parse::<ServerAddress>().is_err(), "{wrong}");
        }
        let error = "http://me:secret@x".parse::<ServerAddress>().unwrap_err();
        assert!(error.contains("--api-key-file") && !error.contains("secret"), "{error}");
    }
}
