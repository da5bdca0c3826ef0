//! What is read of a picture, and what a reader may know of its text beforehand.

/// What was read from one picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    /// The likeliest text.
    pub text: String,
    /// Probability, 0 to 1, that the whole text is right: calibrated, where the model's card has a map for it.
    pub confidence: f32,
    /// Each character and the probability, 0 to 1, that it is right.
    pub characters: Vec<(char, f32)>,
    /// The next likeliest texts and their probabilities.
    pub alternatives: Vec<(String, f32)>,
}

impl Reading {
    /// That of a picture with nothing in it: certainly no text, unless there has to be one.
    pub(crate) fn of_nothing(options: &ReadingOptions) -> Self {
        let confidence = if options.min_length.unwrap_or_default() == 0 { 1.0 } else { 0.0 };
        Self { text: String::new(), confidence, characters: Vec::new(), alternatives: Vec::new() }
    }
}

/// What is known of a text beforehand, and how much of the search is wanted. The default is: nothing, and the usual.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReadingOptions {
    /// The only characters that the text may hold. Those that the model cannot read do not matter.
    pub charset: Option<String>,
    /// Fewest characters.
    pub min_length: Option<usize>,
    /// Most characters.
    pub max_length: Option<usize>,
    /// Most alternatives in the reading; 3 where absent.
    pub alternatives: Option<usize>,
}
