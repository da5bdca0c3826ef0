//! Prefix beam search: sums over all the paths of a text, so its probabilities are those of texts. That gives honest
//! confidences and alternatives, which a best path cannot.
//!
//! It is quick since hardly anything is tried: labels that are negligible are passed over in blocks, and so is every start
//! of a text that is hopeless beside the best path, whose probability is known beforehand.

use super::{
    BLANK, Constraint,
    candidates::Candidates,
    length,
    prefixes::{EMPTY, NONE, PrefixId, Prefixes},
};
use crate::predictor::LabelDistributions;

/// A text and the natural logarithm of its probability.
#[derive(Clone, Debug, PartialEq)]
pub struct Hypothesis {
    /// The labels of the text.
    pub labels: Vec<usize>,
    /// Logarithm of the summed probability of all its paths that the beam kept.
    pub log_probability: f32,
}

/// A start of a text that is less likely than the best path by so much, e^-16, is dropped: no text that grows from it can
/// be more likely, and none is ever shown.
const HOPELESS: f32 = 16.0;
/// Above this probability of the best path, its logarithm here, a length that it keeps to is likely: what is negligible
/// need not be counted label by label.
const LIKELY: f32 = -4.0;
/// Beyond this distance a sum's smaller part does not change it: e^-17 is less than a single-precision number tells apart.
const ABSORBED: f32 = 17.0;
/// Beyond this one, ln(1 + x) is x - x²/2 to as many digits.
const SLIGHT: f32 = 6.0;

/// The likeliest texts, likeliest first; at most `width` of them. `width` 0 counts as 1. There is none only where
/// everything is impossible.
pub fn beam(distributions: &LabelDistributions, width: usize) -> Vec<Hypothesis> {
    beam_within(distributions, width, &Constraint::default())
}

/// The likeliest texts that keep to a constraint, with their probabilities given that the text does: none where no text
/// can.
pub fn beam_within(
    distributions: &LabelDistributions,
    width: usize,
    constraint: &Constraint,
) -> Vec<Hypothesis> {
    let steps = distributions.steps().len();
    if constraint.min_length > steps.min(constraint.max_length.unwrap_or(steps)) {
        return Vec::new();
    }
    let likely = Candidates::likely(distributions, constraint);
    let (path_length, path) = likely.best_path();
    // Where the best path does not keep to the lengths, what does may be anything, and every length has to last.
    let agrees = constraint.admits(path_length) && path > f32::NEG_INFINITY;
    let (candidates, floor) =
        if agrees { (likely, path - HOPELESS) } else { (likely.best(), f32::NEG_INFINITY) };
    let mut search = Search::new(&candidates, constraint, width.max(1), floor);
    (0..steps).for_each(|step| search.advance(step));
    let mut found = search.finish();
    if constraint.bounds_length() {
        let whole = length::log_probability(&candidates, constraint, !agrees || path < LIKELY);
        divide(&mut found, whole);
    }
    found.iter_mut().for_each(|text| text.log_probability = text.log_probability.min(0.0));
    found
}

/// Divides probabilities by that of all texts together, a logarithm, too. What was found is a part of the whole, whatever
/// the two were rounded to; all is counted from the likeliest, since large numbers have few places left.
fn divide(found: &mut [Hypothesis], whole: f64) {
    let Some(most) = found.first().map(|text| text.log_probability) else { return };
    let together: f32 = found.iter().map(|text| (text.log_probability - most).exp()).sum();
    let whole = together.ln().max((whole - f64::from(most)) as f32);
    found.iter_mut().for_each(|text| text.log_probability = text.log_probability - most - whole);
}

/// A start of a text, and the logarithms of the probabilities that it ends in either way; they extend differently.
#[derive(Clone, Copy)]
struct Kept {
    prefix: PrefixId,
    /// What it lengthened, and by which label; none, and the blank, for the empty start.
    parent: PrefixId,
    last: usize,
    blank: f32,
    label: f32,
    /// Both together: what counts in the beam.
    total: f32,
}

/// What a start may become at a step.
#[derive(Clone, Copy)]
enum Next {
    Same(Kept),
    Longer { from: PrefixId, label: usize, total: f32 },
}

impl Next {
    fn total(&self) -> f32 {
        match self {
            Self::Same(kept) => kept.total,
            Self::Longer { total, .. } => *total,
        }
    }
}

/// The likeliest of what was offered, likeliest first; of equals, what was offered first.
struct Beam {
    width: usize,
    offered: Vec<Next>,
}

impl Beam {
    /// What has to be exceeded.
    fn threshold(&self, floor: f32) -> f32 {
        match self.offered.last() {
            Some(worst) if self.offered.len() == self.width => worst.total().max(floor),
            _ => floor,
        }
    }

    fn offer(&mut self, next: Next, floor: f32) {
        let total = next.total();
        if total <= self.threshold(floor) {
            return;
        }
        if self.offered.len() == self.width {
            self.offered.pop();
        }
        let place = self.offered.iter().rposition(|other| other.total() >= total).map_or(0, |last| last + 1);
        self.offered.insert(place, next);
    }
}

/// A search as it goes from step to step.
struct Search<'a> {
    candidates: &'a Candidates<'a>,
    constraint: &'a Constraint,
    /// Starts with less are dropped.
    floor: f32,
    prefixes: Prefixes,
    /// One beam; or, where lengths are bounded, one for each length, since one that the network finds unlikely must last
    /// until the end.
    beams: Vec<Vec<Kept>>,
    /// The longest length that has anything in its beam.
    longest: usize,
    next: Beam,
    /// Beams that are to take the places of those before.
    fresh: Vec<Kept>,
}

