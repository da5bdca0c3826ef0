//! What the figures say of the captcha's strength, and, at the same length, what they do not say.

use maud::{Markup, html};

use crate::audit::{
    report::{Rate, Report},
    verdict::{BROKEN, Standing, TARGET},
    words::{number, percent},
};

/// The published thresholds beside what was measured, and the limits of that.
pub(super) fn thresholds(report: &Report) -> Markup {
    let right = report.judged().right;
    html! {
        section aria-labelledby="strength" {
            h2 id="strength" { "What that says of its strength" }
            div.wide { table {
                caption { "What a text captcha must be to be of use, as published" }
                thead { tr {
                    th scope="col" { "Asked for" } th scope="col" { "By" } th scope="col" { "Here" } th scope="col" { "Met?" }
                } }
                tbody {
                    tr {
                        th scope="row" { "people pass: at least 80%, better 90%" }
                        td { "Chellapilla et al. 2005 ask for 90%; others for 80%" }
                        td { "people were not measured" }
                        td { "not known" }
                    }
                    tr {
                        th scope="row" { "programs pass: at most " (percent(TARGET)) ", 1 in 10,000" }
                        td { "Chellapilla et al. 2005" }
                        td { (percent(right.share)) ", " (percent(right.low)) " to " (percent(right.high)) }
                        td { (under_target(report.verdict.standing, &right)) }
                    }
                    tr {
                        th scope="row" { "not broken: programs are right in less than " (percent(BROKEN)) " of the answers they send" }
                        td { "Bursztein, Martin and Mitchell 2011" }
                        td { (percent(right.share)) " of all; " a href="#confidence" { "by confidence" } }
                        td { (not_broken(report.verdict.standing)) }
                    }
                }
            } }
            p { strong { (report.verdict.headline) ". " } (report.verdict.reason) " " (report.verdict.limit) }
            h3 { "What it does not say" }
            ul {
                li {
                    "It is one model's result on " (number(right.of)) " pictures: a lower bound for what an attacker can do. A "
                    "low figure is no proof of strength."
                }
                li {
                    "Where the model has not learned from pictures of this kind, an attacker can make it: with a few hundred of "
                    "them, labelled by hand, it is trained further. Ye et al. 2018 took about 500 of a scheme's own pictures."
                }
                li {
                    "Shares hold for pictures like these. Where the folder is no fair draw from what visitors see, neither are "
                    "the figures; and what is wrong in a label counts against the program."
                }
                li {
                    "An attacker has as many tries as the site allows. Whatever the share, limits on tries for an account and "
                    "an address matter as much."
                }
                li {
                    "People who solve captchas for money, about a dollar for a thousand (Motoyama et al. 2010), get through "
                    "any picture that your visitors get through."
                }
            }
            h3 { "What was not measured" }
            p {
                "How many people pass, how long they take, and whom the picture shuts out: a text in a picture cannot be read by "
                "people who do not see it. How the site asks for captchas, whether an answer can be used twice, and how many "
                "tries it allows."
            }
            h3 { "What else there is" }
            p {
                "A harder picture keeps out people before it keeps out programs. What does not rest on reading: limits on "
                "tries, a message to an address or a device, proofs of work, and services that judge behaviour, each with "
                "its own costs for privacy and access. A captcha can stay as one of several hurdles; it should not be the only one."
            }
            h3 { "Sources" }
            ul {
                li {
                    "K. Chellapilla, K. Larson, P. Simard, M. Czerwinski: " cite { "Building segmentation based human-friendly "
                    "human interaction proofs (HIPs)" } ", 2005."
                }
                li {
                    "E. Bursztein, M. Martin, J. C. Mitchell: " cite { "Text-based CAPTCHA strengths and weaknesses" } ", 2011."
                }
                li { "G. Ye et al.: " cite { "Yet another text captcha solver" } ", 2018." }
                li {
                    "M. Motoyama et al.: " cite { "Re: CAPTCHAs: understanding CAPTCHA-solving services in an economic context" }
                    ", 2010."
                }
                li { "E. B. Wilson: " cite { "Probable inference, the law of succession, and statistical inference" } ", 1927." }
            }
        }
    }
}

/// By the share of all pictures: sure answers alone may break what is under the target.
fn under_target(standing: Standing, right: &Rate) -> &'static str {
    match standing {
        _ if right.low > TARGET => "no",
        _ if right.high <= TARGET => "by this model, yes",
        // By the rule of three, where none was read.
        Standing::WithstoodThisModel => "by this model, yes",
        _ => "cannot be said with so few pictures",
    }
}

fn not_broken(standing: Standing) -> &'static str {
    match standing {
        Standing::Broken => "no",
        Standing::ProbablyBroken => "most likely not",
        Standing::TooWeak | Standing::NotShown => "not shown to be broken",
        Standing::WithstoodThisModel => "by this model, yes",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_of_all_pictures_is_judged_by_itself() {
        let rate = |low, high| Rate { count: 2, of: 100_000, share: 0.000_02, low, high };
        let met = |standing, low, high| under_target(standing, &rate(low, high));
        assert_eq!(met(Standing::Broken, 0.02, 0.04), "no");
        // Broken by the sure answers alone.
        assert_eq!(met(Standing::Broken, 0.000_005_5, 0.000_073), "by this model, yes");
        assert_eq!(met(Standing::Broken, 0.000_055, 0.000_73), "cannot be said with so few pictures");
        assert_eq!(met(Standing::WithstoodThisModel, 0.0, 0.000_13), "by this model, yes");
    }
}
