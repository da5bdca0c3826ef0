//! What every backend has to do, written once. `backends.rs` runs it on each of them.
//! Effects that no answer confirms (of a drop, say) are waited for, since a remote backend takes its time over them.

pub(crate) mod batches;
pub(crate) mod broker;
pub(crate) mod competition;
pub(crate) mod feedback;
pub(crate) mod repeats;
pub(crate) mod results;

use std::{any::Any, future::Future, sync::Arc, time::Duration};

use byecaptcha_queue::{
    BatchStore, Broker, BrokerOptions, FeedbackStore, Job, JobOptions, ResultOptions, ResultStore,
};
use bytes::Bytes;

/// A kind of broker, made empty for one test.
pub(crate) trait BrokerBackend {
    /// Whether a released job goes back to its place in the order of acceptance, and not to the end of the queue.
    const RELEASES_TO_ITS_PLACE: bool = true;

    fn broker(options: BrokerOptions) -> impl Future<Output = Fixture<dyn Broker>> + Send;
}

/// A kind of result store, made empty for one test.
pub(crate) trait ResultsBackend {
    fn results(options: ResultOptions) -> impl Future<Output = Fixture<dyn ResultStore>> + Send;
}

/// What keeps batches keeps the records of their jobs.
pub(crate) trait Store: ResultStore + BatchStore {}

impl<T: ResultStore + BatchStore> Store for T {}

/// A kind of store for batches and records, made empty for one test.
pub(crate) trait BatchesBackend {
    fn batches(options: ResultOptions) -> impl Future<Output = Fixture<dyn Store>> + Send;
}

/// A kind of store for feedback, made empty for one test.
pub(crate) trait FeedbackBackend {
    fn feedback() -> impl Future<Output = Fixture<dyn FeedbackStore>> + Send;
}

/// A store under test, and what has to live as long as it: a folder, a server's virtual host.
pub(crate) struct Fixture<T: ?Sized> {
    pub(crate) store: Arc<T>,
    pub(crate) _guard: Box<dyn Any + Send>,
}

/// No answer takes this long, not even from a loaded machine across a network.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Long enough to be fairly sure that nothing comes.
pub(crate) const A_MOMENT: Duration = Duration::from_millis(150);

/// Waits for an answer that must come.
pub(crate) async fn soon<T>(what: &str, answer: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, answer).await.unwrap_or_else(|_| panic!("{what}: no answer"))
}

/// Asks until the answer is the one hoped for.
pub(crate) async fn eventually<T, F>(what: &str, expected: T, mut ask: impl FnMut() -> F)
where
    T: PartialEq + std::fmt::Debug,
    F: Future<Output = T>,
{
    let start = tokio::time::Instant::now();
    loop {
        let answer = ask().await;
        if answer == expected {
            return;
        }
        assert!(start.elapsed() < PATIENCE, "{what}: {answer:?} in place of {expected:?}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// A job whose picture is this text.
pub(crate) fn job(picture: &str) -> Job {
    Job::new(Bytes::copy_from_slice(picture.as_bytes()), JobOptions::default())
}
