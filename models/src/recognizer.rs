//! Encoded pictures in, readings out: preparation, engine and decoding behind one type.

#[cfg(feature = "torch")]
use std::borrow::Cow;
use std::path::Path;

use crate::{
    card::ModelCard,
    decode::{self, Constraint},
    load::{self, LoadError},
    onnx::OnnxPredictor,
    predictor::{ImageBatch, LabelDistributions, PredictError, Predictor},
    preprocess::{self, HEIGHT, ImageError, ImageLimits, Locator, PreparedImage, prepare},
    reading::{Reading, ReadingOptions},
    weights::{self, Shipped},
};
#[cfg(feature = "torch")]
use crate::{device::DeviceChoice, torch::TorchPredictor};

/// Texts that the beam keeps: enough that the sum of their probabilities is nearly one.
const BEAM_WIDTH: usize = 8;
/// Alternatives in a reading.
const ALTERNATIVES: usize = 3;
/// An alternative that is less likely is none.
const LEAST: f32 = 0.001;

fn missing(name: &str) -> LoadError {
    LoadError::Network(format!("no model {name:?} ships, and the card hands pictures to it"))
}

/// A model in memory. One thread owns it.
pub struct Recognizer {
    card: ModelCard,
    predictor: Box<dyn Predictor>,
    /// Finds the picture in a screenshot; the models that are trained on what it finds have one.
    locator: Option<Locator>,
    /// Reads what the locator takes for the Python library's pictures, where the card names such a model.
    special: Option<Box<Recognizer>>,
    limits: ImageLimits,
}

impl Recognizer {
    /// The model that ships, from the program itself.
    pub fn embedded() -> Result<Self, LoadError> {
        Self::shipped(weights::SHIPPED[0])
    }

    /// A model that ships.
    pub fn shipped(shipped: &Shipped) -> Result<Self, LoadError> {
        let alone =
            |shipped: &Shipped| Self::from_onnx(serde_json::from_str(shipped.card)?, shipped.onnx.to_vec());
        let special = |name: &str| alone(weights::named(Path::new(name)).ok_or_else(|| missing(name))?);
        alone(shipped)?.locating()?.with_special(special)
    }

    /// The model that is meant: one that ships by its name, a file by its path, or the default.
    pub fn open(model: Option<&Path>) -> Result<Self, LoadError> {
        match model.map(|model| (model, weights::named(model))) {
            None => Self::embedded(),
            Some((_, Some(shipped))) => Self::shipped(shipped),
            Some((path, None)) => Self::load(path),
        }
    }

    /// NAME.onnx, with its card NAME.json beside it, and what else the card names.
    pub fn load(onnx: &Path) -> Result<Self, LoadError> {
        let alone = |onnx: &Path| Self::from_onnx(load::read_card(onnx)?, load::read(onnx)?);
        let special = |name: &str| alone(&onnx.with_file_name(format!("{name}.onnx")));
        alone(onnx)?.locating()?.with_special(special)
    }

    /// Loads the model that the card hands some pictures to; that one hands on none, whatever its own card says, and needs
    /// no locator, since pictures come to it prepared. What its probabilities are worth its own card says.
    fn with_special(mut self, load: impl Fn(&str) -> Result<Self, LoadError>) -> Result<Self, LoadError> {
        if let Some(name) = &self.card.special {
            if *name == self.card.name {
                return Err(LoadError::Network(format!("the model {name} hands pictures to itself")));
            }
            let special = load(name)?;
            if special.card.network.widest() < self.card.network.widest() {
                return Err(LoadError::Network(format!(
                    "the model {name} cannot read all pictures that it is handed"
                )));
            }
            self.special = Some(Box::new(special));
        }
        Ok(self)
    }

    fn from_onnx(card: ModelCard, onnx: Vec<u8>) -> Result<Self, LoadError> {
        load::check(&card, &onnx, &card.onnx_sha256)?;
        let predictor = OnnxPredictor::new(onnx, card.charset.labels())?;
        Ok(Self::new(card, Box::new(predictor)))
    }

