//! The JSON of the wire types, frozen: two versions of a program meet over it during an upgrade, and clients parse it.
//! A snapshot may gain optional fields; anything else is a break.

#![allow(clippy::unwrap_used, missing_docs, reason = "a test may stop at the first surprise")]

use byecaptcha_queue::{
    Alternative, CharacterConfidence, Failure, Job, JobId, JobOptions, JobRecord, JobStatus, Outcome,
    Recognition,
};
use bytes::Bytes;
use insta::assert_snapshot;
use serde::{Serialize, de::DeserializeOwned};

/// The JSON, read back and found the same.
fn json<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(value: &T) -> String {
    let text = serde_json::to_string_pretty(value).unwrap();
    assert_eq!(&serde_json::from_str::<T>(&text).unwrap(), value);
    text
}

fn record() -> JobRecord {
    JobRecord::queued(&Job {
        id: "0198c0de-0000-7000-8000-00000000002a".parse().unwrap(),
        submitted_at_ms: 1_755_555_555_555,
        options: JobOptions::default(),
        image: Bytes::from_static(b"picture"),
    })
}

fn recognition() -> Recognition {
    Recognition {
        text: "aß".to_owned(),
        confidence: 0.875,
        characters: vec![
            CharacterConfidence { character: 'a', confidence: 0.95 },
            CharacterConfidence { character: 'ß', confidence: 0.921 },
        ],
        alternatives: vec![Alternative { text: "aB".to_owned(), confidence: 1e-7 }],
        model: "lean".to_owned(),
        model_version: "1.0.0".to_owned(),
        queue_ms: 0.5,
        engine_ms: 1.25,
    }
}

#[test]
fn options() {
    assert_snapshot!(json(&JobOptions::default()), @"{}");
    assert_snapshot!(json(&JobOptions { model: Some("lean".to_owned()), ..Default::default() }), @r#"
    {
      "model": "lean"
    }
    "#);
}

#[test]
fn a_queued_record() {
    assert_snapshot!(json(&record()), @r#"
    {
      "id": "0198c0de-0000-7000-8000-00000000002a",
      "status": "queued",
      "submitted_at_ms": 1755555555555
    }
    "#);
}

#[test]
fn a_succeeded_record() {
    let record = record().finished(Outcome::Succeeded(recognition()), 1_755_555_556_000);
    assert_snapshot!(json(&record), @r#"
    {
      "id": "0198c0de-0000-7000-8000-00000000002a",
      "status": "succeeded",
      "submitted_at_ms": 1755555555555,
      "finished_at_ms": 1755555556000,
      "result": {
        "text": "aß",
        "confidence": 0.875,
        "characters": [
          {
            "character": "a",
            "confidence": 0.95
          },
          {
            "character": "ß",
            "confidence": 0.921
          }
        ],
        "alternatives": [
          {
            "text": "aB",
            "confidence": 1e-7
          }
        ],
        "model": "lean",
        "model_version": "1.0.0",
        "queue_ms": 0.5,
        "engine_ms": 1.25
      }
    }
    "#);
}

#[test]
fn a_failed_record() {
    let failure =
        Failure { kind: "image-truncated".to_owned(), detail: "The picture ends early.".to_owned() };
    let record = record().finished(Outcome::Failed(failure), 1_755_555_556_000);
    assert_snapshot!(json(&record), @r#"
    {
      "id": "0198c0de-0000-7000-8000-00000000002a",
      "status": "failed",
      "submitted_at_ms": 1755555555555,
      "finished_at_ms": 1755555556000,
      "error": {
        "kind": "image-truncated",
        "detail": "The picture ends early."
      }
    }
    "#);
}

#[test]
fn records_without_an_answer() {
    assert_snapshot!(json(&record().finished(Outcome::Canceled, 1_755_555_556_000)), @r#"
    {
      "id": "0198c0de-0000-7000-8000-00000000002a",
      "status": "canceled",
      "submitted_at_ms": 1755555555555,
      "finished_at_ms": 1755555556000
    }
    "#);
    assert_snapshot!(json(&record().finished(Outcome::Expired, 1_755_555_556_000)), @r#"
    {
      "id": "0198c0de-0000-7000-8000-00000000002a",
      "status": "expired",
      "submitted_at_ms": 1755555555555,
      "finished_at_ms": 1755555556000
    }
    "#);
}

#[test]
fn statuses() {
    let statuses = [
        JobStatus::Queued,
        JobStatus::Processing,
        JobStatus::Succeeded,
        JobStatus::Failed,
        JobStatus::Canceled,
        JobStatus::Expired,
    ];
    assert_snapshot!(serde_json::to_string(&statuses).unwrap(), @r#"["queued","processing","succeeded","failed","canceled","expired"]"#);
    let terminal = statuses.map(JobStatus::is_terminal);
    assert_eq!(terminal, [false, false, true, true, true, true]);
    for status in statuses {
        json(&status);
    }
}

#[test]
fn fields_of_a_later_version_are_passed_over() {
    let options: JobOptions = serde_json::from_str(r#"{"model":"lean","deadline_ms":5}"#).unwrap();
    assert_eq!(options.model.as_deref(), Some("lean"));
    let text = r#"{"id":"0198c0de-0000-7000-8000-00000000002a","status":"queued","submitted_at_ms":1755555555555,
                   "priority":"high","result":null}"#;
    assert_eq!(serde_json::from_str::<JobRecord>(text).unwrap(), record());
}

#[test]
fn ids_keep_their_form_and_their_order() {
    let id = record().id;
    assert_eq!(id.to_string(), "0198c0de-0000-7000-8000-00000000002a");
    assert_eq!(JobId::from_bytes(*id.as_bytes()), id);
    for wrong in ["", "42", "0198c0de-0000-7000-8000-00000000002g", "../../etc/passwd"] {
        assert!(wrong.parse::<JobId>().is_err(), "{wrong}");
    }
    let ids: Vec<JobId> = (0..1_000).map(|_| JobId::new()).collect();
    assert!(ids.is_sorted_by(|one, next| one < next));
}
