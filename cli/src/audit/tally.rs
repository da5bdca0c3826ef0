//! What is counted while the pictures go by, in memory that does not grow with their number.

use std::collections::{BTreeMap, HashMap};

use byecaptcha_models::{
    Charset, Reading,
    metrics::{Edit, Share, align},
};

use crate::audit::answers::Answers;

/// How right a set of readings is, under one way to compare.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Rightness {
    /// Whole texts that are right.
    pub(crate) whole: Share,
    /// Mistakes, in as many characters of the truth.
    pub(crate) mistakes: Share,
}

/// All counts of the pictures that could be read and have a label.
pub(crate) struct Tally {
    charset: Charset,
    /// Whether a for A counts as right in everything but `case_counted`.
    ignore_case: bool,
    /// With the case of letters counted, whatever is asked for.
    pub(crate) case_counted: Rightness,
    /// With the case of letters ignored.
    pub(crate) ignoring_case: Rightness,
    /// Of the texts that the model could have written at all.
    pub(crate) writable: Share,
    pub(crate) by_length: BTreeMap<usize, Share>,
    pub(crate) by_character: BTreeMap<char, Share>,
    /// Texts with a character twice in a row.
    pub(crate) doubled: Share,
    /// Texts without.
    pub(crate) plain: Share,
    pub(crate) wrong_length: usize,
    pub(crate) answers: Answers,
    mistakes: HashMap<Edit, usize>,
    /// In how many labels each character stands that the model does not know.
    pub(crate) foreign: BTreeMap<char, usize>,
}

impl Tally {
    pub(crate) fn new(charset: Charset, ignore_case: bool) -> Self {
        Self {
            charset,
            ignore_case,
            case_counted: Rightness::default(),
            ignoring_case: Rightness::default(),
            writable: Share::default(),
            by_length: BTreeMap::new(),
            by_character: BTreeMap::new(),
            doubled: Share::default(),
            plain: Share::default(),
            wrong_length: 0,
            answers: Answers::new(),
            mistakes: HashMap::new(),
            foreign: BTreeMap::new(),
        }
    }

    /// The characters of a text that the model cannot write, each once.
    pub(crate) fn unknown(&self, truth: &str) -> Vec<char> {
        let known =
            |character: char| self.charset.characters().iter().any(|&known| self.same()(known, character));
        let mut unknown: Vec<char> = truth.chars().filter(|&character| !known(character)).collect();
        unknown.sort_unstable();
        unknown.dedup();
        unknown
    }

    /// Counts one picture; whether it was read right, as the settings compare.
    pub(crate) fn add(&mut self, truth: &str, reading: &Reading) -> bool {
        let (expected, read): (Vec<char>, Vec<char>) =
            (truth.chars().collect(), reading.text.chars().collect());
        self.case_counted.add(&align(&expected, &read, identical));
        self.ignoring_case.add(&align(&expected, &read, same_ignoring_case));
        let edits = align(&expected, &read, self.same());
        let right = !edits.iter().any(|edit| edit.is_mistake());

        let unknown = self.unknown(truth);
        if unknown.is_empty() {
            self.writable.add(right);
        }
        for character in unknown {
            *self.foreign.entry(character).or_default() += 1;
        }
        self.by_length.entry(expected.len()).or_default().add(right);
        let same = self.same();
        let doubled = expected.windows(2).any(|pair| same(pair[0], pair[1]));
        if doubled { &mut self.doubled } else { &mut self.plain }.add(right);
        self.wrong_length += usize::from(expected.len() != read.len());
        self.answers.add(&reading.text, reading.confidence, right);
        for edit in edits {
            if let Edit::Kept(character) | Edit::Substituted(character, _) | Edit::Missed(character) = edit {
                self.by_character.entry(character).or_default().add(!edit.is_mistake());
            }
            if edit.is_mistake() {
                *self.mistakes.entry(edit).or_default() += 1;
            }
        }
        right
    }

    /// As the settings compare.
    pub(crate) fn judged(&self) -> Rightness {
        if self.ignore_case { self.ignoring_case } else { self.case_counted }
    }

