//! Records a network's graph as an ONNX file. Batch normalisation is folded into the convolutions, so a served
//! network does no work that training alone needed.

use std::collections::BTreeMap;

use prost::Message;

use super::proto::{
    Attribute, AttributeType, Dimension, Entry, FLOAT, GraphProto, INT64, Model, Node, OperatorSet, Size,
    Tensor, TensorShape, TensorType, Type, ValueInfo,
};
use crate::{
    charset::Charset,
    networks::{Convolution, Graph, Network},
};

/// Trained parameters by name: dimensions and row-major values.
pub type Weights = BTreeMap<String, (Vec<usize>, Vec<f32>)>;

/// Weights do not fit the network.
#[derive(Debug, thiserror::Error)]
#[error("the weights hold no parameter {0}")]
pub struct ExportError(String);

/// Added to variances before the root is taken, as in training.
const NORM_EPSILON: f32 = 1e-5;
/// ONNX operator set: 17 is read by every engine in use.
const OPERATOR_SET: i64 = 17;
/// The version of the file format that goes with it.
const IR_VERSION: i64 = 8;

/// The bytes of an ONNX file: input `images` of shape `[batch, 1, height, width]`, output `log_probabilities` of
/// shape `[steps, batch, labels]`. Batch and width may vary.
pub fn write(
    network: Network,
    height: usize,
    charset: &Charset,
    weights: &Weights,
) -> Result<Vec<u8>, ExportError> {
    let mut writer = Writer { weights, graph: GraphProto::default(), height, missing: None };
    let output =
        network.build(&mut writer, &Value { name: "images".into(), features: 1, height }, charset.labels());
    if let Some(missing) = writer.missing {
        return Err(ExportError(missing));
    }
    let mut graph = writer.graph;
    graph.name = network.name().to_owned();
    // The last node's output gets the published name.
    if let Some(last) = graph.node.last_mut() {
        debug_assert_eq!(last.output, [output.name]);
        last.output = vec!["log_probabilities".into()];
    }
    let named = |name: &str| Dimension { size: Some(Size::Named(name.to_owned())) };
    let fixed = |size: usize| Dimension { size: Some(Size::Fixed(size as i64)) };
    graph.input.push(value("images", vec![named("batch"), fixed(1), fixed(height), named("width")]));
    graph
        .output
        .push(value("log_probabilities", vec![named("steps"), named("batch"), fixed(charset.labels())]));
    let model = Model {
        ir_version: IR_VERSION,
        producer_name: "byecaptcha".into(),
        producer_version: env!("CARGO_PKG_VERSION").into(),
        graph: Some(graph),
        opset_import: vec![OperatorSet { domain: String::new(), version: OPERATOR_SET }],
        metadata: vec![Entry { key: "charset".into(), value: String::from(charset.clone()) }],
    };
    Ok(model.encode_to_vec())
}

fn value(name: &str, dimension: Vec<Dimension>) -> ValueInfo {
    let tensor = TensorType { element: FLOAT, shape: Some(TensorShape { dimension }) };
    ValueInfo { name: name.to_owned(), kind: Some(Type { tensor: Some(tensor) }) }
}

/// A named value on its way through the graph.
pub(super) struct Value {
    name: String,
    features: usize,
    height: usize,
}

struct Writer<'a> {
    weights: &'a Weights,
    graph: GraphProto,
    height: usize,
    missing: Option<String>,
}

impl Writer<'_> {
    /// A parameter's values; the first one that is not there is remembered, and the file is not made.
    fn parameter(&mut self, name: &str) -> Vec<f32> {
        if let Some((_, values)) = self.weights.get(name) {
            return values.clone();
        }
        self.missing.get_or_insert_with(|| name.to_owned());
        Vec::new()
    }

    fn constant(&mut self, name: String, dims: &[usize], values: &[f32]) -> String {
        let raw_data = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.initializer(name, dims, FLOAT, raw_data)
    }

    fn integers(&mut self, name: String, values: &[i64]) -> String {
        let raw_data = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.initializer(name, &[values.len()], INT64, raw_data)
    }

    fn initializer(&mut self, name: String, dims: &[usize], data_type: i32, raw_data: Vec<u8>) -> String {
        let dims = dims.iter().map(|&size| size as i64).collect();
        self.graph.initializer.push(Tensor { dims, data_type, name: name.clone(), raw_data });
        name
    }

    fn node(&mut self, op_type: &str, inputs: &[&str], attribute: Vec<Attribute>) -> String {
        let name = format!("{}_{}", op_type.to_lowercase(), self.graph.node.len());
        self.graph.node.push(Node {
            input: inputs.iter().map(|&input| input.to_owned()).collect(),
            output: vec![name.clone()],
            name: name.clone(),
            op_type: op_type.to_owned(),
            attribute,
        });
        name
    }
}

fn ints(name: &str, ints: &[i64]) -> Attribute {
    Attribute {
        name: name.to_owned(),
        ints: ints.to_vec(),
        kind: AttributeType::Ints.into(),
        ..Default::default()
    }
}

fn int(name: &str, i: i64) -> Attribute {
    Attribute { name: name.to_owned(), i, kind: AttributeType::Int.into(), ..Default::default() }
}

fn text(name: &str, s: &str) -> Attribute {
    Attribute { name: name.to_owned(), s: s.into(), kind: AttributeType::String.into(), ..Default::default() }
}

