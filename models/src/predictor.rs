//! The seam between the engines and everything else: a batch of prepared images goes in, a batch of label
//! distributions comes out, and no engine's types show on either side.

/// Prepared images of one size, ready for an engine.
#[derive(Clone, Debug)]
pub struct ImageBatch {
    /// Shape `[count, 1, height, width]`, row-major.
    pub pixels: Vec<f32>,
    /// How many images.
    pub count: usize,
    /// Pixels from top to bottom.
    pub height: usize,
    /// Pixels from left to right.
    pub width: usize,
}

/// What a network says of one image: for each step from left to right, the natural logarithm of each label's
/// probability. Label 0 is CTC's blank; label `n` is the charset's character `n - 1`.
#[derive(Clone, Debug, PartialEq)]
pub struct LabelDistributions {
    log_probabilities: Vec<f32>,
    labels: usize,
}

impl LabelDistributions {
    /// From a row-major `[steps, labels]` array. `labels` must be above zero and divide its length, and no value may be
    /// NaN: a reading of no known confidence is worse than none.
    pub fn new(log_probabilities: Vec<f32>, labels: usize) -> Result<Self, PredictError> {
        if labels == 0 || !log_probabilities.len().is_multiple_of(labels) {
            return Err(PredictError(format!(
                "{} log probabilities do not divide into steps of {labels} labels",
                log_probabilities.len()
            )));
        }
        if log_probabilities.iter().any(|value| value.is_nan()) {
            return Err(PredictError("a log probability is not a number".into()));
        }
        Ok(Self { log_probabilities, labels })
    }

    /// The distributions, one slice of length [`LabelDistributions::labels`] per step.
    pub fn steps(&self) -> impl ExactSizeIterator<Item = &[f32]> + Clone {
        self.log_probabilities.chunks_exact(self.labels)
    }

    /// How many labels each step tells apart, the blank among them.
    pub fn labels(&self) -> usize {
        self.labels
    }

    /// All values, row-major `[steps, labels]`.
    pub fn as_slice(&self) -> &[f32] {
        &self.log_probabilities
    }
}

/// An engine failed on a batch, or was given one that does not fit its network.
#[derive(Debug, thiserror::Error)]
#[error("the engine failed: {0}")]
pub struct PredictError(pub String);

/// A loaded network. Held by one thread for its life, hence `&mut`.
pub trait Predictor: Send {
    /// The engine, and the device where it has more than one: `onnx`, `torch cpu`, `torch cuda:0`.
    fn engine(&self) -> &str;

    /// One answer for each image, in order.
    fn predict(&mut self, batch: &ImageBatch) -> Result<Vec<LabelDistributions>, PredictError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broken_distributions_are_refused() {
        assert!(LabelDistributions::new(vec![0.0; 6], 3).is_ok());
        for (values, labels) in [(vec![0.0; 6], 4), (vec![0.0; 6], 0), (vec![0.0, f32::NAN], 2)] {
            assert!(LabelDistributions::new(values, labels).is_err());
        }
    }
}