    /// A model on libtorch: NAME.safetensors with its card NAME.json, both beside the file that `model` names, or one
    /// that ships. On a CPU it computes on one core, as ONNX does.
    #[cfg(feature = "torch")]
    pub fn torch(model: Option<&Path>, device: DeviceChoice) -> Result<Self, LoadError> {
        let alone = |model: &Path| {
            let (card, weights): (ModelCard, Cow<'static, [u8]>) = match weights::named(model) {
                Some(shipped) => (serde_json::from_str(shipped.card)?, Cow::Borrowed(shipped.safetensors)),
                None => (load::read_card(model)?, load::read(&model.with_extension("safetensors"))?.into()),
            };
            load::check(&card, &weights, &card.safetensors_sha256)?;
            let predictor = TorchPredictor::load(card.network, card.charset.labels(), &weights, device)?;
            Ok(Self::new(card, Box::new(predictor)))
        };
        let model = model.unwrap_or(Path::new(weights::SHIPPED[0].name));
        // One that ships has its like in the program, and a file has it in its folder, also where that is not named.
        let folder = model.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let special = |name: &str| match weights::named(model) {
            Some(_) => alone(Path::new(name)),
            None => alone(&folder.join(format!("{name}.safetensors"))),
        };
        alone(model)?.locating()?.with_special(special)
    }

    /// A model on any engine, which is shown pictures as they come.
    pub fn new(card: ModelCard, predictor: Box<dyn Predictor>) -> Self {
        Self { card, predictor, locator: None, special: None, limits: ImageLimits::default() }
    }

    /// Leaves out what screenshots show around their pictures.
    fn locating(self) -> Result<Self, LoadError> {
        Ok(Self { locator: Some(Locator::embedded()?), ..self })
    }

    /// Reads with the network's own probabilities, whatever they are worth: what a calibration is fitted on. What is handed
    /// to the special model is read as ever, since its calibration is another one.
    #[must_use]
    pub fn uncalibrated(mut self) -> Self {
        self.card.calibration = None;
        self
    }

    /// What the model is.
    pub fn card(&self) -> &ModelCard {
        &self.card
    }

    /// The engine, and the device where it has more than one: `onnx`, `torch cpu`, `torch cuda:0`.
    pub fn engine(&self) -> &str {
        self.predictor.engine()
    }

    /// Decodes one picture, leaves out what a screenshot shows around it, and fits it.
    pub fn prepare(&self, encoded: &[u8]) -> Result<PreparedImage, ImageError> {
        let picture = preprocess::decode(encoded, self.limits)?;
        let widest = self.card.network.widest();
        let whole = || prepare(&picture, widest);
        Ok(self.locator.as_ref().map_or_else(whole, |locator| locator.prepare(&picture, widest)))
    }

    /// Runs the engine on an empty batch of this size, so that the first picture does not pay for the first run.
    pub fn warm_up(&mut self, batch: usize) -> Result<(), PredictError> {
        let width = self.card.width;
        let pixels = vec![0.0; HEIGHT * width];
        let blank = PreparedImage { pixels, width, ground: 0.0, library: false };
        self.recognize(&vec![blank; batch.max(1)])?;
        self.special.as_mut().map_or(Ok(()), |special| special.warm_up(batch))
    }

    /// One reading for each picture, in order. Pictures of one width go through the engine together.
    pub fn recognize(&mut self, images: &[PreparedImage]) -> Result<Vec<Reading>, PredictError> {
        self.recognize_with(images, &[])
    }

