//! What is whose: each caller sees only the jobs and batches that are theirs.

use byecaptcha_queue::{Batch, BatchId, BatchLookup, JobId, JobRecord, Lookup};

use super::Caller;
use crate::problem::{self, Problem};

impl Caller {
    /// Whom jobs of this caller belong to; nobody where there are no keys.
    pub(crate) fn owner(&self) -> Option<String> {
        self.key.as_ref().map(ToString::to_string)
    }

    /// The caller's own job. Another's is as good as none: even that it exists is nobody else's business.
    pub(crate) fn own(&self, id: JobId, lookup: Lookup) -> Result<JobRecord, Problem> {
        match lookup {
            Lookup::Found(record) if record.owner == self.owner() => Ok(record),
            Lookup::Expired => Err(Problem::new(problem::JOB_EXPIRED, "Nothing of it is left.")),
            Lookup::Found(_) | Lookup::Unknown => {
                Err(Problem::new(problem::JOB_UNKNOWN, format!("There is no job {id}.")))
            }
        }
    }

    /// The caller's own batch, likewise.
    pub(crate) fn own_batch(&self, id: BatchId, lookup: BatchLookup) -> Result<Batch, Problem> {
        match lookup {
            BatchLookup::Found(batch) if batch.owner == self.owner() => Ok(batch),
            BatchLookup::Expired => Err(Problem::new(problem::BATCH_EXPIRED, "Nothing of it is left.")),
            BatchLookup::Found(_) | BatchLookup::Unknown => {
                Err(Problem::new(problem::BATCH_UNKNOWN, format!("There is no batch {id}.")))
            }
        }
    }
}
