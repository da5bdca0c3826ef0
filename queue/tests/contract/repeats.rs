//! What every result store has to do with a call whose answer was lost and that is made again.

use byecaptcha_queue::{
    CallId, Cancellation, Failure, JobId, JobRecord, Lookup, Outcome, ResultOptions, ResultStore,
};

use super::{ResultsBackend, job};

fn failure() -> Outcome {
    Outcome::Failed(Failure { kind: "image-truncated".to_owned(), detail: "It ends early.".to_owned() })
}

async fn created(store: &dyn ResultStore) -> JobId {
    let record = JobRecord::queued(&job("picture"));
    store.create(&record).await.unwrap();
    record.id
}

pub(crate) async fn an_end_that_is_written_again_is_the_first<B: ResultsBackend>() {
    let fixture = B::results(ResultOptions::default()).await;
    let store = &*fixture.store;
    let (late, ended, canceled) = (created(store).await, created(store).await, created(store).await);
    let unknown = JobId::new();
    assert_eq!(store.finish(&[(late, Outcome::Expired)]).await.unwrap(), [true]);
    assert_eq!(store.cancel(canceled).await.unwrap(), Cancellation::Canceled);
    // The same job twice: only its first outcome is the winner's.
    let outcomes = [
        (late, failure()),
        (ended, failure()),
        (ended, Outcome::Expired),
        (unknown, failure()),
        (canceled, failure()),
    ];
    let call = CallId::new();
    let first = store.finish_as(call, &outcomes).await.unwrap();
    assert_eq!(first, [false, true, false, true, false]);
    let before = store.get(ended).await.unwrap();
    assert_eq!(store.finish_as(call, &outcomes).await.unwrap(), first);
    assert_eq!(store.finish_as(CallId::new(), &outcomes).await.unwrap(), [false; 5], "another's call");
    assert_eq!(store.finish_as(call, &outcomes).await.unwrap(), first);
    assert_eq!(store.get(ended).await.unwrap(), before);
    assert!(matches!(before, Lookup::Found(record) if record.error.is_some()));
}

pub(crate) async fn a_time_alone_that_is_noted_again_counts_once<B: ResultsBackend>() {
    let fixture = B::results(ResultOptions::default()).await;
    let store = &*fixture.store;
    let (id, other) = (created(store).await, JobId::new());
    let (first, second) = (CallId::new(), CallId::new());
    for _ in 0..3 {
        assert_eq!(store.begin_alone_as(first, id).await.unwrap(), Some(0));
    }
    assert_eq!(store.begin_alone_as(second, id).await.unwrap(), Some(1));
    assert_eq!(store.begin_alone_as(first, other).await.unwrap(), Some(0), "each job has calls of its own");
    assert_eq!(store.begin_alone_as(first, id).await.unwrap(), Some(1), "one other has noted it");
    assert_eq!(store.begin_alone(id).await.unwrap(), Some(2));
    assert_eq!(store.finish(&[(id, Outcome::Expired)]).await.unwrap(), [true]);
    assert_eq!(store.begin_alone_as(first, id).await.unwrap(), None);
}
