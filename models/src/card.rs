//! The model card: what a weight file is, what it reads, how good it is, and how it came to be.

use serde::{Deserialize, Serialize};

use crate::{calibration::Calibration, charset::Charset, networks::Network};

/// NAME.json beside NAME.onnx and NAME.safetensors.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ModelCard {
    /// The model's name, as requests give it.
    pub name: String,
    /// Changes with every new training of the same model.
    pub version: String,
    /// Which network the weights are for.
    pub network: Network,
    /// What it can read, in label order.
    pub charset: Charset,
    /// Pixels from top to bottom that the network reads.
    pub height: usize,
    /// Pixels from left to right that it was trained on; wider pictures are read as well.
    pub width: usize,
    /// Numbers that training set.
    pub parameters: usize,
    /// Multiply-adds for one picture of the trained size.
    pub multiply_adds: usize,
    /// The model beside it, by its name, that pictures which look like the Python library's are handed to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub special: Option<String>,
    /// What it was trained on, and for how long.
    pub training: Training,
    /// What was measured on held-out sets.
    pub figures: Vec<Figures>,
    /// What the network's probabilities are worth, where that was measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calibration: Option<Calibration>,
    /// SHA-256 of NAME.onnx, in hexadecimal.
    pub onnx_sha256: String,
    /// SHA-256 of NAME.safetensors, in hexadecimal.
    pub safetensors_sha256: String,
    /// Who may use it.
    pub license: String,
    /// What it is for and where it fails.
    pub notes: String,
}

/// How the weights came to be.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Training {
    /// The drawing styles that it learned from.
    pub data: String,
    /// Optimizer steps.
    pub steps: u64,
    /// Pictures seen, one that was shown several times as often.
    pub images: u64,
    /// The command that trains it.
    pub command: String,
}

/// How well a model reads one set of labelled pictures.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    /// What was read.
    pub set: String,
    /// How many pictures it holds.
    pub images: usize,
    /// Share of whole texts right, case counted.
    pub exact: f64,
    /// Share of whole texts right, case not counted.
    pub ignoring_case: f64,
    /// Share of texts of the wrong length.
    pub wrong_length: f64,
    /// Edits needed per character of the truth.
    pub character_error_rate: f64,
    /// The texts in which a character stands twice in a row; absent where there are none, and in cards of older models.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub doubled: Option<Slice>,
}

/// A part of a set.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Slice {
    /// How many pictures.
    pub images: usize,
    /// Share of whole texts right, case counted.
    pub exact: f64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calibration::BetaMap;

    #[test]
    fn a_card_from_before_calibration_loads_and_says_no_more_than_it_did() {
        let mut card: serde_json::Value = serde_json::from_str(crate::weights::LEAN.card).unwrap();
        card.as_object_mut().unwrap().remove("calibration");
        for figures in card["figures"].as_array_mut().unwrap() {
            figures.as_object_mut().unwrap().remove("doubled");
        }
        let old: ModelCard = serde_json::from_value(card.clone()).unwrap();
        assert!(old.calibration.is_none() && old.figures.iter().all(|figures| figures.doubled.is_none()));
        assert_eq!(serde_json::to_value(&old).unwrap(), card);
    }

    #[test]
    fn a_calibration_comes_back_from_a_card() {
        let mut card: ModelCard = serde_json::from_str(crate::weights::LEAN.card).unwrap();
        let calibration = Calibration {
            map: BetaMap { a: 0.9, b: 0.7, c: -0.1 },
            fitted_on: "a set".into(),
            fitted_readings: 10,
            abstain_below: Some(0.97),
            right_when_kept: 0.995,
            held_out: Vec::new(),
        };
        card.calibration = Some(calibration.clone());
        let back: ModelCard = serde_json::from_str(&serde_json::to_string(&card).unwrap()).unwrap();
        assert_eq!(back.calibration, Some(calibration));
    }
}