impl<'a> Search<'a> {
    fn new(candidates: &'a Candidates<'a>, constraint: &'a Constraint, width: usize, floor: f32) -> Self {
        let longest = constraint.max_length.unwrap_or(usize::MAX).min(candidates.steps());
        let count = if constraint.bounds_length() { longest + 1 } else { 1 };
        let mut beams = vec![Vec::new(); count];
        beams[0] = vec![Kept {
            prefix: EMPTY,
            parent: NONE,
            last: BLANK,
            blank: 0.0,
            label: f32::NEG_INFINITY,
            total: 0.0,
        }];
        // Far more than a beam has room for is asked of it only by those who want all texts of a tiny problem.
        let room = width.min(64);
        Self {
            candidates,
            constraint,
            floor,
            prefixes: Prefixes::with_capacity(4 * candidates.steps()),
            beams,
            longest: 0,
            next: Beam { width, offered: Vec::with_capacity(room) },
            fresh: Vec::with_capacity(room),
        }
    }

    /// Takes one more step.
    fn advance(&mut self, step: usize) {
        if self.candidates.at(step).is_empty() {
            self.rest(step);
            return;
        }
        if !self.constraint.bounds_length() {
            self.fill(step, 0, Some(0));
            std::mem::swap(&mut self.beams[0], &mut self.fresh);
            return;
        }
        // What is too short to grow to the least length in the steps that are left is not carried on.
        let left = self.candidates.steps() - step - 1;
        let shortest = self.constraint.min_length.saturating_sub(left);
        let longest = (self.longest + 1).min(self.beams.len() - 1);
        // From the longest to the shortest, so that what grows into a length is still as it was.
        for length in (0..=longest).rev() {
            if length < shortest {
                self.beams[length].clear();
                continue;
            }
            self.fill(step, length, length.checked_sub(1));
            std::mem::swap(&mut self.beams[length], &mut self.fresh);
        }
        self.longest = longest;
    }

    /// Takes a step that is all but certain to be a blank: no label is worth trying, the last one's going on neither, and
    /// all starts stay in their order.
    fn rest(&mut self, step: usize) {
        let blank = self.candidates.value(step, BLANK);
        for kept in self.beams.iter_mut().take(self.longest + 1).flatten() {
            let total = kept.total + blank;
            (kept.blank, kept.label, kept.total) = (total, f32::NEG_INFINITY, total);
        }
    }

    /// Fills the fresh beam from that of the same length and from the one that grows into it.
    fn fill(&mut self, step: usize, same: usize, shorter: Option<usize>) {
        let (candidates, floor) = (self.candidates, self.floor);
        self.next.offered.clear();
        let growing = shorter.map_or(&[][..], |shorter| &self.beams[shorter]);
        if self.beams[same].is_empty() && growing.is_empty() {
            self.fresh.clear();
            return;
        }
        let step_blank = candidates.value(step, BLANK);
        for kept in &self.beams[same] {
            let blank = kept.total + step_blank;
            let mut label = f32::NEG_INFINITY;
            if kept.last != BLANK {
                // The label goes on; or what it lengthened is in the beam as well, and is lengthened by it now.
                let mut from = kept.label;
                if let Some(parent) = growing.iter().find(|other| other.prefix == kept.parent) {
                    from = log_add(from, before(parent, kept.last));
                }
                label = from + candidates.value(step, kept.last);
            }
            let total = log_add(blank, label);
            self.next.offer(Next::Same(Kept { blank, label, total, ..*kept }), floor);
        }
        let tried = candidates.at(step);
        let best = tried.iter().fold(f32::NEG_INFINITY, |best, &(_, value)| best.max(value));
        for kept in growing {
            if kept.total + best <= self.next.threshold(floor) {
                continue;
            }
            for &(label, value) in tried {
                let total = before(kept, label) + value;
                if total <= self.next.threshold(floor) {
                    continue;
                }
                // What is in the beam already was lengthened above.
                let is_kept = |other: &Kept| other.last == label && other.parent == kept.prefix;
                if !self.beams[same].iter().any(is_kept) {
                    self.next.offer(Next::Longer { from: kept.prefix, label, total }, floor);
                }
            }
        }
        self.fresh.clear();
        for next in &self.next.offered {
            self.fresh.push(match *next {
                Next::Same(kept) => kept,
                Next::Longer { from, label, total } => Kept {
                    prefix: self.prefixes.lengthened(from, label),
                    parent: from,
                    last: label,
                    blank: f32::NEG_INFINITY,
                    label: total,
                    total,
                },
            });
        }
    }

    /// The texts, likeliest first.
    fn finish(self) -> Vec<Hypothesis> {
        let admitted = self
            .beams
            .iter()
            .enumerate()
            .filter(|(length, _)| !self.constraint.bounds_length() || self.constraint.admits(*length));
        let possible = |kept: &&Kept| kept.total > f32::NEG_INFINITY;
        let mut kept: Vec<&Kept> = admitted.flat_map(|(_, beam)| beam).filter(possible).collect();
        kept.sort_by(|a, b| b.total.total_cmp(&a.total));
        kept.truncate(self.next.width);
        kept.into_iter()
            .map(|kept| Hypothesis { labels: self.prefixes.labels(kept.prefix), log_probability: kept.total })
            .collect()
    }
}

/// How likely a start is in a way that lets this label begin a new character: a repeated one does so only after a blank.
fn before(kept: &Kept, label: usize) -> f32 {
    if kept.last == label { kept.blank } else { kept.total }
}

fn log_add(a: f32, b: f32) -> f32 {
    let (high, low) = if a > b { (a, b) } else { (b, a) };
    // Also where both are impossible, and their distance is no number.
    if low > high - ABSORBED {
        let part = (low - high).exp();
        high + if low < high - SLIGHT { part - 0.5 * part * part } else { part.ln_1p() }
    } else {
        high
    }
}
