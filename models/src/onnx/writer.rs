//! Makes an ONNX file: what records the nodes and constants of a network, and the frame around them.

use std::collections::BTreeMap;

use prost::Message;

use super::proto::{
    Attribute, AttributeType, Dimension, Entry, FLOAT, GraphProto, INT64, Model, Node, OperatorSet, Size,
    Tensor, TensorShape, TensorType, Type, ValueInfo,
};
use crate::{
    charset::Charset,
    networks::{
        LOCATOR_FINDINGS, LOCATOR_HEIGHT, LOCATOR_WIDTH, Network, REFINER_ACROSS, REFINER_ALONG,
        REFINER_CHANNELS, locator, refiner,
    },
};

/// Trained parameters by name: dimensions and row-major values.
pub type Weights = BTreeMap<String, (Vec<usize>, Vec<f32>)>;

/// Weights do not fit the network.
#[derive(Debug, thiserror::Error)]
#[error("the weights hold no parameter {0}")]
pub struct ExportError(String);

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
    let labels = charset.labels();
    let file = File {
        name: network.name(),
        input: ("images", vec![named("batch"), fixed(1), fixed(height), named("width")]),
        output: ("log_probabilities", vec![named("steps"), named("batch"), fixed(labels)]),
        metadata: vec![Entry { key: "charset".into(), value: String::from(charset.clone()) }],
    };
    let images = Value { name: "images".into(), features: 1, height };
    file.write(weights, |writer| network.build(writer, &images, labels))
}

/// The bytes of an ONNX file: input `screenshots` of shape `[batch, 3, 32, 96]`, output `found` of shape
/// `[1, batch, 9]`; [`locator`] says what that is.
pub fn write_locator(weights: &Weights) -> Result<Vec<u8>, ExportError> {
    let sides = [fixed(3), fixed(LOCATOR_HEIGHT), fixed(LOCATOR_WIDTH)];
    let file = File {
        name: "locator",
        input: ("screenshots", [vec![named("batch")], sides.to_vec()].concat()),
        output: ("found", vec![fixed(1), named("batch"), fixed(LOCATOR_FINDINGS)]),
        metadata: Vec::new(),
    };
    let screenshots = Value { name: "screenshots".into(), features: 3, height: LOCATOR_HEIGHT };
    file.write(weights, |writer| locator(writer, &screenshots))
}

/// The bytes of an ONNX file: input `strips` of shape `[batch, 4, 32, 16]`, output `off` of shape `[1, batch, 1]`.
pub fn write_refiner(weights: &Weights) -> Result<Vec<u8>, ExportError> {
    let sides = [fixed(REFINER_CHANNELS), fixed(REFINER_ACROSS), fixed(REFINER_ALONG)];
    let file = File {
        name: "refiner",
        input: ("strips", [vec![named("batch")], sides.to_vec()].concat()),
        output: ("off", vec![fixed(1), named("batch"), fixed(1)]),
        metadata: Vec::new(),
    };
    let strips = Value { name: "strips".into(), features: REFINER_CHANNELS, height: REFINER_ACROSS };
    file.write(weights, |writer| refiner(writer, &strips))
}

