//! Records a network's graph as ONNX nodes. Batch normalisation after a convolution is folded into it, so a served
//! network does no work that training alone needed.

use super::{
    conditional, recurrent,
    writer::{Value, Writer, int, ints, transposed},
};
use crate::networks::{Cell, Convolution, Graph, NORM_EPSILON, RULED_OUT, Recurrent};

impl Writer<'_> {
    /// Multiplies the filters of a convolution by the gains of the normalisation that follows it, and gives what that adds.
    /// Filters are of this many values each, one for each channel, and then over again.
    pub(super) fn fold_norm(&mut self, name: &str, filters: &mut [f32], filter: usize) -> Vec<f32> {
        let [scale, shift, mean, variance] =
            ["weight", "bias", "mean", "variance"].map(|part| self.parameter(&format!("{name}.norm.{part}")));
        let gains =
            scale.iter().zip(&variance).map(|(scale, variance)| scale / (variance + NORM_EPSILON).sqrt());
        let gains: Vec<f32> = gains.collect();
        for (filter, gain) in filters.chunks_exact_mut(filter.max(1)).zip(gains.iter().cycle()) {
            filter.iter_mut().for_each(|value| *value *= gain);
        }
        shift.iter().zip(&mean).zip(&gains).map(|((shift, mean), gain)| shift - mean * gain).collect()
    }

    fn pool(&mut self, operator: &str, input: &Value, window: (usize, usize)) -> Value {
        let window_size = [window.0 as i64, window.1 as i64];
        let attributes = vec![ints("kernel_shape", &window_size), ints("strides", &window_size)];
        let name = self.node(operator, &[&input.name], attributes);
        Value { name, features: input.features, height: input.height / window.0 }
    }
}

