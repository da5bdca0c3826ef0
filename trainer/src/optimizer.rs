//! The optimizers, with gradient clipping, and the running average of the weights (Polyak and Juditsky 1992). Kept
//! here and not in libtorch so that all of their state goes into checkpoints.

use anyhow::{Result, ensure};
use byecaptcha_models::torch::Parameters;
use serde::{Deserialize, Serialize};
use tch::{Kind, Tensor};

/// Keeps the denominator above zero.
const EPSILON: f64 = 1e-8;

/// How a gradient changes a parameter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Rule {
    /// Kingma and Ba 2014, arXiv:1412.6980. Weight decay goes into the gradient.
    Adam,
    /// Loshchilov and Hutter 2017, arXiv:1711.05101. Weight decay takes its share of the weights.
    #[default]
    AdamW,
    /// Luo et al. 2019, arXiv:1902.09843, algorithm 2: Adam, without its correction of the start, whose rate for each
    /// weight is held between two bounds that close in on the rate of an SGD. (Its division by the root of the step is
    /// the schedule's shape `inverse-root`.)
    AdaBound,
    /// Stochastic gradient descent with momentum (Sutskever et al. 2013).
    Sgd,
}

/// An optimizer's settings.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Which one.
    pub rule: Rule,
    /// Decay of the first moment; the momentum of SGD.
    pub beta1: f64,
    /// Decay of the second moment.
    pub beta2: f64,
    /// Share of each weight that a step of rate 1 takes off.
    pub weight_decay: f64,
    /// The rate that AdaBound's bounds close in on, while the schedule is at its peak.
    pub final_rate: f64,
    /// How fast they do: the bounds stand at a share of 1 -+ 1 / (gamma step) of it. The paper has 1 - beta2.
    pub gamma: f64,
    /// Gradients longer than this, all taken together, are shortened to it.
    pub clip: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            rule: Rule::AdamW,
            beta1: 0.9,
            beta2: 0.99,
            weight_decay: 0.01,
            final_rate: 0.1,
            gamma: 1e-3,
            clip: 2.0,
        }
    }
}

impl Settings {
    /// Checks that each is in the range in which steps are finite and go down.
    pub(crate) fn check(&self) -> Result<()> {
        let Self { beta1, beta2, weight_decay, final_rate, gamma, clip, .. } = *self;
        for (name, beta) in [("beta1", beta1), ("beta2", beta2)] {
            ensure!((0.0..1.0).contains(&beta), "optimizer.{name}: from 0 to below 1");
        }
        for (name, value) in [("final_rate", final_rate), ("gamma", gamma), ("clip", clip)] {
            ensure!(value > 0.0, "optimizer.{name}: above 0");
        }
        ensure!(weight_decay >= 0.0, "optimizer.weight_decay: from 0");
        Ok(())
    }
}

/// The optimizer's memory: one moment of each order for each trained parameter.
pub struct Optimizer {
    settings: Settings,
    /// The schedule's highest rate.
    peak: f64,
    /// Running means of gradients; SGD's velocity.
    pub first: Parameters,
    /// Running means of squared gradients; none for SGD.
    pub second: Parameters,
}

impl Optimizer {
    /// A fresh memory for these parameters, for a schedule with this highest rate.
    pub fn new(settings: Settings, peak: f64, parameters: &Parameters) -> Self {
        let zeros = || {
            let trained = parameters.iter().filter(|(_, tensor)| tensor.requires_grad());
            trained
                .map(|(name, tensor)| (name.clone(), tensor.zeros_like().set_requires_grad(false)))
                .collect()
        };
        let second = if settings.rule == Rule::Sgd { Parameters::new() } else { zeros() };
        Self { settings, peak, first: zeros(), second }
    }

