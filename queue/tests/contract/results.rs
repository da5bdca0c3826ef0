//! What every result store has to do.

use std::{sync::Arc, time::Duration};

use byecaptcha_queue::{
    Alternative, Cancellation, CharacterConfidence, Claim, Failure, JobId, JobRecord, JobStatus, Lookup,
    Outcome, Recognition, ResultOptions, ResultStore, job::now_ms,
};
use tokio::time::Instant;

use super::{A_MOMENT, PATIENCE, ResultsBackend, eventually, job, soon};

fn recognition(text: &str) -> Recognition {
    Recognition {
        text: text.to_owned(),
        confidence: 0.1 + 0.2,
        characters: text
            .chars()
            .map(|character| CharacterConfidence { character, confidence: 0.987_654_3 })
            .collect(),
        alternatives: vec![Alternative { text: text.to_lowercase(), confidence: 1e-7 }],
        model: "lean".to_owned(),
        model_version: "1.0.0".to_owned(),
        queue_ms: 1.25,
        engine_ms: 0.1 + 0.2,
    }
}

fn failure() -> Failure {
    Failure { kind: "image-truncated".to_owned(), detail: "The picture ends \"early\".\n".to_owned() }
}

async fn created(store: &dyn ResultStore) -> JobRecord {
    let record = JobRecord::queued(&job("picture"));
    soon("create", store.create(&record)).await.unwrap();
    record
}

async fn found(store: &dyn ResultStore, id: JobId) -> JobRecord {
    match soon("get", store.get(id)).await.unwrap() {
        Lookup::Found(record) => record,
        other => panic!("{other:?} in place of a record"),
    }
}

async fn finish(store: &dyn ResultStore, id: JobId, outcome: Outcome) -> bool {
    soon("finish", store.finish(&[(id, outcome)])).await.unwrap()[0]
}

pub(crate) async fn a_record_goes_through_its_life<B: ResultsBackend>() {
    let fixture = B::results(ResultOptions::default()).await;
    let store = &*fixture.store;
    soon("ready", store.ready()).await.unwrap();
    let id = JobId::new();
    assert_eq!(store.get(id).await.unwrap(), Lookup::Unknown);

    let record = created(store).await;
    assert_eq!(found(store, record.id).await, record);

    store.start(&[record.id, id]).await.unwrap();
    let processing = JobRecord { status: JobStatus::Processing, ..record.clone() };
    assert_eq!(found(store, record.id).await, processing);
    assert_eq!(store.get(id).await.unwrap(), Lookup::Unknown, "starting makes no record");

    let before = now_ms();
    assert!(finish(store, record.id, Outcome::Succeeded(recognition("aB3é"))).await);
    let ended = found(store, record.id).await;
    let at_ms = ended.finished_at_ms.unwrap();
    assert!((before..=now_ms()).contains(&at_ms), "{before} {at_ms}");
    assert_eq!(ended, record.finished(Outcome::Succeeded(recognition("aB3é")), at_ms));

    // Nothing that comes late changes it.
    store.start(&[ended.id]).await.unwrap();
    store.discard(ended.id).await.unwrap();
    store
        .create(&JobRecord { finished_at_ms: None, status: JobStatus::Queued, ..ended.clone() })
        .await
        .unwrap();
    assert_eq!(found(store, ended.id).await, ended);
}

pub(crate) async fn every_outcome_is_kept<B: ResultsBackend>() {
    let fixture = B::results(ResultOptions::default()).await;
    let store = &*fixture.store;
    let outcomes = [
        Outcome::Succeeded(recognition("x7Q")),
        Outcome::Succeeded(recognition("")),
        Outcome::Failed(failure()),
        Outcome::Canceled,
        Outcome::Expired,
    ];
    let mut batch = Vec::new();
    for outcome in outcomes {
        batch.push((created(store).await, outcome));
    }
    let ends: Vec<_> = batch.iter().map(|(record, outcome)| (record.id, outcome.clone())).collect();
    assert_eq!(store.finish(&ends).await.unwrap(), [true; 5]);
    for (record, outcome) in batch {
        let ended = found(store, record.id).await;
        let at_ms = ended.finished_at_ms.unwrap();
        assert_eq!(ended, record.finished(outcome, at_ms));
    }
    assert!(store.finish(&[]).await.unwrap().is_empty());
}

pub(crate) async fn the_first_outcome_stays<B: ResultsBackend>() {
    let fixture = B::results(ResultOptions::default()).await;
    let store = &*fixture.store;
    let (old, new) = (created(store).await.id, created(store).await.id);
    assert!(finish(store, old, Outcome::Failed(failure())).await);
    let before = found(store, old).await;
    let batch = [
        (old, Outcome::Succeeded(recognition("late"))),
        (new, Outcome::Succeeded(recognition("first"))),
        (new, Outcome::Canceled),
    ];
    assert_eq!(store.finish(&batch).await.unwrap(), [false, true, false]);
    assert_eq!(found(store, old).await, before);
    assert_eq!(found(store, new).await.result, Some(recognition("first")));
}

