//! One picture on its way: read, sent, asked after, and tried again by the server's word until it has its row, or
//! until the run is over.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use tokio::{
    sync::mpsc,
    time::{Instant, sleep},
};
use tokio_util::sync::CancellationToken;

use crate::{
    client::{Queue, Refusal, Reply, Server},
    inputs::{Failure, Input},
    submit::{
        journal::Accepted,
        key::Key,
        patience::{Backoff, Patience},
        table::Row,
    },
};

/// Tries at a picture at which the server breaks each time. It answers, so it is alive, and the rest can go on.
const BROKEN_TRIES: u32 = 8;

/// The pause before a job is asked after again, where the server neither held the answer nor named a time.
const POLL: Duration = Duration::from_secs(1);

/// The least such pause, whatever the server names.
const LEAST_POLL: Duration = Duration::from_millis(100);

/// What an errand tells the run.
pub(crate) enum Event {
    /// The server has taken the picture.
    Accepted(Key, String),
    /// It has come to an end.
    Row(Key, Row),
    /// It waits, and this is why.
    Waiting(String),
    /// It was given up, to be gone on with later.
    Left(Stop),
}

/// Why a run is over before its end.
pub(crate) enum Stop {
    /// A signal, or another errand's reason.
    Asked,
    /// The server serves nobody with these settings.
    Denied(String),
    /// There was no progress for too long.
    OutOfPatience(String),
}

/// What all errands of a run share.
pub(crate) struct Errands {
    pub(crate) server: Server,
    pub(crate) queue: Queue,
    pub(crate) patience: Patience,
    pub(crate) stop: CancellationToken,
    pub(crate) events: mpsc::Sender<Event>,
}

/// One of them.
pub(crate) struct Errand {
    pub(crate) input: Input,
    pub(crate) key: Key,
    /// Where an earlier run has sent it.
    pub(crate) accepted: Option<Accepted>,
}

impl Errands {
    /// Carries it as far as it goes, and tells the run.
    pub(crate) async fn carry(self: Arc<Self>, errand: Errand) {
        let key = errand.key;
        let event = match self.to_row(errand).await {
            Ok(row) => Event::Row(key, row),
            Err(stop) => Event::Left(stop),
        };
        self.tell(event).await;
    }

    async fn to_row(&self, Errand { input, key, accepted }: Errand) -> Result<Row, Stop> {
        let (mut job, mut times) = accepted.map_or((None, 0), |before| (Some(before.job), before.times));
        let input = Arc::new(input);
        let (mut backoff, mut broken) = (Backoff::default(), 0);
        loop {
            let asked = Instant::now();
            let reply = match &job {
                Some(job) => tokio::select! {
                    biased;
                    () = self.stop.cancelled() => return Err(Stop::Asked),
                    reply = self.server.show(job) => reply,
                },
                None if self.stop.is_cancelled() => return Err(Stop::Asked),
                // Read for every try: while it waits for the next, it takes no memory.
                None => match read(Arc::clone(&input)).await {
                    Ok(picture) => {
                        let key = key.for_submission(times);
                        self.server.submit(picture, self.queue, Some(&key)).await
                    }
                    Err(failure) => return Ok(Row::unreadable(&input.name, failure)),
                },
            };
            match reply {
                Reply::Job { record, .. } if record.status.is_terminal() => {
                    return Ok(Row::ended(&input.name, *record));
                }
                Reply::Job { record, retry_after } => {
                    if job.is_none() {
                        let id = record.id.to_string();
                        job = Some(id.clone());
                        times += 1;
                        self.patience.progress();
                        self.tell(Event::Accepted(key, id)).await;
                    }
                    (backoff, broken) = (Backoff::default(), 0);
                    // An answer that came at once was not held.
                    let held = asked.elapsed() >= POLL;
                    let pause =
                        if held { Duration::ZERO } else { retry_after.unwrap_or(POLL).max(LEAST_POLL) };
                    self.pause(pause, "jobs wait, and none has ended").await?;
                }
                Reply::Busy { retry_after, refusal } => {
                    self.pause(backoff.next(retry_after), &refusal.to_string()).await?;
                }
                Reply::Unreachable(why) => self.pause(backoff.next(None), &why).await?,
                Reply::Broken(refusal) => {
                    broken += 1;
                    if broken == BROKEN_TRIES {
                        return Ok(Row::refused(&input.name, refusal, job));
                    }
                    self.pause(backoff.next(None), &refusal.to_string()).await?;
                }
                Reply::Refused(refusal) if refusal.is_denial() => return Err(Stop::Denied(denial(&refusal))),
                Reply::Refused(refusal) if refusal.is_absence() && job.is_none() && !refusal.is_expiry() => {
                    return Err(Stop::Denied(format!("it takes no jobs: {refusal}")));
                }
                // Its result was kept for its time, or the server has lost all it had: once more, and no more. Where
                // there is no job to know of, an earlier run was cut off before it heard of it, and this is its key.
                Reply::Refused(refusal) if refusal.is_absence() && times < 2 => {
                    if job.take().is_none() {
                        times += 1;
                    }
                }
                Reply::Refused(refusal) => return Ok(Row::refused(&input.name, refusal, job)),
                Reply::Foreign(why) => return Err(Stop::Denied(why)),
            }
        }
    }

    async fn pause(&self, pause: Duration, why: &str) -> Result<(), Stop> {
        if !self.patience.allows(pause) {
            return Err(Stop::OutOfPatience(why.to_owned()));
        }
        if !pause.is_zero() {
            self.tell(Event::Waiting(why.to_owned())).await;
        }
        tokio::select! {
            biased;
            () = self.stop.cancelled() => Err(Stop::Asked),
            () = sleep(pause) => Ok(()),
        }
    }

    async fn tell(&self, event: Event) {
        // Nobody listens any more where the run is over.
        drop(self.events.send(event).await);
    }
}

fn denial(refusal: &Refusal) -> String {
    let hint = if refusal.is_of_key() { " (--api-key-file or BYECAPTCHA_API_KEY give it a key)" } else { "" };
    format!("it refuses this caller: {refusal}{hint}")
}

/// Off the runtime's thread: a file can be far away.
async fn read(input: Arc<Input>) -> Result<Bytes, Failure> {
    let read = tokio::task::spawn_blocking(move || input.read()).await;
    let failed =
        |error: tokio::task::JoinError| Failure { kind: "unreadable-file", detail: error.to_string() };
    read.map_err(failed)?.map(Bytes::from)
}
