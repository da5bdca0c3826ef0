//! AdamW (Loshchilov and Hutter 2019, arXiv:1711.05101) with gradient clipping, and the running average of the
//! weights (Polyak and Juditsky 1992). Kept here and not in libtorch so that all of its state goes into checkpoints.

use byecaptcha_models::torch::Parameters;
use tch::{Kind, Tensor};

use crate::config::AdamW;

/// Keeps the denominator above zero.
const EPSILON: f64 = 1e-8;

/// The optimizer's memory: one moment of each order for each trained parameter.
pub struct Optimizer {
    settings: AdamW,
    /// Running means of gradients.
    pub first: Parameters,
    /// Running means of squared gradients.
    pub second: Parameters,
}

impl Optimizer {
    /// A fresh memory for these parameters.
    pub fn new(settings: AdamW, parameters: &Parameters) -> Self {
        let zeros = || {
            let trained = parameters.iter().filter(|(_, tensor)| tensor.requires_grad());
            trained
                .map(|(name, tensor)| (name.clone(), tensor.zeros_like().set_requires_grad(false)))
                .collect()
        };
        Self { settings, first: zeros(), second: zeros() }
    }

    /// Applies the gradients and clears them; `step` counts from 0. Returns the gradients' length before clipping;
    /// where that is not finite, nothing changes. (The in-place operations return the tensor they changed: dropped.)
    pub fn step(&mut self, parameters: &mut Parameters, rate: f64, step: u64) -> f64 {
        let AdamW { beta1, beta2, weight_decay, clip } = self.settings;
        let count = i32::try_from(step + 1).unwrap_or(i32::MAX);
        let (unbias1, unbias2) = (1.0 - beta1.powi(count), 1.0 - beta2.powi(count));
        tch::no_grad(|| {
            let squares: Vec<Tensor> =
                self.first.keys().map(|name| parameters[name].grad().square().sum(Kind::Float)).collect();
            let length = Tensor::stack(&squares, 0).sum(Kind::Float).sqrt().double_value(&[]);
            let scale = (clip / length.max(EPSILON)).min(1.0);
            for (name, first) in &mut self.first {
                let (Some(parameter), Some(second)) = (parameters.get_mut(name), self.second.get_mut(name))
                else {
                    continue;
                };
                let mut gradient = parameter.grad();
                if length.is_finite() {
                    let clipped = &gradient * scale;
                    drop(first.g_mul_scalar_(beta1).g_add_(&(&clipped * (1.0 - beta1))));
                    drop(second.g_mul_scalar_(beta2).g_add_(&(clipped.square() * (1.0 - beta2))));
                    let update = (&*first / unbias1) / ((&*second / unbias2).sqrt() + EPSILON);
                    // One-dimensional parameters (biases, norms) are not decayed: nothing is gained by pulling
                    // them to zero.
                    let decay = if parameter.dim() > 1 { 1.0 - rate * weight_decay } else { 1.0 };
                    drop(parameter.g_mul_scalar_(decay).g_sub_(&(update * rate)));
                }
                drop(gradient.zero_());
            }
            length
        })
    }
}

/// Moves the running average towards the parameters. Early on it follows faster, so that it is no mean of the start.
pub fn average(averages: &mut Parameters, parameters: &Parameters, decay: f64, step: u64) {
    let decay = decay.min((1.0 + step as f64) / (10.0 + step as f64));
    tch::no_grad(|| {
        for (name, average) in averages {
            drop(average.lerp_(&parameters[name], 1.0 - decay));
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two steps of the paper's algorithm on one number, worked out by hand: f(x) = x^2 from 1, rate 0.1.
    #[test]
    fn two_steps_match_the_paper() {
        let settings = AdamW { beta1: 0.9, beta2: 0.99, weight_decay: 0.5, clip: 1e9 };
        let start = Tensor::from_slice(&[1.0_f64]).reshape([1, 1]).set_requires_grad(true);
        let mut parameters = Parameters::from([("x".to_owned(), start)]);
        let mut optimizer = Optimizer::new(settings, &parameters);
        let (mut x, mut m, mut v) = (1.0_f64, 0.0_f64, 0.0_f64);
        for step in 0..2 {
            parameters["x"].square().sum(Kind::Double).backward();
            optimizer.step(&mut parameters, 0.1, step);
            let gradient = 2.0 * x;
            m = 0.9 * m + 0.1 * gradient;
            v = 0.99 * v + 0.01 * gradient * gradient;
            let t = step as i32 + 1;
            let (mean, square) = (m / (1.0 - 0.9_f64.powi(t)), v / (1.0 - 0.99_f64.powi(t)));
            x = x * (1.0 - 0.1 * 0.5) - 0.1 * mean / (square.sqrt() + EPSILON);
            assert!((parameters["x"].double_value(&[0, 0]) - x).abs() < 1e-9);
        }
    }

    #[test]
    fn long_gradients_are_shortened_and_broken_ones_ignored() {
        let start = Tensor::from_slice(&[1.0_f32]).set_requires_grad(true);
        let mut parameters = Parameters::from([("x".to_owned(), start)]);
        let mut optimizer = Optimizer::new(AdamW { clip: 1.0, ..AdamW::default() }, &parameters);
        (&parameters["x"] * 1000.0).sum(Kind::Float).backward();
        assert!((optimizer.step(&mut parameters, 0.0, 0) - 1000.0).abs() < 1e-3);
        assert!((optimizer.first["x"].double_value(&[0]) - 0.1).abs() < 1e-6);
        (&parameters["x"] * f64::NAN).sum(Kind::Float).backward();
        optimizer.step(&mut parameters, 0.1, 1);
        assert!((parameters["x"].double_value(&[0]) - 1.0).abs() < 1e-9);
    }
}
