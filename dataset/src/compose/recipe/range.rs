//! Ranges of numbers as style files write them: one number, or the least and the most.

use rand::{Rng, RngExt};
use serde::Deserialize;

use crate::style::Error;

/// An even spread from the first to the second.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(from = "OneOrTwo")]
pub(in crate::compose) struct Range(pub(super) f32, pub(super) f32);

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrTwo {
    One(f32),
    Two([f32; 2]),
}

impl From<OneOrTwo> for Range {
    fn from(given: OneOrTwo) -> Self {
        match given {
            OneOrTwo::One(value) => Self(value, value),
            OneOrTwo::Two([low, high]) => Self(low, high),
        }
    }
}

impl Range {
    /// From the first to the second.
    pub(in crate::compose) const fn of(low: f32, high: f32) -> Self {
        Self(low, high)
    }

    /// The same number always.
    pub(in crate::compose) const fn only(value: f32) -> Self {
        Self(value, value)
    }

    /// Whether there is anything to take but nothing: what leaves a picture as it is draws no random numbers either.
    pub(in crate::compose) fn is_some(self) -> bool {
        self.0 != 0.0 || self.1 != 0.0
    }

    pub(in crate::compose) fn take(self, rng: &mut impl Rng) -> f32 {
        self.0 + (self.1 - self.0) * rng.random::<f32>()
    }

    /// A whole number of the range, each equally likely.
    pub(in crate::compose) fn count(self, rng: &mut impl Rng) -> usize {
        rng.random_range(self.0.max(0.0) as usize..=self.1.max(self.0).max(0.0) as usize)
    }

    pub(super) fn check(self, what: &'static str, low: f32, high: f32) -> Result<(), Error> {
        let Self(from, to) = self;
        if from <= to && from >= low && to <= high {
            return Ok(());
        }
        Err(Error::Recipe(format!("{what}: {from} to {to} is no range within {low} to {high}")))
    }
}

/// Nothing is made larger or smaller.
pub(super) fn unchanged() -> Range {
    Range::only(1.0)
}

/// Pixels of a thin pen.
pub(super) fn thin() -> Range {
    Range::of(1.0, 1.5)
}