impl Graph for Writer<'_> {
    type Node = Value;

    fn convolution(&mut self, name: &str, input: &Value, spec: Convolution) -> Value {
        let mut weight = self.parameter(&format!("{name}.weight"));
        let bias = if spec.normalize {
            let filter = weight.len() / spec.channels;
            self.fold_norm(name, &mut weight, filter)
        } else {
            self.parameter(&format!("{name}.bias"))
        };
        let shape = [spec.channels, input.features, spec.kernel, spec.kernel];
        let weight = self.constant(format!("{name}.weight"), &shape, &weight);
        let bias = self.constant(format!("{name}.bias"), &[spec.channels], &bias);
        let (kernel, padding) = (spec.kernel as i64, spec.kernel as i64 / 2);
        let attributes = vec![
            ints("kernel_shape", &[kernel; 2]),
            ints("strides", &[spec.stride.0 as i64, spec.stride.1 as i64]),
            ints("pads", &[padding; 4]),
        ];
        let convolved = self.node("Conv", &[&input.name, &weight, &bias], attributes);
        let name = if spec.relu { self.node("Relu", &[&convolved], Vec::new()) } else { convolved };
        Value { name, features: spec.channels, height: input.height.div_ceil(spec.stride.0) }
    }

    fn conditional(&mut self, name: &str, input: &Value, spec: Convolution, experts: usize) -> Value {
        conditional::convolution(self, name, input, spec, experts)
    }

    fn norm_relu(&mut self, name: &str, input: &Value) -> Value {
        let parts = ["weight", "bias", "mean", "variance"].map(|part| {
            let part = format!("{name}.{part}");
            let values = self.parameter(&part);
            self.constant(part, &[input.features], &values)
        });
        let [weight, bias, mean, variance] = &parts;
        let inputs = [&input.name, weight, bias, mean, variance].map(String::as_str);
        // The operator's own epsilon is that of training.
        let normalized = self.node("BatchNormalization", &inputs, Vec::new());
        let name = self.node("Relu", &[&normalized], Vec::new());
        Value { name, ..*input }
    }

    fn add_relu(&mut self, a: &Value, b: &Value) -> Value {
        let sum = self.node("Add", &[&a.name, &b.name], Vec::new());
        let name = self.node("Relu", &[&sum], Vec::new());
        Value { name, ..*a }
    }

    fn concatenate(&mut self, a: &Value, b: &Value) -> Value {
        let name = self.node("Concat", &[&a.name, &b.name], vec![int("axis", 1)]);
        Value { name, features: a.features + b.features, height: a.height }
    }

    fn max_pool(&mut self, input: &Value, window: (usize, usize)) -> Value {
        self.pool("MaxPool", input, window)
    }

    fn average_pool(&mut self, input: &Value, window: (usize, usize)) -> Value {
        self.pool("AveragePool", input, window)
    }

    fn columns(&mut self, input: &Value) -> Value {
        let features = input.features * input.height;
        let turned = self.node("Transpose", &[&input.name], vec![ints("perm", &[3, 0, 1, 2])]);
        let shape = self.integers(format!("{turned}.shape"), &[0, 0, features as i64]);
        let name = self.node("Reshape", &[&turned, &shape], Vec::new());
        Value { name, features, height: 1 }
    }

    fn flatten(&mut self, input: &Value) -> Value {
        let flat = self.node("Flatten", &[&input.name], vec![int("axis", 1)]);
        let axis = self.integers(format!("{flat}.axis"), &[0]);
        let name = self.node("Unsqueeze", &[&flat, &axis], Vec::new());
        // How wide the picture was is known to what reads it, by its weights.
        Value { name, ..*input }
    }

    fn linear(&mut self, name: &str, input: &Value, outputs: usize, relu: bool) -> Value {
        let weight = self.parameter(&format!("{name}.weight"));
        let bias = self.parameter(&format!("{name}.bias"));
        let output = self.affine(name, &input.name, &transposed(&weight, outputs), &bias);
        let name = if relu { self.node("Relu", &[&output], Vec::new()) } else { output };
        Value { name, features: outputs, height: input.height }
    }

    fn recurrent(&mut self, name: &str, input: &Value, spec: Recurrent) -> Value {
        let name = match spec.cell {
            Cell::Lstm | Cell::Gru => recurrent::gated(self, name, input, spec),
            Cell::Sru => recurrent::sru(self, name, input, spec),
        };
        Value { name, features: spec.directions().len() * spec.hidden, height: input.height }
    }

    fn positions(&mut self, name: &str, input: &Value, positions: usize, labels: usize) -> Value {
        let weight = self.parameter(&format!("{name}.weight"));
        let bias = self.parameter(&format!("{name}.bias"));
        let (inputs, characters) = (weight.len() / bias.len().max(1), labels - 1);
        // What is ruled out and what is certain becomes rows of zeros whose biases say so.
        let (mut rows, mut biases) = (Vec::new(), Vec::new());
        for (weight, bias) in
            weight.chunks_exact((inputs * characters).max(1)).zip(bias.chunks_exact(characters))
        {
            rows.extend(vec![0.0; inputs]);
            rows.extend(weight);
            rows.extend(vec![0.0; inputs * labels]);
            biases.push(RULED_OUT);
            biases.extend(bias);
            biases.push(0.0);
            biases.extend(vec![RULED_OUT; characters]);
        }
        let scores = self.affine(name, &input.name, &transposed(&rows, biases.len()), &biases);
        let shape = self.integers(format!("{scores}.shape"), &[-1, 2 * positions as i64, labels as i64]);
        let parted = self.node("Reshape", &[&scores, &shape], Vec::new());
        let name = self.node("Transpose", &[&parted], vec![ints("perm", &[1, 0, 2])]);
        Value { name, features: labels, height: input.height }
    }

    fn log_softmax(&mut self, input: &Value) -> Value {
        let name = self.node("LogSoftmax", &[&input.name], vec![int("axis", -1)]);
        Value { name, ..*input }
    }
}
