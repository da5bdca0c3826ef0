//! Who waits for which job to end: the registry behind every store's `ResultStore::wait`.

use std::{
    collections::{HashMap, hash_map::Entry},
    future::Future,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{sync::Notify, time::Instant};

use super::{Lookup, ResultError};
use crate::job::JobId;

/// One bell for each job that is waited for; nothing for the others.
#[derive(Default)]
pub(crate) struct Waiters {
    bells: Mutex<HashMap<JobId, Bell>>,
}

struct Bell {
    notify: Arc<Notify>,
    listeners: usize,
}

impl Waiters {
    /// Wakes all who wait for one of these jobs. Called after the change that they will look for can be seen.
    pub(crate) fn wake<'a>(&self, ids: impl IntoIterator<Item = &'a JobId>) {
        let bells = self.lock();
        if bells.is_empty() {
            return;
        }
        for bell in ids.into_iter().filter_map(|id| bells.get(id)) {
            bell.notify.notify_waiters();
        }
    }

    /// Looks with `get` now, after each ring for this job and every `relook`, until it answers anything but a job that
    /// has yet to end, or until `patience` is over.
    pub(crate) async fn wait<G, F>(
        &self,
        id: JobId,
        patience: Duration,
        relook: Duration,
        get: G,
    ) -> Result<Lookup, ResultError>
    where
        G: Fn() -> F,
        F: Future<Output = Result<Lookup, ResultError>>,
    {
        if patience.is_zero() {
            return get().await;
        }
        let start = Instant::now();
        // Before the first look: a bell costs far less than a look, and most who wait ask for what has yet to end.
        let listener = self.listen(id);
        loop {
            let mut ring = std::pin::pin!(listener.notify.notified());
            // From here on a ring is heard, so an end between the look and the wait is not missed.
            ring.as_mut().enable();
            let lookup = get().await?;
            let left = patience.saturating_sub(start.elapsed());
            if !unfinished(&lookup) || left.is_zero() {
                return Ok(lookup);
            }
            // Rung or not, the next look decides.
            drop(tokio::time::timeout(left.min(relook), ring).await);
        }
    }

    fn listen(&self, id: JobId) -> Listener<'_> {
        let mut bells = self.lock();
        let bell = bells.entry(id).or_insert_with(|| Bell { notify: Arc::new(Notify::new()), listeners: 0 });
        bell.listeners += 1;
        Listener { waiters: self, id, notify: Arc::clone(&bell.notify) }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<JobId, Bell>> {
        // Nothing under this lock can panic half-way through a change, so what a poisoned one guards is whole.
        self.bells.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn unfinished(lookup: &Lookup) -> bool {
    matches!(lookup, Lookup::Found(record) if !record.status.is_terminal())
}

/// One who waits. The last to leave takes the bell down, also when the wait is dropped half-way.
struct Listener<'a> {
    waiters: &'a Waiters,
    id: JobId,
    notify: Arc<Notify>,
}

impl Drop for Listener<'_> {
    fn drop(&mut self) {
        if let Entry::Occupied(mut entry) = self.waiters.lock().entry(self.id) {
            entry.get_mut().listeners -= 1;
            if entry.get().listeners == 0 {
                entry.remove();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::job::{Job, JobOptions, JobRecord, Outcome};

    fn queued() -> JobRecord {
        JobRecord::queued(&Job::new(Bytes::from_static(b"picture"), JobOptions::default()))
    }

    #[tokio::test]
    async fn bells_come_down_with_their_last_listener() {
        let waiters = Waiters::default();
        let record = queued();
        let id = record.id;
        let get = || async { Ok(Lookup::Found(record.clone())) };
        {
            let mut first = std::pin::pin!(waiters.wait(id, Duration::from_secs(60), Duration::MAX, get));
            let mut second = std::pin::pin!(waiters.wait(id, Duration::from_secs(60), Duration::MAX, get));
            for _ in 0..3 {
                let nap = Duration::from_millis(1);
                assert!(tokio::time::timeout(nap, first.as_mut()).await.is_err());
                assert!(tokio::time::timeout(nap, second.as_mut()).await.is_err());
            }
            assert_eq!(waiters.lock().len(), 1);
        }
        assert!(waiters.lock().is_empty(), "dropped waits leave nothing behind");

        let over = waiters.wait(id, Duration::from_millis(5), Duration::MAX, get).await.unwrap();
        assert_eq!(over, Lookup::Found(record.clone()));
        assert!(waiters.lock().is_empty(), "neither do waits that ran out");
    }

    #[tokio::test]
    async fn an_end_between_look_and_wait_is_not_missed() {
        let waiters = Waiters::default();
        let looks = Mutex::new(0);
        let record = queued();
        let ended = record.clone().finished(Outcome::Canceled, 1);
        // The job ends while the first look is under way.
        let get = || async {
            let look = {
                let mut looks = looks.lock().unwrap();
                *looks += 1;
                *looks
            };
            if look == 1 {
                waiters.wake([&record.id]);
            }
            Ok(Lookup::Found(if look < 2 { record.clone() } else { ended.clone() }))
        };
        let wait = waiters.wait(record.id, Duration::from_secs(60), Duration::MAX, get);
        let lookup = tokio::time::timeout(Duration::from_secs(5), wait).await.unwrap().unwrap();
        assert_eq!(lookup, Lookup::Found(ended.clone()));
    }
}
