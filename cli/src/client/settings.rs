//! The settings that name a server and the key to it. The key can be in a file, and nothing here repeats it.

use std::{fs, path::PathBuf};

use anyhow::{Context, Result};
use clap::Args;
use hyper::header::HeaderValue;

use super::address::ServerAddress;

#[derive(Args)]
pub(crate) struct ServerSettings {
    /// The server: http://host:port or https://host, with the path that it is under where it is under one.
    #[arg(long, env = "BYECAPTCHA_SERVER", default_value = "http://127.0.0.1:8080", value_name = "URL")]
    pub(crate) server: ServerAddress,
    /// The key that the server asks for, where it asks for one.
    #[arg(
        long,
        env = "BYECAPTCHA_API_KEY",
        hide_env_values = true,
        value_name = "KEY",
        conflicts_with = "api_key_file"
    )]
    api_key: Option<String>,
    /// A file that holds the key and nothing else.
    #[arg(long, env = "BYECAPTCHA_API_KEY_FILE", value_name = "FILE")]
    api_key_file: Option<PathBuf>,
}

impl ServerSettings {
    /// The header that carries the key.
    pub(crate) fn authorization(&self) -> Result<Option<HeaderValue>> {
        let read = self.api_key_file.as_ref().map(|file| {
            fs::read_to_string(file).with_context(|| format!("--api-key-file {}", file.display()))
        });
        let Some(key) = read.transpose()?.or_else(|| self.api_key.clone()) else { return Ok(None) };
        let mut header = HeaderValue::try_from(format!("Bearer {}", key.trim()))
            .ok()
            .context("the API key holds what no key holds: it must be one line of printable characters")?;
        header.set_sensitive(true);
        Ok(Some(header))
    }
}
