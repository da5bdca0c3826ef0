//! What the loop is busy with: a batch in the engine, or jobs of which something is to be found out before.

use byecaptcha_queue::Delivery;
use futures::future::{self, BoxFuture};
use tokio::{sync::oneshot, time::Instant};

use crate::{
    engine::{Answers, EngineGone},
    suspect::Finding,
};

/// Jobs at work.
pub(crate) struct Running {
    pub(crate) deliveries: Vec<Delivery>,
    pub(crate) stage: Stage,
    /// Whether nothing else may be held meanwhile.
    pub(crate) alone: bool,
}

/// How far they are.
pub(crate) enum Stage {
    /// The result store is asked about the only one. Not started: it can be given back.
    Examined(BoxFuture<'static, Finding>),
    /// The result store is asked which of them are still to be done. Not started either.
    Noted(BoxFuture<'static, Vec<bool>>),
    /// They are in the engine since then, and since so many milliseconds after the Unix epoch.
    Engine { answers: oneshot::Receiver<Answers>, since: Instant, at_ms: u64 },
}

/// What has come out of a stage.
pub(crate) enum Progress {
    Found(Finding),
    /// Which are still to be done.
    Noted(Vec<bool>),
    /// The answers, and when the batch was started.
    Answered(Answers, u64),
}

impl Running {
    pub(crate) fn count(&self) -> usize {
        self.deliveries.len()
    }

    /// Since when they are in the engine, if they are.
    pub(crate) fn in_engine_since(&self) -> Option<Instant> {
        match self.stage {
            Stage::Examined(_) | Stage::Noted(_) => None,
            Stage::Engine { since, .. } => Some(since),
        }
    }
}

/// The end of the stage; waits for ever where nothing is running. Cancel-safe: the stage goes on with the next call.
pub(crate) async fn progress(running: &mut Option<Running>) -> Result<Progress, EngineGone> {
    match running.as_mut().map(|running| &mut running.stage) {
        None => future::pending().await,
        Some(Stage::Examined(finding)) => Ok(Progress::Found(finding.await)),
        Some(Stage::Noted(to_do)) => Ok(Progress::Noted(to_do.await)),
        Some(Stage::Engine { answers, at_ms, .. }) => {
            answers.await.map(|answers| Progress::Answered(answers, *at_ms)).map_err(|_| EngineGone)
        }
    }
}
