//! The libtorch engine: executes the networks for training, on CPU or CUDA, and serves them where that pays.
//! Outside this module and the trainer no tch type is named.

mod graph;
mod predictor;
mod recurrent;
mod weights;

use std::collections::BTreeMap;

use tch::{Device, Kind, Tensor};

pub use graph::{Precision, TorchGraph};
pub use predictor::TorchPredictor;

use crate::networks::{Initialization, ParameterSpec};

/// Named parameters of a network, in the order of their names.
pub type Parameters = BTreeMap<String, Tensor>;

/// Fresh parameters, drawn from libtorch's generator; call `tch::manual_seed` first to repeat them.
pub fn initialize(specs: &[ParameterSpec], device: Device) -> Parameters {
    specs
        .iter()
        .map(|spec| {
            let shape: Vec<i64> = spec.shape.iter().map(|&size| size as i64).collect();
            let blank = Tensor::zeros(shape.as_slice(), (Kind::Float, Device::Cpu));
            let values = match spec.initialization {
                Initialization::Constant(value) => blank + value,
                Initialization::Normal(deviation) => blank.randn_like() * deviation,
                Initialization::Uniform(bound) => (blank.rand_like() * 2.0 - 1.0) * bound,
            };
            (spec.name.clone(), values.to_device(device).set_requires_grad(spec.trainable))
        })
        .collect()
}
