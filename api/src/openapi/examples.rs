//! Examples: records as the code makes them, so that they are what it answers, and a request that can be sent as it is.

use base64::{Engine, engine::general_purpose::STANDARD};
use byecaptcha_queue::{
    Alternative, Batch, BatchCounts, BatchId, CharacterConfidence, Job, JobId, JobOptions, JobRecord,
    Outcome, Recognition,
};
use serde_json::{Value, json};

use crate::{routes::batches::BatchBody, state::ModelInfo};

/// A key for submissions.
pub(super) const KEY: &str = "7c0e1c5e-6f4b-4d0a-9d0e-3c1b6f6f2b11";

const SUBMITTED_AT_MS: u64 = 1_767_225_600_000;

pub(super) fn queued() -> JobRecord {
    let mut job = Job::new(Default::default(), JobOptions::default());
    job.id = JobId::from_bytes([
        0x01, 0x9b, 0x76, 0xda, 0xa8, 0x00, 0x74, 0x3b, 0xbc, 0x0e, 0x6a, 0x1d, 0x5b, 0x90, 0x9c, 0x27,
    ]);
    job.submitted_at_ms = SUBMITTED_AT_MS;
    JobRecord::queued(&job)
}

pub(super) fn succeeded() -> JobRecord {
    let characters = [('1', 0.99), ('3', 0.99), ('G', 0.98), ('7', 1.0)];
    let recognition = Recognition {
        text: characters.iter().map(|(character, _)| character).collect(),
        confidence: 0.97,
        characters: characters
            .map(|(character, confidence)| CharacterConfidence { character, confidence })
            .to_vec(),
        alternatives: vec![Alternative { text: "13C7".to_owned(), confidence: 0.02 }],
        model: "lean".to_owned(),
        model_version: "2".to_owned(),
        queue_ms: 0.4,
        engine_ms: 2.1,
    };
    queued().finished(Outcome::Succeeded(recognition), SUBMITTED_AT_MS + 3)
}

pub(super) fn canceled() -> JobRecord {
    queued().finished(Outcome::Canceled, SUBMITTED_AT_MS + 100)
}

/// A batch that has ended.
pub(super) fn batch() -> BatchBody {
    let mut batch = Batch::new(None, SUBMITTED_AT_MS, SUBMITTED_AT_MS + 86_400_000);
    batch.id = BatchId::from_bytes([
        0x01, 0x9b, 0x76, 0xda, 0xa8, 0x00, 0x71, 0x0c, 0x8e, 0x55, 0x02, 0xd9, 0x4b, 0x7e, 0x1f, 0x60,
    ]);
    (batch.closed, batch.last_end_ms) = (true, Some(SUBMITTED_AT_MS + 40));
    batch.counts = BatchCounts { total: 3, succeeded: 2, refused: 1, ..BatchCounts::default() };
    (&batch).into()
}

/// A submission in JSON, of a picture that says EBMq6.
pub(crate) fn submission() -> Value {
    json!({ "image": STANDARD.encode(include_bytes!("example.png")), "min_length": 4, "max_length": 6 })
}

impl ModelInfo {
    pub(super) fn example() -> Self {
        Self {
            name: "lean".to_owned(),
            version: "2".to_owned(),
            default: true,
            charset: "123456789ABC".to_owned(),
            figures: json!([{ "set": "fresh images, preset hku", "images": 5000, "exact": 0.94 }]),
            recommended_min_confidence: Some(0.97),
        }
    }
}
