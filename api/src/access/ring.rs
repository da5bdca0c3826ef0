//! The keys that a server goes by: those of the file as it last could be read, looked at again every second, so that a
//! key that is made or revoked is so at once and everywhere the file is.

use std::{
    collections::HashMap,
    fs,
    path::Path,
    sync::Arc,
    time::{Duration, SystemTime},
};

use tokio::{sync::watch, time::MissedTickBehavior};

use super::{
    file::{KeyFile, KeyFileError},
    keys::{self, Key, KeyId},
    rate::{Limiter, Rate},
};

/// How often the file is looked at.
const LOOK: Duration = Duration::from_secs(1);

/// A key with what this process counts of it.
pub(super) struct Entry {
    pub(super) key: Key,
    pub(super) limiter: Option<Arc<Limiter>>,
}

/// All keys at one moment.
#[derive(Default)]
pub(super) struct Keys(HashMap<KeyId, Arc<Entry>>);

impl Keys {
    /// The key that was shown, where it opens anything.
    pub(super) fn find(&self, shown: &str) -> Option<Arc<Entry>> {
        let (id, secret) = keys::parts(shown).unwrap_or_default();
        let Some(entry) = self.0.get(id) else {
            keys::open_nothing(secret);
            return None;
        };
        let opened = entry.key.is_opened_by(secret);
        (opened && entry.key.revoked_at_ms.is_none()).then(|| Arc::clone(entry))
    }
}

/// The keys of one file.
pub(super) struct KeyRing {
    file: KeyFile,
    default_rate: Option<Rate>,
    /// Nothing where the file may be missing and always was.
    keys: watch::Sender<Option<Arc<Keys>>>,
}

/// What tells that a file has changed.
type Stamp = Option<(SystemTime, u64)>;

impl KeyRing {
    /// Reads the file. Where it is not there and `needed` is not set, no keys are asked for until it is.
    pub(super) fn open(
        file: KeyFile,
        default_rate: Option<Rate>,
        needed: bool,
    ) -> Result<Self, KeyFileError> {
        let ring = Self { file, default_rate, keys: watch::Sender::new(None) };
        if needed || ring.file.path().exists() {
            ring.replace(ring.file.read()?);
        }
        Ok(ring)
    }

    /// The keys as they are now; nothing where none are asked for.
    pub(super) fn keys(&self) -> Option<Arc<Keys>> {
        self.keys.borrow().clone()
    }

    /// Takes these keys for what there is. Who has used up a quota has done so still.
    fn replace(&self, keys: Vec<Key>) {
        let before = self.keys().unwrap_or_default();
        let entries = keys.into_iter().map(|key| {
            let limiter = key.rate.or(self.default_rate).map(|rate| {
                let old = before.0.get(&key.id).and_then(|entry| entry.limiter.clone());
                old.filter(|limiter| limiter.rate == rate).unwrap_or_else(|| Arc::new(Limiter::new(rate)))
            });
            (key.id.clone(), Arc::new(Entry { key, limiter }))
        });
        self.keys.send_replace(Some(Arc::new(Keys(entries.collect()))));
    }

