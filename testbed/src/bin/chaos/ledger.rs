//! What clients were told of every job, and whether it was right.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use byecaptcha_queue::{JobId, JobRecord, JobStatus};
use byecaptcha_testbed::pictures::Pictures;
use bytes::Bytes;

/// How many surprises are told one by one.
const TOLD: usize = 20;

/// What a client submits, and what may become of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Submission {
    /// Which picture; `None` for poison.
    pub(crate) picture: Option<usize>,
    pub(crate) may_expire: bool,
    pub(crate) may_be_canceled: bool,
}

/// How often things happened.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    /// Requests that submit something, each try for itself.
    pub(crate) attempted: u64,
    /// Answered 202 or 200.
    pub(crate) accepted: u64,
    /// Answered 503: come back later.
    pub(crate) refused: u64,
    /// Never sent: nobody listened.
    pub(crate) unreachable: u64,
    /// Sent and not answered.
    pub(crate) indeterminate: u64,
    /// Ends that were read again.
    pub(crate) reread: u64,
    /// An accepted job that the API knew nothing of, each time.
    pub(crate) unknown: u64,
    /// An end that differs from what it was.
    pub(crate) changed: u64,
    /// A text that is another picture's, an end that its submission cannot have, an answer about another job.
    pub(crate) wrong: u64,
    /// Answers that nothing explains.
    pub(crate) unexpected: u64,
}

/// One accepted job.
pub(crate) struct Entry {
    submission: Submission,
    accepted_at: Instant,
    ended: Option<(JobStatus, Bytes)>,
}

impl Entry {
    pub(crate) fn is_poison(&self) -> bool {
        self.submission.picture.is_none()
    }

    /// How it ended, if it has.
    pub(crate) fn status(&self) -> Option<JobStatus> {
        self.ended.as_ref().map(|(status, _)| *status)
    }
}

#[derive(Default)]
struct State {
    counts: Counts,
    entries: HashMap<JobId, Entry>,
    /// In the order of their ends, with its moment.
    ended: Vec<(JobId, Instant)>,
    surprises: Vec<String>,
}

pub(crate) struct Ledger {
    pictures: Arc<Pictures>,
    state: Mutex<State>,
}

impl Ledger {
    pub(crate) fn new(pictures: Arc<Pictures>) -> Self {
        Self { pictures, state: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing under this lock can panic half-way through a change, so what a poisoned one guards is whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn count(&self, count: impl FnOnce(&mut Counts)) {
        count(&mut self.lock().counts);
    }

    pub(crate) fn counts(&self) -> Counts {
        self.lock().counts
    }

    /// Looks at all accepted jobs.
    pub(crate) fn with_entries<T>(&self, look: impl FnOnce(&HashMap<JobId, Entry>) -> T) -> T {
        look(&self.lock().entries)
    }

    pub(crate) fn surprises(&self) -> Vec<String> {
        self.lock().surprises.clone()
    }

    pub(crate) fn accepted(&self, id: JobId, submission: Submission) {
        let mut state = self.lock();
        state.counts.accepted += 1;
        let entry = Entry { submission, accepted_at: Instant::now(), ended: None };
        if state.entries.insert(id, entry).is_some() {
            state.counts.wrong += 1;
            state.surprise(format!("{id} was given to two submissions"));
        }
    }

    pub(crate) fn unknown(&self, id: JobId, status: u16) {
        let mut state = self.lock();
        state.counts.unknown += 1;
        state.surprise(format!("{id} was accepted, and a question after it was answered {status}"));
    }

    pub(crate) fn unexpected(&self, what: String) {
        let mut state = self.lock();
        state.counts.unexpected += 1;
        state.surprise(what);
    }

    /// Takes the answer to a question after this job; true where the job has ended.
    pub(crate) fn told(&self, id: JobId, body: &Bytes) -> bool {
        let record = match serde_json::from_slice::<JobRecord>(body) {
            Ok(record) => record,
            Err(error) => {
                self.unexpected(format!("{id}: no job in the answer: {error}"));
                return false;
            }
        };
        let mut state = self.lock();
        let State { counts, entries, ended, surprises } = &mut *state;
        let mut surprise = |count: &mut u64, what: String| {
            *count += 1;
            if surprises.len() < TOLD {
                surprises.push(what);
            }
        };
        if record.id != id {
            surprise(&mut counts.wrong, format!("asked for {id}, told of {}", record.id));
            return false;
        }
        let Some(entry) = entries.get_mut(&id) else { return record.status.is_terminal() };
        match &entry.ended {
            Some((_, before)) => {
                counts.reread += 1;
                if before != body {
                    let [before, now] = [before, body].map(|body| String::from_utf8_lossy(body));
                    surprise(&mut counts.changed, format!("it was {before} and is {now}"));
                }
            }
            None if record.status.is_terminal() => {
                if let Some(why) = contradiction(&entry.submission, &record, &self.pictures) {
                    let body = String::from_utf8_lossy(body);
                    surprise(&mut counts.wrong, format!("{why}: {body}"));
                }
                entry.ended = Some((record.status, body.clone()));
                ended.push((id, Instant::now()));
            }
            None => {}
        }
        record.status.is_terminal()
    }

    /// Whether a job has ended that was accepted after this moment.
    pub(crate) fn has_served_since(&self, moment: Instant) -> bool {
        let state = self.lock();
        let late = state.ended.iter().rev().take_while(|(_, at)| *at > moment);
        late.into_iter().any(|(id, _)| state.entries.get(id).is_some_and(|entry| entry.accepted_at > moment))
    }

    /// One of the jobs that have ended: the one at this place, counted over and over.
    pub(crate) fn ended_at(&self, place: usize) -> Option<JobId> {
        let state = self.lock();
        let place = place.checked_rem(state.ended.len())?;
        state.ended.get(place).map(|(id, _)| *id)
    }
}

impl State {
    fn surprise(&mut self, what: String) {
        if self.surprises.len() < TOLD {
            self.surprises.push(what);
        }
    }
}

/// Why this cannot be the end of that submission, if it cannot.
fn contradiction(submission: &Submission, record: &JobRecord, pictures: &Pictures) -> Option<String> {
    let expected = submission.picture.and_then(|picture| pictures.get(picture));
    match (record.status, expected) {
        (JobStatus::Succeeded, Some(expected)) => {
            let text = record.result.as_ref().map(|result| result.text.as_str()).unwrap_or_default();
            (text != expected.text).then(|| format!("the picture says {:?}", expected.text))
        }
        (JobStatus::Failed, None) => {
            let reason = record.error.as_ref();
            let is_said =
                reason.is_some_and(|error| error.kind == "engine-failed" && !error.detail.is_empty());
            (!is_said).then(|| "poison failed without its reason".to_owned())
        }
        (JobStatus::Expired, _) if submission.may_expire => None,
        (JobStatus::Canceled, _) if submission.may_be_canceled => None,
        (status, Some(_)) => Some(format!("a good picture is {}", status.name())),
        (status, None) => Some(format!("poison is {}", status.name())),
    }
}
