//! ONNX: the embedded engine that reads it, and the writer that makes it from trained parameters.

mod conditional;
mod graph;
mod predictor;
mod proto;
mod recurrent;
mod writer;

pub use predictor::OnnxPredictor;
pub use writer::{ExportError, Weights, write, write_locator, write_refiner};
