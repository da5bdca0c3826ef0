//! The file of keys: JSON, read whole, and replaced whole by whoever makes or revokes a key. Servers look at it again
//! when it changes.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;

use super::{
    keys::{self, Key, KeyId, Scope},
    rate::Rate,
};

/// Of the format.
const VERSION: u32 = 1;
/// Far more than thousands of keys take; what is larger is another file.
const LARGEST: u64 = 16 << 20;

/// What is wrong with a file of keys. Says which file, and never what a secret or its hash is.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// It cannot be read or written.
    #[error("the keys in {} cannot be read or written", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// It is there and is something else.
    #[error("{} is no file of keys: {reason}", .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where, and what was expected.
        reason: String,
    },
    /// There is no such key in it.
    #[error("there is no key {id} in {}", .path.display())]
    Unknown {
        /// The file.
        path: PathBuf,
        /// The key.
        id: KeyId,
    },
    /// The operating system has no randomness to give.
    #[error("no secret can be drawn")]
    Random(#[from] getrandom::Error),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Contents {
    version: u32,
    keys: Vec<Key>,
}

/// A file of keys.
#[derive(Clone, Debug)]
pub struct KeyFile {
    path: PathBuf,
}

/// A key that was just made.
pub struct NewKey {
    /// Its public part.
    pub id: KeyId,
    /// All of it, to be shown once: nobody can find it out again.
    pub shown: String,
}

impl KeyFile {
    /// The file at this path, which need not be there yet.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// All keys in it, in the order in which they were made.
    ///
    /// # Errors
    ///
    /// Where it is not there, cannot be read, or is something else.
    pub fn read(&self) -> Result<Vec<Key>, KeyFileError> {
        let size = fs::metadata(&self.path).map_err(|error| self.io(error))?.len();
        if size > LARGEST {
            return Err(self.damaged("it is too large"));
        }
        let text = fs::read_to_string(&self.path).map_err(|error| self.io(error))?;
        // Only where it is wrong and what was expected there: what stands there may be a secret that went astray.
        let contents: Contents = serde_json::from_str(&text).map_err(|error| {
            self.damaged(format!("line {}, column {}, is not as expected", error.line(), error.column()))
        })?;
        if contents.version != VERSION {
            return Err(self.damaged(format!("its version is {}, and {VERSION} is known", contents.version)));
        }
        let mut ids: Vec<&KeyId> = contents.keys.iter().map(|key| &key.id).collect();
        ids.sort_unstable();
        if let Some(twice) = ids.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(self.damaged(format!("the key {} is there twice", twice[0])));
        }
        Ok(contents.keys)
    }

    /// Makes a key, and the file where there is none.
    ///
    /// # Errors
    ///
    /// Where the file cannot be read or replaced; then there is no new key.
    pub fn create(&self, name: &str, scopes: Vec<Scope>, rate: Option<Rate>) -> Result<NewKey, KeyFileError> {
        if let Some(folder) = self.folder() {
            fs::create_dir_all(folder).map_err(|error| self.io(error))?;
        }
        let _lock = self.lock()?;
        let mut all = match self.read() {
            Err(KeyFileError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => Vec::new(),
            read => read?,
        };
        let (id, secret, sha256) = loop {
            let drawn = keys::draw()?;
            if all.iter().all(|key| key.id != drawn.0) {
                break drawn;
            }
        };
        let shown = keys::shown(&id, &secret);
        let name = name.to_owned();
        let new = id.clone();
        all.push(Key { id, name, sha256, scopes, rate, created_at_ms: now_ms(), revoked_at_ms: None });
        self.replace(all)?;
        Ok(NewKey { id: new, shown })
    }

    /// Has a key open nothing any more. One that is revoked already keeps its time.
    ///
    /// # Errors
    ///
    /// Where there is no such key, or the file cannot be read or replaced.
    pub fn revoke(&self, id: &KeyId) -> Result<Key, KeyFileError> {
        let _lock = self.lock()?;
        let mut all = self.read()?;
        let key = all.iter_mut().find(|key| key.id == *id);
        let key = key.ok_or_else(|| KeyFileError::Unknown { path: self.path.clone(), id: id.clone() })?;
        key.revoked_at_ms.get_or_insert_with(now_ms);
        let key = key.clone();
        self.replace(all)?;
        Ok(key)
    }

    /// A reader sees the old file or the new one, and nobody but the owner sees either.
    fn replace(&self, keys: Vec<Key>) -> Result<(), KeyFileError> {
        let text = serde_json::to_string_pretty(&Contents { version: VERSION, keys });
        let text = text.map_err(|error| self.io(error.into()))?;
        let folder = self.folder().unwrap_or(Path::new("."));
        let write = || {
            // Made with mode 0600.
            let mut new = NamedTempFile::new_in(folder)?;
            writeln!(new, "{text}")?;
            new.as_file().sync_all()?;
            new.persist(&self.path)?;
            sync(folder)
        };
        write().map_err(|error| self.io(error))
    }

    /// Two who change the file at once would each undo what the other did; a lost revocation would stay unnoticed.
    fn lock(&self) -> Result<File, KeyFileError> {
        let mut path = self.path.clone().into_os_string();
        path.push(".lock");
        let lock = || {
            let file = File::options().create(true).truncate(false).write(true).open(&path)?;
            file.lock()?;
            Ok(file)
        };
        lock().map_err(|error| self.io(error))
    }

    fn folder(&self) -> Option<&Path> {
        self.path.parent().filter(|folder| !folder.as_os_str().is_empty())
    }

    fn io(&self, source: io::Error) -> KeyFileError {
        KeyFileError::Io { path: self.path.clone(), source }
    }

    fn damaged(&self, reason: impl Into<String>) -> KeyFileError {
        KeyFileError::Damaged { path: self.path.clone(), reason: reason.into() }
    }
}

