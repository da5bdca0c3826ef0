//! How well texts were read: the figures of every table and model card.

use std::collections::HashMap;

use byecaptcha_models::{
    card::{Figures, Slice},
    metrics::{Interval, Share, edit_distance},
};

/// Where the steps of contrast begin, in levels of luminance.
const CONTRASTS: [u8; 5] = [0, 40, 80, 120, 160];

/// Counts over pairs of truth and reading.
#[derive(Debug, Default)]
pub struct Metrics {
    images: usize,
    exact: usize,
    ignoring_case: usize,
    wrong_length: usize,
    characters: usize,
    edits: usize,
    /// Right, and all, of the texts in which a character stands twice in a row.
    doubled: (usize, usize),
    by_length: HashMap<usize, (usize, usize)>,
    by_contrast: [(usize, usize); CONTRASTS.len()],
    confusions: HashMap<(char, char), usize>,
}

impl Metrics {
    /// Counts one image.
    pub fn add(&mut self, truth: &str, reading: &str) {
        let (expected, read): (Vec<char>, Vec<char>) = (truth.chars().collect(), reading.chars().collect());
        let exact = truth == reading;
        self.images += 1;
        self.exact += usize::from(exact);
        self.ignoring_case += usize::from(truth.to_lowercase() == reading.to_lowercase());
        self.wrong_length += usize::from(expected.len() != read.len());
        self.characters += expected.len();
        self.edits += edit_distance(&expected, &read);
        if expected.windows(2).any(|pair| pair[0] == pair[1]) {
            self.doubled.0 += usize::from(exact);
            self.doubled.1 += 1;
        }
        let (right, all) = self.by_length.entry(expected.len()).or_default();
        *right += usize::from(exact);
        *all += 1;
        if expected.len() == read.len() {
            for (&a, &b) in expected.iter().zip(&read).filter(|(a, b)| a != b) {
                *self.confusions.entry((a, b)).or_default() += 1;
            }
        }
    }

    /// Counts the same image by how much its ink stands out, in levels of luminance.
    pub fn add_contrast(&mut self, contrast: u8, exact: bool) {
        let step = CONTRASTS.partition_point(|&from| from <= contrast) - 1;
        let (right, all) = &mut self.by_contrast[step];
        *right += usize::from(exact);
        *all += 1;
    }

    /// The share of whole texts right for each step of contrast that occurred: where it begins, palest first.
    pub fn by_contrast(&self) -> Vec<(u8, f64, usize)> {
        let steps = CONTRASTS.into_iter().zip(self.by_contrast);
        steps
            .filter(|(_, (_, all))| *all > 0)
            .map(|(from, (right, all))| (from, right as f64 / all as f64, all))
            .collect()
    }

    /// The shares, under a name for the set.
    pub fn figures(&self, set: &str) -> Figures {
        let share = |count: usize, of: usize| count as f64 / of.max(1) as f64;
        Figures {
            set: set.to_owned(),
            images: self.images,
            exact: share(self.exact, self.images),
            ignoring_case: share(self.ignoring_case, self.images),
            wrong_length: share(self.wrong_length, self.images),
            character_error_rate: share(self.edits, self.characters),
            doubled: (self.doubled.1 > 0)
                .then(|| Slice { images: self.doubled.1, exact: share(self.doubled.0, self.doubled.1) }),
        }
    }

    /// The share of whole texts right for each length of the truth, shortest first, with how many there were.
    pub fn by_length(&self) -> Vec<(usize, f64, usize)> {
        let mut rows: Vec<_> = self
            .by_length
            .iter()
            .map(|(&length, &(right, all))| (length, right as f64 / all as f64, all))
            .collect();
        rows.sort_by_key(|row| row.0);
        rows
    }

    /// The characters most often taken for others, in texts read at the right length: truth, reading, times.
    pub fn worst_confusions(&self, most: usize) -> Vec<(char, char, usize)> {
        let mut rows: Vec<_> = self.confusions.iter().map(|(&(a, b), &times)| (a, b, times)).collect();
        rows.sort_by_key(|&(a, b, times)| (std::cmp::Reverse(times), a, b));
        rows.truncate(most);
        rows
    }
}

impl Metrics {
    /// How many of how many whole texts were right.
    pub fn exact(&self) -> (usize, usize) {
        (self.exact, self.images)
    }

    /// Between which shares, with 95% confidence, that of whole texts right lies: the score interval of Wilson (1927).
    pub fn interval(&self) -> (f64, f64) {
        let Interval { low, high } = Share { count: self.exact, of: self.images }.interval();
        (low, high)
    }

    /// How often each character, in texts read at the right length, was taken for another: truth, reading, times.
    pub fn confusions(&self) -> impl Iterator<Item = (char, char, usize)> {
        self.confusions.iter().map(|(&(truth, reading), &times)| (truth, reading, times))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_readings_give_the_figures_worked_out_by_hand() {
        let mut metrics = Metrics::default();
        for (truth, reading) in [("abcd", "abcd"), ("Vx1z", "vx1z"), ("dpp9", "dp9"), ("aaaa", "bbbb")] {
            metrics.add(truth, reading);
        }
        let figures = metrics.figures("test");
        assert_eq!((figures.exact, figures.ignoring_case, figures.wrong_length), (0.25, 0.5, 0.25));
        assert!((figures.character_error_rate - 6.0 / 16.0).abs() < 1e-12);
        // "dpp9" and "aaaa".
        assert_eq!(figures.doubled, Some(Slice { images: 2, exact: 0.0 }));
        assert_eq!(metrics.worst_confusions(1), [('a', 'b', 4)]);
        assert_eq!(metrics.by_length(), [(4, 0.25, 4)]);
    }

    #[test]
    fn intervals_are_wilson_s() {
        let mut metrics = Metrics::default();
        (0..100).for_each(|number| metrics.add("a", if number < 95 { "a" } else { "b" }));
        let (low, high) = metrics.interval();
        // The textbook's figures for 95 of 100.
        assert!((low - 0.8882).abs() < 5e-4 && (high - 0.9785).abs() < 5e-4, "{low} {high}");
    }

    #[test]
    fn pale_pictures_are_counted_apart() {
        let mut metrics = Metrics::default();
        for (contrast, exact) in [(0, false), (39, true), (40, true), (255, true)] {
            metrics.add_contrast(contrast, exact);
        }
        assert_eq!(metrics.by_contrast(), [(0, 0.5, 2), (40, 1.0, 1), (160, 1.0, 1)]);
    }
}
