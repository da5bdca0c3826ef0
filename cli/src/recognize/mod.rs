//! `byecaptcha recognize`: reads pictures without a server, batch by batch, so that memory does not grow with their
//! number and the first texts come early.

mod output;

use std::{
    io::{self, ErrorKind},
    process::ExitCode,
};

use anyhow::{Context, Result, bail};
use byecaptcha_models::{PreparedImage, Reading, Recognizer};
use byecaptcha_program::logging::{self, LogFormat};

use crate::{
    inputs::{self, Failure, Input},
    model,
    recognize::output::Output,
    settings::{MinConfidence, RecognizeSettings},
};

/// Reads all inputs; the status says whether all of them could be read.
pub(crate) fn recognize(settings: &RecognizeSettings) -> Result<ExitCode> {
    logging::start(LogFormat::Text, "warn", None);
    let mut recognizer = model::load(settings.model.as_deref())?;
    let least = least(settings, &recognizer)?;
    match write_all(settings, least, &mut recognizer) {
        Ok(Counts { inputs: 0, .. }) => bail!("no pictures were found"),
        Ok(Counts { failed: 0, .. }) => Ok(ExitCode::SUCCESS),
        Ok(_) => Ok(ExitCode::FAILURE),
        // `recognize ... | head` has all that it wants.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(ExitCode::SUCCESS),
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
        let prepared = batch.iter().map(|input| prepare(recognizer, input)).collect();
        for (input, reading) in batch.iter().zip(read(recognizer, prepared)) {
            let reading = reading.and_then(|reading| sure(reading, least));
            counts.inputs += 1;
            counts.failed += usize::from(reading.is_err());
            output.write(&input.name, &reading)?;
        }
        output.flush()?;
    }
}

fn prepare(recognizer: &Recognizer, input: &Input) -> Result<PreparedImage, Failure> {
    let encoded = input.read()?;
    recognizer.prepare(&encoded).map_err(|error| Failure { kind: error.kind(), detail: error.to_string() })
}

/// One reading for each picture that was prepared, and the failures where they were.
fn read(
    recognizer: &mut Recognizer,
    prepared: Vec<Result<PreparedImage, Failure>>,
) -> Vec<Result<Reading, Failure>> {
    let (mut images, mut order) = (Vec::new(), Vec::new());
    for prepared in prepared {
        order.push(prepared.map(|image| images.push(image)));
    }
    let mut readings = match recognizer.recognize(&images) {
        Ok(readings) => readings.into_iter().map(Ok).collect::<Vec<_>>(),
        // One of them may be at fault, and the others shall not suffer for it.
        Err(_) => images.iter().map(|image| read_alone(recognizer, image)).collect(),
    }
    .into_iter();
    let missing = || Err(engine_failed("it gave too few answers"));
    order.into_iter().map(|slot| slot.and_then(|()| readings.next().unwrap_or_else(missing))).collect()
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

fn read_alone(recognizer: &mut Recognizer, image: &PreparedImage) -> Result<Reading, Failure> {
    let readings = recognizer
        .recognize(std::slice::from_ref(image))
        .map_err(|error| engine_failed(&error.to_string()))?;
    readings.into_iter().next().ok_or_else(|| engine_failed("it gave no answer"))
}

fn engine_failed(detail: &str) -> Failure {
    Failure { kind: "engine-failed", detail: detail.to_owned() }
}
