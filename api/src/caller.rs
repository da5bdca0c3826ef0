//! Who asks: the holder of a key, or nobody in particular where there are none. Each sees only the jobs that are theirs.

use std::convert::Infallible;

use axum::{
    extract::{FromRequestParts, Request},
    http::request::Parts,
};
use byecaptcha_queue::{JobId, JobRecord, Lookup};

use crate::problem::{self, Problem};

/// The id of the key that a request came with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Caller {
    pub(crate) key: Option<String>,
}

impl Caller {
    /// Whose request this is.
    pub(crate) fn of(request: &Request) -> Self {
        request.extensions().get::<Self>().cloned().unwrap_or_default()
    }

    /// Whom jobs of this caller belong to.
    pub(crate) fn owner(&self) -> Option<String> {
        self.key.clone()
    }

    /// The caller's own job. Another's is as good as none: even that it exists is nobody else's business.
    pub(crate) fn own(&self, id: JobId, lookup: Lookup) -> Result<JobRecord, Problem> {
        match lookup {
            Lookup::Found(record) if record.owner == self.key => Ok(record),
            Lookup::Expired => Err(Problem::new(problem::JOB_EXPIRED, "Nothing of it is left.")),
            Lookup::Found(_) | Lookup::Unknown => {
                Err(Problem::new(problem::JOB_UNKNOWN, format!("There is no job {id}.")))
            }
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(parts.extensions.get::<Self>().cloned().unwrap_or_default())
    }
}
