//! A predictor on libtorch, for parity tests, the trainer's evaluation and servers that have a GPU.

use std::thread::{self, ThreadId};

use tch::{Device, Tensor};

use super::{Parameters, Precision, TorchGraph, weights};
use crate::{
    device::DeviceChoice,
    load::LoadError,
    networks::{Network, Outline},
    predictor::{ImageBatch, LabelDistributions, PredictError, Predictor},
    preprocess::{HEIGHT, WIDTH},
};

/// A network and its parameters on one device.
pub struct TorchPredictor {
    network: Network,
    labels: usize,
    parameters: Parameters,
    device: Device,
    engine: String,
    threads: Threads,
}

/// How many threads libtorch computes with on a CPU.
enum Threads {
    /// As many as it was told elsewhere.
    Any,
    /// One, as the ONNX engine does: workers scale by processes. libtorch and OpenMP keep the number for each thread that
    /// calls them, so it is set on the one that predicts, which need not be the one that loaded.
    One { set_on: Option<ThreadId> },
}

impl TorchPredictor {
    /// Takes a network with this many labels from the bytes of a safetensors file, to serve with: on one core where the
    /// device is a CPU.
    pub fn load(
        network: Network,
        labels: usize,
        safetensors: &[u8],
        device: DeviceChoice,
    ) -> Result<Self, LoadError> {
        let device = weights::device(device)?;
        // The parameters depend on the height alone, and pictures of all models have this one.
        let outline = Outline::of(network, HEIGHT, WIDTH, labels);
        let parameters = weights::read(&outline.parameters, safetensors, device)?;
        Ok(Self { threads: Threads::One { set_on: None }, ..Self::new(network, labels, parameters, device) })
    }

    /// Takes parameters that are already there, and computes with as many threads as libtorch does elsewhere.
    pub fn new(network: Network, labels: usize, parameters: Parameters, device: Device) -> Self {
        let engine = match device {
            Device::Cuda(number) => format!("torch {}", DeviceChoice::Cuda(number)),
            _ => format!("torch {}", DeviceChoice::Cpu),
        };
        Self { network, labels, parameters, device, engine, threads: Threads::Any }
    }

    fn limit_threads(&mut self) {
        if let Threads::One { set_on } = &mut self.threads {
            let here = thread::current().id();
            if *set_on != Some(here) {
                tch::set_num_threads(1);
                *set_on = Some(here);
            }
        }
    }

    fn run(&self, batch: &ImageBatch) -> Result<Vec<f32>, tch::TchError> {
        // A guard, so that a panic on the way leaves nothing behind.
        let _no_gradients = tch::no_grad_guard();
        let shape = [batch.count as i64, 1, batch.height as i64, batch.width as i64];
        let images = Tensor::f_from_slice(&batch.pixels)?.f_reshape(shape)?.f_to_device(self.device)?;
        let mut graph = TorchGraph::new(&self.parameters, false, Precision::Float32);
        let output = self.network.build(&mut graph, &images, self.labels);
        // In the order of the answers before it leaves the device: one copy, and one wait for all that was queued there.
        let by_image = output.f_transpose(0, 1)?.f_contiguous()?.f_to_device(Device::Cpu)?;
        Vec::<f32>::try_from(by_image.f_flatten(0, -1)?)
    }
}

impl Predictor for TorchPredictor {
    fn engine(&self) -> &str {
        &self.engine
    }

    fn predict(&mut self, batch: &ImageBatch) -> Result<Vec<LabelDistributions>, PredictError> {
        if batch.count == 0 {
            return Ok(Vec::new());
        }
        self.limit_threads();
        let values = self.run(batch).map_err(|error| PredictError(error.to_string()))?;
        values
            .chunks_exact(values.len() / batch.count)
            .map(|image| LabelDistributions::new(image.to_vec(), self.labels))
            .collect()
    }
}
