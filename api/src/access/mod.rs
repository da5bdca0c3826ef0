//! Who may use the API, how often, under which names and from which pages. Without keys, everybody who reaches it may.

mod authenticate;
mod cross_site;
mod file;
mod hosts;
mod keys;
mod origins;
mod own;
mod rate;
mod ring;
#[cfg(feature = "arguments")]
mod settings;

use std::sync::Arc;

use tower_http::cors::CorsLayer;

pub use file::{KeyFile, KeyFileError, NewKey};
pub use hosts::{Host, Hosts};
pub use keys::{Key, KeyId, NoKeyId, Scope, SecretHash};
pub use origins::Origin;
pub use rate::Rate;
#[cfg(feature = "arguments")]
pub use settings::AccessSettings;

pub(crate) use authenticate::{Caller, authenticate};
pub(crate) use cross_site::check as check_site;
pub(crate) use hosts::check as check_host;

use ring::{KeyRing, Keys};

/// Who may use the API. The default is everybody, under any name, and no other page.
#[derive(Clone, Default)]
pub struct Access {
    ring: Option<Arc<KeyRing>>,
    hosts: Hosts,
    origins: Vec<Origin>,
}

impl Access {
    /// Asks for a key from this file. Keys without a rate of their own have this one.
    ///
    /// # Errors
    ///
    /// Where the file cannot be read. Later it may: then the keys stay as they were last read.
    pub fn with_keys(self, file: KeyFile, default_rate: Option<Rate>) -> Result<Self, KeyFileError> {
        let ring = KeyRing::open(file, default_rate, true)?;
        Ok(Self { ring: Some(Arc::new(ring)), ..self })
    }

    /// The same from the moment at which there is such a file. Until then there are no keys.
    ///
    /// # Errors
    ///
    /// Where there is such a file and it cannot be read.
    pub fn with_keys_once_there(
        self,
        file: KeyFile,
        default_rate: Option<Rate>,
    ) -> Result<Self, KeyFileError> {
        let ring = KeyRing::open(file, default_rate, false)?;
        Ok(Self { ring: Some(Arc::new(ring)), ..self })
    }

    /// Answers only to these names.
    #[must_use]
    pub fn with_hosts(self, hosts: Hosts) -> Self {
        Self { hosts, ..self }
    }

    /// Lets pages from these origins use the API.
    #[must_use]
    pub fn with_origins(self, origins: Vec<Origin>) -> Self {
        Self { origins, ..self }
    }

    /// Whether a key is asked for.
    pub fn needs_keys(&self) -> bool {
        self.keys().is_some()
    }

    fn keys(&self) -> Option<Arc<Keys>> {
        self.ring.as_ref()?.keys()
    }

    pub(crate) fn cors(&self) -> Option<CorsLayer> {
        origins::layer(&self.origins)
    }

    /// Notices changes of the file, for as long as it is polled.
    pub(crate) async fn watch(self) {
        if let Some(ring) = &self.ring {
            ring.watch().await;
        }
    }
}
