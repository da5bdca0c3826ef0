//! What every store of batches has to do.

use std::time::Duration;

use byecaptcha_queue::{
    Appended, Batch, BatchCounts, BatchId, BatchItem, BatchLookup, BatchStatus, Cancellation, Failure,
    JobRecord, Lookup, Outcome, ResultOptions, job::now_ms,
};

use super::{BatchesBackend, Store, eventually, job, soon};

const HOUR_MS: u64 = 3_600_000;

fn item(name: &str) -> BatchItem {
    BatchItem { custom_id: name.to_owned(), fingerprint: format!("{name}{name}"), refused: None }
}

fn items(count: u64) -> Vec<BatchItem> {
    (1..=count).map(|number| item(&format!("item \"{number}\""))).collect()
}

fn refused(name: &str) -> BatchItem {
    let why = Failure { kind: "unsupported-image".to_owned(), detail: "no \"picture\"".to_owned() };
    BatchItem { refused: Some(why), ..item(name) }
}

async fn opened(store: &dyn Store) -> Batch {
    let batch = Batch::new(Some("owner".to_owned()), now_ms(), now_ms() + HOUR_MS);
    soon("open", store.open_batch(&batch)).await.unwrap();
    batch
}

async fn found(store: &dyn Store, id: BatchId) -> Batch {
    match soon("batch", store.batch(id)).await.unwrap() {
        BatchLookup::Found(batch) => batch,
        other => panic!("{other:?} in place of a batch"),
    }
}

/// A record for each of these items' jobs.
async fn recorded(
    store: &dyn Store,
    batch: &Batch,
    numbers: std::ops::RangeInclusive<u64>,
) -> Vec<JobRecord> {
    let mut records = Vec::new();
    for number in numbers {
        let mut job = job("picture");
        job.id = batch.id.job(number);
        let record = JobRecord::queued(&job).owned_by(batch.owner.clone()).in_batch(batch.membership());
        soon("create", store.create(&record)).await.unwrap();
        records.push(record);
    }
    records
}

pub(crate) async fn a_batch_goes_through_its_life<B: BatchesBackend>() {
    let fixture = B::batches(ResultOptions::default()).await;
    let store = &*fixture.store;
    let unknown = BatchId::new();
    assert_eq!(store.batch(unknown).await.unwrap(), BatchLookup::Unknown);
    assert_eq!(store.append_items(unknown, 1, &items(1)).await.unwrap(), Appended::Unknown);
    store.close_batch(unknown).await.unwrap();
    store.cancel_batch(unknown).await.unwrap();
    assert_eq!(store.batch(unknown).await.unwrap(), BatchLookup::Unknown, "marks make no batch");

    let batch = opened(store).await;
    assert_eq!(found(store, batch.id).await, batch);
    assert_eq!(batch.status(), BatchStatus::Receiving);
    let two = [item("a"), refused("b")];
    assert_eq!(store.append_items(batch.id, 1, &two).await.unwrap(), Appended::Added { fresh: 2 });
    let records = recorded(store, &batch, 1..=1).await;
    assert_eq!(store.get(records[0].id).await.unwrap(), Lookup::Found(records[0].clone()));
    // What is opened again stays as it is.
    store.open_batch(&Batch { owner: None, ..batch.clone() }).await.unwrap();
    let counts = BatchCounts { total: 2, pending: 1, refused: 1, ..BatchCounts::default() };
    assert_eq!(found(store, batch.id).await, Batch { counts, ..batch.clone() });

    store.close_batch(batch.id).await.unwrap();
    assert_eq!(found(store, batch.id).await.status(), BatchStatus::Processing);
    store.start(&[records[0].id]).await.unwrap();
    assert_eq!(found(store, batch.id).await.counts, counts);
    let failure = Failure { kind: "image-truncated".to_owned(), detail: "early".to_owned() };
    assert_eq!(store.finish(&[(records[0].id, Outcome::Failed(failure))]).await.unwrap(), [true]);
    let ended = found(store, batch.id).await;
    assert_eq!(ended.status(), BatchStatus::Completed);
    let last_end = ended.last_end_ms.unwrap();
    assert!((batch.created_at_ms..=now_ms()).contains(&last_end), "{last_end}");
    let counts = BatchCounts { total: 2, failed: 1, refused: 1, ..BatchCounts::default() };
    assert_eq!(ended, Batch { counts, closed: true, last_end_ms: Some(last_end), ..batch });
}

pub(crate) async fn items_that_come_again_are_compared<B: BatchesBackend>() {
    let fixture = B::batches(ResultOptions::default()).await;
    let store = &*fixture.store;
    let batch = opened(store).await;
    let append = async |first, items: &[BatchItem]| {
        soon("append", store.append_items(batch.id, first, items)).await.unwrap()
    };
    let all = items(5);
    assert_eq!(append(1, &all[..3]).await, Appended::Added { fresh: 3 });
    assert_eq!(append(1, &all[..3]).await, Appended::Added { fresh: 0 });
    assert_eq!(append(3, &all[2..]).await, Appended::Added { fresh: 2 });
    assert_eq!(append(2, &[item("other")]).await, Appended::Differs { number: 2 });
    assert_eq!(append(5, &[all[4].clone(), refused("sixth")]).await, Appended::Added { fresh: 1 });
    assert_eq!(append(9, &all[..1]).await, Appended::Differs { number: 9 }, "none may be left out");
    let counts = found(store, batch.id).await.counts;
    assert_eq!((counts.total, counts.refused), (6, 1));

    store.close_batch(batch.id).await.unwrap();
    assert_eq!(append(1, &all).await, Appended::Added { fresh: 0 });
    assert_eq!(append(7, &all[..1]).await, Appended::Differs { number: 7 });
    store.cancel_batch(batch.id).await.unwrap();
    assert_eq!(append(1, &all).await, Appended::Canceled);
    assert_eq!(found(store, batch.id).await.counts.total, 6);
}

