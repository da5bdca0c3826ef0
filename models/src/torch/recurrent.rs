//! Recurrent layers on libtorch: its own LSTM and GRU, and the SRU, which it lacks.

use tch::Tensor;

use super::Parameters;
use crate::networks::Recurrent;

/// Parameters of all directions in libtorch's order.
pub(super) fn parameters<'a>(parameters: &'a Parameters, name: &str, directions: &[&str]) -> Vec<&'a Tensor> {
    directions
        .iter()
        .flat_map(|direction| {
            ["input_weight", "hidden_weight", "input_bias", "hidden_bias"]
                .map(|part| &parameters[&format!("{name}.{direction}.{part}")])
        })
        .collect()
}

/// A state of zeros, where a sequence begins.
fn zeros(input: &Tensor, spec: Recurrent) -> Tensor {
    let shape = [spec.directions().len() as i64, input.size()[1], spec.hidden as i64];
    Tensor::zeros(shape, (input.kind(), input.device()))
}

pub(super) fn lstm(of: &Parameters, name: &str, input: &Tensor, spec: Recurrent, training: bool) -> Tensor {
    let start = zeros(input, spec);
    let parameters = parameters(of, name, spec.directions());
    let (output, _, _) =
        input.lstm(&[&start, &start], &parameters, true, 1, 0.0, training, spec.bidirectional, false);
    output
}

pub(super) fn gru(of: &Parameters, name: &str, input: &Tensor, spec: Recurrent, training: bool) -> Tensor {
    let parameters = parameters(of, name, spec.directions());
    let start = zeros(input, spec);
    let (output, _) = input.gru(&start, &parameters, true, 1, 0.0, training, spec.bidirectional, false);
    output
}

/// c(t) = f(t) c(t-1) + (1 - f(t)) x~(t); h(t) = r(t) tanh c(t) + (1 - r(t)) x^(t), with x~ and x^ linear in the input
/// and both gates its sigmoids.
pub(super) fn sru(of: &Parameters, name: &str, input: &Tensor, spec: Recurrent) -> Tensor {
    let hidden = spec.hidden as i64;
    let outputs = spec.directions().iter().map(|direction| {
        let part = |part: &str| &of[&format!("{name}.{direction}.{part}")];
        // One product for the whole sequence, which is what the unit is made for.
        let products = input.linear(part("input_weight"), None::<&Tensor>);
        let products = if *direction == "backward" { products.flip([0]) } else { products };
        let third = |at: i64| products.narrow(-1, at * hidden, hidden);
        let gates = (products.narrow(-1, hidden, 2 * hidden) + part("gate_bias")).sigmoid();
        let (forget, reset) = (gates.narrow(-1, 0, hidden), gates.narrow(-1, hidden, hidden));
        let fresh = third(0) * (1_f64 - &forget);
        let mut state = fresh.get(0);
        let mut states = vec![state.shallow_clone()];
        for step in 1..input.size()[0] {
            state = state * forget.get(step) + fresh.get(step);
            states.push(state.shallow_clone());
        }
        let output = &reset * Tensor::stack(&states, 0).tanh() + (1_f64 - &reset) * third(3);
        if *direction == "backward" { output.flip([0]) } else { output }
    });
    Tensor::cat(&outputs.collect::<Vec<_>>(), -1)
}
