//! The model that commands read with here and now, and one batch through it, in which a broken picture spoils no other.

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use byecaptcha_models::{PreparedImage, Reading, Recognizer, weights};
use clap::Args;

use crate::inputs::Failure;

// No documentation: clap would take it for that of the command.
#[derive(Args)]
pub(crate) struct ModelSettings {
    /// The model to read with: `general`, which is the default, or `lean`, which reads the Python library's pictures
    /// alone; or a file NAME.onnx with its card NAME.json beside it.
    #[arg(long, env = "BYECAPTCHA_MODEL", value_name = "NAME|ONNX")]
    model: Option<PathBuf>,
}

impl ModelSettings {
    /// The model, ready to read.
    pub(crate) fn load(&self) -> Result<Recognizer> {
        let Some(path) = self.model.as_deref() else {
            return Recognizer::open(None).context("the model that ships cannot be loaded");
        };
        let named = path.display();
        let ships = weights::SHIPPED.map(|shipped| shipped.name);
        let is_there = weights::named(path).is_some() || path.is_file();
        ensure!(
            is_there,
            "--model {named}: there is no such file, and what ships is {}",
            ships.join(" and ")
        );
        Recognizer::open(Some(path)).with_context(|| format!("--model {named}: it cannot be loaded"))
    }
}

/// Decodes one picture and fits it.
pub(crate) fn prepare(recognizer: &Recognizer, encoded: &[u8]) -> Result<PreparedImage, Failure> {
    recognizer.prepare(encoded).map_err(|error| Failure { kind: error.kind(), detail: error.to_string() })
}

/// One reading for each picture that was prepared, and the failures where they were.
pub(crate) fn read(
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

fn read_alone(recognizer: &mut Recognizer, image: &PreparedImage) -> Result<Reading, Failure> {
    let readings = recognizer
        .recognize(std::slice::from_ref(image))
        .map_err(|error| engine_failed(&error.to_string()))?;
    readings.into_iter().next().ok_or_else(|| engine_failed("it gave no answer"))
}

fn engine_failed(detail: &str) -> Failure {
    Failure { kind: "engine-failed", detail: detail.to_owned() }
}