pub(crate) async fn every_end_is_counted_once<B: BatchesBackend>() {
    let fixture = B::batches(ResultOptions::default()).await;
    let store = &*fixture.store;
    let (batch, other) = (opened(store).await, opened(store).await);
    for one in [&batch, &other] {
        store.append_items(one.id, 1, &items(6)).await.unwrap();
    }
    let jobs: Vec<_> = recorded(store, &batch, 1..=6).await.iter().map(|record| record.id).collect();
    let others = recorded(store, &other, 1..=6).await;
    let failure = Failure { kind: "image-truncated".to_owned(), detail: "early".to_owned() };
    store
        .finish(&[
            (jobs[0], Outcome::Failed(failure.clone())),
            (jobs[1], Outcome::Expired),
            (jobs[0], Outcome::Expired),
            (others[0].id, Outcome::Expired),
            // A job of no batch.
            (job("alone").id, Outcome::Canceled),
        ])
        .await
        .unwrap();
    store.finish(&[(jobs[1], Outcome::Failed(failure))]).await.unwrap();
    assert_eq!(store.cancel(jobs[2]).await.unwrap(), Cancellation::Canceled);
    assert_eq!(store.cancel(jobs[2]).await.unwrap(), Cancellation::Ended);
    let counts =
        BatchCounts { total: 6, pending: 3, failed: 1, canceled: 1, expired: 1, ..BatchCounts::default() };
    assert_eq!(found(store, batch.id).await.counts, counts);
    let counts = BatchCounts { total: 6, pending: 5, expired: 1, ..BatchCounts::default() };
    assert_eq!(found(store, other.id).await.counts, counts);

    store.cancel_batch(batch.id).await.unwrap();
    assert_eq!(found(store, batch.id).await.status(), BatchStatus::Canceling);
    store.start(&jobs[3..4]).await.unwrap();
    for &job in &jobs[3..] {
        store.cancel(job).await.unwrap();
    }
    assert_eq!(found(store, batch.id).await.counts.pending, 1, "a worker has it");
    store.finish(&[(jobs[3], Outcome::Expired)]).await.unwrap();
    assert_eq!(found(store, batch.id).await.status(), BatchStatus::Canceled);
}

pub(crate) async fn items_are_read_page_by_page<B: BatchesBackend>() {
    let fixture = B::batches(ResultOptions::default()).await;
    let store = &*fixture.store;
    let batch = opened(store).await;
    let all = [items(9), vec![refused("last")]].concat();
    store.append_items(batch.id, 1, &all).await.unwrap();
    let page = async |after, limit| soon("items", store.items(batch.id, after, limit)).await.unwrap();
    assert_eq!(page(0, 4).await, all[..4]);
    assert_eq!(page(4, 100).await, all[4..]);
    assert_eq!(page(9, 1).await, all[9..]);
    assert!(page(10, 5).await.is_empty());
    assert!(store.items(BatchId::new(), 0, 5).await.unwrap().is_empty());
}

pub(crate) async fn a_batch_keeps_the_results_of_its_jobs<B: BatchesBackend>() {
    let options = ResultOptions { keep: Duration::from_millis(200), remember: Duration::from_millis(1_500) };
    let fixture = B::batches(options).await;
    let store = &*fixture.store;
    let batch = Batch::new(None, now_ms(), now_ms() + 2_500);
    store.open_batch(&batch).await.unwrap();
    store.append_items(batch.id, 1, &items(1)).await.unwrap();
    let of_batch = recorded(store, &batch, 1..=1).await[0].id;
    let alone = JobRecord::queued(&job("alone"));
    store.create(&alone).await.unwrap();
    store.finish(&[(of_batch, Outcome::Canceled), (alone.id, Outcome::Canceled)]).await.unwrap();
    eventually("the job alone", Lookup::Expired, async || store.get(alone.id).await.unwrap()).await;
    assert!(matches!(store.get(of_batch).await.unwrap(), Lookup::Found(_)));
    assert_eq!(store.items(batch.id, 0, 5).await.unwrap().len(), 1);

    eventually("the batch", BatchLookup::Expired, async || store.batch(batch.id).await.unwrap()).await;
    eventually("its job", Lookup::Expired, async || store.get(of_batch).await.unwrap()).await;
    eventually("its id", BatchLookup::Unknown, async || store.batch(batch.id).await.unwrap()).await;
    eventually("its job's id", Lookup::Unknown, async || store.get(of_batch).await.unwrap()).await;
}