/// A rename is on the disk once its folder is.
#[cfg(unix)]
fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
fn sync(_: &Path) -> io::Result<()> {
    Ok(())
}

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(folder: &tempfile::TempDir) -> KeyFile {
        KeyFile::at(folder.path().join("new/keys.json"))
    }

    #[test]
    fn keys_are_made_and_revoked_and_no_secret_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let file = file(&folder);
        let rate: Rate = "5/s".parse().unwrap();
        let first = file.create("first", vec![Scope::Submit, Scope::Read], Some(rate)).unwrap();
        let second = file.create("second", vec![Scope::Admin], None).unwrap();
        let text = fs::read_to_string(file.path()).unwrap();
        for key in [&first, &second] {
            let (_, secret) = keys::parts(&key.shown).unwrap();
            assert!(text.contains(&key.id.to_string()) && !text.contains(secret));
        }
        let all = file.read().unwrap();
        assert_eq!((all[0].id.clone(), all[0].rate, &*all[1].name), (first.id.clone(), Some(rate), "second"));
        let revoked = file.revoke(&first.id).unwrap();
        assert!(revoked.revoked_at_ms >= Some(revoked.created_at_ms));
        assert_eq!(file.revoke(&first.id).unwrap(), revoked, "it keeps its time");
        assert_eq!(file.read().unwrap()[1].revoked_at_ms, None);
        let unknown = "000000000000".parse().unwrap();
        assert!(matches!(file.revoke(&unknown), Err(KeyFileError::Unknown { .. })));
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_can_read_the_file() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let file = file(&folder);
        for name in ["first", "second"] {
            file.create(name, vec![Scope::Read], None).unwrap();
            assert_eq!(fs::metadata(file.path()).unwrap().permissions().mode() & 0o777, 0o600);
            fs::set_permissions(file.path(), fs::Permissions::from_mode(0o644)).unwrap();
        }
    }

    #[test]
    fn two_who_change_it_at_once_do_not_undo_one_another() {
        let folder = tempfile::tempdir().unwrap();
        let file = file(&folder);
        std::thread::scope(|scope| {
            for name in ["a", "b", "c", "d", "e", "f", "g", "h"] {
                let file = &file;
                scope.spawn(move || file.create(name, vec![Scope::Read], None).unwrap());
            }
        });
        assert_eq!(file.read().unwrap().len(), 8);
    }

    #[test]
    fn a_damaged_file_is_said_and_left_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let file = KeyFile::at(folder.path().join("keys.json"));
        let key = r#"{"id":"0123456789ab","name":"a","sha256":"HASH","scopes":["read"],"created_at_ms":1}"#;
        let key = key.replace("HASH", &"0".repeat(64));
        let whole = |keys: &str| format!(r#"{{"version":1,"keys":[{keys}]}}"#);
        fs::write(file.path(), whole(&key)).unwrap();
        assert_eq!(file.read().unwrap().len(), 1);
        for text in [
            String::new(),
            "bc_0123456789ab_secret".to_owned(),
            whole(&key)[..100].to_owned(),
            whole(&key).replace(":1,\"keys", ":2,\"keys"),
            whole(&format!("{key},{key}")),
            whole(&key.replace("\"read\"", "\"everything\"")),
            whole(&key.replace("created_at_ms\":1", "created_at_ms\":1,\"revoked\":true")),
            whole(&key.replace("\"0000", "\"00")),
        ] {
            fs::write(file.path(), &text).unwrap();
            let error = file.read().unwrap_err();
            assert!(matches!(error, KeyFileError::Damaged { .. }), "{text}");
            assert!(!error.to_string().contains("secret"), "{error}");
            assert!(file.create("b", vec![Scope::Read], None).is_err());
            assert_eq!(fs::read_to_string(file.path()).unwrap(), text);
        }
    }
}
