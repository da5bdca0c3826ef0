//! What is to happen to a delivery, and how the engine's answers become that.

use byecaptcha_models::Reading;
use byecaptcha_queue::{Alternative, CharacterConfidence, Failure, JobOptions, Outcome, Recognition};

use crate::engine::Answer;

/// What is to happen to a delivery.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// The job has ended this way.
    Done(Outcome),
    /// The job has ended since its last attempt failed; the broker keeps it as a dead letter.
    Dead(Failure),
    /// The attempt failed; there will be another.
    Retry(String),
    /// It was not started.
    Release,
    /// It had ended before.
    Over,
}

/// The kind of failure that makes a dead letter.
pub(crate) const ENGINE_FAILED: &str = "engine-failed";

/// The model as it appears in results.
pub(crate) struct Identity {
    pub(crate) name: String,
    pub(crate) version: String,
}

/// How long a job waited and how long its batch was in the engine, in milliseconds.
#[derive(Clone, Copy)]
pub(crate) struct Timings {
    pub(crate) queue_ms: f64,
    pub(crate) engine_ms: f64,
}

impl Verdict {
    /// For the engine's answer to an attempt; `last` says that there will be no other.
    pub(crate) fn of(
        answer: Answer,
        options: &JobOptions,
        model: &Identity,
        timings: Timings,
        last: bool,
    ) -> Self {
        match answer {
            Answer::Read(reading) => match abstention(&reading, options) {
                Some(failure) => Self::Done(Outcome::Failed(failure)),
                None => Self::Done(Outcome::Succeeded(recognition(reading, model, timings))),
            },
            Answer::Refused { kind, detail } => {
                Self::Done(Outcome::Failed(Failure { kind: kind.to_owned(), detail }))
            }
            Answer::Crashed(reason) if last => Self::Dead(engine_failed(reason)),
            Answer::Crashed(reason) => Self::Retry(reason),
        }
    }

    /// For a job that comes again after so many attempts, which are all it has.
    pub(crate) fn spent(attempts: u32) -> Self {
        let detail = format!("the worker stopped during each of {attempts} attempts at this picture");
        Self::Dead(engine_failed(detail))
    }

    /// For a job that asks for a model that is not here.
    pub(crate) fn unknown_model(asked: &str, here: &Identity) -> Self {
        let detail = format!("there is no model {asked:?} here, only {:?}", here.name);
        Self::Done(Outcome::Failed(Failure { kind: "unknown-model".to_owned(), detail }))
    }

    /// What is to be written before the broker hears of it.
    pub(crate) fn outcome(&self) -> Option<Outcome> {
        match self {
            Self::Done(outcome) => Some(outcome.clone()),
            Self::Dead(failure) => Some(Outcome::Failed(failure.clone())),
            Self::Retry(_) | Self::Release | Self::Over => None,
        }
    }
}

/// Why a reading is not what was asked for.
fn abstention(reading: &Reading, options: &JobOptions) -> Option<Failure> {
    let failure = |kind: &str, detail| Some(Failure { kind: kind.to_owned(), detail });
    let bounded = options.charset.is_some() || options.min_length.is_some() || options.max_length.is_some();
    if reading.text.is_empty() && bounded {
        return failure("no-text", "no text of the length and the characters asked for was found".to_owned());
    }
    let least = options.min_confidence.filter(|&least| reading.confidence < least)?;
    let confidence = reading.confidence;
    let detail = format!("the likeliest text has a confidence of {confidence:.3}, and {least} was asked for");
    failure("low-confidence", detail)
}

fn recognition(reading: Reading, model: &Identity, timings: Timings) -> Recognition {
    let Reading { text, confidence, characters, alternatives } = reading;
    let characters = characters.into_iter();
    let alternatives = alternatives.into_iter();
    Recognition {
        text,
        confidence,
        characters: characters
            .map(|(character, confidence)| CharacterConfidence { character, confidence })
            .collect(),
        alternatives: alternatives.map(|(text, confidence)| Alternative { text, confidence }).collect(),
        model: model.name.clone(),
        model_version: model.version.clone(),
        queue_ms: timings.queue_ms,
        engine_ms: timings.engine_ms,
    }
}

fn engine_failed(detail: String) -> Failure {
    Failure { kind: ENGINE_FAILED.to_owned(), detail }
}
