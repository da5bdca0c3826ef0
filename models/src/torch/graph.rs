//! Runs a network's graph on libtorch, forwards; gradients follow by autograd.

use tch::{Device, Kind, Tensor};

use super::Parameters;
use super::recurrent;
use crate::networks::{Cell, Convolution, Graph, NORM_EPSILON, RULED_OUT, Recurrent};

/// What the convolutions compute in. The rest is always 32-bit, as are the parameters themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// 32-bit floats.
    Float32,
    /// bfloat16: twice as fast on a CPU that computes with it, and on GPUs.
    Bfloat16,
}

impl Precision {
    /// What to compute in there: 32-bit floats in place of bfloat16 on a CPU that only emulates it, which is slower and less
    /// exact.
    #[must_use]
    pub fn on(self, device: Device) -> Self {
        if device == Device::Cpu && !computes_bfloat16() { Self::Float32 } else { self }
    }
}

fn computes_bfloat16() -> bool {
    #[cfg(target_arch = "x86_64")]
    return std::arch::is_x86_feature_detected!("avx512bf16");
    #[cfg(target_arch = "aarch64")]
    return std::arch::is_aarch64_feature_detected!("bf16");
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    return false;
}

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

    fn norm(&self, name: &str, input: &Tensor) -> Tensor {
        let [weight, bias, mean, variance] =
            ["weight", "bias", "mean", "variance"].map(|part| Some(self.parameter(name, part)));
        input.batch_norm(
            weight,
            bias,
            mean,
            variance,
            self.training,
            NORM_MOMENTUM,
            NORM_EPSILON.into(),
            true,
        )
    }

    fn kind(&self) -> Kind {
        match self.precision {
            Precision::Float32 => Kind::Float,
            Precision::Bfloat16 => Kind::BFloat16,
        }
    }

    fn convolve(
        &self,
        input: &Tensor,
        weight: &Tensor,
        bias: Option<&Tensor>,
        spec: Convolution,
        groups: i64,
    ) -> Tensor {
        let (stride, padding) = ([spec.stride.0 as i64, spec.stride.1 as i64], [spec.kernel as i64 / 2; 2]);
        if self.training || self.precision != Precision::Float32 {
            return input.conv2d(weight, bias, stride, padding, [1, 1], groups);
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
            groups,
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
    channels_last(&tensor)
}

fn channels_last(tensor: &Tensor) -> Tensor {
    tensor.permute([0, 2, 3, 1]).contiguous().permute([0, 3, 1, 2])
}

/// `[N, C, H, W]` to `[N, C, side, side, H, W]`: each pixel's neighbours, zero past the edges.
fn neighbourhoods(input: &Tensor, side: i64) -> Tensor {
    let padded = input.constant_pad_nd([side / 2; 4]);
    padded.unfold(2, side, 1).unfold(3, side, 1).permute([0, 1, 4, 5, 2, 3]).contiguous()
}

impl Graph for TorchGraph<'_> {
    type Node = Tensor;

    fn convolution(&mut self, name: &str, input: &Tensor, spec: Convolution) -> Tensor {
        let kind = self.kind();
        let weight = weight(self.parameter(name, "weight"), kind);
        let input = input.to_kind(kind);
        let output = if spec.normalize {
            self.norm(&format!("{name}.norm"), &self.convolve(&input, &weight, None, spec, 1))
        } else {
            let bias = self.parameter(name, "bias").to_kind(kind);
            self.convolve(&input, &weight, Some(&bias), spec, 1)
        };
        if spec.relu { output.relu() } else { output }
    }

    fn conditional(&mut self, name: &str, input: &Tensor, spec: Convolution, experts: usize) -> Tensor {
        let (experts, kind) = (experts as i64, self.kind());
        let size = input.size();
        let [pictures, channels, height, width] = std::array::from_fn(|axis| size[axis]);
        let means = input.mean_dim([2_i64, 3].as_slice(), false, Kind::Float);
        let gates =
            self.linear(&format!("{name}.gates"), &means, 0, false).sigmoid() * (2.0 / experts as f64);
        let bank = self.parameter(name, "weight").flatten(1, -1);
        let (side, out) = (spec.kernel as i64, spec.channels as i64);
        let kernels = gates.to_kind(kind).matmul(&bank.to_kind(kind));
        let input = input.to_kind(kind);
        let output = if input.device().is_cuda() {
            // A product for each picture of its kernels and its neighbourhoods, all in one call.
            let columns =
                neighbourhoods(&input, side).view([pictures, channels * side * side, height * width]);
            kernels.view([pictures, out, channels * side * side]).bmm(&columns)
        } else {
            // Pictures one behind the other, each a group of channels that sees its own kernels alone.
            let kernels = kernels.view([pictures * out, channels, side, side]);
            let grouped = input.contiguous().view([1, pictures * channels, height, width]);
            self.convolve(&grouped, &kernels, None, spec, pictures)
        };
        let output = output.view([pictures, out, height, width]);
        let output = self.norm(&format!("{name}.norm"), &channels_last(&output));
        if spec.relu { output.relu() } else { output }
    }

    fn norm_relu(&mut self, name: &str, input: &Tensor) -> Tensor {
        self.norm(name, input).relu()
    }

    fn add_relu(&mut self, a: &Tensor, b: &Tensor) -> Tensor {
        (a + b).relu()
    }

    fn concatenate(&mut self, a: &Tensor, b: &Tensor) -> Tensor {
        Tensor::cat(&[a, b], 1)
    }

    fn max_pool(&mut self, input: &Tensor, window: (usize, usize)) -> Tensor {
        let window = [window.0 as i64, window.1 as i64];
        input.max_pool2d(window, window, [0, 0], [1, 1], false)
    }

    fn average_pool(&mut self, input: &Tensor, window: (usize, usize)) -> Tensor {
        let window = [window.0 as i64, window.1 as i64];
        input.avg_pool2d(window, window, [0, 0], false, true, None)
    }

    fn columns(&mut self, input: &Tensor) -> Tensor {
        input.to_kind(Kind::Float).permute([3, 0, 1, 2]).flatten(2, 3).contiguous()
    }

    fn flatten(&mut self, input: &Tensor) -> Tensor {
        // Channels first, however the convolutions laid them out.
        input.to_kind(Kind::Float).contiguous().flatten(1, 3).unsqueeze(0)
    }

    fn linear(&mut self, name: &str, input: &Tensor, _outputs: usize, relu: bool) -> Tensor {
        let output = input.linear(self.parameter(name, "weight"), Some(self.parameter(name, "bias")));
        if relu { output.relu() } else { output }
    }

    fn recurrent(&mut self, name: &str, input: &Tensor, spec: Recurrent) -> Tensor {
        match spec.cell {
            Cell::Lstm => recurrent::lstm(self.parameters, name, input, spec, self.training),
            Cell::Gru => recurrent::gru(self.parameters, name, input, spec, self.training),
            Cell::Sru => recurrent::sru(self.parameters, name, input, spec),
        }
    }

    fn positions(&mut self, name: &str, input: &Tensor, positions: usize, labels: usize) -> Tensor {
        let (positions, labels) = (positions as i64, labels as i64);
        let scores = self.linear(name, &input.squeeze_dim(0), 0, false);
        let scores = scores.reshape([-1, positions, labels - 1]).transpose(0, 1);
        let characters = scores.constant_pad_nd([1, 0]);
        let mask = |blank: f64, others: f64| {
            let mask = Tensor::full([labels], others, (scores.kind(), scores.device()));
            drop(mask.narrow(0, 0, 1).fill_(blank));
            mask
        };
        let characters = characters + mask(RULED_OUT.into(), 0.0);
        let blanks = mask(0.0, RULED_OUT.into()).expand_as(&characters);
        Tensor::stack(&[characters, blanks], 1).flatten(0, 1)
    }

    fn log_softmax(&mut self, input: &Tensor) -> Tensor {
        input.log_softmax(-1, Kind::Float)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_product_with_neighbourhoods_is_a_convolution() {
        let of = |shape: &[i64]| Tensor::rand(shape, (Kind::Float, Device::Cpu));
        let (pictures, kernels) = (of(&[2, 3, 5, 7]), of(&[4, 3, 3, 3]));
        let wanted = pictures.conv2d(&kernels, None::<&Tensor>, [1, 1], [1, 1], [1, 1], 1);
        let columns = neighbourhoods(&pictures, 3).view([2, 27, 35]);
        let product = kernels.view([1, 4, 27]).expand([2, 4, 27], false).bmm(&columns);
        let off = (product.view([2, 4, 5, 7]) - wanted).abs().max().double_value(&[]);
        assert!(off < 1e-5, "{off}");
    }
}
