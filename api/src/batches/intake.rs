//! Has a batch's entries accepted, some at a time: noted in the batch, recorded as jobs, and handed to the broker, with
//! patience for a queue that is full.

use std::{
    mem,
    time::{Duration, Instant},
};

use byecaptcha_queue::{
    Appended, Batch, BatchCounts, BatchId, BatchItem, BrokerError, Failure, Job, JobId, JobRecord, JobStatus,
    Lookup, Membership, QueueName,
};
use futures::future;
use tokio::sync::mpsc::Receiver;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use super::{Entry, Picture, Stop};
use crate::{
    acceptance::{confirm, keep_image, publish, record},
    options::Options,
    problem::{self, Problem},
    room::Place,
    state::ApiState,
    upload::{check_image, fingerprint},
};

/// Most entries that are accepted together.
const TOGETHER: usize = 64;
/// Bytes of pictures from which on no more are gathered.
const ENOUGH: usize = 1 << 20;
/// How long pictures are gathered while nothing comes.
const IDLE: Duration = Duration::from_millis(100);
const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// Accepts what is added to it.
pub(super) struct Intake {
    state: ApiState,
    id: BatchId,
    owner: Option<String>,
    membership: Membership,
    gathered: Vec<Entry>,
    gathered_bytes: usize,
    /// How many were accepted.
    count: u64,
    /// How many of these never became jobs.
    refused: u64,
    /// Set when no more is wanted. What is being accepted is still brought to its end, and a full queue not waited for.
    over: CancellationToken,
}

impl Intake {
    pub(super) fn new(state: ApiState, batch: &Batch, over: CancellationToken) -> Self {
        Self {
            state,
            id: batch.id,
            owner: batch.owner.clone(),
            membership: batch.membership(),
            gathered: Vec::new(),
            gathered_bytes: 0,
            count: 0,
            refused: 0,
            over,
        }
    }

    /// What there was, as if no job had ended.
    pub(super) fn counts(&self) -> BatchCounts {
        let (total, refused) = (self.count, self.refused);
        BatchCounts { total, refused, pending: total.saturating_sub(refused), ..BatchCounts::default() }
    }

    /// Accepts what comes, to its end. Where that is not waited for, the reason is that the service stops, unless the
    /// reader of the upload has another one.
    pub(super) async fn take_all(&mut self, entries: &mut Receiver<Entry>) -> Result<(), Stop> {
        let over = self.over.clone();
        loop {
            let entry = tokio::select! {
                biased;
                () = over.cancelled() => {
                    return Err(Problem::new(problem::NOT_READY, "The service is stopping.").into());
                }
                entry = entries.recv() => entry,
                // The sender may wait for what these say, and others want the room: those that send faster, and perhaps
                // the reader of this very upload.
                () = tokio::time::sleep(IDLE), if !self.gathered.is_empty() => {
                    self.flush().await?;
                    continue;
                }
            };
            match entry {
                Some(entry) => self.add(entry).await?,
                None => return self.flush().await,
            }
        }
    }

    async fn add(&mut self, entry: Entry) -> Result<(), Stop> {
        if let Ok(picture) = &entry.picture {
            self.gathered_bytes += picture.image.len();
        }
        self.gathered.push(entry);
        if self.gathered.len() >= TOGETHER || self.gathered_bytes >= ENOUGH {
            self.flush().await?;
        }
        Ok(())
    }

