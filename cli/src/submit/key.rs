//! What a file is called in a run: short, the same after a restart, and good as an Idempotency-Key.

use std::{fmt, path::Path, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// Sixteen bytes that stand for a file's path, and for no other's: a run of a million files remembers those, and not
/// paths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key(u128);

impl Key {
    /// The file at this path, in this run.
    pub(crate) fn of(run: Uuid, path: &Path) -> Self {
        let digest =
            Sha256::new().chain_update(run).chain_update(path.as_os_str().as_encoded_bytes()).finalize();
        Self(digest.iter().take(16).fold(0, |key, &byte| key << 8 | u128::from(byte)))
    }

    /// The Idempotency-Key for its submission, where there were so many jobs for it that are forgotten since. Each has
    /// a key of its own: with the first one's, a server would answer with the job that is gone.
    pub(crate) fn for_submission(self, earlier: u32) -> String {
        if earlier == 0 { self.to_string() } else { format!("{self}-{}", earlier + 1) }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:032x}", self.0)
    }
}

impl FromStr for Key {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        u128::from_str_radix(text, 16).map(Self)
    }
}

impl Serialize for Key {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_of_one_run_and_one_path_and_survive_being_written() {
        let (run, other) = (Uuid::now_v7(), Uuid::now_v7());
        let key = Key::of(run, Path::new("a/b.png"));
        assert_eq!(key, Key::of(run, Path::new("a/b.png")));
        assert_ne!(key, Key::of(run, Path::new("a/c.png")));
        assert_ne!(key, Key::of(other, Path::new("a/b.png")));
        let json = serde_json::to_string(&key).unwrap();
        assert_eq!(json.len(), 34);
        assert_eq!(serde_json::from_str::<Key>(&json).unwrap(), key);
        assert_eq!(key.for_submission(0), key.to_string());
        assert_eq!(key.for_submission(1), format!("{key}-2"));
    }
}
