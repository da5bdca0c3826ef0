//! Captchas with what the engine reads in each, alone in this process: what a whole installation has to answer.

use std::{collections::HashSet, ops::Deref};

use anyhow::{Context, Result};
use byecaptcha_dataset::{Draw, Generator, Style};
use byecaptcha_models::{Recognizer, onnx::OnnxPredictor, weights::LEAN};
use bytes::Bytes;

/// The least by which a reading is likelier than the next. In another batch the engine adds in another order, and two
/// readings that are equally likely may change places.
const MARGIN: f32 = 0.05;

/// A picture and its reading.
pub struct Picture {
    /// The file.
    pub file: Bytes,
    /// The text that the engine reads.
    pub text: String,
}

/// Pictures whose readings all differ, so that an answer that belongs to another picture is seen.
pub struct Pictures(Vec<Picture>);

impl Pictures {
    /// Draws so many, which depend on the seed alone.
    ///
    /// # Errors
    ///
    /// What the drawing or the model that ships say.
    pub fn draw(count: usize, seed: u64) -> Result<Self> {
        let generator = Generator::new(Style::preset("hku")?, seed)?;
        let mut recognizer = Recognizer::embedded().context("the model that ships cannot be loaded")?;
        // What the faulty worker reads with: a network alone, shown pictures as they come.
        let card = Recognizer::shipped(&LEAN)?.card().clone();
        let engine = OnnxPredictor::new(LEAN.onnx.to_vec(), card.charset.labels())?;
        let mut alone = Recognizer::new(card, Box::new(engine));
        let mut known = HashSet::new();
        let mut pictures = Vec::with_capacity(count);
        for index in 0.. {
            if pictures.len() == count {
                break;
            }
            let (_, file, _) = generator.encoded(index);
            let prepared = recognizer.prepare(&file)?;
            let reading = recognizer.recognize(&[prepared])?.pop().context("the engine gave no answer")?;
            let next = reading.alternatives.first().map_or(0.0, |(_, confidence)| *confidence);
            let prepared = alone.prepare(&file)?;
            let alike = alone.recognize(&[prepared])?.pop().is_some_and(|other| other.text == reading.text);
            if alike && reading.confidence - next >= MARGIN && known.insert(reading.text.clone()) {
                pictures.push(Picture { file: file.into(), text: reading.text });
            }
        }
        Ok(Self(pictures))
    }
}

impl Deref for Pictures {
    type Target = [Picture];

    fn deref(&self) -> &[Picture] {
        &self.0
    }
}
