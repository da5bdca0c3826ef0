//! `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header-07): a request that is sent again, since nobody knows
//! what became of it, makes no second job.

use axum::http::HeaderMap;
use byecaptcha_queue::{
    Batch, BatchId, BatchLookup, Claim, Fingerprint, Job, JobId, JobRecord, JobStatus, Lookup,
};

use crate::{
    access::Caller,
    problem::{self, Problem},
    state::ApiState,
};

/// Most characters in a key.
const LONGEST: usize = 255;
/// A key's form as a regular expression: in quotes or without them, and none inside.
pub(crate) const FORM: &str = r#"^("[!#-~]{1,255}"|[!#-~]{1,255})$"#;

/// What a key stands for.
pub(crate) enum Claimed {
    /// This request, whose job is to be accepted, or an earlier one, of whose job nobody knows whether the broker has it.
    Fresh,
    /// An earlier one, whose job this is.
    Known(Box<JobRecord>),
}

/// The request's key.
pub(crate) fn key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let malformed = |detail: &str| Problem::new(problem::IDEMPOTENCY_KEY, detail).in_field("Idempotency-Key");
    let mut values = headers.get_all("idempotency-key").iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(malformed("It is there more than once."));
    }
    // The draft has it as a quoted string of RFC 9651, and most senders leave the quotes out.
    let text = value.to_str().map_err(|_| malformed("It holds more than visible ASCII."))?.trim();
    let text = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
    match text.len() {
        1..=LONGEST if text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"') => {
            Ok(Some(text.to_owned()))
        }
        _ => Err(malformed("It is not 1 to 255 visible ASCII characters, none of them a quote.")),
    }
}

/// Has the key stand for the job, or finds what it stands for. The job takes over the id of an earlier one of the same
/// request that may never have come to the broker: its publication failed, or the API died before it. Such a one is
/// published once more, since a record alone is no promise; read twice, it has one result all the same.
pub(crate) async fn claim(
    state: &ApiState,
    caller: &Caller,
    key: &str,
    fingerprint: &Fingerprint,
    job: &mut Job,
) -> Result<Claimed, Problem> {
    let owner = caller.owner().unwrap_or_default();
    match state.results.claim(&owner, key, fingerprint, job.id).await? {
        Claim::New => Ok(Claimed::Fresh),
        Claim::Other => {
            let detail = "It came before with another picture or other options.";
            Err(Problem::new(problem::IDEMPOTENCY_REUSED, detail).in_field("Idempotency-Key"))
        }
        Claim::Same(id) => match state.results.get(id).await? {
            Lookup::Found(record) if record.status == JobStatus::Queued && !record.confirmed => {
                (job.id, job.submitted_at_ms) = (id, record.submitted_at_ms);
                Ok(Claimed::Fresh)
            }
            Lookup::Found(record) => Ok(Claimed::Known(Box::new(record))),
            Lookup::Expired => {
                let detail = "It stands for a job whose result was kept for its time and is gone.";
                Err(Problem::new(problem::JOB_EXPIRED, detail))
            }
            Lookup::Unknown => {
                job.id = id;
                Ok(Claimed::Fresh)
            }
        },
    }
}

/// The same for a batch. What its pictures are is seen as they come: each is compared with what came in its place before.
/// Gives the batch that the key stands for; nothing where it stands for the new one.
pub(crate) async fn claim_batch(
    state: &ApiState,
    caller: &Caller,
    key: &str,
    batch: &mut Batch,
) -> Result<Option<Batch>, Problem> {
    let owner = caller.owner().unwrap_or_default();
    // No key holds a space, so none of a job's is this.
    let (key, id) = (format!("batch {key}"), JobId::from_bytes(*batch.id.as_bytes()));
    let known = match state.results.claim(&owner, &key, &[0; 32], id).await? {
        Claim::Same(known) => BatchId::from_bytes(*known.as_bytes()),
        Claim::New | Claim::Other => return Ok(None),
    };
    match state.batches.batch(known).await? {
        BatchLookup::Found(known) => Ok(Some(known)),
        BatchLookup::Expired => {
            let detail = "It stands for a batch that was kept for its time and is gone.";
            Err(Problem::new(problem::BATCH_EXPIRED, detail))
        }
        BatchLookup::Unknown => {
            // The earlier request may be about to open it, so it is not this one's to take back.
            batch.id = known;
            state.batches.open_batch(batch).await?;
            Ok(Some(batch.clone()))
        }
    }
}
