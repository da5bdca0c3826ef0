//! Whether there is room for one more job. The server's own limit is neither exact nor soon felt, so producers ask how
//! long the queue is: once a second, and for every job once it seems full.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use lapin::types::ShortString;
use tokio::{sync::Mutex, time::Instant};

use super::link::Session;
use crate::broker::BrokerError;

/// How long an answer is good for. Several producers may together overshoot by what they publish in this time.
const GOOD_FOR: Duration = Duration::from_secs(1);

/// What this producer knows of the queue's length.
#[derive(Default)]
pub(super) struct Capacity {
    /// The length when last asked, and the jobs admitted here since.
    estimate: AtomicUsize,
    asked: Mutex<Option<Instant>>,
}

impl Capacity {
    /// Room for one job, or an error that says that there is none.
    pub(super) async fn admit(
        &self,
        session: &Session,
        queue: &ShortString,
        limit: usize,
    ) -> Result<(), BrokerError> {
        session.check_flow()?;
        let mut asked = self.asked.lock().await;
        if !session.usable() {
            // Whoever held the lock had no answer; asking the same once more would keep each in the line for as long.
            return Err(BrokerError::Unavailable("the connection is lost".to_owned()));
        }
        let fresh = asked.is_some_and(|at| at.elapsed() < GOOD_FOR);
        if !fresh || self.estimate.load(Ordering::Relaxed) >= limit {
            self.estimate.store(session.depth(queue).await?, Ordering::Relaxed);
            *asked = Some(Instant::now());
        }
        if self.estimate.fetch_add(1, Ordering::Relaxed) >= limit {
            return Err(BrokerError::Full { limit });
        }
        Ok(())
    }
}
