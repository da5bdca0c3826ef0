//! The model card: what a weight file is, what it reads, how good it is, and how it came to be.

use serde::{Deserialize, Serialize};

use crate::{charset::Charset, networks::Network};

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
    /// What it was trained on, and for how long.
    pub training: Training,
    /// What was measured on held-out sets.
    pub figures: Vec<Figures>,
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
    /// Pictures seen; each one drawn fresh.
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
}
