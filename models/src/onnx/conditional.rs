//! Convolutions with kernels of each picture's own, out of plain operations: ONNX's takes one set of kernels for all.

use super::writer::{Value, Writer, int, transposed};
use crate::networks::Convolution;

/// The last place of an axis, however long.
const END: i64 = i64::MAX;

/// Kernels are mixed by one product, and applied by another, to the neighbourhoods of all pixels; gives `[N, channels, H, W]`.
pub(super) fn convolution(
    writer: &mut Writer<'_>,
    name: &str,
    input: &Value,
    spec: Convolution,
    experts: usize,
) -> Value {
    let Convolution { channels, kernel, .. } = spec;
    let taps = kernel * kernel;

    let mut bank = writer.parameter(&format!("{name}.weight"));
    let bias = writer.fold_norm(name, &mut bank, input.features * taps);
    // Within a filter, channels of a tap beside one another, as the neighbourhoods have them.
    let bank: Vec<f32> = bank
        .chunks_exact(input.features * taps)
        .flat_map(|filter| transposed(filter, input.features))
        .map(|value| value * 2.0 / experts as f32)
        .collect();
    let gate_weight = writer.parameter(&format!("{name}.gates.weight"));
    let gate_bias = writer.parameter(&format!("{name}.gates.bias"));

    let means = writer.node("GlobalAveragePool", &[&input.name], Vec::new());
    let means = writer.node("Flatten", &[&means], vec![int("axis", 1)]);
    let gates =
        writer.affine(&format!("{name}.gates"), &means, &transposed(&gate_weight, experts), &gate_bias);
    let gates = writer.node("Sigmoid", &[&gates], Vec::new());
    let kernels = writer.product(name, &gates, &bank, channels * input.features * taps);
    let kernels = reshaped(writer, &kernels, &[0, channels as i64, (input.features * taps) as i64]);

    let neighbourhoods = neighbourhoods(writer, name, &input.name, kernel);
    let columns = reshaped(writer, &neighbourhoods, &[0, (input.features * taps) as i64, -1]);
    let product = writer.node("MatMul", &[&kernels, &columns], Vec::new());
    let bias = writer.constant(format!("{name}.bias"), &[channels, 1], &bias);
    let mut output = writer.node("Add", &[&product, &bias], Vec::new());
    if spec.relu {
        output = writer.node("Relu", &[&output], Vec::new());
    }
    let output = reshaped(writer, &output, &[0, channels as i64, input.height as i64, -1]);
    Value { name: output, features: channels, height: input.height }
}

/// `[N, C, H, W]` to `[N, kernel * kernel * C, H, W]`: each pixel's neighbours, zero past the edges, row by row.
fn neighbourhoods(writer: &mut Writer<'_>, name: &str, input: &str, kernel: usize) -> String {
    let (kernel, margin) = (kernel as i64, kernel as i64 / 2);
    let margins = writer.integers(format!("{name}.margins"), &[0, 0, margin, margin, 0, 0, margin, margin]);
    let padded = writer.node("Pad", &[input, &margins], Vec::new());
    let axes = writer.integers(format!("{name}.axes"), &[2, 3]);
    let mut taps = Vec::new();
    for (row, column) in (0..kernel).flat_map(|row| (0..kernel).map(move |column| (row, column))) {
        let tap = format!("{name}.tap{row}{column}");
        let end = |from: i64| if from + 1 == kernel { END } else { from + 1 - kernel };
        let starts = writer.integers(format!("{tap}.from"), &[row, column]);
        let ends = writer.integers(format!("{tap}.to"), &[end(row), end(column)]);
        taps.push(writer.node("Slice", &[&padded, &starts, &ends, &axes], Vec::new()));
    }
    let taps: Vec<&str> = taps.iter().map(String::as_str).collect();
    writer.node("Concat", &taps, vec![int("axis", 1)])
}

/// The same values in this shape: 0 keeps an axis, and -1 is what remains.
fn reshaped(writer: &mut Writer<'_>, input: &str, shape: &[i64]) -> String {
    let shape = writer.integers(format!("{input}.shape"), shape);
    writer.node("Reshape", &[input, &shape], Vec::new())
}
