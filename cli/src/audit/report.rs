//! All figures of an audit in one place: what the page shows, what the summary says, and what the JSON file holds.

use byecaptcha_models::metrics::{Edit, Share};
use serde::Serialize;

use crate::audit::{answers::Selective, clock::Cost, tally::Rightness, verdict::Verdict};

/// Of things that are listed, the first so many are kept; of all of them, the number.
pub(crate) const LISTED: usize = 200;

/// The figures.
#[derive(Serialize)]
pub(crate) struct Report {
    /// What wrote it: the program and its version.
    pub(crate) program: String,
    pub(crate) made_at: String,
    pub(crate) folder: String,
    /// The table of texts; the names of the files where there is none.
    pub(crate) labels: Option<String>,
    pub(crate) model: Model,
    /// Whether a for A counts as right, in the verdict and in all but the two figures that say otherwise.
    pub(crate) ignore_case: bool,
    pub(crate) pictures: Pictures,
    pub(crate) case_counted: Accuracy,
    pub(crate) ignoring_case: Accuracy,
    pub(crate) writable: Rate,
    pub(crate) by_length: Vec<ByLength>,
    pub(crate) doubled: Rate,
    pub(crate) not_doubled: Rate,
    pub(crate) by_character: Vec<ByCharacter>,
    pub(crate) thresholds: Vec<Threshold>,
    pub(crate) curve: Vec<Threshold>,
    pub(crate) histogram: Vec<Bar>,
    pub(crate) mistakes: Vec<Mistake>,
    pub(crate) cost: Cost,
    pub(crate) verdict: Verdict,
    pub(crate) unreadable: Listed<LeftOut>,
    pub(crate) unlabelled: Listed<LeftOut>,
    pub(crate) unknown_characters: Listed<Unknown>,
    pub(crate) unknown: Vec<UnknownCharacter>,
}

/// What read.
#[derive(Serialize)]
pub(crate) struct Model {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) charset: String,
}

/// What became of the pictures.
#[derive(Serialize)]
pub(crate) struct Pictures {
    pub(crate) found: usize,
    /// Read and labelled: what every share is of.
    pub(crate) counted: usize,
    pub(crate) unreadable: usize,
    pub(crate) unlabelled: usize,
    /// Counted, with a label that the model cannot write.
    pub(crate) with_unknown_characters: usize,
    /// Counted, and nothing was read in them.
    pub(crate) without_answer: usize,
    /// Counted, and read with more or fewer characters than there are.
    pub(crate) wrong_length: usize,
}

/// So many of so many, with the interval in which the true share lies with 95% confidence.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Rate {
    pub(crate) count: usize,
    pub(crate) of: usize,
    pub(crate) share: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
}

#[derive(Clone, Copy, Serialize)]
pub(crate) struct Accuracy {
    pub(crate) right: Rate,
    pub(crate) character_errors: usize,
    pub(crate) characters: usize,
    /// Can exceed 1, where more is read than there is.
    pub(crate) character_error_rate: f64,
}

#[derive(Serialize)]
pub(crate) struct ByLength {
    pub(crate) length: usize,
    #[serde(flatten)]
    pub(crate) right: Rate,
}

#[derive(Clone, Copy, Serialize)]
pub(crate) struct ByCharacter {
    pub(crate) character: char,
    #[serde(flatten)]
    pub(crate) right: Rate,
}

/// What comes of sending only answers from a confidence on.
#[derive(Serialize)]
pub(crate) struct Threshold {
    pub(crate) threshold: f64,
    pub(crate) sent: usize,
    pub(crate) coverage: f64,
    pub(crate) right: Rate,
}

/// A tenth of confidence.
#[derive(Serialize)]
pub(crate) struct Bar {
    pub(crate) from: f64,
    pub(crate) to: f64,
    pub(crate) answers: usize,
    pub(crate) right: usize,
}

/// A kind of mistake: without a truth something was added, without a reading it was missed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Mistake {
    pub(crate) truth: Option<char>,
    pub(crate) reading: Option<char>,
    pub(crate) times: usize,
}

/// All of something, and the first of it.
#[derive(Serialize)]
pub(crate) struct Listed<T> {
    pub(crate) count: usize,
    pub(crate) first: Vec<T>,
}

/// A file that is in no figure.
#[derive(Serialize)]
pub(crate) struct LeftOut {
    pub(crate) file: String,
    pub(crate) kind: &'static str,
    pub(crate) detail: String,
}

/// A file whose label the model cannot write.
#[derive(Serialize)]
pub(crate) struct Unknown {
    pub(crate) file: String,
    pub(crate) label: String,
    pub(crate) characters: String,
}

/// A character that the model does not know, and in how many labels it stands.
#[derive(Serialize)]
pub(crate) struct UnknownCharacter {
    pub(crate) character: char,
    pub(crate) labels: usize,
}

impl<T> Listed<T> {
    pub(crate) fn new() -> Self {
        Self { count: 0, first: Vec::new() }
    }

    pub(crate) fn add(&mut self, item: T) {
        self.count += 1;
        if self.first.len() < LISTED {
            self.first.push(item);
        }
    }
}

impl From<Share> for Rate {
    fn from(share: Share) -> Self {
        let interval = share.interval();
        let Share { count, of } = share;
        Self { count, of, share: share.value(), low: interval.low, high: interval.high }
    }
}

impl From<Rightness> for Accuracy {
    fn from(rightness: Rightness) -> Self {
        Self {
            right: rightness.whole.into(),
            character_errors: rightness.mistakes.count,
            characters: rightness.mistakes.of,
            character_error_rate: rightness.mistakes.value(),
        }
    }
}

impl From<Selective> for Threshold {
    fn from(row: Selective) -> Self {
        Self {
            threshold: row.threshold,
            sent: row.sent.count,
            coverage: row.sent.value(),
            right: row.right.into(),
        }
    }
}

impl Mistake {
    pub(crate) fn of(edit: Edit, times: usize) -> Option<Self> {
        let (truth, reading) = match edit {
            Edit::Kept(_) => return None,
            Edit::Substituted(truth, reading) => (Some(truth), Some(reading)),
            Edit::Missed(truth) => (Some(truth), None),
            Edit::Added(reading) => (None, Some(reading)),
        };
        Some(Self { truth, reading, times })
    }
}

impl Report {
    /// As the settings compare: what the verdict is about.
    pub(crate) fn judged(&self) -> Accuracy {
        if self.ignore_case { self.ignoring_case } else { self.case_counted }
    }
}