    /// Has all accepted that is gathered.
    async fn flush(&mut self) -> Result<(), Stop> {
        self.gathered_bytes = 0;
        let entries = mem::take(&mut self.gathered);
        let (first, most) = (self.count + 1, self.state.settings.max_batch_items);
        self.count += entries.len() as u64;
        if self.count > most {
            let detail = format!("At most {most} pictures are taken.");
            return Err(Problem::new(problem::BATCH_TOO_LARGE, detail).into());
        }
        let numbered = (first..).zip(entries);
        let (items, jobs): (Vec<BatchItem>, Vec<Option<Placed>>) =
            numbered.map(|(number, entry)| self.prepared(number, entry)).unzip();
        let appended =
            self.state.batches.append_items(self.id, first, &items).await.map_err(Problem::from)?;
        let fresh = match appended {
            Appended::Added { fresh } => fresh,
            Appended::Differs { number } => {
                let detail = format!("Picture {number} is not what came under this key before.");
                let problem = Problem::new(problem::IDEMPOTENCY_REUSED, detail);
                return Err(problem.in_field("Idempotency-Key").into());
            }
            Appended::Canceled => {
                return Err(Problem::new(problem::BATCH_CANCELED, "It ends with what was accepted.").into());
            }
            Appended::Unknown => return Err(Problem::new(problem::INTERNAL, "The batch is gone.").into()),
        };
        self.refused += items.iter().filter(|item| item.refused.is_some()).count() as u64;
        let known = items.len() - fresh;
        let accepted = jobs.into_iter().enumerate().filter_map(|(place, job)| {
            let placed = job?;
            let record =
                JobRecord::queued(&placed.job).owned_by(self.owner.clone()).in_batch(self.membership);
            Some(accept(&self.state, record, placed, place >= known, &self.over).in_current_span())
        });
        // All of them, so that one that fails leaves no other without its record.
        let accepted = future::join_all(accepted).await;
        let fresh: Vec<JobId> = accepted.iter().filter_map(|accepted| *accepted.as_ref().ok()?).collect();
        confirm(&self.state, &fresh).await;
        accepted.into_iter().collect::<Result<Vec<_>, Problem>>()?;
        Ok(())
    }

    /// An entry as the batch notes it, and its job where it makes one.
    fn prepared(&self, number: u64, Entry { custom_id, picture }: Entry) -> (BatchItem, Option<Placed>) {
        let custom_id = if custom_id.is_empty() { number.to_string() } else { custom_id };
        let hash = picture.as_ref().map(|picture| fingerprint(&picture.image, &picture.options));
        let hash: String = hash.into_iter().flatten().map(|byte| format!("{byte:02x}")).collect();
        let job = picture.and_then(|picture| self.job(number, picture));
        let (job, refused) = match job {
            Ok(job) => (Some(job), None),
            Err(failure) => (None, Some(failure)),
        };
        (BatchItem { custom_id, fingerprint: hash, refused }, job)
    }

    fn job(&self, number: u64, Picture { image, options, place }: Picture) -> Result<Placed, Failure> {
        let check = |options: Options| {
            check_image(&image, &self.state.settings)?;
            options.checked(&self.state)
        };
        let (options, _) = check(options).map_err(Problem::into_failure)?;
        Ok(Placed { job: Job { id: self.id.job(number), ..Job::new(image, options) }, _place: place })
    }
}

/// A job with the room that its picture takes.
struct Placed {
    job: Job,
    _place: Option<Place>,
}

/// One job; gives its id where the broker has it from now on. What came before and is not known to have reached the
/// broker is published again: read twice, it has one result all the same.
async fn accept(
    state: &ApiState,
    created: JobRecord,
    mut placed: Placed,
    is_fresh: bool,
    over: &CancellationToken,
) -> Result<Option<JobId>, Problem> {
    let job = &mut placed.job;
    if !is_fresh {
        match state.results.get(job.id).await? {
            Lookup::Found(known) if known.confirmed || known.status != JobStatus::Queued => return Ok(None),
            Lookup::Expired => return Ok(None),
            Lookup::Found(_) | Lookup::Unknown => {}
        }
    }
    record(state, &created).await?;
    let (start, mut pause) = (Instant::now(), FIRST_PAUSE);
    loop {
        match publish(state, job, QueueName::Bulk).await {
            Ok(()) => {
                keep_image(state, job).await;
                return Ok(Some(job.id));
            }
            Err(BrokerError::Full { .. })
                if start.elapsed() < state.settings.batch_patience && !over.is_cancelled() =>
            {
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
            Err(error) => return Err(error.into()),
        }
    }
}
