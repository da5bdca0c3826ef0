//! Reads pictures without a server: a batch at a time, each result printed as soon as it is there.

mod inputs;
mod output;

use std::{
    io::{self, ErrorKind},
    process::ExitCode,
};

use anyhow::{Result, bail};
use byecaptcha_models::{PreparedImage, Recognizer};
use inputs::Input;
use output::{Failed, Printer};

use crate::{serve::load, settings::RecognizeSettings};

/// Exit status 1 if any picture could not be read; the others are read all the same.
pub(crate) fn recognize(settings: &RecognizeSettings) -> Result<ExitCode> {
    let inputs = inputs::find(&settings.inputs)?;
    if inputs.is_empty() {
        bail!("no pictures found: folders are searched for .png, .jpg, .jpeg, .gif, .webp and .bmp");
    }
    let mut recognizer = load(settings.model.as_deref())?;
    let mut printer = Printer::new(settings.format, inputs.len() > 1, io::stdout().lock());
    let mut all_read = true;
    for batch in inputs.chunks(usize::from(settings.batch)) {
        match read(&mut recognizer, &mut printer, batch) {
            Ok(read) => all_read &= read,
            // Whoever reads the output has seen enough, as `head` does.
            Err(error) if is_broken_pipe(&error) => return Ok(ExitCode::SUCCESS),
            Err(error) => return Err(error),
        }
    }
    Ok(if all_read { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Reads and prints one batch; whether all of it could be read.
fn read(recognizer: &mut Recognizer, printer: &mut Printer<impl io::Write>, batch: &[Input]) -> Result<bool> {
    let mut prepared = Vec::with_capacity(batch.len());
    let mut outcomes = Vec::with_capacity(batch.len());
    for input in batch {
        outcomes.push(prepare(recognizer, input).map(|image| prepared.push(image)));
    }
    let mut readings = recognizer.recognize(&prepared)?.into_iter();
    let mut all_read = true;
    for (input, outcome) in batch.iter().zip(outcomes) {
        match (outcome, input.name()) {
            (Ok(()), name) => {
                if let Some(reading) = readings.next() {
                    printer.reading(&name, reading)?;
                }
            }
            (Err(failed), name) => {
                all_read = false;
                printer.failure(&name, &failed)?;
            }
        }
    }
    Ok(all_read)
}

fn prepare(recognizer: &Recognizer, input: &Input) -> Result<PreparedImage, Failed> {
    let encoded = input.read().map_err(|error| Failed { kind: "unreadable-file", detail: error.to_string() })?;
    recognizer.prepare(&encoded).map_err(|error| Failed { kind: error.kind(), detail: error.to_string() })
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let is_pipe = |error: &io::Error| error.kind() == ErrorKind::BrokenPipe;
    error.chain().any(|cause| {
        cause.downcast_ref::<io::Error>().is_some_and(is_pipe)
            || cause.downcast_ref::<csv::Error>().is_some_and(
                |error| matches!(error.kind(), csv::ErrorKind::Io(error) if is_pipe(error)),
            )
            || cause.downcast_ref::<serde_json::Error>().is_some_and(
                |error| error.io_error_kind() == Some(ErrorKind::BrokenPipe),
            )
    })
}