    /// Looks at the file every second, for as long as it is polled. What cannot be read changes nothing, except that
    /// nobody gets in where there were no keys so far: whoever put the file there wanted that to end.
    pub(super) async fn watch(&self) {
        let mut ticks = tokio::time::interval(LOOK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // Read once more at first, in case it has changed since it was opened.
        let (mut seen, mut trouble): (Option<Stamp>, Option<String>) = (None, None);
        loop {
            ticks.tick().await;
            let file = self.file.clone();
            let known = seen.filter(|_| trouble.is_none());
            let looked = tokio::task::spawn_blocking(move || look(&file, known)).await;
            // The runtime ends, or the reader has panicked, which is in the log.
            let Ok((stamp, read)) = looked else { continue };
            seen = Some(stamp);
            match read {
                None => {}
                Some(Ok(keys)) => {
                    if trouble.take().is_some() {
                        tracing::info!("the keys can be read again");
                    }
                    tracing::debug!(keys = keys.len(), "the keys were read");
                    self.replace(keys);
                }
                // It need not be there before it was.
                Some(Err(_)) if stamp.is_none() && self.keys().is_none() => {}
                Some(Err(error)) => {
                    let error = with_cause(&error);
                    if self.keys().is_none() {
                        tracing::error!(
                            error,
                            "the keys cannot be read, so no key opens anything until they can"
                        );
                        self.replace(Vec::new());
                    } else if trouble.as_ref() != Some(&error) {
                        tracing::error!(error, "the keys cannot be read, so those read before stay");
                    }
                    trouble = Some(error);
                }
            }
        }
    }
}

/// What the file holds, where it is not as it was known. The stamp is taken first: a change after that shows next time.
fn look(file: &KeyFile, known: Option<Stamp>) -> (Stamp, Option<Result<Vec<Key>, KeyFileError>>) {
    let stamp = stamp(file.path());
    (stamp, (known != Some(stamp)).then(|| file.read()))
}

fn stamp(path: &Path) -> Stamp {
    let metadata = fs::metadata(path).ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}

fn with_cause(error: &KeyFileError) -> String {
    match std::error::Error::source(error) {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::{super::keys::Scope, *};

    fn ring(file: &KeyFile, needed: bool) -> Result<KeyRing, KeyFileError> {
        KeyRing::open(file.clone(), None, needed)
    }

    /// Reads the file as the watch would.
    fn again(ring: &KeyRing) {
        ring.replace(ring.file.read().unwrap());
    }

    #[test]
    fn keys_are_found_by_all_of_what_is_shown() {
        let folder = tempfile::tempdir().unwrap();
        let file = KeyFile::at(folder.path().join("keys.json"));
        assert!(ring(&file, true).is_err(), "it was asked for and is not there");
        let open = ring(&file, false).unwrap();
        assert!(open.keys().is_none());

        let key = file.create("a", vec![Scope::Read], None).unwrap();
        let other = file.create("b", vec![Scope::Read], None).unwrap();
        again(&open);
        let keys = open.keys().unwrap();
        assert_eq!(keys.find(&key.shown).unwrap().key.id, key.id);
        let (_, foreign) = keys::parts(&other.shown).unwrap();
        let unknown = keys::shown(&"000000000000".parse().unwrap(), foreign);
        for wrong in ["", "bc__", &key.shown[..20], &keys::shown(&key.id, foreign), &unknown] {
            assert!(keys.find(wrong).is_none(), "{wrong}");
        }
        file.revoke(&key.id).unwrap();
        again(&open);
        assert!(open.keys().unwrap().find(&key.shown).is_none());
        assert!(open.keys().unwrap().find(&other.shown).is_some());
    }

    #[tokio::test]
    async fn a_first_file_that_cannot_be_read_closes() {
        let folder = tempfile::tempdir().unwrap();
        let file = KeyFile::at(folder.path().join("keys.json"));
        let ring = ring(&file, false).unwrap();
        let watched = async |until: &dyn Fn() -> bool| {
            let reached = async {
                while !until() {
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
            };
            tokio::select! {
                () = ring.watch() => {}
                reached = tokio::time::timeout(Duration::from_secs(20), reached) => reached.unwrap(),
            }
        };
        fs::write(file.path(), "{").unwrap();
        watched(&|| ring.keys().is_some()).await;
        fs::remove_file(file.path()).unwrap();
        let key = file.create("a", vec![Scope::Read], None).unwrap();
        watched(&|| ring.keys().unwrap().find(&key.shown).is_some()).await;
    }

    #[test]
    fn a_quota_that_is_used_up_stays_so_when_the_file_changes() {
        let folder = tempfile::tempdir().unwrap();
        let file = KeyFile::at(folder.path().join("keys.json"));
        let key = file.create("a", vec![Scope::Read], Some("1/h".parse().unwrap())).unwrap();
        let ring = ring(&file, true).unwrap();
        let count = |ring: &KeyRing| {
            let entry = ring.keys().unwrap().find(&key.shown).unwrap();
            entry.limiter.as_ref().unwrap().count().retry_after.is_some()
        };
        assert!(!count(&ring) && count(&ring));
        file.create("b", vec![Scope::Read], None).unwrap();
        again(&ring);
        assert!(count(&ring));
    }
}
