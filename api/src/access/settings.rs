//! Who may use the API, as settings of the programs that serve it.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

use clap::{Args, builder::BoolishValueParser};

use super::{Access, Host, Hosts, KeyFile, KeyFileError, Origin, Rate};

/// Keys, limits, names and origins.
#[derive(Args)]
#[group(skip)]
pub struct AccessSettings {
    /// The file of API keys, as `byecaptcha keys` writes it: with one, every request to /v1 needs a key.
    #[arg(long, env = "BYECAPTCHA_KEYS", value_name = "FILE")]
    keys: Option<PathBuf>,
    /// Allows --listen on an address that other machines can reach although there are no keys: whoever reaches it can
    /// use it.
    #[arg(long, env = "BYECAPTCHA_ALLOW_PUBLIC", value_parser = BoolishValueParser::new())]
    allow_public: bool,
    /// How often a key without a rate of its own may be used, as in 10/s; without this, as often as it likes.
    #[arg(long, env = "BYECAPTCHA_DEFAULT_RATE", value_name = "N/s")]
    default_rate: Option<Rate>,
    /// The names that are answered to, at any port [default: on a loopback address localhost, 127.0.0.1, [::1] and that
    /// address; otherwise all].
    #[arg(long, env = "BYECAPTCHA_ALLOWED_HOSTS", value_name = "HOST,…", value_delimiter = ',')]
    allowed_hosts: Vec<Host>,
    /// The origins of web pages that may use the API from a browser, as in https://example.org; * is all [default:
    /// none].
    #[arg(long, env = "BYECAPTCHA_CORS_ORIGINS", value_name = "ORIGIN,…", value_delimiter = ',')]
    cors_origins: Vec<Origin>,
}

impl AccessSettings {
    /// Whether a server with these may listen at this address. `usual_keys` is where keys are where no setting says so.
    ///
    /// # Errors
    ///
    /// A sentence that names the setting.
    pub fn check(&self, listen: SocketAddr, usual_keys: Option<&Path>) -> Result<(), String> {
        let has_keys = self.keys.is_some() || usual_keys.is_some_and(Path::exists);
        if !listen.ip().is_loopback() && !has_keys && !self.allow_public {
            return Err(format!(
                "--listen {listen}: other machines could reach this address, and there are no API keys; make one with \
                 `byecaptcha keys create` and name its file with --keys, or add --allow-public if everybody may use it"
            ));
        }
        Ok(())
    }

    /// A name that a server with these answers to, where not every name is.
    pub fn a_host(&self) -> Option<String> {
        self.allowed_hosts.first().map(ToString::to_string)
    }

    /// Reads the keys. `address` is the one that is listened at.
    ///
    /// # Errors
    ///
    /// Where the file of keys cannot be read.
    pub fn open(&self, address: SocketAddr, usual_keys: Option<&Path>) -> Result<Access, KeyFileError> {
        let hosts = if self.allowed_hosts.is_empty() {
            Hosts::fitting(address)
        } else {
            self.allowed_hosts.iter().cloned().collect()
        };
        let access = Access::default().with_hosts(hosts).with_origins(self.cors_origins.clone());
        match (&self.keys, usual_keys) {
            (Some(path), _) => access.with_keys(KeyFile::at(path), self.default_rate),
            (None, Some(path)) => access.with_keys_once_there(KeyFile::at(path), self.default_rate),
            (None, None) => Ok(access),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Program {
        #[command(flatten)]
        access: AccessSettings,
    }

    fn settings(arguments: &[&str]) -> Result<AccessSettings, clap::Error> {
        Program::try_parse_from([&["program"], arguments].concat()).map(|program| program.access)
    }

    #[test]
    fn a_public_address_needs_keys_or_permission() {
        let folder = tempfile::tempdir().unwrap();
        let usual = folder.path().join("keys.json");
        let check = |arguments: &[&str], listen: &str| {
            settings(arguments).unwrap().check(listen.parse().unwrap(), Some(&usual))
        };
        for public in ["0.0.0.0:80", "[::]:80", "192.0.2.7:80"] {
            assert!(check(&[], public).is_err_and(|error| error.contains("--allow-public")));
            assert!(check(&["--allow-public"], public).is_ok());
            assert!(check(&["--keys", "keys.json"], public).is_ok());
        }
        for own in ["127.0.0.1:0", "[::1]:80"] {
            assert!(check(&[], own).is_ok());
        }
        std::fs::write(&usual, "").unwrap();
        assert!(check(&[], "0.0.0.0:80").is_ok());
        assert!(settings(&[]).unwrap().open("0.0.0.0:80".parse().unwrap(), Some(&usual)).is_err());
    }

    #[test]
    fn lists_are_separated_by_commas_and_what_is_wrong_is_named() {
        let settings_read = settings(&["--allowed-hosts", "a,b", "--cors-origins", "https://a,https://b"]);
        let settings_read = settings_read.unwrap();
        assert_eq!((settings_read.allowed_hosts.len(), settings_read.cors_origins.len()), (2, 2));
        for (name, value) in [
            ("--allowed-hosts", "a,b:80"),
            ("--cors-origins", "example.org"),
            ("--default-rate", "fast"),
            ("--allow-public=x", ""),
        ] {
            let error = settings(&[name, value]).err().map(|error| error.to_string()).unwrap_or_default();
            assert!(error.contains(name.split('=').next().unwrap()), "{name}: {error}");
        }
    }
}
