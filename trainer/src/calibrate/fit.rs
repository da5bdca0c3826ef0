//! The map from probabilities to confidences, and the threshold below which to abstain: both from labelled readings.

use byecaptcha_models::{calibration::BetaMap, metrics::Share};

use super::readings::Answer;

/// Newton's method is done in far fewer steps.
const STEPS: usize = 100;
/// How strongly the map is drawn to changing nothing: as strongly as a few readings, so that a set of which all are right
/// has a map, too, and thousands of readings do not feel it.
const PULL: f64 = 0.1;
/// The map that changes nothing, as `a`, `b`, `c`.
const SAME: [f64; 3] = [1.0, 1.0, 0.0];
/// Twice the gain in log likelihood that three numbers have by chance in one of twenty cases: chi-squared, 95% (Wilks 1938).
const CHANCE: f64 = 7.815;
/// Thresholds that are looked at, at most: by halves, enough for 32,000 readings, and at the end the one that is found, rounded.
const LOOKS: u32 = 16;
/// What 95% lie above minus this in all of so many looks together (one-sided, of a normal distribution, Bonferroni): the one that
/// passes has been picked among them.
const Z: f64 = 2.734_369;

/// Beta calibration by maximum likelihood: a logistic regression on the map's two features. Where `a` or `b` comes out
/// negative, and the map would turn the order over, it is set to zero and the rest is fitted again, as its authors do. Where
/// the gain could be chance, and the network is right about itself as far as anybody can tell, the map changes nothing.
pub(super) fn beta(answers: &[Answer]) -> BetaMap {
    let mut free = [true; 3];
    let mut parameters = regression(answers, free);
    // The first may turn negative by the second's going.
    while let Some(index) = (0..2).find(|&index| parameters[index] < 0.0) {
        free[index] = false;
        parameters = regression(answers, free);
    }
    let gain = loss(answers, SAME, [true; 3]) - loss(answers, parameters, free);
    if 2.0 * gain < CHANCE {
        parameters = SAME;
    }
    let [a, b, c] = parameters;
    // With both at zero nothing is left to order by.
    BetaMap { a, b, c }
}

fn regression(answers: &[Answer], free: [bool; 3]) -> [f64; 3] {
    let mut parameters = [0, 1, 2].map(|index| if free[index] { SAME[index] } else { 0.0 });
    let mut lowest = loss(answers, parameters, free);
    for _ in 0..STEPS {
        let (mut gradient, mut curvature) = ([0.0; 3], [[0.0; 3]; 3]);
        for &(probability, right) in answers {
            let features = features(probability);
            let guess = sigmoid(dot(features, parameters));
            for row in 0..3 {
                gradient[row] += (guess - f64::from(u8::from(right))) * features[row];
                for column in 0..3 {
                    curvature[row][column] += guess * (1.0 - guess) * features[row] * features[column];
                }
            }
        }
        for index in 0..3 {
            gradient[index] += PULL * (parameters[index] - SAME[index]);
            curvature[index][index] += PULL;
            if !free[index] {
                gradient[index] = 0.0;
                curvature[index] = [0.0; 3];
                curvature.iter_mut().for_each(|row| row[index] = 0.0);
                curvature[index][index] = 1.0;
            }
        }
        let step = solve(curvature, gradient);
        // Half the step, and half of that, while the whole one makes it worse.
        let halves = std::iter::successors(Some(1.0), |size| Some(size / 2.0)).take(30);
        let tried = halves.map(|size: f64| [0, 1, 2].map(|index| parameters[index] - size * step[index]));
        let better = tried
            .map(|tried| (tried, loss(answers, tried, free)))
            .find(|&(_, tried_loss)| tried_loss < lowest);
        let Some((tried, tried_loss)) = better else { break };
        let gained = lowest - tried_loss;
        (parameters, lowest) = (tried, tried_loss);
        if gained < 1e-10 * lowest.abs() {
            break;
        }
    }
    parameters
}

fn features(probability: f64) -> [f64; 3] {
    let [low, high] = BetaMap::features(probability);
    [low, high, 1.0]
}

