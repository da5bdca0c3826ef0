//! What the figures say of a captcha's strength, against what has been published on how strong one must be.

use byecaptcha_models::metrics::Share;
use serde::Serialize;

use crate::audit::{
    answers::Selective,
    words::{decimal, number, percent},
};

/// From this share of right answers on a scheme counts as broken (Bursztein, Martin and Mitchell 2011).
pub(crate) const BROKEN: f64 = 0.01;
/// Programs should pass no more often than this (Chellapilla et al. 2005).
pub(crate) const TARGET: f64 = 0.0001;
/// Two-sided, 95% of a normal distribution lie within this of its mean in all of nine looks together (Bonferroni): a threshold that
/// is spoken of has been picked among those of the table.
const OF_ALL_THRESHOLDS: f64 = 2.772_922;
/// How many answers there must be above a threshold before their share is taken for more than chance.
const ENOUGH: usize = 30;

/// What the figures show, the worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Standing {
    /// At least one in a hundred is read right, beyond what chance explains.
    Broken,
    /// One in a hundred or more was read right, of too few pictures to be sure.
    ProbablyBroken,
    /// More than one in ten thousand is read right, beyond what chance explains.
    TooWeak,
    /// Too few pictures to say that it is under one in ten thousand.
    NotShown,
    /// Under one in ten thousand, for this model as it is.
    WithstoodThisModel,
}

/// The verdict, in words that can stand alone.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Verdict {
    pub(crate) standing: Standing,
    /// A few words.
    pub(crate) headline: &'static str,
    /// What it follows from.
    pub(crate) reason: String,
    /// The rate that this many pictures could show to be undercut at best, by the rule of three.
    pub(crate) least_rate_that_could_be_shown: f64,
    /// What follows from that.
    pub(crate) limit: String,
}

/// Judges by the share of whole texts right, and by what sending only sure answers brings.
pub(crate) fn judge(right: Share, selective: &[Selective]) -> Verdict {
    let interval = right.interval();
    let read = format!("{} of {} pictures were read right", number(right.count), number(right.of));
    let least = |row: &Selective| row.right.score_interval(OF_ALL_THRESHOLDS).low;
    let choosy = selective
        .iter()
        .find(|row| row.right.of >= ENOUGH && least(row) >= BROKEN)
        .filter(|_| interval.low < BROKEN);
    let (standing, headline, reason) = if interval.low >= BROKEN {
        let (share, low) = (percent(right.value()), percent(interval.low));
        (
            Standing::Broken,
            "Broken: this model reads it",
            format!(
                "{read}: {share}, and at least {low} with 95% confidence. A text captcha counts as broken from 1% on."
            ),
        )
    } else if let Some(row) = choosy {
        let (share, low) = (percent(row.right.value()), percent(least(row)));
        (
            Standing::Broken,
            "Broken: an attacker who sends only sure answers gets through",
            format!(
                "{read}; but of the {} answers with a confidence of {} or more, {share} are right, and at least \
                 {low} with 95% confidence. A text captcha counts as broken from 1% of the answers sent on.",
                number(row.right.of),
                percent(row.threshold)
            ),
        )
    } else if right.value() >= BROKEN {
        (
            Standing::ProbablyBroken,
            "Probably broken: more pictures would tell",
            format!(
                "{read}: {}, where 1% counts as broken; with so few pictures the true share may be as low as {}.",
                percent(right.value()),
                percent(interval.low)
            ),
        )
    } else if interval.low > TARGET {
        (
            Standing::TooWeak,
            "Too weak: programs get through more often than 1 in 10,000 times",
            format!(
                "{read}: at least {} with 95% confidence, where no more than 0.01% is asked for.",
                percent(interval.low)
            ),
        )
    } else {
        let high = if right.count == 0 { rule_of_three(right.of) } else { interval.high };
        let may = format!("{read}; the true share may be as high as {}", percent(high));
        if high > TARGET {
            let reason = format!("{may}, and only what is under 0.01% would do.");
            (Standing::NotShown, "Not shown to be strong, and not shown to be broken", reason)
        } else {
            let reason = format!("{may}, under the 0.01% that is asked for.");
            (Standing::WithstoodThisModel, "It withstood this model, which is not every attacker", reason)
        }
    };
    Verdict {
        standing,
        headline,
        reason,
        least_rate_that_could_be_shown: rule_of_three(right.of),
        limit: limit(right.of),
    }
}

/// The most, with 95% confidence, of what did not occur once in so many tries.
fn rule_of_three(tries: usize) -> f64 {
    (3.0 / tries.max(1) as f64).min(1.0)
}

fn limit(pictures: usize) -> String {
    let least = rule_of_three(pictures);
    let shown = format!(
        "Even if not one of {} pictures were read, the true rate could be up to about 3/{} = {}%",
        number(pictures),
        number(pictures),
        decimal(least * 100.0)
    );
    let needed = number((3.0 / TARGET).round() as usize);
    if least > TARGET {
        format!("{shown}: a rate under 0.01% cannot be shown with fewer than {needed} pictures.")
    } else {
        format!("{shown}; that is enough to show a rate under 0.01%, for which {needed} are needed.")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standing(count: usize, of: usize) -> Standing {
        judge(Share { count, of }, &[]).standing
    }

    #[test]
    fn each_standing_has_its_numbers() {
        assert_eq!(standing(963, 1000), Standing::Broken);
        assert_eq!(standing(20, 1000), Standing::Broken);
        assert_eq!(standing(1, 20), Standing::ProbablyBroken);
        assert_eq!(standing(12, 1000), Standing::ProbablyBroken);
        assert_eq!(standing(5, 1000), Standing::TooWeak);
        assert_eq!(standing(1, 1000), Standing::TooWeak, "the interval begins at 0.018%");
        assert_eq!(standing(1, 10_000), Standing::NotShown);
        assert_eq!(standing(0, 1000), Standing::NotShown);
        assert_eq!(standing(0, 29_999), Standing::NotShown);
        assert_eq!(standing(0, 30_000), Standing::WithstoodThisModel);
        assert_eq!(standing(1, 100_000), Standing::WithstoodThisModel);
    }

    #[test]
    fn choosing_can_break_what_answering_everything_does_not() {
        let row = |sent, right| Selective {
            threshold: 0.9,
            sent: Share { count: sent, of: 10_000 },
            right: Share { count: right, of: sent },
        };
        let verdict = |row| judge(Share { count: 8, of: 10_000 }, &[row]);
        assert_eq!(verdict(row(100, 8)).standing, Standing::Broken);
        assert!(verdict(row(100, 8)).reason.contains("90%"), "{}", verdict(row(100, 8)).reason);
        // Above 1% by itself, but not as the best of nine.
        assert_eq!(verdict(row(1_000, 18)).standing, Standing::TooWeak);
        assert!(Share { count: 18, of: 1_000 }.interval().low > BROKEN);
        assert_eq!(verdict(row(8, 8)).standing, Standing::TooWeak, "too few to be more than luck");
    }

    #[test]
    fn the_rule_of_three_is_said_with_its_number() {
        let few = judge(Share { count: 0, of: 300 }, &[]);
        assert_eq!(few.least_rate_that_could_be_shown, 0.01);
        assert!(few.limit.contains("3/300 = 1%") && few.limit.contains("fewer than 30,000"), "{}", few.limit);
        assert!(few.reason.contains("as high as 1%"), "{}", few.reason);
        let many = judge(Share { count: 0, of: 60_000 }, &[]);
        assert!(many.limit.contains("enough"), "{}", many.limit);
    }
}
