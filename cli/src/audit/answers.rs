//! How sure the readings were, and what an attacker gets who keeps the unsure ones back.

use byecaptcha_models::metrics::Share;

/// Steps of confidence that are told apart, whatever the number of pictures.
const STEPS: usize = 1000;
/// The thresholds of the table, in thousandths.
const THRESHOLDS: [usize; 9] = [0, 250, 500, 750, 900, 950, 980, 990, 999];
/// Bars of the histogram.
const BARS: usize = 10;
/// A share of fewer answers is no point of the curve: it would show chance.
const LEAST: usize = 20;

/// Right and wrong answers for each step of confidence. A reading without a character is no answer.
pub(crate) struct Answers {
    /// One more than steps: the last one is certainty.
    steps: Vec<Share>,
    /// Pictures in all, those without an answer among them.
    pictures: usize,
}

/// What comes of sending only the answers from a threshold on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Selective {
    /// The least confidence of an answer that is sent, 0 to 1.
    pub(crate) threshold: f64,
    /// How many of all pictures are answered.
    pub(crate) sent: Share,
    /// How many of these answers are right.
    pub(crate) right: Share,
}

impl Answers {
    pub(crate) fn new() -> Self {
        Self { steps: vec![Share::default(); STEPS + 1], pictures: 0 }
    }

    pub(crate) fn add(&mut self, reading: &str, confidence: f32, right: bool) {
        self.pictures += 1;
        if !reading.is_empty() {
            // A cast of a float keeps within the bounds of its type, and takes what is no number for 0.
            let step = (f64::from(confidence) * STEPS as f64) as usize;
            self.steps[step.min(STEPS)].add(right);
        }
    }

    /// How many pictures got no answer.
    pub(crate) fn without(&self) -> usize {
        self.pictures - self.steps.iter().map(|step| step.of).sum::<usize>()
    }

    fn from(&self, step: usize) -> Selective {
        let kept = self.steps[step..].iter();
        let right = kept.fold(Share::default(), |sum, step| plus(sum, *step));
        let sent = Share { count: right.of, of: self.pictures };
        Selective { threshold: step as f64 / STEPS as f64, sent, right }
    }

    /// The rows of the table, the least choosy first.
    pub(crate) fn table(&self) -> Vec<Selective> {
        THRESHOLDS.iter().map(|&step| self.from(step)).collect()
    }

    /// The points of the curve, from all answers to the surest few.
    pub(crate) fn curve(&self) -> Vec<Selective> {
        let mut points: Vec<Selective> = (0..=STEPS).map(|step| self.from(step)).collect();
        points.retain(|point| point.right.of >= LEAST);
        points.dedup_by_key(|point| point.right.of);
        points
    }

    /// How many answers there are in each tenth of confidence, and how many of them are right: where the tenth begins.
    pub(crate) fn histogram(&self) -> Vec<(f64, Share)> {
        let width = STEPS / BARS;
        let mut bars = vec![Share::default(); BARS];
        for (step, share) in self.steps.iter().enumerate() {
            let bar = &mut bars[(step / width).min(BARS - 1)];
            *bar = plus(*bar, *share);
        }
        bars.into_iter().enumerate().map(|(bar, share)| (bar as f64 / BARS as f64, share)).collect()
    }
}

fn plus(a: Share, b: Share) -> Share {
    Share { count: a.count + b.count, of: a.of + b.of }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn share(count: usize, of: usize) -> Share {
        Share { count, of }
    }

    #[test]
    fn four_answers_and_one_silence_counted_by_hand() {
        let mut answers = Answers::new();
        for (reading, confidence, right) in [
            ("a", 1.0, true),
            ("b", 0.5, true),
            ("c", 0.4999, false),
            ("d", f32::NAN, false),
            ("", 1.0, false),
        ] {
            answers.add(reading, confidence, right);
        }
        let table = answers.table();
        let at = |threshold: f64| table.iter().find(|row| row.threshold == threshold).unwrap();
        assert_eq!((at(0.0).sent, at(0.0).right), (share(4, 5), share(2, 4)));
        assert_eq!((at(0.25).sent, at(0.25).right), (share(3, 5), share(2, 3)));
        assert_eq!((at(0.5).sent, at(0.5).right), (share(2, 5), share(2, 2)));
        assert_eq!((at(0.999).sent, at(0.999).right), (share(1, 5), share(1, 1)));
        assert_eq!(answers.without(), 1);
        let histogram = answers.histogram();
        assert_eq!(
            (histogram[0].1, histogram[4].1, histogram[5].1, histogram[9].1),
            (share(0, 1), share(0, 1), share(1, 1), share(1, 1))
        );
        assert_eq!(answers.curve(), [], "too few for a curve");
    }

    #[test]
    fn the_curve_falls_in_coverage_and_leaves_out_handfuls() {
        let mut answers = Answers::new();
        (0..100).for_each(|number| answers.add("a", number as f32 / 100.0, number >= 50));
        let curve = answers.curve();
        assert_eq!((curve[0].sent, curve[0].right), (share(100, 100), share(50, 100)));
        assert_eq!(curve.last().unwrap().right, share(LEAST, LEAST));
        assert!(curve.windows(2).all(|pair| pair[0].sent.count > pair[1].sent.count));
    }
}