    /// The mistakes, the most frequent first.
    pub(crate) fn mistakes(&self) -> Vec<(Edit, usize)> {
        let mut rows: Vec<(Edit, usize)> =
            self.mistakes.iter().map(|(&edit, &times)| (edit, times)).collect();
        rows.sort_by_key(|&(edit, times)| (std::cmp::Reverse(times), edit));
        rows
    }

    fn same(&self) -> fn(char, char) -> bool {
        same(self.ignore_case)
    }
}

impl Rightness {
    fn add(&mut self, edits: &[Edit]) {
        let mistakes = edits.iter().filter(|edit| edit.is_mistake()).count();
        self.whole.add(mistakes == 0);
        self.mistakes.count += mistakes;
        self.mistakes.of += edits.iter().filter(|edit| !matches!(edit, Edit::Added(_))).count();
    }
}

/// Which characters count as the same.
pub(crate) fn same(ignore_case: bool) -> fn(char, char) -> bool {
    if ignore_case { same_ignoring_case } else { identical }
}

fn identical(a: char, b: char) -> bool {
    a == b
}

fn same_ignoring_case(a: char, b: char) -> bool {
    a == b || a.to_lowercase().eq(b.to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    const READINGS: [(&str, &str, f32); 5] = [
        ("abcd", "abcd", 0.9),
        ("Vx1z", "vx1z", 0.8),
        ("dpp9", "dp9", 0.7),
        ("a0b", "aQb", 0.6),
        ("aab", "aabc", 0.2),
    ];

    fn tally(ignore_case: bool) -> Tally {
        let mut tally = Tally::new(Charset::unambiguous(), ignore_case);
        for (truth, text, confidence) in READINGS {
            let reading =
                Reading { text: text.into(), confidence, characters: Vec::new(), alternatives: Vec::new() };
            tally.add(truth, &reading);
        }
        tally
    }

    fn share(count: usize, of: usize) -> Share {
        Share { count, of }
    }

    #[test]
    fn five_readings_give_the_figures_worked_out_by_hand() {
        let tally = tally(false);
        assert_eq!(tally.case_counted, Rightness { whole: share(1, 5), mistakes: share(4, 18) });
        assert_eq!(tally.ignoring_case, Rightness { whole: share(2, 5), mistakes: share(3, 18) });
        assert_eq!(tally.judged(), tally.case_counted);
        assert_eq!(tally.by_length, BTreeMap::from([(3, share(0, 2)), (4, share(1, 3))]));
        assert_eq!((tally.doubled, tally.plain), (share(0, 2), share(1, 3)));
        assert_eq!(tally.wrong_length, 2);
        assert_eq!((tally.writable, tally.foreign.clone()), (share(1, 4), BTreeMap::from([('0', 1)])));
        assert_eq!(tally.by_character[&'p'], share(1, 2));
        assert_eq!(tally.by_character[&'V'], share(0, 1));
        assert_eq!(tally.by_character[&'a'], share(4, 4));
        assert_eq!(tally.by_character[&'c'], share(1, 1), "what was added is no character of a text");
        assert_eq!(
            tally.mistakes(),
            [
                (Edit::Substituted('0', 'Q'), 1),
                (Edit::Substituted('V', 'v'), 1),
                (Edit::Missed('p'), 1),
                (Edit::Added('c'), 1)
            ]
        );
    }

    #[test]
    fn without_case_a_site_s_own_comparison_counts() {
        let tally = tally(true);
        assert_eq!(tally.judged(), Rightness { whole: share(2, 5), mistakes: share(3, 18) });
        assert_eq!(tally.by_length[&4], share(2, 3));
        assert_eq!(tally.by_character[&'V'], share(1, 1));
        assert_eq!(tally.mistakes().len(), 3);
        assert_eq!(tally.case_counted.whole, share(1, 5), "counted all the same");
    }

    #[test]
    fn a_letter_that_is_known_in_the_other_case_is_known_only_without_case() {
        let lower = Charset::new("abc").unwrap();
        assert_eq!(Tally::new(lower.clone(), false).unknown("AbC?A"), ['?', 'A', 'C']);
        assert_eq!(Tally::new(lower, true).unknown("AbC?A"), ['?']);
    }
}
