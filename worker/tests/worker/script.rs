//! An engine that does as it is told: it reads one character from a picture made for it, waits at a gate where there
//! is one, and fails or panics on the characters that the test names.

use std::{
    sync::{Arc, Condvar, Mutex},
    time::Duration,
};

use byecaptcha_models::{
    Charset, ImageBatch, LabelDistributions, ModelCard, PredictError, Predictor, Recognizer,
};
use bytes::Bytes;
use image::{ImageFormat, Luma, codecs::png::PngEncoder};

/// What the engine did and is to do. Clones share it.
#[derive(Clone, Default)]
pub struct Script {
    state: Arc<(Mutex<State>, Condvar)>,
}

#[derive(Default)]
struct State {
    /// What each batch held, in the order of their coming.
    batches: Vec<String>,
    /// Batches that may pass; `None` for all.
    tickets: Option<usize>,
    /// Panics on these, every time.
    poison: Vec<char>,
    /// Fails this many batches without a panic.
    failures: usize,
    /// From this character on, fails on everything, blank pictures too.
    last: Option<char>,
    broken: bool,
}

impl Script {
    /// Lets no batch pass until [`Script::pass`].
    pub fn gated() -> Self {
        let script = Self::default();
        script.change(|state| state.tickets = Some(0));
        script
    }

    pub fn panics_on(self, poison: char) -> Self {
        self.change(|state| state.poison.push(poison));
        self
    }

    pub fn fails_first(self, failures: usize) -> Self {
        self.change(|state| state.failures = failures);
        self
    }

    pub fn breaks_on(self, last: char) -> Self {
        self.change(|state| state.last = Some(last));
        self
    }

    /// Lets so many more batches pass.
    pub fn pass(&self, batches: usize) {
        self.change(|state| state.tickets = state.tickets.map(|tickets| tickets + batches));
    }

    /// Opens the gate for good.
    pub fn open(&self) {
        self.change(|state| state.tickets = None);
    }

    /// The batches that came to the engine so far, the one at the gate among them.
    pub fn batches(&self) -> Vec<String> {
        self.state.0.lock().unwrap().batches.clone()
    }

    pub fn recognizer(&self) -> Recognizer {
        let card = serde_json::json!({
            "name": "scripted", "version": "7", "network": "lean-blstm",
            "charset": Charset::alphanumeric(), "height": 48, "width": 128, "parameters": 0, "multiply_adds": 0,
            "training": {"data": "", "steps": 0, "images": 0, "command": ""}, "figures": [],
            "onnx_sha256": "", "safetensors_sha256": "", "license": "", "notes": "",
        });
        let card: ModelCard = serde_json::from_value(card).unwrap();
        Recognizer::new(card, Box::new(self.clone()))
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.0.lock().unwrap());
        self.state.1.notify_all();
    }
}

impl Predictor for Script {
    fn engine(&self) -> &str {
        "script"
    }

    fn predict(&mut self, batch: &ImageBatch) -> Result<Vec<LabelDistributions>, PredictError> {
        let charset = Charset::alphanumeric();
        let places: Vec<Option<usize>> = batch
            .pixels
            .chunks_exact(batch.height * batch.width)
            .map(|image| place(image, batch.width))
            .collect();
        if self.state.0.lock().unwrap().broken {
            return Err(PredictError("broken for good".to_owned()));
        }
        let Some(text) = places.iter().map(|place| place.map(|place| charset.characters()[place])).collect()
        else {
            // The warm-up's blank pictures.
            return Ok(places.iter().map(|_| distribution(0, charset.labels())).collect());
        };
        let text: String = text;
        let (state, changed) = &*self.state;
        let mut state = state.lock().unwrap();
        state.batches.push(text.clone());
        let (mut state, waited) = changed
            .wait_timeout_while(state, Duration::from_secs(30), |state| state.tickets == Some(0))
            .unwrap();
        assert!(!waited.timed_out(), "no test waits this long");
        state.tickets = state.tickets.map(|tickets| tickets - 1);
        state.broken = state.last.is_some_and(|last| text.contains(last));
        if state.broken {
            return Err(PredictError("broken for good".to_owned()));
        }
        if state.failures > 0 {
            state.failures -= 1;
            return Err(PredictError("as scripted".to_owned()));
        }
        let poisoned = text.chars().find(|character| state.poison.contains(character));
        drop(state);
        if let Some(character) = poisoned {
            panic!("{character} is poison");
        }
        Ok(places.iter().flatten().map(|&place| distribution(place + 1, charset.labels())).collect())
    }
}

/// Two black columns on white, whose place says which character this is.
pub fn picture(character: char) -> Bytes {
    let place = Charset::alphanumeric().characters().iter().position(|&known| known == character).unwrap();
    let left = 2 + 2 * u32::try_from(place).unwrap();
    let picture = image::GrayImage::from_fn(128, 48, |x, y| {
        Luma([if (left..left + 2).contains(&x) && (8..40).contains(&y) { 0 } else { 255 }])
    });
    let mut encoded = Vec::new();
    picture.write_with_encoder(PngEncoder::new(&mut encoded)).unwrap();
    assert_eq!(image::guess_format(&encoded).unwrap(), ImageFormat::Png);
    encoded.into()
}

fn place(image: &[f32], width: usize) -> Option<usize> {
    let middle = &image[24 * width..25 * width];
    let ground = middle[0];
    middle.iter().position(|&pixel| pixel < ground - 1.0).map(|column| (column - 2) / 2)
}

/// One step: nine in ten for this label.
fn distribution(label: usize, labels: usize) -> LabelDistributions {
    let mut probabilities = vec![0.1 / (labels - 1) as f32; labels];
    probabilities[label] = 0.9;
    LabelDistributions::new(probabilities.into_iter().map(f32::ln).collect(), labels).unwrap()
}
