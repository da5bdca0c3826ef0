//! A job's life as server-sent events (WHATWG HTML, section 9.2): for clients that would rather listen than ask.

use std::{convert::Infallible, time::Duration};

use axum::{
    extract::{Path, State, rejection::PathRejection},
    response::{
        Sse,
        sse::{Event, KeepAlive},
    },
};
use byecaptcha_queue::{JobId, JobRecord, JobStatus, Lookup};
use futures::{Stream, stream};

use super::jobs::{held, well_formed};
use crate::{
    access::Caller,
    openapi::{JOBS, answers, refusals, requests},
    problem::Problem,
    state::ApiState,
};

/// How often a job that has not ended is looked at: its end is told at once, its start by the next look.
const LOOK: Duration = Duration::from_millis(500);
/// Between two signs of life, so that nothing on the way takes the connection for dead.
const SIGN_OF_LIFE: Duration = Duration::from_secs(15);

/// Follows a job
///
/// Server-sent events: one named by each status that the job comes to, with the job as its data; the last is its end.
#[utoipa::path(
    get, path = "/v1/jobs/{id}/events", operation_id = "followJob", tag = JOBS,
    params(requests::Id),
    responses(answers::Events, refusals::OfJob),
)]
pub(super) async fn follow(
    State(state): State<ApiState>,
    id: Result<Path<JobId>, PathRejection>,
    caller: Caller,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    let id = well_formed(id)?;
    let record = caller.own(id, state.results.get(id).await?)?;
    let follower = Follower { state, id, next: Some(record), told: None };
    Ok(Sse::new(stream::unfold(follower, Follower::event))
        .keep_alive(KeepAlive::new().interval(SIGN_OF_LIFE)))
}

/// What one client is told.
struct Follower {
    state: ApiState,
    id: JobId,
    /// What was found before the first event.
    next: Option<JobRecord>,
    /// The status that the client knows of.
    told: Option<JobStatus>,
}

impl Follower {
    /// Waits for a status that is news. Ends after the job has, when the server stops, and when the job is lost sight of:
    /// browsers then connect again and are told how it stands.
    async fn event(mut self) -> Option<(Result<Event, Infallible>, Self)> {
        if self.told.is_some_and(JobStatus::is_terminal) {
            return None;
        }
        let record = loop {
            let record = match self.next.take() {
                Some(record) => record,
                None if self.state.closing.is_cancelled() => return None,
                None => match held(&self.state, self.id, LOOK).await {
                    Ok(Lookup::Found(record)) => record,
                    Ok(Lookup::Expired | Lookup::Unknown) | Err(_) => return None,
                },
            };
            if self.told != Some(record.status) {
                break record;
            }
        };
        self.told = Some(record.status);
        let event = Event::default().event(record.status.name()).json_data(&record).ok()?;
        Some((Ok(event), self))
    }
}