    /// Applies gradients, one for each trained parameter; `step` counts from 0. Returns the gradients' length before clipping;
    /// where that is not finite, nothing changes. (The in-place operations return the tensor they changed: dropped.)
    pub fn step(&mut self, parameters: &mut Parameters, gradients: &Parameters, rate: f64, step: u64) -> f64 {
        tch::no_grad(|| {
            let squares: Vec<Tensor> =
                gradients.values().map(|gradient| gradient.square().sum(Kind::Float)).collect();
            let length = Tensor::stack(&squares, 0).sum(Kind::Float).sqrt().double_value(&[]);
            let scale = (self.settings.clip / length.max(EPSILON)).min(1.0);
            for (name, first) in &mut self.first {
                let (Some(parameter), Some(gradient)) = (parameters.get_mut(name), gradients.get(name))
                else {
                    continue;
                };
                if length.is_finite() {
                    let update = Update { settings: self.settings, rate, share: rate / self.peak, step };
                    update.apply(parameter, gradient * scale, first, self.second.get_mut(name));
                }
            }
            length
        })
    }
}

/// One step for one parameter.
struct Update {
    settings: Settings,
    rate: f64,
    /// Of the schedule's peak.
    share: f64,
    step: u64,
}

impl Update {
    fn apply(
        &self,
        parameter: &mut Tensor,
        gradient: Tensor,
        first: &mut Tensor,
        second: Option<&mut Tensor>,
    ) {
        let Settings { rule, beta1, beta2, weight_decay, final_rate, gamma, .. } = self.settings;
        // One-dimensional parameters (biases, norms) are not decayed: nothing is gained by pulling them to zero.
        let decay = if parameter.dim() > 1 { weight_decay } else { 0.0 };
        let gradient = match rule {
            Rule::AdamW => {
                drop(parameter.g_mul_scalar_(1.0 - self.rate * decay));
                gradient
            }
            _ => gradient + &*parameter * decay,
        };
        let Some(second) = second else {
            drop(first.g_mul_scalar_(beta1).g_add_(&gradient));
            drop(parameter.g_sub_(&(&*first * self.rate)));
            return;
        };
        drop(first.g_mul_scalar_(beta1).g_add_(&(&gradient * (1.0 - beta1))));
        drop(second.g_mul_scalar_(beta2).g_add_(&(gradient.square() * (1.0 - beta2))));
        let count = (self.step + 1) as f64;
        if rule == Rule::AdaBound {
            let lower = final_rate * self.share * (1.0 - 1.0 / (gamma * count + 1.0));
            let upper = final_rate * self.share * (1.0 + 1.0 / (gamma * count));
            let rates = (second.sqrt() + EPSILON).reciprocal() * self.rate;
            drop(parameter.g_sub_(&(rates.clamp(lower, upper) * &*first)));
            return;
        }
        let (unbias1, unbias2) = (1.0 - beta1.powf(count), 1.0 - beta2.powf(count));
        let update = (&*first / unbias1) / ((&*second / unbias2).sqrt() + EPSILON);
        drop(parameter.g_sub_(&(update * self.rate)));
    }
}

