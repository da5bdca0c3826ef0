//! What is known of a text before it is read: which characters it can hold, and how many. The search keeps to it from the
//! first step on, and the probabilities that come out are those given that knowledge.

/// Bounds on a text. The default has none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Constraint {
    /// Labels that the text may hold; all of them where absent.
    pub labels: Option<Vec<usize>>,
    /// Fewest characters.
    pub min_length: usize,
    /// Most characters; any number where absent.
    pub max_length: Option<usize>,
}

impl Constraint {
    /// Whether lengths are bounded.
    pub(super) fn bounds_length(&self) -> bool {
        self.min_length > 0 || self.max_length.is_some()
    }

    /// Whether a text may have so many characters.
    pub(super) fn admits(&self, length: usize) -> bool {
        length >= self.min_length && self.max_length.is_none_or(|most| length <= most)
    }
}
