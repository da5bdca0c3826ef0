//! The learning rate over a run.

use serde::{Deserialize, Serialize};

/// What the rate does between its rise and its end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Shape {
    /// Along its peak, then straight down to nothing at the last step. The level part can be made longer while the run
    /// is under way, by raising `steps`.
    #[default]
    Trapezoid,
    /// Half a cosine from the peak to nothing (Loshchilov and Hutter 2016, arXiv:1608.03983).
    Cosine,
    /// The peak over the root of the step, counted from 1, without an end: the decay of AdaBound's paper.
    InverseRoot,
    /// The peak throughout.
    Constant,
}

/// A rise, and then a shape.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// What the rate does.
    #[serde(default)]
    pub shape: Shape,
    /// The highest learning rate.
    pub peak: f64,
    /// Steps of rising.
    #[serde(default)]
    pub warmup: u64,
    /// A trapezoid's steps of falling, the last of the run.
    #[serde(default)]
    pub cooldown: u64,
}

impl Schedule {
    /// The learning rate of a step, from 0, in a run of `steps`.
    pub fn rate(&self, step: u64, steps: u64) -> f64 {
        let left = steps.saturating_sub(step) as f64;
        let share = match self.shape {
            Shape::Trapezoid => left / self.cooldown.max(1) as f64,
            Shape::Cosine => {
                let whole = steps.saturating_sub(self.warmup).max(1) as f64;
                (1.0 - (std::f64::consts::PI * (left / whole).min(1.0)).cos()) / 2.0
            }
            Shape::InverseRoot => 1.0 / ((step + 1) as f64).sqrt(),
            Shape::Constant => 1.0,
        };
        let rise = (step + 1) as f64 / self.warmup.max(1) as f64;
        self.peak * rise.min(share).min(1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(schedule: Schedule, rates: &[(u64, f64)]) {
        for &(step, expected) in rates {
            let rate = schedule.rate(step, 100);
            assert!((rate - expected).abs() < 1e-9, "step {step}: {rate}, not {expected}");
        }
    }

    #[test]
    fn a_trapezoid_rises_stays_and_falls() {
        let schedule = Schedule { shape: Shape::Trapezoid, peak: 1.0, warmup: 10, cooldown: 20 };
        near(schedule, &[(0, 0.1), (9, 1.0), (79, 1.0), (90, 0.5), (99, 0.05), (100, 0.0)]);
    }

    #[test]
    fn the_other_shapes_go_as_their_papers_say() {
        let schedule = |shape| Schedule { shape, peak: 2.0, warmup: 0, cooldown: 0 };
        near(
            schedule(Shape::Cosine),
            &[(0, 2.0), (50, 1.0), (75, 2.0 * 0.146_446_609_406_726_24), (100, 0.0)],
        );
        near(schedule(Shape::InverseRoot), &[(0, 2.0), (3, 1.0), (99, 0.2)]);
        near(schedule(Shape::Constant), &[(0, 2.0), (99, 2.0)]);
    }
}
