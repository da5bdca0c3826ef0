//! The audit as one page: no script, no other file, no other host; it opens from a mail or a USB stick. All text that is
//! not the page's own goes through `maud`, which escapes it.

mod charts;
mod left_out;
mod pictures;
mod strength;
mod tables;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::audit::{
    gallery::{Shown, Spread},
    report::{Rate, Report},
    words::{about, decimal, dollars, number, percent},
};

/// What a browser shall load for this page: nothing from anywhere, whatever stands in it.
const POLICY: &str = "default-src 'none'; img-src data:; style-src 'unsafe-inline'";

/// The page.
pub(super) fn html(report: &Report, misread: &Spread<Shown>, sample: &Spread<Shown>) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { "How well a program reads the captchas of " (report.folder) }
                style { (PreEscaped(include_str!("style.css"))) }
            }
            body {
                (head(report))
                main {
                    (verdict(report))
                    (tables::right(report))
                    (confidence(report))
                    (tables::mistakes(report))
                    (pictures::misread(misread, report.ignore_case))
                    (pictures::sample(sample, report.ignore_case))
                    (cost(report))
                    (strength::thresholds(report))
                    (left_out::section(report))
                }
                footer {
                    p {
                        "Written by " (report.program) ", " code { "byecaptcha audit" } ", at "
                        time datetime=(report.made_at) { (report.made_at) } ". Nothing was sent anywhere: the pictures were "
                        "read on the machine that this was written on."
                    }
                }
            }
        }
    };
    page.into_string()
}

fn head(report: &Report) -> Markup {
    html! {
        header {
            h1 { "How well a program reads these captchas" }
            p.quiet {
                (number(report.pictures.counted)) " labelled pictures of " code { (report.folder) }
                @if let Some(labels) = &report.labels { " with their texts in " code { (labels) } }
                ", read by the model " code { (report.model.name) } ", version " (report.model.version) ". "
                @if report.ignore_case {
                    "An answer counts as right whatever the case of its letters."
                } @else {
                    "An answer counts as right only in the right case of its letters."
                }
            }
        }
    }
}

fn verdict(report: &Report) -> Markup {
    let judged = report.judged();
    html! {
        section.verdict aria-labelledby="verdict" {
            h2 id="verdict" { (report.verdict.headline) }
            p { (report.verdict.reason) }
            p { (report.verdict.limit) }
            p {
                "This is what one model read: the least that an attacker can do, not the most. " a href="#strength" { "What that says, and what it does not" } "."
            }
            dl.figures {
                div {
                    dt { "Read right whole" }
                    dd.value { (percent(judged.right.share)) }
                    dd.quiet { (interval(judged.right)) }
                }
                div {
                    dt { "Characters wrong" }
                    dd.value { (percent(judged.character_error_rate)) }
                    dd.quiet { (number(judged.character_errors)) " in " (number(judged.characters)) }
                }
                div {
                    dt { "Time for one, one core" }
                    dd.value { (decimal(report.cost.core_seconds_per_picture * 1000.0)) " ms" }
                    dd.quiet { "a thousand for " (dollars(report.cost.dollars_per_thousand)) }
                }
                div {
                    dt { "Solved for a dollar" }
                    dd.value { (about(report.cost.solved_per_dollar)) }
                    dd.quiet { "of computing, at " a href="#cost" { "this price" } }
                }
            }
        }
    }
}

/// Where a share lies, in words.
fn interval(rate: Rate) -> Markup {
    html! { (percent(rate.low)) " to " (percent(rate.high)) " with 95% confidence" }
}

fn confidence(report: &Report) -> Markup {
    let pictures = &report.pictures;
    html! {
        section aria-labelledby="confidence" {
            h2 id="confidence" { "If only sure answers are sent" }
            p {
                "The program says how sure it is of each answer. An attacker who may ask for another picture sends only "
                "answers above a threshold, and lets the others go."
                @if pictures.without_answer > 0 {
                    " In " (number(pictures.without_answer)) " of " (number(pictures.counted))
                    " pictures nothing was read: these are sent at no threshold."
                }
            }
            (tables::thresholds(report))
            (charts::curve(report))
            h3 { "How sure the answers are" }
            (charts::histogram(report))
            (tables::histogram(report))
        }
    }
}

fn cost(report: &Report) -> Markup {
    let cost = &report.cost;
    html! {
        section aria-labelledby="cost" {
            h2 id="cost" { "Time and cost" }
            p {
                "Measured in this very run, on one processor core, with " (cost.batch) " pictures at a time, from the file's "
                "bytes in memory to the text. By the wall's clock a picture took "
                (decimal(cost.wall_seconds_per_picture * 1000.0)) " ms, in which other programs may have had the core, too."
            }
            div.wide { table {
                tbody {
                    tr {
                        th scope="row" { "A picture, time of one core" }
                        td.number { (decimal(cost.core_seconds_per_picture * 1000.0)) " ms" }
                    }
                    tr {
                        th scope="row" { "A thousand pictures, time of one core" }
                        td.number { (decimal(cost.core_seconds_per_picture * 1000.0)) " s" }
                    }
                    tr {
                        th scope="row" { "A core for an hour" }
                        td.number { (dollars(cost.core_hour_price)) }
                    }
                    tr {
                        th scope="row" { "A thousand pictures" }
                        td.number { (dollars(cost.dollars_per_thousand)) }
                    }
                    tr {
                        th scope="row" { "Solved for a dollar" }
                        td.number { (about(cost.solved_per_dollar)) }
                    }
                    tr {
                        th scope="row" { "Pictures to try for one solved" }
                        td.number { (cost.tries_per_solved.map_or("none was solved".to_owned(), decimal)) }
                    }
                }
            } }
            p.quiet {
                @if cost.price_is_assumed {
                    "The price of a core is an assumption, about what clouds ask for a virtual core rented by the hour; "
                    code { "--core-hour-price" } " says another. "
                } @else {
                    "The price of a core was given with " code { "--core-hour-price" } ". "
                }
                "Fetching pictures, sending answers, and addresses to send them from cost an attacker more than that, and are "
                "not in it."
            }
        }
    }
}
