//! The embedded engine: rten, pure Rust, on one core. Loaded once and kept in memory; workers scale by processes and
//! threads, each with an engine of its own, and not by threads within one small network.

use std::sync::Arc;

use rten::{Model, ModelOptions, NodeId, RunOptions, ThreadPool};
use rten_tensor::{NdTensor, NdTensorView, prelude::*};

use crate::{
    load::LoadError,
    predictor::{ImageBatch, LabelDistributions, PredictError, Predictor},
};

/// An ONNX network on rten.
pub struct OnnxPredictor {
    model: Model,
    input: NodeId,
    output: NodeId,
    labels: usize,
    threads: Arc<ThreadPool>,
}

impl OnnxPredictor {
    /// Loads the bytes of an ONNX file whose network tells this many labels apart.
    pub fn new(onnx: Vec<u8>, labels: usize) -> Result<Self, LoadError> {
        let network = |error: &dyn std::fmt::Display| LoadError::Network(error.to_string());
        let mut options = ModelOptions::with_all_ops();
        // A few more kilobytes of memory for weights in the order in which the products read them.
        options.prepack_weights(true);
        let model = options.load(onnx).map_err(|error| network(&error))?;
        let input = model.node_id("images").map_err(|error| network(&error))?;
        let output = model.node_id("log_probabilities").map_err(|error| network(&error))?;
        Ok(Self { model, input, output, labels, threads: Arc::new(ThreadPool::with_num_threads(1)) })
    }
}

impl Predictor for OnnxPredictor {
    fn engine(&self) -> &str {
        "onnx"
    }

    fn predict(&mut self, batch: &ImageBatch) -> Result<Vec<LabelDistributions>, PredictError> {
        let failed = |error: &dyn std::fmt::Display| PredictError(error.to_string());
        let shape = [batch.count, 1, batch.height, batch.width];
        if batch.pixels.len() != shape.iter().product::<usize>() {
            return Err(PredictError(format!("{} pixels do not make {shape:?}", batch.pixels.len())));
        }
        let images = NdTensorView::from_data(shape, batch.pixels.as_slice());
        let mut options = RunOptions::default();
        options.thread_pool = Some(Arc::clone(&self.threads));
        let [output] = self
            .model
            .run_n(vec![(self.input, images.into())], [self.output], Some(options))
            .map_err(|error| failed(&error))?;
        let output: NdTensor<f32, 3> =
            output.try_into().map_err(|_| failed(&"the output is not three axes of f32"))?;
        let [_, count, labels] = output.shape();
        if (count, labels) != (batch.count, self.labels) {
            return Err(PredictError(format!(
                "{count} answers of {labels} labels came from {} images",
                batch.count
            )));
        }
        (0..count).map(|image| LabelDistributions::new(output.slice((.., image)).to_vec(), labels)).collect()
    }
}
