//! The embedded engine: rten, pure Rust, on one core. Loaded once and kept in memory; workers scale by processes and
//! threads, each with an engine of its own, and not by threads within one small network.

use std::sync::Arc;

use rten::{Model, ModelOptions, NodeId, RunOptions, ThreadPool};
use rten_tensor::{NdTensor, NdTensorView, prelude::*};

use crate::{
    load::LoadError,
    predictor::{ImageBatch, LabelDistributions, PredictError, Predictor},
};

/// Columns of pictures that go through a network together: two of the common pictures, and at least one of any. Eight
/// are no faster than two (0.59 ms each), or far slower (1.0 ms) where what lies between the layers is so much that malloc
/// gives it back to the system after every batch and asks for it again.
const COLUMNS: usize = 256;

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

    /// Adds what the network says of these images.
    fn run(
        &self,
        images: &[f32],
        shape: [usize; 4],
        answers: &mut Vec<LabelDistributions>,
    ) -> Result<(), PredictError> {
        let failed = |error: &dyn std::fmt::Display| PredictError(error.to_string());
        let mut options = RunOptions::default();
        options.thread_pool = Some(Arc::clone(&self.threads));
        let [output] = self
            .model
            .run_n(
                vec![(self.input, NdTensorView::from_data(shape, images).into())],
                [self.output],
                Some(options),
            )
            .map_err(|error| failed(&error))?;
        let output: NdTensor<f32, 3> =
            output.try_into().map_err(|_| failed(&"the output is not three axes of f32"))?;
        let [_, count, labels] = output.shape();
        if (count, labels) != (shape[0], self.labels) {
            return Err(PredictError(format!(
                "{count} answers of {labels} labels came from {} images",
                shape[0]
            )));
        }
        for image in 0..count {
            answers.push(LabelDistributions::new(output.slice((.., image)).to_vec(), labels)?);
        }
        Ok(())
    }
}

impl Predictor for OnnxPredictor {
    fn engine(&self) -> &str {
        "onnx"
    }

    fn predict(&mut self, batch: &ImageBatch) -> Result<Vec<LabelDistributions>, PredictError> {
        let shape = [batch.count, 1, batch.height, batch.width];
        if batch.pixels.len() != shape.iter().product::<usize>() {
            return Err(PredictError(format!("{} pixels do not make {shape:?}", batch.pixels.len())));
        }
        let mut answers = Vec::with_capacity(batch.count);
        let image = (batch.height * batch.width).max(1);
        for images in batch.pixels.chunks(image * (COLUMNS / batch.width.max(1)).max(1)) {
            self.run(images, [images.len() / image, 1, batch.height, batch.width], &mut answers)?;
        }
        Ok(answers)
    }
}
