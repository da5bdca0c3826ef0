//! The result store in this process's memory: for tests, for trying things out, and for the one-shot command line.
//! Everything it holds is gone when the process ends.

mod batches;

use std::{
    collections::{BTreeSet, HashMap, HashSet, VecDeque, hash_map::Entry},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;

use super::{
    Age, CallId, Cancellation, Claim, Fingerprint, Lookup, ResultError, ResultOptions, ResultStore, Waiters,
};
use crate::{
    batch::BatchId,
    job::{JobId, JobRecord, JobStatus, Outcome, now_ms},
};
use batches::KnownBatch;

/// How many expired results a write throws away at most, beside one for each that it adds: so none pile up, and no
/// write takes long.
const SWEPT_PER_WRITE: usize = 32;

/// A result store in memory.
pub struct MemoryResults {
    options: ResultOptions,
    state: Mutex<State>,
    waiters: Waiters,
}

impl MemoryResults {
    /// An empty store.
    pub fn new(options: ResultOptions) -> Self {
        Self { options, state: Mutex::default(), waiters: Waiters::default() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing under this lock can panic half-way through a change, so what a poisoned one guards is whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn look_up(&self, id: JobId) -> Lookup {
        let state = self.lock();
        match state.entries.get(&id) {
            None => Lookup::Unknown,
            Some(entry) => {
                match entry.kept_from(&self.options).map(|from| self.options.age(from, now_ms())) {
                    Some(Age::Forgotten) => Lookup::Unknown,
                    Some(Age::Remembered) => Lookup::Expired,
                    Some(Age::Kept) | None => match entry {
                        Known::Record(record) => Lookup::Found(JobRecord::clone(record)),
                        Known::Ended { .. } => Lookup::Expired,
                    },
                }
            }
        }
    }
}

#[derive(Default)]
struct State {
    entries: HashMap<JobId, Known>,
    /// The calls that noted that jobs which have not ended were alone with a worker.
    alone: HashMap<JobId, HashSet<CallId>>,
    /// What ended the jobs that were not canceled by their submitters.
    winners: HashMap<JobId, Winner>,
    /// How many more than one have made the record of a job that has not ended.
    shared: HashMap<JobId, u32>,
    /// What owners' keys stand for.
    claims: HashMap<(String, String), (Fingerprint, JobId)>,
    /// The same in the order of their making, with the time of it.
    claimed: VecDeque<(u64, (String, String))>,
    /// Ended jobs that still have their result, in the order in which they lose it.
    kept: BTreeSet<(u64, JobId)>,
    /// Ended jobs that do not, in the same order.
    remembered: BTreeSet<(u64, JobId)>,
    batches: HashMap<BatchId, KnownBatch>,
}

/// A call and the place of the outcome in it: the same job may be there twice.
type Winner = (CallId, usize);

enum Known {
    Record(Box<JobRecord>),
    Ended { kept_from_ms: u64 },
}

impl Known {
    /// Of a job that has ended.
    fn kept_from(&self, options: &ResultOptions) -> Option<u64> {
        match self {
            Self::Record(record) => record.finished_at_ms.map(|ended| options.kept_from(ended, record.batch)),
            Self::Ended { kept_from_ms } => Some(*kept_from_ms),
        }
    }

    fn has_ended(&self) -> bool {
        match self {
            Self::Record(record) => record.status.is_terminal(),
            Self::Ended { .. } => true,
        }
    }
}

impl State {
    /// Whether this is what ended the job, now or when the same call was made before.
    fn end(
        &mut self,
        id: JobId,
        outcome: Outcome,
        winner: Option<Winner>,
        now: u64,
        options: &ResultOptions,
    ) -> bool {
        let known = self.entries.entry(id).or_insert_with(|| {
            Known::Record(Box::new(JobRecord {
                id,
                status: JobStatus::Processing,
                submitted_at_ms: now,
                finished_at_ms: None,
                result: None,
                error: None,
                owner: None,
                batch: None,
                confirmed: false,
            }))
        });
        let batch = match known {
            Known::Record(record) if !record.status.is_terminal() => {
                **record = JobRecord::clone(record).finished(outcome, now);
                if let Some(batch) = record.batch.and_then(|batch| self.batches.get_mut(&batch.batch)) {
                    batch.end(record.status, now);
                }
                record.batch
            }
            Known::Record(_) | Known::Ended { .. } => {
                return winner.is_some() && self.winners.get(&id) == winner.as_ref();
            }
        };
        self.kept.insert((options.kept_from(now, batch), id));
        self.alone.remove(&id);
        self.shared.remove(&id);
        self.winners.extend(winner.map(|winner| (id, winner)));
        true
    }

    fn sweep(&mut self, options: &ResultOptions, now: u64, limit: usize) {
        for _ in 0..limit {
            let Some(&(from, id)) =
                self.kept.first().filter(|(from, _)| options.age(*from, now) != Age::Kept)
            else {
                break;
            };
            self.kept.pop_first();
            self.entries.insert(id, Known::Ended { kept_from_ms: from });
            self.remembered.insert((from, id));
        }
        for _ in 0..limit {
            let over = |(at, _): &mut (u64, _)| now.saturating_sub(*at) > milliseconds(options.remember);
            let Some((_, key)) = self.claimed.pop_front_if(over) else { break };
            self.claims.remove(&key);
        }
        for _ in 0..limit {
            let forgotten = |(from, _): &&(u64, JobId)| options.age(*from, now) == Age::Forgotten;
            let Some(&(from, id)) = self.remembered.first().filter(forgotten) else { break };
            self.remembered.remove(&(from, id));
            self.entries.remove(&id);
            self.winners.remove(&id);
        }
    }
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[async_trait]
impl ResultStore for MemoryResults {
    async fn create(&self, record: &JobRecord) -> Result<(), ResultError> {
        let mut state = self.lock();
        state.sweep(&self.options, now_ms(), SWEPT_PER_WRITE);
        match state.entries.entry(record.id) {
            Entry::Vacant(entry) => {
                entry.insert(Known::Record(Box::new(record.clone())));
                if let Some(ended) = record.finished_at_ms {
                    state.kept.insert((self.options.kept_from(ended, record.batch), record.id));
                }
            }
            Entry::Occupied(entry) if entry.get().has_ended() => {}
            Entry::Occupied(_) => *state.shared.entry(record.id).or_default() += 1,
        }
        Ok(())
    }

    async fn discard(&self, id: JobId) -> Result<(), ResultError> {
        {
            let mut state = self.lock();
            match state.shared.entry(id) {
                Entry::Occupied(mut others) if *others.get() > 1 => *others.get_mut() -= 1,
                Entry::Occupied(others) => drop(others.remove()),
                Entry::Vacant(_) => {
                    if let Entry::Occupied(entry) = state.entries.entry(id)
                        && matches!(entry.get(), Known::Record(record) if record.status == JobStatus::Queued)
                    {
                        entry.remove();
                    }
                }
            }
        }
        self.waiters.wake([&id]);
        Ok(())
    }

    async fn confirm(&self, ids: &[JobId]) -> Result<(), ResultError> {
        let mut state = self.lock();
        for id in ids {
            if let Some(Known::Record(record)) = state.entries.get_mut(id)
                && record.status == JobStatus::Queued
            {
                record.confirmed = true;
            }
        }
        Ok(())
    }

    async fn claim(
        &self,
        owner: &str,
        key: &str,
        fingerprint: &Fingerprint,
        id: JobId,
    ) -> Result<Claim, ResultError> {
        let mut state = self.lock();
        state.sweep(&self.options, now_ms(), SWEPT_PER_WRITE);
        let key = (owner.to_owned(), key.to_owned());
        Ok(match state.claims.get(&key) {
            Some((known, job)) if known == fingerprint => Claim::Same(*job),
            Some(_) => Claim::Other,
            None => {
                state.claimed.push_back((now_ms(), key.clone()));
                state.claims.insert(key, (*fingerprint, id));
                Claim::New
            }
        })
    }

    async fn start(&self, ids: &[JobId]) -> Result<Vec<bool>, ResultError> {
        let mut state = self.lock();
        let to_do = ids.iter().map(|id| match state.entries.get_mut(id) {
            Some(Known::Record(record)) => {
                if record.status == JobStatus::Queued {
                    record.status = JobStatus::Processing;
                }
                !record.status.is_terminal()
            }
            Some(Known::Ended { .. }) => false,
            None => true,
        });
        Ok(to_do.collect())
    }

    async fn begin_alone_as(&self, call: CallId, id: JobId) -> Result<Option<u32>, ResultError> {
        let mut state = self.lock();
        if state.entries.get(&id).is_some_and(Known::has_ended) {
            return Ok(None);
        }
        let calls = state.alone.entry(id).or_default();
        calls.insert(call);
        Ok(Some(u32::try_from(calls.len() - 1).unwrap_or(u32::MAX)))
    }

    async fn finish_as(&self, call: CallId, outcomes: &[(JobId, Outcome)]) -> Result<Vec<bool>, ResultError> {
        let first = {
            let mut state = self.lock();
            let now = now_ms();
            let end = |(place, (id, outcome)): (usize, &(JobId, Outcome))| {
                state.end(*id, outcome.clone(), Some((call, place)), now, &self.options)
            };
            let first = outcomes.iter().enumerate().map(end).collect();
            state.sweep(&self.options, now, SWEPT_PER_WRITE + outcomes.len());
            first
        };
        self.waiters.wake(outcomes.iter().map(|(id, _)| id));
        Ok(first)
    }

    async fn cancel(&self, id: JobId) -> Result<Cancellation, ResultError> {
        let cancellation = {
            let mut state = self.lock();
            let status = match state.entries.get(&id) {
                None => return Ok(Cancellation::Unknown),
                Some(Known::Ended { .. }) => return Ok(Cancellation::Ended),
                Some(Known::Record(record)) => record.status,
            };
            match status {
                JobStatus::Queued => {
                    state.end(id, Outcome::Canceled, None, now_ms(), &self.options);
                    Cancellation::Canceled
                }
                JobStatus::Processing => Cancellation::Started,
                _ => Cancellation::Ended,
            }
        };
        self.waiters.wake([&id]);
        Ok(cancellation)
    }

    async fn get(&self, id: JobId) -> Result<Lookup, ResultError> {
        Ok(self.look_up(id))
    }

    async fn wait(&self, id: JobId, patience: Duration) -> Result<Lookup, ResultError> {
        self.waiters.wait(id, patience, Duration::MAX, || self.get(id)).await
    }

    async fn ready(&self) -> Result<(), ResultError> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn writes_throw_away_what_is_over() {
        let options = ResultOptions { keep: Duration::from_millis(20), remember: Duration::from_millis(20) };
        let store = MemoryResults::new(options);
        for _ in 0..20 {
            let ends: Vec<_> = (0..100).map(|_| (JobId::new(), Outcome::Canceled)).collect();
            store.finish(&ends).await.unwrap();
        }
        std::thread::sleep(Duration::from_millis(50));
        for _ in 0..2 * 20 * 100 / SWEPT_PER_WRITE {
            store.finish(&[]).await.unwrap();
        }
        let state = store.lock();
        assert_eq!((state.entries.len(), state.kept.len(), state.remembered.len()), (0, 0, 0));
        assert!(state.winners.is_empty());
    }
}
