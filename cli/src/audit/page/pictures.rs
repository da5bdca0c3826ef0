//! The pictures themselves, some of them, with what was read.

use byecaptcha_models::metrics::{Edit, align};
use maud::{Markup, html};

use crate::audit::{
    gallery::{Shown, Spread},
    tally,
    words::{number, percent},
};

/// Those that were misread.
pub(super) fn misread(pictures: &Spread<Shown>, ignore_case: bool) -> Markup {
    let mut order: Vec<&Shown> = pictures.kept().iter().collect();
    order.sort_by(|a, b| b.confidence.total_cmp(&a.confidence));
    html! {
        section aria-labelledby="misread" {
            h2 id="misread" { "Misread pictures" }
            @if pictures.seen() == 0 {
                p { "None was misread." }
            } @else {
                p {
                    (some(pictures)) ", the surest first. What is wrong in a reading is bold and underlined; "
                    code { "·" } " stands for a character that was not read."
                }
                (list(&order, ignore_case))
            }
        }
    }
}

/// Those that were offered, right or wrong.
pub(super) fn sample(pictures: &Spread<Shown>, ignore_case: bool) -> Markup {
    let order: Vec<&Shown> = pictures.kept().iter().collect();
    html! {
        @if !order.is_empty() {
            section aria-labelledby="sample" {
                h2 id="sample" { "The pictures" }
                p { (some(pictures)) ", right and wrong ones as they come." }
                (list(&order, ignore_case))
            }
        }
    }
}

fn some(pictures: &Spread<Shown>) -> Markup {
    let (shown, all) = (pictures.kept().len(), pictures.seen());
    html! {
        @if shown == all { "All " (number(all)) } @else { (number(shown)) " of " (number(all)) ", at even distances" }
    }
}

fn list(pictures: &[&Shown], ignore_case: bool) -> Markup {
    html! {
        ul.pictures { @for shown in pictures { li { (picture(shown, ignore_case)) } } }
    }
}

fn picture(shown: &Shown, ignore_case: bool) -> Markup {
    html! {
        figure title=(shown.name) {
            @match &shown.source {
                Some(source) => img src=(source) alt={ "A captcha that says " (shown.truth) };
                None => div.gone { "its file has changed" }
            }
            figcaption {
                "says " code { (shown.truth) } br;
                @if shown.right { "read right" } @else { "read " (marked(shown, ignore_case)) }
                ", " (percent(f64::from(shown.confidence))) " sure"
            }
        }
    }
}

/// The reading, with what is wrong in it marked.
fn marked(shown: &Shown, ignore_case: bool) -> Markup {
    if shown.reading.is_empty() {
        return html! { "as nothing" };
    }
    let (truth, reading): (Vec<char>, Vec<char>) =
        (shown.truth.chars().collect(), shown.reading.chars().collect());
    html! {
        code {
            @for edit in align(&truth, &reading, tally::same(ignore_case)) {
                @match edit {
                    Edit::Kept(character) => (character),
                    Edit::Substituted(_, character) | Edit::Added(character) => mark { (character) },
                    Edit::Missed(_) => mark { "·" },
                }
            }
        }
    }
}
