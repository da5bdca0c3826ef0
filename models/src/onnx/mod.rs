//! ONNX: the embedded engine that reads it, and the writer that makes it from trained parameters.

mod predictor;
mod proto;
mod writer;

pub use predictor::OnnxPredictor;
pub use writer::{ExportError, Weights, write};
