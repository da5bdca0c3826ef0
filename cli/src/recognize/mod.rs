//! `byecaptcha recognize`: reads pictures without a server, batch by batch, so that memory does not grow with their
//! number and the first texts come early.

mod output;

use std::{io, process::ExitCode};

use anyhow::{Context, Result, bail};
use byecaptcha_models::{Reading, Recognizer};
use byecaptcha_program::logging::{self, LogFormat};

use crate::{
    inputs::{self, Failure, Input},
    model,
    recognize::output::Output,
    settings::{MinConfidence, RecognizeSettings},
    stdout,
};

/// Reads all inputs; the status says whether all of them could be read.
pub(crate) fn recognize(settings: &RecognizeSettings) -> Result<ExitCode> {
    logging::start(LogFormat::Text, "warn", None);
    let mut recognizer = settings.model.load()?;
    let least = least(settings, &recognizer)?;
    match write_all(settings, least, &mut recognizer) {
        Ok(Counts { inputs: 0, .. }) => bail!("no pictures were found"),
        Ok(Counts { failed: 0, .. }) => Ok(ExitCode::SUCCESS),
        Ok(_) => Ok(ExitCode::FAILURE),
        Err(error) if stdout::has_left(&error) => Ok(ExitCode::SUCCESS),
        Err(error) => Err(error).context("the results cannot be written"),
    }
}

#[derive(Default)]
struct Counts {
    inputs: usize,
    failed: usize,
}

/// The least confidence that was asked for.
fn least(settings: &RecognizeSettings, recognizer: &Recognizer) -> Result<Option<f32>> {
    match settings.min_confidence {
        None => Ok(None),
        Some(MinConfidence::AtLeast(least)) => Ok(Some(least)),
        Some(MinConfidence::Recommended) => {
            let card = recognizer.card();
            let least = card.calibration.as_ref().and_then(|calibration| calibration.abstain_below);
            least
                .map(Some)
                .with_context(|| format!("--min-confidence: the model {} recommends none", card.name))
        }
    }
}

fn write_all(
    settings: &RecognizeSettings,
    least: Option<f32>,
    recognizer: &mut Recognizer,
) -> io::Result<Counts> {
    let single = matches!(settings.inputs.as_slice(), [only] if !only.is_dir());
    let mut output = Output::new(io::stdout().lock(), settings.format, single)?;
    let mut inputs = inputs::walk(&settings.inputs);
    let mut counts = Counts::default();
    loop {
        let batch: Vec<Input> = inputs.by_ref().take(settings.batch).collect();
        if batch.is_empty() {
            return Ok(counts);
        }
        // Each file is let go once it is prepared: what is held is small pictures of one size.
        let prepared = batch.iter().map(|input| model::prepare(recognizer, &input.read()?)).collect();
        for (input, reading) in batch.iter().zip(model::read(recognizer, prepared)) {
            let reading = reading.and_then(|reading| sure(reading, least));
            counts.inputs += 1;
            counts.failed += usize::from(reading.as_ref().map_or(true, |reading| reading.text.is_empty()));
            output.write(&input.name, &reading)?;
        }
        output.flush()?;
    }
}

/// The reading, unless it is less sure than what was asked for.
fn sure(reading: Reading, least: Option<f32>) -> Result<Reading, Failure> {
    match least {
        Some(least) if reading.confidence < least => {
            let confidence = reading.confidence;
            let detail =
                format!("the likeliest text has a confidence of {confidence:.3}, and {least} was asked for");
            Err(Failure { kind: "low-confidence", detail })
        }
        _ => Ok(reading),
    }
}
