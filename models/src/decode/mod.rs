//! From label distributions to text: connectionist temporal classification, read greedily or with a beam
//! (Graves et al. 2006; the prefix beam after Hannun et al. 2014, arXiv:1408.2873).

mod beam;
mod candidates;
mod confidence;
mod constraint;
#[cfg(test)]
mod exhaustive;
mod greedy;
mod length;
mod prefixes;

pub use beam::{Hypothesis, beam, beam_within};
pub use confidence::character_confidences;
pub use constraint::Constraint;
pub use greedy::greedy;

/// CTC's blank.
pub const BLANK: usize = 0;