/// What a file says of its graph.
struct File {
    name: &'static str,
    input: (&'static str, Vec<Dimension>),
    output: (&'static str, Vec<Dimension>),
    metadata: Vec<Entry>,
}

impl File {
    fn write(
        self,
        weights: &Weights,
        build: impl FnOnce(&mut Writer<'_>) -> Value,
    ) -> Result<Vec<u8>, ExportError> {
        let mut writer = Writer { weights, graph: GraphProto::default(), missing: None };
        let output = build(&mut writer);
        if let Some(missing) = writer.missing {
            return Err(ExportError(missing));
        }
        let mut graph = writer.graph;
        graph.name = self.name.to_owned();
        // The last node's output gets the published name.
        if let Some(last) = graph.node.last_mut() {
            debug_assert_eq!(last.output, [output.name]);
            last.output = vec![self.output.0.into()];
        }
        graph.input.push(value(self.input.0, self.input.1));
        graph.output.push(value(self.output.0, self.output.1));
        let model = Model {
            ir_version: IR_VERSION,
            producer_name: "byecaptcha".into(),
            producer_version: env!("CARGO_PKG_VERSION").into(),
            graph: Some(graph),
            opset_import: vec![OperatorSet { domain: String::new(), version: OPERATOR_SET }],
            metadata: self.metadata,
        };
        Ok(model.encode_to_vec())
    }
}

fn named(name: &str) -> Dimension {
    Dimension { size: Some(Size::Named(name.to_owned())) }
}

fn fixed(size: usize) -> Dimension {
    Dimension { size: Some(Size::Fixed(size as i64)) }
}

fn value(name: &str, dimension: Vec<Dimension>) -> ValueInfo {
    let tensor = TensorType { element: FLOAT, shape: Some(TensorShape { dimension }) };
    ValueInfo { name: name.to_owned(), kind: Some(Type { tensor: Some(tensor) }) }
}

/// A named value on its way through the graph.
pub(super) struct Value {
    pub(super) name: String,
    /// Channels of a picture, features of a sequence.
    pub(super) features: usize,
    /// Rows of a picture.
    pub(super) height: usize,
}

pub(super) struct Writer<'a> {
    weights: &'a Weights,
    graph: GraphProto,
    missing: Option<String>,
}

impl Writer<'_> {
    /// A parameter's values; the first one that is not there is remembered, and the file is not made.
    pub(super) fn parameter(&mut self, name: &str) -> Vec<f32> {
        if let Some((_, values)) = self.weights.get(name) {
            return values.clone();
        }
        self.missing.get_or_insert_with(|| name.to_owned());
        Vec::new()
    }

    pub(super) fn constant(&mut self, name: String, dims: &[usize], values: &[f32]) -> String {
        let raw_data = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.initializer(name, dims, FLOAT, raw_data)
    }

    pub(super) fn integers(&mut self, name: String, values: &[i64]) -> String {
        let raw_data = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.initializer(name, &[values.len()], INT64, raw_data)
    }

    /// One integer without axes.
    pub(super) fn integer(&mut self, name: String, value: i64) -> String {
        self.initializer(name, &[], INT64, value.to_le_bytes().to_vec())
    }

    fn initializer(&mut self, name: String, dims: &[usize], data_type: i32, raw_data: Vec<u8>) -> String {
        let dims = dims.iter().map(|&size| size as i64).collect();
        self.graph.initializer.push(Tensor { dims, data_type, name: name.clone(), raw_data });
        name
    }

    pub(super) fn node(&mut self, op_type: &str, inputs: &[&str], attribute: Vec<Attribute>) -> String {
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

    /// A product with a matrix `[inputs, outputs]`, and a bias; gives the name of what comes out.
    pub(super) fn affine(&mut self, name: &str, input: &str, weight: &[f32], bias: &[f32]) -> String {
        let product = self.product(name, input, weight, bias.len());
        let bias = self.constant(format!("{name}.bias"), &[bias.len()], bias);
        self.node("Add", &[&product, &bias], Vec::new())
    }

    /// A product with a matrix `[inputs, outputs]`.
    pub(super) fn product(&mut self, name: &str, input: &str, weight: &[f32], outputs: usize) -> String {
        let shape = [weight.len() / outputs.max(1), outputs];
        let weight = self.constant(format!("{name}.weight"), &shape, weight);
        self.node("MatMul", &[input, &weight], Vec::new())
    }
}

pub(super) fn ints(name: &str, ints: &[i64]) -> Attribute {
    Attribute {
        name: name.to_owned(),
        ints: ints.to_vec(),
        kind: AttributeType::Ints.into(),
        ..Default::default()
    }
}

pub(super) fn int(name: &str, i: i64) -> Attribute {
    Attribute { name: name.to_owned(), i, kind: AttributeType::Int.into(), ..Default::default() }
}

pub(super) fn text(name: &str, s: &str) -> Attribute {
    Attribute { name: name.to_owned(), s: s.into(), kind: AttributeType::String.into(), ..Default::default() }
}

/// A matrix turned over: libtorch keeps `[outputs, inputs]`, and ONNX's product wants the other.
pub(super) fn transposed(values: &[f32], outputs: usize) -> Vec<f32> {
    let inputs = values.len() / outputs.max(1);
    (0..inputs).flat_map(|row| values.iter().skip(row).step_by(inputs.max(1)).copied()).collect()
}
