//! The tables of figures: how much is read right, of what kind, at which confidence; and mistakes.

use maud::{Markup, html};

use crate::audit::{
    report::{Accuracy, ByCharacter, Mistake, Rate, Report},
    words::{number, percent, visible},
};

/// Characters that are seen at once; the others fold out.
const WORST: usize = 12;
/// Kinds of mistakes on the page.
const MISTAKES: usize = 30;

/// Right whole, by length, by character.
pub(super) fn right(report: &Report) -> Markup {
    let pictures = &report.pictures;
    html! {
        section aria-labelledby="right" {
            h2 id="right" { "How many are read right" }
            div.wide { table {
                caption { "With the interval in which the true share lies with 95% confidence (Wilson 1927)" }
                thead { tr {
                    th scope="col" { "Compared" } (rate_heads("right whole")) th.number scope="col" { "characters wrong" }
                } }
                tbody {
                    (accuracy("with the case of letters counted", report.case_counted))
                    (accuracy("ignoring case", report.ignoring_case))
                }
            } }
            @if pictures.wrong_length > 0 {
                p { "In " (number(pictures.wrong_length)) " pictures more or fewer characters were read than there are." }
            }
            @if pictures.with_unknown_characters > 0 {
                p {
                    (number(pictures.with_unknown_characters)) " pictures say something with characters that the model does "
                    "not know, and count as misread. Of the others, " (percent(report.writable.share)) " ("
                    (number(report.writable.count)) " of " (number(report.writable.of)) ") are read right. "
                    "An attacker would teach a model these characters, so this figure is the fairer one. "
                    a href="#left-out" { "Which they are" } "."
                }
            }
            h3 { "By length of the text" }
            div.wide { table {
                thead { tr { th.number scope="col" { "Characters" } (rate_heads("right whole")) } }
                tbody {
                    @for row in &report.by_length { tr { th.number scope="row" { (row.length) } (rate(row.right)) } }
                }
            } }
            h3 { "Doubled letters" }
            p { "A character twice in a row is a known trap for networks of this kind, which must see the gap between the two." }
            div.wide { table {
                thead { tr { th scope="col" { "Texts" } (rate_heads("right whole")) } }
                tbody {
                    tr { th scope="row" { "with a character twice in a row" } (rate(report.doubled)) }
                    tr { th scope="row" { "without" } (rate(report.not_doubled)) }
                }
            } }
            h3 { "By character, the worst first" }
            p { "How often a character that stands in a picture is read as what it is." }
            @let (worst, others) = report.by_character.split_at(report.by_character.len().min(WORST));
            (characters(worst))
            @if !others.is_empty() {
                details {
                    summary { "The other " (number(others.len())) " characters" }
                    (characters(others))
                }
            }
        }
    }
}

fn rate_heads(what: &str) -> Markup {
    html! {
        th.number scope="col" { (what) }
        th.number scope="col" { "share" }
        th scope="col" { "interval" }
    }
}

fn rate(rate: Rate) -> Markup {
    html! {
        td.number { (number(rate.count)) " of " (number(rate.of)) }
        @if rate.of == 0 {
            td.number { "none" } td {}
        } @else {
            td.number { (percent(rate.share)) }
            td.interval { (percent(rate.low)) " to " (percent(rate.high)) }
        }
    }
}

fn accuracy(compared: &str, accuracy: Accuracy) -> Markup {
    html! {
        tr {
            th scope="row" { (compared) }
            (rate(accuracy.right))
            td.number { (percent(accuracy.character_error_rate)) }
        }
    }
}

fn characters(rows: &[ByCharacter]) -> Markup {
    html! {
        div.wide { table {
            thead { tr {
                th scope="col" { "Character" } (rate_heads("right")) th scope="col" aria-hidden="true" {}
            } }
            tbody {
                @for row in rows {
                    tr {
                        th scope="row" { code { (visible(row.character)) } }
                        (rate(row.right))
                        td aria-hidden="true" { meter min="0" max="1" value=(row.right.share) {} }
                    }
                }
            }
        } }
    }
}

/// What comes of sending only answers from a confidence on.
pub(super) fn thresholds(report: &Report) -> Markup {
    html! {
        div.wide { table {
            caption { "Coverage is the share of all pictures that are answered, precision the share of the answers that are right" }
            thead { tr {
                th.number scope="col" { "Confidence from" }
                th.number scope="col" { "answers sent" }
                th.number scope="col" { "coverage" }
                (rate_heads("right"))
            } }
            tbody {
                @for row in &report.thresholds {
                    tr {
                        th.number scope="row" {
                            @if row.threshold == 0.0 { "any" } @else { (percent(row.threshold)) }
                        }
                        td.number { (number(row.sent)) }
                        td.number { (percent(row.coverage)) }
                        (rate(row.right))
                    }
                }
            }
        } }
    }
}

/// The histogram's numbers.
pub(super) fn histogram(report: &Report) -> Markup {
    html! {
        details {
            summary { "The same as a table" }
            div.wide { table {
                thead { tr {
                    th scope="col" { "Confidence" }
                    th.number scope="col" { "answers" }
                    th.number scope="col" { "right" }
                    th.number scope="col" { "wrong" }
                } }
                tbody {
                    @for bar in &report.histogram {
                        tr {
                            th scope="row" { (percent(bar.from)) " to " (percent(bar.to)) }
                            td.number { (number(bar.answers)) }
                            td.number { (number(bar.right)) }
                            td.number { (number(bar.answers - bar.right)) }
                        }
                    }
                }
            } }
        }
    }
}

/// What was taken for what.
pub(super) fn mistakes(report: &Report) -> Markup {
    let kinds = report.mistakes.len();
    html! {
        section aria-labelledby="mistakes" {
            h2 id="mistakes" { "What is taken for what" }
            @if report.mistakes.is_empty() {
                p { "There was no mistake." }
            } @else {
                div.wide { table {
                    caption { "The most frequent mistakes, with texts aligned by the fewest edits" }
                    thead { tr {
                        th scope="col" { "In the picture" } th scope="col" { "Read as" } th.number scope="col" { "Times" }
                    } }
                    tbody { @for mistake in report.mistakes.iter().take(MISTAKES) { (row(mistake)) } }
                } }
                @if kinds > MISTAKES {
                    p.quiet { (number(kinds - MISTAKES)) " more kinds of mistakes are rarer, or as rare as the last." }
                }
            }
        }
    }
}

fn row(mistake: &Mistake) -> Markup {
    html! {
        tr {
            td { @match mistake.truth { Some(truth) => code { (visible(truth)) }, None => "nothing (added)" } }
            td { @match mistake.reading { Some(reading) => code { (visible(reading)) }, None => "nothing (missed)" } }
            td.number { (number(mistake.times)) }
        }
    }
}
