//! API keys: what a caller shows, and what is kept of it. Of the secret only a hash is kept, so that a file of keys that
//! leaks opens nothing.

use std::{borrow::Borrow, fmt, str::FromStr};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::rate::Rate;

/// What every key begins with, so that people and scanners for lost secrets know one when they see it.
const MARK: &str = "bc_";
/// Random bytes of an id. Ids only have to differ from one another.
const ID_BYTES: usize = 6;
/// Random bytes of a secret: nobody guesses one, so one fast hash is enough to keep it.
const SECRET_BYTES: usize = 32;

/// The public part of a key: it names the key in logs, in the file and to whoever revokes it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct KeyId(String);

impl Borrow<str> for KeyId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// What was meant as an id is none.
#[derive(Debug, thiserror::Error)]
#[error("the id of a key is {} digits from 0 to f", 2 * ID_BYTES)]
pub struct NoKeyId;

impl FromStr for KeyId {
    type Err = NoKeyId;

    fn from_str(text: &str) -> Result<Self, NoKeyId> {
        Self::try_from(text.to_owned())
    }
}

impl TryFrom<String> for KeyId {
    type Error = NoKeyId;

    fn try_from(text: String) -> Result<Self, NoKeyId> {
        let digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if text.len() == 2 * ID_BYTES && text.bytes().all(digit) { Ok(Self(text)) } else { Err(NoKeyId) }
    }
}

impl From<KeyId> for String {
    fn from(id: KeyId) -> Self {
        id.0
    }
}

/// What a key opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// Submitting jobs and taking them back.
    Submit,
    /// Asking after jobs and models.
    Read,
    /// Everything, what only administrators may do included.
    Admin,
}

impl Scope {
    /// Its name, in files, settings and answers.
    pub fn name(self) -> &'static str {
        match self {
            Self::Submit => "submit",
            Self::Read => "read",
            Self::Admin => "admin",
        }
    }
}

impl FromStr for Scope {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let scopes = [Self::Submit, Self::Read, Self::Admin];
        scopes.into_iter().find(|scope| scope.name() == text).ok_or("the scopes are submit, read and admin")
    }
}

/// SHA-256 of a secret, as the file has it: in hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SecretHash([u8; 32]);

impl SecretHash {
    fn of(secret: &str) -> Self {
        Self(Sha256::digest(secret.as_bytes()).into())
    }
}

impl TryFrom<String> for SecretHash {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let wrong = "sha256 is 64 hexadecimal digits";
        let mut hash = [0; 32];
        if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(wrong);
        }
        for (byte, place) in hash.iter_mut().zip((0..64).step_by(2)) {
            *byte = u8::from_str_radix(&text[place..place + 2], 16).map_err(|_| wrong)?;
        }
        Ok(Self(hash))
    }
}

impl From<SecretHash> for String {
    fn from(hash: SecretHash) -> Self {
        hex(&hash.0)
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What is kept of a key. A member that is not known here is an error: it may be what should have closed the key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Key {
    /// Its public part.
    pub id: KeyId,
    /// Whose it is or what it is for, in its owner's words.
    pub name: String,
    /// What its secret is checked against.
    pub sha256: SecretHash,
    /// What it opens.
    pub scopes: Vec<Scope>,
    /// How often it may be used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<Rate>,
    /// When it was made, in milliseconds since 1970.
    pub created_at_ms: u64,
    /// Since when it opens nothing any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_at_ms: Option<u64>,
}

impl Key {
    pub(super) fn allows(&self, scope: Scope) -> bool {
        self.scopes.contains(&scope) || self.scopes.contains(&Scope::Admin)
    }

    /// Whether this is its secret. Takes as long for one that is nearly right as for one that is wrong.
    pub(super) fn is_opened_by(&self, secret: &str) -> bool {
        self.sha256.0.ct_eq(&SecretHash::of(secret).0).into()
    }
}

/// Does for a key that is not there what [`Key::is_opened_by`] does for one that is, so that the time an answer takes
/// does not tell which ids there are.
pub(super) fn open_nothing(secret: &str) {
    let nothing: bool = [0; 32].ct_eq(&SecretHash::of(secret).0).into();
    std::hint::black_box(nothing);
}

/// A new id and secret, from the operating system's source of randomness.
pub(super) fn draw() -> Result<(KeyId, String, SecretHash), getrandom::Error> {
    let (mut id, mut secret) = ([0; ID_BYTES], [0; SECRET_BYTES]);
    getrandom::fill(&mut id)?;
    getrandom::fill(&mut secret)?;
    let secret = URL_SAFE_NO_PAD.encode(secret);
    let hash = SecretHash::of(&secret);
    Ok((KeyId(hex(&id)), secret, hash))
}

/// The key as its owner gets it to see, once.
pub(super) fn shown(id: &KeyId, secret: &str) -> String {
    format!("{MARK}{id}_{secret}")
}

/// The id and the secret in what a caller shows, where it looks like a key at all.
pub(super) fn parts(shown: &str) -> Option<(&str, &str)> {
    shown.strip_prefix(MARK)?.split_once('_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_opened_by_its_secret_alone() {
        let (id, secret, sha256) = draw().unwrap();
        let scopes = vec![Scope::Read];
        let key =
            Key { id, name: "a".into(), sha256, scopes, rate: None, created_at_ms: 1, revoked_at_ms: None };
        let shown = shown(&key.id, &secret);
        assert_eq!(shown.len(), "bc_".len() + 12 + "_".len() + 43, "{shown}");
        assert_eq!(parts(&shown), Some((&*key.id.0, &*secret)));
        assert!(key.is_opened_by(&secret));
        for wrong in ["", &secret[1..], &format!("{secret}A"), &secret.to_lowercase()] {
            assert!(!key.is_opened_by(wrong), "{wrong}");
        }
        let text = serde_json::to_string(&key).unwrap();
        assert!(!text.contains(&secret), "{text}");
        assert_eq!(serde_json::from_str::<Key>(&text).unwrap(), key);
    }

    #[test]
    fn an_administrator_may_do_everything_and_nobody_else_may() {
        let (id, _, sha256) = draw().unwrap();
        let mut key = Key {
            id,
            name: String::new(),
            sha256,
            scopes: vec![Scope::Submit],
            rate: None,
            created_at_ms: 1,
            revoked_at_ms: None,
        };
        assert!(key.allows(Scope::Submit) && !key.allows(Scope::Read) && !key.allows(Scope::Admin));
        key.scopes = vec![Scope::Admin];
        assert!(key.allows(Scope::Submit) && key.allows(Scope::Read) && key.allows(Scope::Admin));
    }

    #[test]
    fn what_is_no_key_has_no_parts() {
        for text in ["", "bc_", "bc_abc", "sk_abc_def", "Bearer"] {
            assert_eq!(parts(text), None, "{text}");
        }
        for text in ["", "0123456789a", "0123456789AB", "0123456789abc", "0123456789a/"] {
            assert!(text.parse::<KeyId>().is_err(), "{text}");
        }
    }
}