pub(crate) async fn one_of_many_writers_wins<B: ResultsBackend>() {
    let fixture = B::results(ResultOptions::default()).await;
    let id = created(&*fixture.store).await.id;
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..50 {
        let store = Arc::clone(&fixture.store);
        writers.spawn(async move {
            let text = format!("writer {writer}");
            (finish(&*store, id, Outcome::Succeeded(recognition(&text))).await, text)
        });
    }
    let mut won = soon("all writers", writers.join_all()).await;
    won.retain(|(first, _)| *first);
    assert_eq!(won.len(), 1);
    assert_eq!(found(&*fixture.store, id).await.result.unwrap().text, won[0].1);
}

pub(crate) async fn an_end_without_a_beginning_is_kept<B: ResultsBackend>() {
    let fixture = B::results(ResultOptions::default()).await;
    let store = &*fixture.store;
    let id = JobId::new();
    assert!(finish(store, id, Outcome::Succeeded(recognition("found"))).await);
    let record = found(store, id).await;
    assert_eq!((record.status, record.result), (JobStatus::Succeeded, Some(recognition("found"))));
    assert!(record.submitted_at_ms <= record.finished_at_ms.unwrap());
    assert!(!finish(store, id, Outcome::Canceled).await);
}

pub(crate) async fn times_alone_are_counted_until_the_end<B: ResultsBackend>() {
    let fixture = B::results(ResultOptions::default()).await;
    let store = &*fixture.store;
    let (id, other, unknown) = (created(store).await.id, created(store).await.id, JobId::new());
    for before in 0..3 {
        assert_eq!(store.begin_alone(id).await.unwrap(), Some(before));
        assert_eq!(store.begin_alone(unknown).await.unwrap(), Some(before));
    }
    assert_eq!(store.begin_alone(other).await.unwrap(), Some(0), "each has a count of its own");
    assert_eq!(found(store, id).await.status, JobStatus::Queued, "counting changes no record");
    assert_eq!(store.get(unknown).await.unwrap(), Lookup::Unknown, "and makes none");
    for id in [id, unknown] {
        assert!(finish(store, id, Outcome::Succeeded(recognition("done"))).await);
        assert_eq!(store.begin_alone(id).await.unwrap(), None);
    }
    assert_eq!(store.cancel(other).await.unwrap(), Cancellation::Canceled);
    assert_eq!(store.begin_alone(other).await.unwrap(), None);
}

pub(crate) async fn discard_takes_a_record_back<B: ResultsBackend>() {
    let fixture = B::results(ResultOptions::default()).await;
    let store = &*fixture.store;
    let (id, other) = (created(store).await.id, created(store).await);
    store.discard(id).await.unwrap();
    assert_eq!(store.get(id).await.unwrap(), Lookup::Unknown);
    assert_eq!(found(store, other.id).await, other);
    store.discard(id).await.unwrap();

    // Two who made it: it goes with the second.
    store.create(&other).await.unwrap();
    store.discard(other.id).await.unwrap();
    assert_eq!(found(store, other.id).await, other);
    store.discard(other.id).await.unwrap();
    assert_eq!(store.get(other.id).await.unwrap(), Lookup::Unknown);
    // Made again, it is whoever's made it then.
    store.create(&other).await.unwrap();
    assert_eq!(found(store, other.id).await, other);
    // What a worker has begun stays, whoever says that it was not published.
    store.start(&[other.id]).await.unwrap();
    store.discard(other.id).await.unwrap();
    assert_eq!(found(store, other.id).await.status, JobStatus::Processing);
}

pub(crate) async fn what_the_broker_has_is_noted<B: ResultsBackend>() {
    let fixture = B::results(ResultOptions::default()).await;
    let store = &*fixture.store;
    let (known, other, started) = (created(store).await, created(store).await, created(store).await);
    let unknown = JobId::new();
    store.start(&[started.id]).await.unwrap();
    store.confirm(&[known.id, unknown, started.id]).await.unwrap();
    store.confirm(&[]).await.unwrap();
    assert_eq!(found(store, known.id).await, JobRecord { confirmed: true, ..known.clone() });
    assert!(!found(store, other.id).await.confirmed, "each has a note of its own");
    assert_eq!(found(store, started.id).await, JobRecord { status: JobStatus::Processing, ..started });
    assert_eq!(store.get(unknown).await.unwrap(), Lookup::Unknown, "a note makes no record");
    // Another one who made it and could not publish it changes nothing of that.
    store.create(&known).await.unwrap();
    store.discard(known.id).await.unwrap();
    assert!(found(store, known.id).await.confirmed);
    // Taken back and made again, it is another record.
    store.discard(known.id).await.unwrap();
    store.create(&known).await.unwrap();
    assert_eq!(found(store, known.id).await, known);
}