fn dot(a: [f64; 3], b: [f64; 3]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn sigmoid(value: f64) -> f64 {
    1.0 / (1.0 + (-value).exp())
}

/// The negative log likelihood, with the pull.
fn loss(answers: &[Answer], parameters: [f64; 3], free: [bool; 3]) -> f64 {
    let of_one = |&(probability, right): &Answer| {
        let value = dot(features(probability), parameters);
        let signed = if right { -value } else { value };
        // ln(1 + e^x) without overflow.
        signed.max(0.0) + (-signed.abs()).exp().ln_1p()
    };
    let pull: f64 =
        (0..3).filter(|&index| free[index]).map(|index| (parameters[index] - SAME[index]).powi(2)).sum();
    answers.iter().map(of_one).sum::<f64>() + PULL / 2.0 * pull
}

/// Solves three equations by elimination; the matrix is positive definite, thanks to the pull.
// Two rows of one matrix are spoken of at once.
#[allow(clippy::needless_range_loop)]
fn solve(mut matrix: [[f64; 3]; 3], mut right: [f64; 3]) -> [f64; 3] {
    for pivot in 0..3 {
        for row in pivot + 1..3 {
            let factor = matrix[row][pivot] / matrix[pivot][pivot];
            for column in pivot..3 {
                matrix[row][column] -= factor * matrix[pivot][column];
            }
            right[row] -= factor * right[pivot];
        }
    }
    for row in (0..3).rev() {
        let known: f64 = (row + 1..3).map(|column| matrix[row][column] * right[column]).sum();
        right[row] = (right[row] - known) / matrix[row][row];
    }
    right
}

/// The fewest readings that a threshold for so many right ones takes: as many as do if all of them are right.
pub(super) fn least(right_share: f64) -> usize {
    let enough = |&count: &usize| low(count, count) >= right_share;
    // All right of so many has the lower end count / (count + Z²); the rounding of that is one off at most.
    let about = (right_share * Z * Z / (1.0 - right_share)).floor() as usize;
    (about..).find(enough).unwrap_or(usize::MAX)
}

/// The least share that is right where so many of so many are.
fn low(count: usize, of: usize) -> f64 {
    Share { count, of }.score_interval(Z).low
}

/// A low confidence from which on, with 95% confidence, so many readings are right: by Geifman and El-Yaniv (2017), whose search
/// by halves needs few looks, with Wilson's interval. Rounded up to four places, where that is enough of them, too. `None` where
/// even the surest are not right so often.
pub(super) fn threshold(confidences: &[Answer], right_share: f64) -> Option<f32> {
    let mut sure = confidences.to_vec();
    sure.sort_by(|a, b| b.0.total_cmp(&a.0));
    // Where a threshold can lie: readings of one confidence are kept together or not at all.
    let mut cuts: Vec<(usize, usize, f64)> = Vec::new();
    let mut right = 0;
    for (index, &(confidence, is_right)) in sure.iter().enumerate() {
        right += usize::from(is_right);
        cuts.pop_if(|(.., last)| *last == confidence);
        cuts.push((right, index + 1, confidence));
    }
    // Fewer would not do even if all of them were right.
    let enough = |&(_, kept, _): &(usize, usize, f64)| low(kept, kept) >= right_share;
    let mut first = cuts.partition_point(|cut| !enough(cut));
    let (mut end, mut lowest) = (cuts.len(), None);
    for _ in 1..LOOKS {
        let Some(&(right, kept, confidence)) = cuts.get(first.midpoint(end)).filter(|_| first < end) else {
            break;
        };
        if low(right, kept) >= right_share {
            lowest = Some(confidence);
            first = first.midpoint(end) + 1;
        } else {
            end = first.midpoint(end);
        }
    }
    lowest.map(|lowest: f64| {
        let rounded = (lowest * 1e4).ceil() / 1e4;
        let kept = cuts.iter().rfind(|(.., confidence)| *confidence >= rounded);
        let is_enough = kept.is_some_and(|&(right, kept, _)| low(right, kept) >= right_share);
        (if is_enough { rounded } else { lowest }) as f32
    })
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_pcg::Pcg64Mcg;

    use super::*;

    /// Readings whose texts are right as often as a map says.
    fn answers(map: &BetaMap, count: usize) -> Vec<Answer> {
        let mut random = Pcg64Mcg::seed_from_u64(7);
        let mut answer = || {
            let probability = 1.0 - random.random::<f64>().powi(3);
            (probability, random.random::<f64>() < map.apply(probability))
        };
        (0..count).map(|_| answer()).collect()
    }

    #[test]
    fn a_map_is_found_again_from_what_it_makes() {
        for truth in [BetaMap { a: 0.8, b: 0.6, c: -0.3 }, BetaMap { a: 1.0, b: 1.0, c: 0.0 }] {
            let found = beta(&answers(&truth, 40_000));
            for probability in [0.05, 0.3, 0.7, 0.95, 0.999] {
                let (found, truth) = (found.apply(probability), truth.apply(probability));
                assert!((found - truth).abs() < 0.02, "{probability}: {found} and {truth}");
            }
        }
    }

    #[test]
    fn a_network_that_is_right_about_itself_is_left_alone() {
        let same = BetaMap { a: 1.0, b: 1.0, c: 0.0 };
        assert_eq!(beta(&answers(&same, 2_000)), same);
        let bent = BetaMap { a: 0.5, b: 0.5, c: -0.5 };
        assert_ne!(beta(&answers(&bent, 2_000)), same);
    }

    #[test]
    fn order_is_never_turned_over_and_certainty_has_a_map() {
        let upside_down: Vec<Answer> = (1..1000).map(|place| (f64::from(place) / 1e3, place < 500)).collect();
        let all_right: Vec<Answer> = (1..1000).map(|place| (f64::from(place) / 1e3, true)).collect();
        // Right the more often the surer up to a point, and less and less from there on.
        let peaked: Vec<Answer> = (0..600)
            .map(|place| {
                let probability = (f64::from(place) + 0.5) / 600.0;
                let share = if probability < 0.15 { probability / 0.15 } else { (1.0 - probability) / 0.85 };
                (probability, (f64::from(place) * 0.618_034).fract() < share * 0.9)
            })
            .collect();
        let share = |answers: &[Answer]| {
            answers.iter().filter(|answer| answer.1).count() as f64 / answers.len() as f64
        };
        let map = beta(&peaked);
        let mean = peaked.iter().map(|answer| map.apply(answer.0)).sum::<f64>() / 600.0;
        assert!((mean - share(&peaked)).abs() < 0.01, "{map:?} promises {mean} of {}", share(&peaked));
        for answers in [upside_down, all_right, peaked] {
            let map = beta(&answers);
            assert!(map.a >= 0.0 && map.b >= 0.0 && map.c.is_finite(), "{map:?}");
            assert!(map.apply(0.9) >= map.apply(0.1));
        }
    }

    #[test]
    fn a_threshold_keeps_what_is_right_often_enough_and_no_less() {
        let same = BetaMap { a: 1.0, b: 1.0, c: 0.0 };
        let answers = answers(&same, 40_000);
        let threshold = f64::from(threshold(&answers, 0.995).unwrap());
        let share = |from: f64| {
            let kept: Vec<_> = answers.iter().filter(|answer| answer.0 >= from).collect();
            kept.iter().filter(|answer| answer.1).count() as f64 / kept.len() as f64
        };
        assert!(share(threshold) >= 0.995, "{threshold}: {}", share(threshold));
        assert!(share(threshold - 0.01) < 0.9975, "{threshold}");
        // One that every reading is above leaves something, too.
        let surest = super::threshold(&vec![(0.999_99, true); 2_000], 0.995).unwrap();
        assert!(surest < 1.0 && 0.999_99 >= f64::from(surest) - 1e-7, "{surest}");
        // And so does one that as good as all of them have: rounded it would leave none.
        let mut tied = vec![(0.999_85, true); 2_000];
        tied.extend((0..2_000).map(|place| (0.9, place % 10 > 0)));
        let tied = super::threshold(&tied, 0.995).unwrap();
        assert!((0.999_8..=0.999_85).contains(&tied), "{tied}");
        assert_eq!(super::threshold(&[(0.9, false), (0.5, true)], 0.995), None);
    }

    #[test]
    fn a_threshold_takes_as_many_readings_as_are_told_and_no_more() {
        for share in [0.5, 0.9, 0.98, 0.995] {
            let right = |count: usize| vec![(0.9, true); count];
            assert!(threshold(&right(least(share)), share).is_some(), "{share}: {}", least(share));
            assert!(threshold(&right(least(share) - 1), share).is_none(), "{share}: {}", least(share));
        }
    }
}
