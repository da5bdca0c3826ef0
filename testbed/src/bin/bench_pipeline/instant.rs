//! A worker whose predictor answers at once: what is left of a job's cost is the pipeline's own, with the decoding and
//! fitting of the picture.

use anyhow::{Context, Result};
use byecaptcha_models::{
    Charset, ImageBatch, LabelDistributions, ModelCard, PredictError, Predictor, Recognizer,
};
use byecaptcha_program::{backends::Backends, signals};
use byecaptcha_worker::{Worker, WorkerSettings};
use serde_json::json;
use tokio::runtime;
use tokio_util::sync::CancellationToken;

use crate::settings::InstantSettings;

/// What it reads in every picture: as long as a captcha's text, so that results are of the usual size.
pub(crate) const TEXT: &str = "aB3dE";

/// Works until it is told to stop.
pub(crate) fn run(settings: &InstantSettings) -> Result<()> {
    // As the program byecaptcha-worker does it.
    let runtime = runtime::Builder::new_current_thread().enable_all().build().context("no runtime")?;
    runtime.block_on(async {
        let Backends { broker, results, .. } = settings.backends.open(usize::MAX)?;
        let shutdown = CancellationToken::new();
        signals::watch(shutdown.clone())?;
        let worker = Worker::new(broker, results, recognizer()?, WorkerSettings::default());
        worker.run(shutdown).await?;
        Ok(())
    })
}

fn recognizer() -> Result<Recognizer> {
    let charset = Charset::alphanumeric();
    let answer = reading_of(TEXT, &charset)?;
    let card = json!({
        "name": "lean", "version": "instant", "network": "lean-blstm", "charset": charset, "height": 48, "width": 128,
        "parameters": 0, "multiply_adds": 0, "figures": [], "onnx_sha256": "", "safetensors_sha256": "",
        "training": {"data": "", "steps": 0, "images": 0, "command": ""}, "license": "", "notes": "",
    });
    let card: ModelCard = serde_json::from_value(card)?;
    Ok(Recognizer::new(card, Box::new(Instant { answer })))
}

/// One step for each character of a text, with a blank between two.
fn reading_of(text: &str, charset: &Charset) -> Result<LabelDistributions> {
    let mut steps = Vec::new();
    for character in text.chars() {
        let place = charset.characters().iter().position(|&known| known == character);
        let label = place.context("the text has a character that is not in the charset")? + 1;
        steps.extend(step(label, charset.labels()).chain(step(0, charset.labels())));
    }
    Ok(LabelDistributions::new(steps, charset.labels())?)
}

/// As good as certain of this label: with doubts, the search through all that the text might be would be measured.
fn step(certain: usize, labels: usize) -> impl Iterator<Item = f32> {
    (0..labels).map(move |label| if label == certain { 0.0 } else { f32::NEG_INFINITY })
}

struct Instant {
    answer: LabelDistributions,
}

impl Predictor for Instant {
    fn engine(&self) -> &str {
        "instant"
    }

    fn predict(&mut self, batch: &ImageBatch) -> Result<Vec<LabelDistributions>, PredictError> {
        Ok(vec![self.answer.clone(); batch.count])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_its_text_in_every_picture() {
        let mut recognizer = recognizer().unwrap();
        let picture = recognizer.prepare(&crate::pictures::captchas().unwrap()[0]).unwrap();
        let readings = recognizer.recognize(&[picture.clone(), picture]).unwrap();
        assert_eq!(readings.iter().map(|reading| reading.text.as_str()).collect::<Vec<_>>(), [TEXT, TEXT]);
    }
}
