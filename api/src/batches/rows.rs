//! What became of a batch's items, in their order: a page of them as they stand, or all of them, each once it has ended.

use std::{collections::VecDeque, time::Duration};

use byecaptcha_queue::{BatchId, BatchItem, BatchLookup, Failure, JobId, Lookup, Recognition};
use futures::{StreamExt, TryStreamExt, stream};
use serde::Serialize;
use tokio::time::Instant;
use utoipa::ToSchema;

use crate::{problem::Problem, routes::held, state::ApiState};

/// Items that are looked up for one reader at a time.
const PAGE: usize = 200;
/// Lookups that are under way for it.
const LOOKUPS: usize = 32;
/// Between two looks for items that have not come, and the longest that the end of a job is waited for in one go.
const LOOK: Duration = Duration::from_secs(1);

/// What became of one item.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BatchRow)]
pub(crate) struct Row {
    /// Its place in the batch, from 1.
    pub(crate) number: u64,
    /// What its sender calls it; its number where it has no name.
    pub(crate) custom_id: String,
    /// As that of its job; `refused` where it never became one, `gone` where the result is.
    pub(crate) status: &'static str,
    /// Its job.
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) job_id: Option<JobId>,
    /// What was read.
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) result: Option<Recognition>,
    /// Why not.
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<Failure>,
}

/// Reads the rows of a batch from a place on.
pub(crate) struct Rows {
    state: ApiState,
    batch: BatchId,
    /// The number of the last item that was read.
    after: u64,
    /// How many more are wanted.
    left: usize,
    /// Whether to wait for what has not come and has not ended.
    follow: bool,
    /// How many there are in all, once no more can come.
    whole: Option<u64>,
    read: VecDeque<Row>,
    /// When they were read.
    read_at: Instant,
}

/// What may still come into a batch.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Coming {
    /// Pictures.
    Open,
    /// The record of an item that was noted before it was canceled.
    Canceled,
    /// Nothing: all records of a batch are there before it is closed.
    Closed,
    /// Nothing, and it is not kept any more.
    Gone,
}

/// Why there are no more rows though there should be.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RowsError {
    #[error("the service is stopping")]
    Closing,
    #[error("the batch is no longer kept")]
    Gone,
    #[error("the result store failed")]
    Store,
}

impl From<Problem> for RowsError {
    /// The log has the rest.
    fn from(_: Problem) -> Self {
        Self::Store
    }
}

impl Rows {
    pub(crate) fn new(state: ApiState, batch: BatchId, after: u64, limit: usize, follow: bool) -> Self {
        let (read, read_at) = (VecDeque::new(), Instant::now());
        Self { state, batch, after, left: limit, follow, whole: None, read, read_at }
    }

    /// The next rows, some at a time; none at the end.
    pub(crate) async fn next(&mut self) -> Result<Vec<Row>, RowsError> {
        if self.read.is_empty() && !self.read_page().await? {
            return Ok(Vec::new());
        }
        if !self.follow {
            return Ok(self.read.drain(..).collect());
        }
        // Those that have ended, so that what is there is not held up by what is not; at least one.
        let mut ended = Vec::new();
        while let Some(row) = self.read.pop_front() {
            let is_pending = matches!(row.status, "queued" | "processing");
            if is_pending && !ended.is_empty() {
                self.read.push_front(row);
                break;
            }
            ended.push(if is_pending { self.ended(row).await? } else { row });
        }
        Ok(ended)
    }

    /// Reads some more items; false where there are no more.
    async fn read_page(&mut self) -> Result<bool, RowsError> {
        let (items, is_open) = loop {
            let limit = self.left.min(PAGE);
            if limit == 0 {
                return Ok(false);
            }
            // In this order: what comes between the two is then among the items.
            let coming = self.coming().await?;
            let is_open = coming == Coming::Open;
            let items =
                self.state.batches.items(self.batch, self.after, limit).await.map_err(Problem::from)?;
            if self.follow && items.is_empty() && coming == Coming::Gone && self.whole != Some(self.after) {
                return Err(RowsError::Gone);
            }
            if !items.is_empty() || !self.follow || !is_open {
                break (items, is_open);
            }
            self.pause_until(Instant::now() + LOOK).await?;
        };
        let first = self.after + 1;
        self.after += items.len() as u64;
        self.left -= items.len();
        let (state, batch) = (&self.state, self.batch);
        // Who follows looks again before a row without a record is given up.
        let may_come = is_open || self.follow;
        let rows = stream::iter((first..).zip(items))
            .map(|(number, item)| row(state, batch, number, item, may_come))
            .buffered(LOOKUPS)
            .try_collect::<VecDeque<Row>>();
        self.read_at = Instant::now();
        self.read = rows.await?;
        Ok(!self.read.is_empty())
    }

    async fn ended(&mut self, mut row: Row) -> Result<Row, RowsError> {
        while let (Some(job), "queued" | "processing") = (row.job_id, row.status) {
            if self.state.closing.is_cancelled() {
                return Err(RowsError::Closing);
            }
            let mut lookup = held(&self.state, job, LOOK).await?;
            let mut may_come = true;
            // That is answered at once, so the pause is here.
            if lookup == Lookup::Unknown {
                let coming = self.coming().await?;
                match coming {
                    Coming::Open => self.pause_until(Instant::now() + LOOK).await?,
                    // Once for all that were read together.
                    Coming::Canceled => self.pause_until(self.read_at + LOOK).await?,
                    Coming::Closed | Coming::Gone => {}
                }
                // In this order: the record may have come before the batch was closed.
                may_come = coming == Coming::Open && self.coming().await? == Coming::Open;
                lookup = self.state.results.get(job).await.map_err(Problem::from)?;
            }
            row = found(row, job, lookup, may_come);
        }
        Ok(row)
    }

    async fn coming(&mut self) -> Result<Coming, RowsError> {
        let batch = self.state.batches.batch(self.batch).await.map_err(Problem::from)?;
        Ok(match batch {
            BatchLookup::Found(batch) if !batch.closed && !batch.canceled => Coming::Open,
            BatchLookup::Found(batch) => {
                self.whole = Some(batch.counts.total);
                if batch.closed { Coming::Closed } else { Coming::Canceled }
            }
            BatchLookup::Expired | BatchLookup::Unknown => Coming::Gone,
        })
    }

    async fn pause_until(&self, moment: Instant) -> Result<(), RowsError> {
        tokio::select! {
            () = tokio::time::sleep_until(moment) => Ok(()),
            () = self.state.closing.cancelled() => Err(RowsError::Closing),
        }
    }
}

async fn row(
    state: &ApiState,
    batch: BatchId,
    number: u64,
    item: BatchItem,
    may_come: bool,
) -> Result<Row, Problem> {
    let row = Row {
        number,
        custom_id: item.custom_id,
        status: "refused",
        job_id: None,
        result: None,
        error: item.refused,
    };
    if row.error.is_some() {
        return Ok(row);
    }
    let job = batch.job(number);
    Ok(found(row, job, state.results.get(job).await?, may_come))
}

/// The row with what is known of its job, whose record, where there is none, `may_come` yet.
fn found(row: Row, job: JobId, lookup: Lookup, may_come: bool) -> Row {
    match lookup {
        Lookup::Found(record) => Row {
            status: record.status.name(),
            job_id: Some(job),
            result: record.result,
            error: record.error,
            ..row
        },
        // Noted a moment ago; its record is being written.
        Lookup::Unknown if may_come => Row { status: "queued", job_id: Some(job), ..row },
        Lookup::Unknown | Lookup::Expired => Row { status: "gone", job_id: Some(job), ..row },
    }
}
