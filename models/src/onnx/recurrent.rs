//! Recurrent layers in ONNX: its own LSTM and GRU, and the SRU out of plain operations.

use super::writer::{Value, Writer, int, ints, text, transposed};
use crate::networks::{Cell, Recurrent};

/// An LSTM or a GRU; gives the name of `[steps, batch, directions * hidden]`.
pub(super) fn gated(writer: &mut Writer<'_>, name: &str, input: &Value, spec: Recurrent) -> String {
    let Recurrent { cell, hidden, bidirectional } = spec;
    // Where each of ONNX's gates stands in libtorch's order. LSTM: input, output, forget, cell out of input, forget,
    // cell, output. GRU: update, reset, new out of reset, update, new.
    let (operator, order): (&str, &[usize]) = match cell {
        Cell::Lstm => ("LSTM", &[0, 3, 1, 2]),
        Cell::Gru | Cell::Sru => ("GRU", &[1, 0, 2]),
    };
    let (mut w, mut r, mut b) = (Vec::new(), Vec::new(), Vec::new());
    for direction in spec.directions() {
        let mut part = |part: &str| {
            let values = writer.parameter(&format!("{name}.{direction}.{part}"));
            let gate = values.len() / order.len();
            order.iter().flat_map(|&at| values[at * gate..(at + 1) * gate].to_vec()).collect::<Vec<f32>>()
        };
        w.extend(part("input_weight"));
        r.extend(part("hidden_weight"));
        b.extend(part("input_bias"));
        b.extend(part("hidden_bias"));
    }
    let (directions, gates) = (spec.directions().len(), order.len() * hidden);
    let w = writer.constant(format!("{name}.input_weight"), &[directions, gates, input.features], &w);
    let r = writer.constant(format!("{name}.hidden_weight"), &[directions, gates, hidden], &r);
    let b = writer.constant(format!("{name}.bias"), &[directions, 2 * gates], &b);
    let mut attributes = vec![int("hidden_size", hidden as i64)];
    attributes.push(text("direction", if bidirectional { "bidirectional" } else { "forward" }));
    if cell != Cell::Lstm {
        // The reset gate applies after the product, as libtorch has it.
        attributes.push(int("linear_before_reset", 1));
    }
    // Out comes [steps, directions, batch, hidden].
    let output = writer.node(operator, &[&input.name, &w, &r, &b], attributes);
    let turned = writer.node("Transpose", &[&output], vec![ints("perm", &[0, 2, 1, 3])]);
    let shape = writer.integers(format!("{turned}.shape"), &[0, 0, (directions * hidden) as i64]);
    writer.node("Reshape", &[&turned, &shape], Vec::new())
}

/// An SRU without a loop: c(t) is the sum over s up to t of (1 - f(s)) x~(s), each times all f after s, which is the
/// exponential of a difference of running sums of logarithms.
pub(super) fn sru(writer: &mut Writer<'_>, name: &str, input: &Value, spec: Recurrent) -> String {
    let hidden = spec.hidden;
    let mut outputs = Vec::new();
    for direction in spec.directions() {
        let name = format!("{name}.{direction}");
        let weight = writer.parameter(&format!("{name}.input_weight"));
        let bias = writer.parameter(&format!("{name}.gate_bias"));
        let quarter = weight.len() / 4;
        let part = |at: usize| transposed(&weight[at * quarter..(at + 1) * quarter], hidden);
        let bias = |at: usize| bias.get(at * hidden..(at + 1) * hidden).unwrap_or_default().to_vec();
        let candidate = writer.product(&format!("{name}.candidate"), &input.name, &part(0), hidden);
        let forget = writer.affine(&format!("{name}.forget"), &input.name, &part(1), &bias(0));
        let reset = writer.affine(&format!("{name}.reset"), &input.name, &part(2), &bias(1));
        let highway = writer.product(&format!("{name}.highway"), &input.name, &part(3), hidden);

        // 1 - sigmoid(x) is sigmoid(-x), and its logarithm the softplus of x with its sign turned.
        let negative = writer.node("Neg", &[&forget], Vec::new());
        let renewed = writer.node("Sigmoid", &[&negative], Vec::new());
        let fresh = writer.node("Mul", &[&candidate, &renewed], Vec::new());
        let softplus = writer.node("Softplus", &[&negative], Vec::new());
        let logarithm = writer.node("Neg", &[&softplus], Vec::new());
        let backward = *direction == "backward";
        let [first, second] = [0, 1].map(|axis| writer.integers(format!("{name}.axis{axis}"), &[axis]));
        let scalar = writer.integer(format!("{name}.steps"), 0);
        let sums = writer.node("CumSum", &[&logarithm, &scalar], vec![int("reverse", i64::from(backward))]);
        let to = writer.node("Unsqueeze", &[&sums, &second], Vec::new());
        let from = writer.node("Unsqueeze", &[&sums, &first], Vec::new());
        let kept = writer.node("Sub", &[&to, &from], Vec::new());
        let mask = later(writer, &name, &kept, backward);
        let kept = writer.node("Add", &[&kept, &mask], Vec::new());
        let kept = writer.node("Exp", &[&kept], Vec::new());
        let fresh = writer.node("Unsqueeze", &[&fresh, &first], Vec::new());
        let parts = writer.node("Mul", &[&kept, &fresh], Vec::new());
        let state = writer.node("ReduceSum", &[&parts, &second], vec![int("keepdims", 0)]);

        let state = writer.node("Tanh", &[&state], Vec::new());
        let closed = writer.node("Neg", &[&reset], Vec::new());
        let [open, closed] = [reset, closed].map(|gate| writer.node("Sigmoid", &[&gate], Vec::new()));
        let remembered = writer.node("Mul", &[&open, &state], Vec::new());
        let passed = writer.node("Mul", &[&closed, &highway], Vec::new());
        outputs.push(writer.node("Add", &[&remembered, &passed], Vec::new()));
    }
    let outputs: Vec<&str> = outputs.iter().map(String::as_str).collect();
    writer.node("Concat", &outputs, vec![int("axis", -1)])
}

/// `[steps, steps, 1, 1]`: nothing where the second step is not after the first (before, going backwards), and else so
/// far below zero that its exponential vanishes.
fn later(writer: &mut Writer<'_>, name: &str, square: &str, backward: bool) -> String {
    let shape = writer.node("Shape", &[square], vec![int("start", 0), int("end", 2)]);
    let zeros = writer.node("ConstantOfShape", &[&shape], Vec::new());
    let nothing = writer.constant(format!("{name}.nothing"), &[1], &[-1e9]);
    let full = writer.node("Add", &[&zeros, &nothing], Vec::new());
    let off = writer.integer(format!("{name}.off"), if backward { -1 } else { 1 });
    let masked = writer.node("Trilu", &[&full, &off], vec![int("upper", i64::from(!backward))]);
    let axes = writer.integers(format!("{name}.last"), &[2, 3]);
    writer.node("Unsqueeze", &[&masked, &axes], Vec::new())
}