/// libtorch stacks an LSTM's gates input, forget, cell, output; ONNX input, output, forget, cell.
fn reorder_gates(values: &[f32]) -> Vec<f32> {
    let quarter = values.len() / 4;
    [0, 3, 1, 2]
        .into_iter()
        .flat_map(|gate| values[gate * quarter..(gate + 1) * quarter].iter().copied())
        .collect()
}

impl Graph for Writer<'_> {
    type Node = Value;

    fn convolution(&mut self, name: &str, input: &Value, spec: Convolution) -> Value {
        let mut weight = self.parameter(&format!("{name}.weight"));
        let bias = if spec.normalize {
            let scale = self.parameter(&format!("{name}.norm.weight"));
            let shift = self.parameter(&format!("{name}.norm.bias"));
            let mean = self.parameter(&format!("{name}.norm.mean"));
            let variance = self.parameter(&format!("{name}.norm.variance"));
            let gains =
                scale.iter().zip(&variance).map(|(scale, variance)| scale / (variance + NORM_EPSILON).sqrt());
            let gains: Vec<f32> = gains.collect();
            let filter = (weight.len() / spec.channels).max(1);
            for (filter, gain) in weight.chunks_exact_mut(filter).zip(&gains) {
                filter.iter_mut().for_each(|value| *value *= gain);
            }
            shift.iter().zip(&mean).zip(&gains).map(|((shift, mean), gain)| shift - mean * gain).collect()
        } else {
            self.parameter(&format!("{name}.bias"))
        };
        let shape = [spec.channels, input.features, spec.kernel, spec.kernel];
        let weight = self.constant(format!("{name}.weight"), &shape, &weight);
        let bias = self.constant(format!("{name}.bias"), &[spec.channels], &bias);
        let (kernel, stride, padding) = (spec.kernel as i64, spec.stride as i64, spec.kernel as i64 / 2);
        let attributes = vec![
            ints("kernel_shape", &[kernel; 2]),
            ints("strides", &[stride; 2]),
            ints("pads", &[padding; 4]),
        ];
        let convolved = self.node("Conv", &[&input.name, &weight, &bias], attributes);
        let name = self.node("Relu", &[&convolved], Vec::new());
        Value { name, features: spec.channels, height: input.height.div_ceil(spec.stride) }
    }

    fn max_pool(&mut self, input: &Value, window: (usize, usize)) -> Value {
        let window_size = [window.0 as i64, window.1 as i64];
        let attributes = vec![ints("kernel_shape", &window_size), ints("strides", &window_size)];
        let name = self.node("MaxPool", &[&input.name], attributes);
        Value { name, features: input.features, height: input.height / window.0 }
    }

    fn columns(&mut self, input: &Value) -> Value {
        let features = input.features * input.height;
        let turned = self.node("Transpose", &[&input.name], vec![ints("perm", &[3, 0, 1, 2])]);
        let shape = self.integers(format!("{turned}.shape"), &[0, 0, features as i64]);
        let name = self.node("Reshape", &[&turned, &shape], Vec::new());
        Value { name, features, height: self.height }
    }

    fn linear(&mut self, name: &str, input: &Value, outputs: usize) -> Value {
        let weight = self.parameter(&format!("{name}.weight"));
        let bias = self.parameter(&format!("{name}.bias"));
        // MatMul wants what libtorch keeps turned over.
        let turned: Vec<f32> = (0..input.features)
            .flat_map(|row| {
                weight.iter().skip(row).step_by(input.features.max(1)).copied().collect::<Vec<_>>()
            })
            .collect();
        let weight = self.constant(format!("{name}.weight"), &[input.features, outputs], &turned);
        let bias = self.constant(format!("{name}.bias"), &[outputs], &bias);
        let product = self.node("MatMul", &[&input.name, &weight], Vec::new());
        let name = self.node("Add", &[&product, &bias], Vec::new());
        Value { name, features: outputs, height: input.height }
    }

    fn blstm(&mut self, name: &str, input: &Value, hidden: usize) -> Value {
        let (mut w, mut r, mut b) = (Vec::new(), Vec::new(), Vec::new());
        for direction in ["forward", "backward"] {
            let mut part = |part: &str| reorder_gates(&self.parameter(&format!("{name}.{direction}.{part}")));
            w.extend(part("input_weight"));
            r.extend(part("hidden_weight"));
            b.extend(part("input_bias"));
            b.extend(part("hidden_bias"));
        }
        let w = self.constant(format!("{name}.input_weight"), &[2, 4 * hidden, input.features], &w);
        let r = self.constant(format!("{name}.hidden_weight"), &[2, 4 * hidden, hidden], &r);
        let b = self.constant(format!("{name}.bias"), &[2, 8 * hidden], &b);
        let attributes = vec![int("hidden_size", hidden as i64), text("direction", "bidirectional")];
        // Out comes [steps, directions, batch, hidden].
        let output = self.node("LSTM", &[&input.name, &w, &r, &b], attributes);
        let turned = self.node("Transpose", &[&output], vec![ints("perm", &[0, 2, 1, 3])]);
        let shape = self.integers(format!("{turned}.shape"), &[0, 0, 2 * hidden as i64]);
        let name = self.node("Reshape", &[&turned, &shape], Vec::new());
        Value { name, features: 2 * hidden, height: input.height }
    }

    fn log_softmax(&mut self, input: &Value) -> Value {
        let name = self.node("LogSoftmax", &[&input.name], vec![int("axis", -1)]);
        Value { name, features: input.features, height: input.height }
    }
}
