//! What every store of feedback has to do.

use std::time::Duration;

use byecaptcha_queue::{Feedback, JobId};
use bytes::Bytes;

use super::{FeedbackBackend, eventually, soon};

const LONG: Duration = Duration::from_secs(3600);

fn feedback(job: JobId, text: &str) -> Feedback {
    Feedback {
        job,
        text: text.to_owned(),
        read: Some("a\"b".to_owned()),
        confidence: Some(0.25),
        given_at_ms: 7,
    }
}

pub(crate) async fn what_was_given_is_there_in_its_order<B: FeedbackBackend>() {
    let fixture = B::feedback().await;
    let store = &*fixture.store;
    assert_eq!(soon("labelled", store.labelled(0, 10)).await.unwrap(), []);
    let jobs: Vec<JobId> = (0..5).map(|_| JobId::new()).collect();
    // Not in the order of their ids.
    for &index in &[3, 0, 4, 1, 2] {
        soon("record", store.record(&feedback(jobs[index], &format!("t{index}")))).await.unwrap();
    }
    let picture = Bytes::from((0..=255).collect::<Vec<u8>>());
    soon("keep", store.keep_image(jobs[4], &picture, LONG)).await.unwrap();
    let all = store.labelled(0, 10).await.unwrap();
    let texts: Vec<&str> = all.iter().map(|labelled| labelled.feedback.text.as_str()).collect();
    assert_eq!(texts, ["t3", "t0", "t4", "t1", "t2"]);
    assert_eq!(all[2].feedback, feedback(jobs[4], "t4"));
    assert_eq!(soon("image", store.image(jobs[4])).await.unwrap(), Some(picture));
    assert_eq!(store.image(jobs[3]).await.unwrap(), None);

    let page = store.labelled(0, 2).await.unwrap();
    assert_eq!(page, all[..2]);
    assert_eq!(store.labelled(page[1].number, 2).await.unwrap(), all[2..4]);
    assert_eq!(store.labelled(all[4].number, 2).await.unwrap(), []);
}

pub(crate) async fn the_last_word_counts<B: FeedbackBackend>() {
    let fixture = B::feedback().await;
    let store = &*fixture.store;
    let (first, second) = (JobId::new(), JobId::new());
    for (job, text) in [(first, "wrong"), (second, "other"), (first, "right")] {
        store.record(&feedback(job, text)).await.unwrap();
    }
    let texts = store.labelled(0, 10).await.unwrap().into_iter().map(|labelled| labelled.feedback.text);
    assert_eq!(texts.collect::<Vec<_>>(), ["other", "right"]);
}

pub(crate) async fn pictures_are_kept_for_their_time<B: FeedbackBackend>() {
    let fixture = B::feedback().await;
    let store = &*fixture.store;
    let job = JobId::new();
    store.keep_image(job, &Bytes::from_static(b"picture"), Duration::from_millis(300)).await.unwrap();
    store.record(&feedback(job, "text")).await.unwrap();
    eventually("the picture is gone", true, async || store.image(job).await.unwrap().is_none()).await;
    assert_eq!(store.labelled(0, 1).await.unwrap()[0].feedback.text, "text");
}