/// Takes the gradients of trained parameters off them.
pub fn gradients(parameters: &Parameters) -> Parameters {
    let trained = parameters.iter().filter(|(_, tensor)| tensor.requires_grad());
    trained
        .map(|(name, tensor)| {
            let mut gradient = tensor.grad();
            let taken = gradient.copy();
            drop(gradient.zero_());
            (name.clone(), taken)
        })
        .collect()
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

    /// Minimises x squared from x = 1 at a rate of 0.1 and gives x after each step.
    fn descend(settings: Settings, steps: u64) -> Vec<f64> {
        let start = Tensor::from_slice(&[1.0_f64]).reshape([1, 1]).set_requires_grad(true);
        let mut parameters = Parameters::from([("x".to_owned(), start)]);
        let mut optimizer = Optimizer::new(Settings { clip: 1e9, ..settings }, 0.1, &parameters);
        (0..steps)
            .map(|step| {
                parameters["x"].square().sum(Kind::Double).backward();
                let gradients = gradients(&parameters);
                optimizer.step(&mut parameters, &gradients, 0.1, step);
                parameters["x"].double_value(&[0, 0])
            })
            .collect()
    }

    fn assert_path(settings: Settings, expected: &[f64]) {
        let path = descend(settings, expected.len() as u64);
        for (step, (x, expected)) in path.iter().zip(expected).enumerate() {
            assert!((x - expected).abs() < 1e-7, "step {}: {x}, not {expected}", step + 1);
        }
    }

    /// By hand. First step: gradient 2, so m/m^ = 0.2/2, v/v^ = 0.04/4, and the quotient of the corrected ones is 1: x
    /// goes from 1 (AdamW: from 0.95, the decay of 0.5 taken off first) by 0.1. Second: gradient 1.8 (1.7), m^ = 0.36 /
    /// 0.19 (0.35 / 0.19), v^ = 0.072 / 0.0199 (0.0685 / 0.0199), quotients 0.996_1 and 0.992_9.
    #[test]
    fn adam_and_adamw_take_the_steps_of_their_papers() {
        let adam = Settings { rule: Rule::Adam, weight_decay: 0.0, ..Settings::default() };
        let second = 0.1 * (0.36 / 0.19) / f64::sqrt(0.072 / 0.0199);
        assert_path(adam, &[0.9, 0.9 - second]);
        let adamw = Settings { weight_decay: 0.5, ..Settings::default() };
        let second = 0.1 * (0.35 / 0.19) / f64::sqrt(0.0685 / 0.0199);
        assert_path(adamw, &[0.85, 0.85 * 0.95 - second]);
    }

    /// By hand, bounds at gamma 1 and a final rate of 0.1: [0.05, 0.2] at the first step, [0.1 * 2/3, 0.15] at the
    /// second. First: m = 0.2, v = 0.04, 0.1 / 0.2 = 0.5 is held to 0.2, x = 1 - 0.2 * 0.2 = 0.96. Second: gradient 1.92,
    /// m = 0.372, v = 0.0396 + 0.036864 = 0.076464, 0.1 / 0.276521 = 0.361636 is held to 0.15: x = 0.96 - 0.0558.
    /// Where gradients are large the lower bound holds: at a final rate of 10, it is 5, and x = 1 - 5 * 0.2 = 0.
    #[test]
    fn adabound_takes_the_steps_of_its_paper() {
        let settings =
            Settings { rule: Rule::AdaBound, gamma: 1.0, weight_decay: 0.0, ..Settings::default() };
        assert_path(settings, &[0.96, 0.9042]);
        assert_path(Settings { final_rate: 10.0, ..settings }, &[0.0]);
        // Between the bounds it is Adam without correction: 0.1 / 0.2 lies in [0.25, 1].
        assert_path(Settings { final_rate: 0.5, ..settings }, &[1.0 - 0.5 * 0.2]);
    }

    /// By hand: velocity 2, x = 0.8; gradient 1.6, velocity 0.9 * 2 + 1.6 = 3.4, x = 0.46.
    #[test]
    fn sgd_keeps_its_momentum() {
        let settings = Settings { rule: Rule::Sgd, weight_decay: 0.0, ..Settings::default() };
        assert_path(settings, &[0.8, 0.46]);
    }

    #[test]
    fn long_gradients_are_shortened_and_broken_ones_ignored() {
        let start = Tensor::from_slice(&[1.0_f32]).set_requires_grad(true);
        let mut parameters = Parameters::from([("x".to_owned(), start)]);
        let settings = Settings { clip: 1.0, ..Settings::default() };
        let mut optimizer = Optimizer::new(settings, 1.0, &parameters);
        (&parameters["x"] * 1000.0).sum(Kind::Float).backward();
        let first = gradients(&parameters);
        assert!((optimizer.step(&mut parameters, &first, 0.0, 0) - 1000.0).abs() < 1e-3);
        assert!((optimizer.first["x"].double_value(&[0]) - 0.1).abs() < 1e-6);
        (&parameters["x"] * f64::NAN).sum(Kind::Float).backward();
        let broken = gradients(&parameters);
        optimizer.step(&mut parameters, &broken, 0.1, 1);
        assert!((parameters["x"].double_value(&[0]) - 1.0).abs() < 1e-9);
    }
}
