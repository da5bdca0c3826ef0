//! A predictor on libtorch, for parity tests, the trainer's evaluation and servers that have a GPU.

use std::path::Path;

use tch::{Device, Tensor};

use super::{Parameters, Precision, TorchGraph, load};
use crate::{
    networks::{Network, Outline},
    predictor::{ImageBatch, LabelDistributions, PredictError, Predictor},
};

/// A network and its parameters on one device.
pub struct TorchPredictor {
    network: Network,
    labels: usize,
    parameters: Parameters,
    device: Device,
}

impl TorchPredictor {
    /// Loads NAME.safetensors for a network with this many labels.
    pub fn open(
        network: Network,
        labels: usize,
        weights: &Path,
        device: Device,
    ) -> Result<Self, PredictError> {
        // The parameters do not depend on the width, and on the height only as the charts of the card say.
        let outline = Outline::of(network, crate::preprocess::HEIGHT, crate::preprocess::WIDTH, labels);
        let parameters =
            load(&outline.parameters, weights, device).map_err(|error| PredictError(error.to_string()))?;
        Ok(Self { network, labels, parameters, device })
    }

    /// Takes parameters that are already there.
    pub fn new(network: Network, labels: usize, parameters: Parameters, device: Device) -> Self {
        Self { network, labels, parameters, device }
    }

    fn run(&self, batch: &ImageBatch) -> Result<Vec<f32>, tch::TchError> {
        let shape = [batch.count as i64, 1, batch.height as i64, batch.width as i64];
        let images = Tensor::f_from_slice(&batch.pixels)?.f_reshape(shape)?.to_device(self.device);
        let output = tch::no_grad(|| {
            let mut graph = TorchGraph::new(&self.parameters, false, Precision::Float32);
            self.network.build(&mut graph, &images, self.labels)
        });
        let by_image = output.f_transpose(0, 1)?.f_contiguous()?.f_to_device(Device::Cpu)?;
        Vec::<f32>::try_from(by_image.f_flatten(0, -1)?)
    }
}

impl Predictor for TorchPredictor {
    fn predict(&mut self, batch: &ImageBatch) -> Result<Vec<LabelDistributions>, PredictError> {
        if batch.count == 0 {
            return Ok(Vec::new());
        }
        let values = self.run(batch).map_err(|error| PredictError(error.to_string()))?;
        values
            .chunks_exact(values.len() / batch.count)
            .map(|image| LabelDistributions::new(image.to_vec(), self.labels))
            .collect()
    }
}
