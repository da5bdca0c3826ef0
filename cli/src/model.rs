//! The model that both commands read with.

use std::path::Path;

use anyhow::{Context, Result};
use byecaptcha_models::Recognizer;

/// The model in this file, or the one that ships.
pub(crate) fn load(path: Option<&Path>) -> Result<Recognizer> {
    match path {
        Some(path) => {
            Recognizer::load(path).with_context(|| format!("--model {}: it cannot be loaded", path.display()))
        }
        None => Recognizer::embedded().context("the model that ships cannot be loaded"),
    }
}