    /// The same with options for each picture, in the same order; where there are fewer, the rest are read as usual.
    pub fn recognize_with(
        &mut self,
        images: &[PreparedImage],
        options: &[ReadingOptions],
    ) -> Result<Vec<Reading>, PredictError> {
        let usual = ReadingOptions::default();
        let handed: Vec<bool> = (0..images.len())
            .map(|index| self.hands_on(&images[index], options.get(index).unwrap_or(&usual)))
            .collect();
        let mut groups: Vec<(bool, usize)> =
            handed.iter().zip(images).map(|(&handed, image)| (handed, image.width)).collect();
        groups.sort_unstable();
        groups.dedup();
        let mut readings: Vec<Option<Reading>> = vec![None; images.len()];
        for group in groups {
            let reader = match self.special.as_deref_mut() {
                Some(special) if group.0 => special,
                _ => &mut *self,
            };
            let members: Vec<usize> =
                (0..images.len()).filter(|&index| (handed[index], images[index].width) == group).collect();
            let pixels = members.iter().flat_map(|&index| images[index].pixels.iter().copied()).collect();
            let batch = ImageBatch { pixels, count: members.len(), height: HEIGHT, width: group.1 };
            let answers = reader.predictor.predict(&batch)?;
            if answers.len() != members.len() {
                return Err(PredictError(format!("{} answers to {} images", answers.len(), members.len())));
            }
            for (index, distributions) in members.into_iter().zip(&answers) {
                let options = options.get(index).unwrap_or(&usual);
                readings[index] = Some(match images[index].is_blank() {
                    true => Reading::of_nothing(options),
                    false => reader.read(distributions, options),
                });
            }
        }
        Ok(readings.into_iter().flatten().collect())
    }

    /// Whether the special model reads this picture in place of this one.
    pub fn hands_on(&self, image: &PreparedImage, options: &ReadingOptions) -> bool {
        image.library && self.special.as_ref().is_some_and(|special| special.knows(options))
    }

    /// Whether every character that is asked for is one that this model can read.
    fn knows(&self, options: &ReadingOptions) -> bool {
        let asked = options.charset.as_deref().unwrap_or_default();
        asked.chars().all(|character| self.card.charset.characters().contains(&character))
    }

    /// Where no text keeps to the options, the reading is empty and its confidence 0.
    fn read(&self, distributions: &LabelDistributions, options: &ReadingOptions) -> Reading {
        let alternatives = options.alternatives.unwrap_or(ALTERNATIVES);
        let constraint = self.constraint(options);
        let hypotheses = decode::beam_within(distributions, BEAM_WIDTH.max(2 * alternatives), &constraint);
        let mut texts = hypotheses.iter().map(|hypothesis| {
            let text = hypothesis.labels.iter().filter_map(|&label| self.card.charset.character(label));
            (text.collect::<String>(), hypothesis.log_probability.exp())
        });
        let (text, confidence) = texts.next().unwrap_or_default();
        let alternatives = texts.take(alternatives).collect();
        let characters = text.chars().zip(decode::character_confidences(&hypotheses)).collect();
        let mut reading = Reading { text, confidence, characters, alternatives };
        if let Some(calibration) = &self.card.calibration {
            reading = calibration.map.calibrated(reading);
        }
        reading.alternatives.retain(|(_, confidence)| *confidence >= LEAST);
        reading
    }

