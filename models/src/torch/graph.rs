//! Runs a network's graph on libtorch, forwards; gradients follow by autograd.

use tch::{Kind, Tensor};

use super::Parameters;
use crate::networks::{Convolution, Graph};

/// What the convolutions compute in. The rest is always 32-bit, as are the parameters themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// 32-bit floats.
    Float32,
    /// bfloat16: twice as fast on a CPU with AVX-512 bf16, and on GPUs.
    Bfloat16,
}

/// Epsilon of batch normalisation, shared with the ONNX writer, which folds the statistics into the weights.
pub(crate) const NORM_EPSILON: f64 = 1e-5;
/// Weight of a new batch in the running statistics.
const NORM_MOMENTUM: f64 = 0.05;

/// Executes one pass. In training, batch statistics are used and the running ones updated.
pub struct TorchGraph<'a> {
    parameters: &'a Parameters,
    training: bool,
    precision: Precision,
}

impl<'a> TorchGraph<'a> {
    /// A pass over these parameters.
    pub fn new(parameters: &'a Parameters, training: bool, precision: Precision) -> Self {
        Self { parameters, training, precision }
    }

    fn parameter(&self, name: &str, part: &str) -> &'a Tensor {
        // The parameters were made or checked against this network's outline, so a miss is a bug in a network file:
        // `BTreeMap`'s index says which name.
        &self.parameters[&format!("{name}.{part}")]
    }

    fn convolve(&self, input: &Tensor, weight: &Tensor, bias: Option<&Tensor>, spec: Convolution) -> Tensor {
        let (stride, padding) = ([spec.stride as i64; 2], [spec.kernel as i64 / 2; 2]);
        if self.training || self.precision != Precision::Float32 {
            return input.conv2d(weight, bias, stride, padding, [1, 1], 1);
        }
        // The same, but for its last argument: cuDNN is not to round what it multiplies to the 10 bits of TF32, as
        // libtorch lets it by default.
        input.internal_convolution(
            weight,
            bias,
            stride,
            padding,
            [1, 1],
            false,
            [0, 0],
            1,
            false,
            false,
            true,
            false,
        )
    }
}

/// A convolution's weights in this kind and in the layout that decides how the whole convolution is computed: channels
/// last, which oneDNN prefers by a third and tensor cores ask for, or, for 32 bits on CUDA, channels first. What is so
/// already is not copied.
pub(super) fn weight(tensor: &Tensor, kind: Kind) -> Tensor {
    let tensor = tensor.to_kind(kind);
    if tensor.device().is_cuda() && kind == Kind::Float {
        return tensor;
    }
    tensor.permute([0, 2, 3, 1]).contiguous().permute([0, 3, 1, 2])
}

/// The parameters of a bidirectional LSTM in libtorch's order.
pub(super) fn lstm_parameters<'a>(parameters: &'a Parameters, name: &str) -> Vec<&'a Tensor> {
    ["forward", "backward"]
        .into_iter()
        .flat_map(|direction| {
            ["input_weight", "hidden_weight", "input_bias", "hidden_bias"]
                .map(|part| &parameters[&format!("{name}.{direction}.{part}")])
        })
        .collect()
}

impl Graph for TorchGraph<'_> {
    type Node = Tensor;

    fn convolution(&mut self, name: &str, input: &Tensor, spec: Convolution) -> Tensor {
        let kind = match self.precision {
            Precision::Float32 => Kind::Float,
            Precision::Bfloat16 => Kind::BFloat16,
        };
        let weight = weight(self.parameter(name, "weight"), kind);
        let input = input.to_kind(kind);
        if !spec.normalize {
            let bias = self.parameter(name, "bias").to_kind(kind);
            return self.convolve(&input, &weight, Some(&bias), spec).relu();
        }
        self.convolve(&input, &weight, None, spec)
            .batch_norm(
                Some(self.parameter(name, "norm.weight")),
                Some(self.parameter(name, "norm.bias")),
                Some(self.parameter(name, "norm.mean")),
                Some(self.parameter(name, "norm.variance")),
                self.training,
                NORM_MOMENTUM,
                NORM_EPSILON,
                true,
            )
            .relu()
    }

    fn max_pool(&mut self, input: &Tensor, window: (usize, usize)) -> Tensor {
        let window = [window.0 as i64, window.1 as i64];
        input.max_pool2d(window, window, [0, 0], [1, 1], false)
    }

    fn columns(&mut self, input: &Tensor) -> Tensor {
        input.to_kind(Kind::Float).permute([3, 0, 1, 2]).flatten(2, 3).contiguous()
    }

    fn linear(&mut self, name: &str, input: &Tensor, _outputs: usize) -> Tensor {
        input.linear(self.parameter(name, "weight"), Some(self.parameter(name, "bias")))
    }

    fn blstm(&mut self, name: &str, input: &Tensor, hidden: usize) -> Tensor {
        let start = Tensor::zeros([2, input.size()[1], hidden as i64], (input.kind(), input.device()));
        let parameters = lstm_parameters(self.parameters, name);
        let (output, _, _) =
            input.lstm(&[&start, &start], &parameters, true, 1, 0.0, self.training, true, false);
        output
    }

    fn log_softmax(&mut self, input: &Tensor) -> Tensor {
        input.log_softmax(-1, Kind::Float)
    }
}
