//! An authority that nobody trusts unless told to, and what servers show of it.

use std::{fs, path::Path};

use anyhow::Result;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};

/// What a server is given of its certificate, in its folder.
pub(crate) const CERTIFICATE: &str = "certificate.pem";
/// The key that goes with it.
pub(crate) const KEY: &str = "key.pem";
/// The certificate of the authority.
pub(crate) const AUTHORITY: &str = "authority.pem";

/// A certificate authority.
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    /// A new one.
    ///
    /// # Errors
    ///
    /// Where no key can be made.
    pub fn new() -> Result<Self> {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Ok(Self(CertifiedIssuer::self_signed(params, KeyPair::generate()?)?))
    }

    /// Its own certificate, as PEM.
    pub fn certificate(&self) -> String {
        self.0.pem()
    }

    /// Leaves a certificate for this machine in a folder, with its key and that of the authority.
    pub(crate) fn equip(&self, folder: &Path) -> Result<()> {
        let key = KeyPair::generate()?;
        let names = ["127.0.0.1".to_owned(), "localhost".to_owned()];
        let certificate = CertificateParams::new(names)?.signed_by(&key, &self.0)?;
        fs::write(folder.join(CERTIFICATE), certificate.pem())?;
        fs::write(folder.join(KEY), key.serialize_pem())?;
        fs::write(folder.join(AUTHORITY), self.certificate())?;
        Ok(())
    }
}