    fn constraint(&self, options: &ReadingOptions) -> Constraint {
        let label = |character| self.card.charset.encode(&String::from(character)).ok()?.pop();
        Constraint {
            labels: options.charset.as_ref().map(|charset| charset.chars().filter_map(label).collect()),
            min_length: options.min_length.unwrap_or_default(),
            max_length: options.max_length,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use image::{ImageFormat, Rgb, RgbImage};

    use super::*;
    use crate::calibration::{BetaMap, Calibration};

    #[test]
    fn nothing_is_read_in_a_picture_with_nothing_in_it() {
        let mut recognizer = Recognizer::embedded().unwrap();
        let mut even = std::io::Cursor::new(Vec::new());
        RgbImage::from_pixel(200, 80, Rgb([250, 240, 230])).write_to(&mut even, ImageFormat::Png).unwrap();
        let even = recognizer.prepare(&even.into_inner()).unwrap();
        let demanding = ReadingOptions { min_length: Some(4), ..ReadingOptions::default() };
        let readings = recognizer
            .recognize_with(&[even.clone(), even], &[ReadingOptions::default(), demanding])
            .unwrap();
        let read: Vec<_> =
            readings.iter().map(|reading| (reading.text.as_str(), reading.confidence)).collect();
        assert_eq!(read, [("", 1.0), ("", 0.0)]);
    }

    fn fixture() -> Vec<u8> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../trainer/tests/fixtures/var456");
        let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        fs::read(files.min().unwrap()).unwrap()
    }

    #[test]
    fn the_library_s_pictures_are_handed_to_the_model_that_the_card_names() {
        let mut both = Recognizer::shipped(&weights::GENERAL).unwrap();
        let mut lean = Recognizer::shipped(&weights::LEAN).unwrap();
        let library = both.prepare(&fixture()).unwrap();
        assert!(library.library);
        let other = PreparedImage { library: false, ..library.clone() };
        // Asked for what the special model has no label for, the general one reads.
        let sum = ReadingOptions { charset: Some("0123456789+".into()), ..ReadingOptions::default() };
        let usual = ReadingOptions::default();
        let images = [library.clone(), other.clone(), library.clone(), other];
        let readings = both.recognize_with(&images, &[usual.clone(), usual, sum.clone(), sum]).unwrap();
        assert_eq!(readings[0], lean.recognize(&[library]).unwrap()[0]);
        assert_ne!(readings[1].confidence, readings[0].confidence);
        // But for rounding, which is another one in a pair of pictures than for one alone.
        assert_eq!(readings[2].text, readings[3].text);
        assert!((readings[2].confidence - readings[3].confidence).abs() < 1e-4);
    }

    #[test]
    fn a_card_that_names_a_model_which_cannot_be_handed_to_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = |extension: &str| folder.path().join("general").with_extension(extension);
        fs::write(path("onnx"), weights::GENERAL.onnx).unwrap();
        fs::write(path("json"), weights::GENERAL.card).unwrap();
        let error = Recognizer::load(&path("onnx")).map(drop).unwrap_err().to_string();
        assert!(error.contains("lean"), "{error}");
        // One that reads one width alone, where pictures of any are handed on.
        fs::write(path("onnx").with_file_name("lean.onnx"), weights::LEAN.onnx).unwrap();
        let narrow =
            weights::LEAN.card.replace(r#""network": "lean-conditional""#, r#""network": "cnn4-fixed""#);
        fs::write(path("json").with_file_name("lean.json"), narrow).unwrap();
        let error = Recognizer::load(&path("onnx")).map(drop).unwrap_err().to_string();
        assert!(error.contains("cannot read all"), "{error}");
        let itself = weights::GENERAL.card.replace(r#""special": "lean""#, r#""special": "general""#);
        fs::write(path("json"), itself).unwrap();
        let error = Recognizer::load(&path("onnx")).map(drop).unwrap_err().to_string();
        assert!(error.contains("itself"), "{error}");
    }

    #[test]
    fn two_cards_that_name_each_other_end_in_no_circle() {
        let folder = tempfile::tempdir().unwrap();
        for (name, special) in [("one", "two"), ("two", "one")] {
            let path = |extension: &str| folder.path().join(name).with_extension(extension);
            let mut card: serde_json::Value = serde_json::from_str(weights::GENERAL.card).unwrap();
            (card["name"], card["special"]) = (name.into(), special.into());
            fs::write(path("onnx"), weights::GENERAL.onnx).unwrap();
            fs::write(path("json"), card.to_string()).unwrap();
        }
        let recognizer = Recognizer::load(&folder.path().join("one.onnx")).unwrap();
        assert!(recognizer.special.unwrap().special.is_none());
    }

    #[test]
    fn the_card_s_map_is_applied_and_changes_no_text() {
        // It alone, without a model that it hands pictures to.
        let mut recognizer = Recognizer::shipped(&weights::LEAN).unwrap().uncalibrated();
        let image = recognizer.prepare(&fixture()).unwrap();
        let raw = recognizer.recognize(std::slice::from_ref(&image)).unwrap().remove(0);
        let map = BetaMap { a: 0.5, b: 0.5, c: -1.0 };
        recognizer.card.calibration = Some(Calibration {
            map,
            fitted_on: String::new(),
            fitted_readings: 0,
            abstain_below: None,
            right_when_kept: 0.995,
            held_out: Vec::new(),
        });
        let calibrated = recognizer.recognize(&[image]).unwrap().remove(0);
        assert_eq!(calibrated.text, raw.text);
        assert!((f64::from(calibrated.confidence) - map.apply(f64::from(raw.confidence))).abs() < 1e-6);
        assert!(calibrated.confidence < raw.confidence);
    }
}