pub(crate) async fn cancel_takes_back_what_is_queued<B: ResultsBackend>() {
    let fixture = B::results(ResultOptions::default()).await;
    let store = &*fixture.store;
    let (queued, started) = (created(store).await.id, created(store).await.id);
    let unknown = JobId::new();
    assert_eq!(store.start(&[started, unknown]).await.unwrap(), [true, true]);
    assert_eq!(store.cancel(queued).await.unwrap(), Cancellation::Canceled);
    assert_eq!(store.cancel(started).await.unwrap(), Cancellation::Started);
    assert_eq!(store.cancel(unknown).await.unwrap(), Cancellation::Unknown);
    assert_eq!(store.get(unknown).await.unwrap(), Lookup::Unknown, "cancelling makes no record");
    let canceled = found(store, queued).await;
    assert_eq!(canceled.status, JobStatus::Canceled);
    assert!(canceled.finished_at_ms.is_some());

    // A worker that receives it hears that there is nothing to do, and its outcome comes too late.
    assert_eq!(store.start(&[queued, started]).await.unwrap(), [false, true]);
    assert!(!finish(store, queued, Outcome::Succeeded(recognition("late"))).await);
    assert_eq!(found(store, queued).await, canceled);
    assert!(finish(store, started, Outcome::Succeeded(recognition("done"))).await);
    for id in [queued, started] {
        assert_eq!(store.cancel(id).await.unwrap(), Cancellation::Ended);
    }
    assert_eq!(store.start(&[started]).await.unwrap(), [false]);
    assert!(store.start(&[]).await.unwrap().is_empty());
}

pub(crate) async fn cancel_wakes_those_who_wait<B: ResultsBackend>() {
    let fixture = B::results(ResultOptions::default()).await;
    let id = created(&*fixture.store).await.id;
    let store = Arc::clone(&fixture.store);
    let waiting = tokio::spawn(async move { store.wait(id, PATIENCE * 4).await.unwrap() });
    tokio::time::sleep(A_MOMENT).await;
    assert_eq!(fixture.store.cancel(id).await.unwrap(), Cancellation::Canceled);
    let canceled = found(&*fixture.store, id).await;
    assert_eq!(soon("the waiting one", waiting).await.unwrap(), Lookup::Found(canceled));
}

pub(crate) async fn cancel_and_finish_have_one_winner<B: ResultsBackend>() {
    let fixture = B::results(ResultOptions::default()).await;
    for _ in 0..20 {
        let id = created(&*fixture.store).await.id;
        let mut writers = tokio::task::JoinSet::new();
        for writer in 0..8 {
            let store = Arc::clone(&fixture.store);
            writers.spawn(async move {
                if writer % 2 == 0 {
                    store.cancel(id).await.unwrap() == Cancellation::Canceled
                } else {
                    finish(&*store, id, Outcome::Expired).await
                }
            });
        }
        let won = soon("all writers", writers.join_all()).await;
        assert_eq!(won.iter().filter(|first| **first).count(), 1, "{won:?}");
    }
}

pub(crate) async fn wait_is_woken_by_the_end<B: ResultsBackend>() {
    let fixture = B::results(ResultOptions::default()).await;
    for round in 0..20_u64 {
        let id = created(&*fixture.store).await.id;
        let mut waiting = tokio::task::JoinSet::new();
        for _ in 0..3 {
            let store = Arc::clone(&fixture.store);
            waiting.spawn(async move { store.wait(id, PATIENCE * 4).await.unwrap() });
        }
        // At all distances from the look that comes first.
        tokio::time::sleep(Duration::from_micros(round * 50)).await;
        fixture.store.start(&[id]).await.unwrap();
        assert!(finish(&*fixture.store, id, Outcome::Succeeded(recognition("there"))).await);
        let expected = Lookup::Found(found(&*fixture.store, id).await);
        for lookup in soon("the waiting ones", waiting.join_all()).await {
            assert_eq!(lookup, expected);
        }
    }
}

