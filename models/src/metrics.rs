//! What every count of readings rests on: how a reading differs from the truth, and how far a share can be trusted.
//! The trainer's tables and `byecaptcha audit` use the same, so that their figures are the same figures.

use serde::Serialize;

/// So many of so many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Share {
    /// How many.
    pub count: usize,
    /// Of how many.
    pub of: usize,
}

/// The two ends of an interval of shares.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Interval {
    /// Its lower end.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
}

impl Share {
    /// Counts one more.
    pub fn add(&mut self, counts: bool) {
        self.count += usize::from(counts);
        self.of += 1;
    }

    /// The share, 0 to 1; 0 of nothing.
    pub fn value(self) -> f64 {
        self.count as f64 / self.of.max(1) as f64
    }

    /// Between which shares, with 95% confidence, the true one lies.
    pub fn interval(self) -> Interval {
        self.score_interval(1.959_964)
    }

    /// The same with the confidence that a normal deviate has between minus and plus `z`: the score interval of Wilson (1927).
    pub fn score_interval(self, z: f64) -> Interval {
        if self.of == 0 {
            return Interval { low: 0.0, high: 1.0 };
        }
        let (count, share) = (self.of as f64, self.value());
        let scale = 1.0 + z * z / count;
        let centre = (share + z * z / (2.0 * count)) / scale;
        let half = z / scale * (share * (1.0 - share) / count + z * z / (4.0 * count * count)).sqrt();
        // At both ends of the scale the formula's own rounding must not say that 0 of 10 is more than none.
        let low = if self.count == 0 { 0.0 } else { (centre - half).max(0.0) };
        let high = if self.count == self.of { 1.0 } else { (centre + half).min(1.0) };
        Interval { low, high }
    }
}

/// One step from the truth to a reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Edit {
    /// The character was read as it is.
    Kept(char),
    /// One was read as another: truth, reading.
    Substituted(char, char),
    /// One was not read at all.
    Missed(char),
    /// One was read that is not there.
    Added(char),
}

impl Edit {
    /// Whether the step is a mistake.
    pub fn is_mistake(self) -> bool {
        !matches!(self, Self::Kept(_))
    }
}

/// How few insertions, deletions and substitutions part two texts (Levenshtein 1966).
pub fn edit_distance(truth: &[char], reading: &[char]) -> usize {
    align(truth, reading, |a, b| a == b).into_iter().filter(|edit| edit.is_mistake()).count()
}

/// The fewest steps from the truth to a reading, in order; `same` says which characters count as equal. Where several
/// ways are as short, it is the one whose ends face each other longest.
pub fn align(truth: &[char], reading: &[char], same: impl Fn(char, char) -> bool) -> Vec<Edit> {
    let width = reading.len() + 1;
    // steps[i * width + j]: from the first i characters of the truth to the first j of the reading.
    let mut steps: Vec<usize> = vec![0; (truth.len() + 1) * width];
    for i in 0..=truth.len() {
        for j in 0..width {
            steps[i * width + j] = match (i, j) {
                (0, all) | (all, 0) => all,
                _ => {
                    let differs = usize::from(!same(truth[i - 1], reading[j - 1]));
                    let (above, left) = (steps[(i - 1) * width + j], steps[i * width + j - 1]);
                    (steps[(i - 1) * width + j - 1] + differs).min(above + 1).min(left + 1)
                }
            };
        }
    }
    let (mut i, mut j) = (truth.len(), reading.len());
    let mut edits = Vec::with_capacity(i.max(j));
    while i > 0 || j > 0 {
        let here = steps[i * width + j];
        if i > 0 && j > 0 {
            let (a, b) = (truth[i - 1], reading[j - 1]);
            let equal = same(a, b);
            if steps[(i - 1) * width + j - 1] + usize::from(!equal) == here {
                edits.push(if equal { Edit::Kept(a) } else { Edit::Substituted(a, b) });
                (i, j) = (i - 1, j - 1);
                continue;
            }
        }
        if i > 0 && steps[(i - 1) * width + j] + 1 == here {
            edits.push(Edit::Missed(truth[i - 1]));
            i -= 1;
        } else if j > 0 {
            edits.push(Edit::Added(reading[j - 1]));
            j -= 1;
        } else {
            // Unreachable: one of the three is always on the way.
            break;
        }
    }
    edits.reverse();
    edits
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn characters(text: &str) -> Vec<char> {
        text.chars().collect()
    }

    fn aligned(truth: &str, reading: &str) -> Vec<Edit> {
        align(&characters(truth), &characters(reading), |a, b| a == b)
    }

    #[test]
    fn distances_are_levenshtein_s() {
        let distance = |a: &str, b: &str| edit_distance(&characters(a), &characters(b));
        assert_eq!((distance("kitten", "sitting"), distance("", "abc"), distance("abc", "abc")), (3, 3, 0));
    }

    #[test]
    fn alignments_name_what_was_missed_added_and_mistaken() {
        use Edit::{Added, Kept, Missed, Substituted};
        assert_eq!(aligned("dpp9", "dp9"), [Kept('d'), Missed('p'), Kept('p'), Kept('9')]);
        // Two ways are as short; what is missed or added comes first, and the rest faces each other.
        assert_eq!(aligned("aV", "avx"), [Kept('a'), Added('v'), Substituted('V', 'x')]);
        assert_eq!(aligned("", "x"), [Added('x')]);
        assert_eq!(aligned("x", ""), [Missed('x')]);
        let cased = align(&['a', 'V'], &['A', 'v'], |a, b| a.eq_ignore_ascii_case(&b));
        assert_eq!(cased, [Kept('a'), Kept('V')]);
    }

    #[test]
    fn intervals_are_wilson_s() {
        // The textbook's figures for 95 of 100.
        let Interval { low, high } = Share { count: 95, of: 100 }.interval();
        assert!((low - 0.8882).abs() < 5e-4 && (high - 0.9785).abs() < 5e-4, "{low} {high}");
        let none = Share { count: 0, of: 10 }.interval();
        assert!(none.low == 0.0 && (none.high - 0.2775).abs() < 5e-4, "{none:?}");
        let all = Share { count: 10, of: 10 }.interval();
        assert!(all.high == 1.0 && (all.low - 0.7225).abs() < 5e-4, "{all:?}");
        assert_eq!(Share::default().interval(), Interval { low: 0.0, high: 1.0 });
    }

    proptest! {
        #[test]
        fn an_alignment_spells_both_texts(truth in "[abAB]{0,8}", reading in "[abAB]{0,8}") {
            let (mut left, mut right) = (String::new(), String::new());
            for edit in aligned(&truth, &reading) {
                match edit {
                    Edit::Kept(a) => { left.push(a); right.push(a); }
                    Edit::Substituted(a, b) => { left.push(a); right.push(b); }
                    Edit::Missed(a) => left.push(a),
                    Edit::Added(b) => right.push(b),
                }
            }
            prop_assert_eq!((left, right), (truth, reading));
        }
    }
}