pub(crate) async fn wait_ends_with_its_patience<B: ResultsBackend>() {
    let fixture = B::results(ResultOptions::default()).await;
    let store = &*fixture.store;
    let record = created(store).await;
    let start = Instant::now();
    assert_eq!(store.wait(record.id, A_MOMENT).await.unwrap(), Lookup::Found(record.clone()));
    assert!(start.elapsed() >= A_MOMENT, "{:?}", start.elapsed());

    // No patience is the same as get, and an unknown job is not worth waiting for.
    soon("no patience", store.wait(record.id, Duration::ZERO)).await.unwrap();
    let unknown = soon("unknown", store.wait(JobId::new(), PATIENCE * 4)).await.unwrap();
    assert_eq!(unknown, Lookup::Unknown);
    assert!(finish(store, record.id, Outcome::Canceled).await);
    let ended = soon("ended", store.wait(record.id, PATIENCE * 4)).await.unwrap();
    assert_eq!(ended, Lookup::Found(found(store, record.id).await));
}

pub(crate) async fn wait_sees_a_record_taken_back<B: ResultsBackend>() {
    let fixture = B::results(ResultOptions::default()).await;
    let id = created(&*fixture.store).await.id;
    let store = Arc::clone(&fixture.store);
    let waiting = tokio::spawn(async move { store.wait(id, PATIENCE * 4).await.unwrap() });
    tokio::time::sleep(A_MOMENT).await;
    fixture.store.discard(id).await.unwrap();
    assert_eq!(soon("the waiting one", waiting).await.unwrap(), Lookup::Unknown);
}

pub(crate) async fn results_expire_and_ids_are_forgotten<B: ResultsBackend>() {
    let keep = Duration::from_millis(400);
    let remember = Duration::from_millis(1_200);
    let fixture = B::results(ResultOptions { keep, remember }).await;
    let store = &*fixture.store;
    let (ended, open) = (created(store).await.id, created(store).await);
    let before = Instant::now();
    assert!(finish(store, ended, Outcome::Succeeded(recognition("brief"))).await);
    let finished = Instant::now();
    let lookup = store.get(ended).await.unwrap();
    if before.elapsed() < keep {
        assert!(matches!(lookup, Lookup::Found(_)), "{lookup:?} before its time");
    }

    eventually("expiry", Lookup::Expired, || async { store.get(ended).await.unwrap() }).await;
    // Half of the allowance for clocks that count in milliseconds.
    assert!(before.elapsed() + Duration::from_millis(5) >= keep, "{:?}", before.elapsed());
    let waited = soon("expired", store.wait(ended, PATIENCE * 4)).await.unwrap();
    let late = finish(store, ended, Outcome::Canceled).await;
    if finished.elapsed() < keep + remember {
        assert_eq!(waited, Lookup::Expired);
        assert!(!late, "an expired result is still the first");
    }

    if !late {
        eventually("oblivion", Lookup::Unknown, || async { store.get(ended).await.unwrap() }).await;
        assert!(before.elapsed() + Duration::from_millis(5) >= keep + remember, "{:?}", before.elapsed());
    }
    assert_eq!(found(store, open.id).await, open, "a job that has not ended does not expire");
}

pub(crate) async fn a_key_stands_for_its_first_job<B: ResultsBackend>() {
    let remember = Duration::from_millis(400);
    let fixture = B::results(ResultOptions { remember, ..ResultOptions::default() }).await;
    let store = &*fixture.store;
    let (first, second) = (JobId::new(), JobId::new());
    let claim = async |owner: &str, key: &str, fingerprint: u8, id| {
        soon("claim", store.claim(owner, key, &[fingerprint; 32], id)).await.unwrap()
    };
    assert_eq!(claim("ann", "key", 1, first).await, Claim::New);
    assert_eq!(claim("ann", "key", 1, second).await, Claim::Same(first));
    assert_eq!(claim("ann", "key", 2, second).await, Claim::Other);
    assert_eq!(claim("bob", "key", 2, second).await, Claim::New, "another's keys are another's");
    assert_eq!(claim("", "key", 3, second).await, Claim::New);
    // Were owner and key just written one after the other, these would meet.
    assert_eq!(claim("ann", ":x", 4, first).await, Claim::New);
    assert_eq!(claim("ann:", "x", 5, first).await, Claim::New);
    eventually("the key is forgotten", Claim::New, async || {
        tokio::time::sleep(Duration::from_millis(100)).await;
        claim("ann", "key", 9, second).await
    })
    .await;
}

pub(crate) async fn an_owner_stays_with_the_record<B: ResultsBackend>() {
    let fixture = B::results(ResultOptions::default()).await;
    let store = &*fixture.store;
    let record = JobRecord::queued(&job("picture")).owned_by(Some("ann".to_owned()));
    soon("create", store.create(&record)).await.unwrap();
    assert_eq!(found(store, record.id).await.owner.as_deref(), Some("ann"));
    assert!(finish(store, record.id, Outcome::Failed(failure())).await);
    assert_eq!(found(store, record.id).await.owner.as_deref(), Some("ann"));
    assert_eq!(found(store, created(store).await.id).await.owner, None);
}
