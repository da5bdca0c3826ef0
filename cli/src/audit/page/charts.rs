//! The two drawings: coverage against precision, and how sure the answers are. Inline SVG in the page's own colours.

use maud::{Markup, html};

use crate::audit::{
    report::{Report, Threshold},
    words::{number, percent},
};

/// The drawing's size, and the part of it in which the data stands.
const SIZE: (f64, f64) = (680.0, 360.0);
const LEFT: f64 = 70.0;
const RIGHT: f64 = 20.0;
const TOP: f64 = 24.0;
const BOTTOM: f64 = 56.0;
/// Labels of points that are nearer to one another would overlap.
const APART: f64 = 44.0;

/// From a share of the width, and of the height from below, to the drawing's units.
fn place(x: f64, y: f64) -> (f64, f64) {
    (LEFT + x * (SIZE.0 - LEFT - RIGHT), SIZE.1 - BOTTOM - y * (SIZE.1 - TOP - BOTTOM))
}

fn unit(value: f64) -> String {
    format!("{value:.1}")
}

/// How many answers are right, by how many are sent.
pub(super) fn curve(report: &Report) -> Markup {
    let points = &report.curve;
    if points.len() < 2 {
        return html! { p.quiet { "There are too few answers for a curve." } };
    }
    let least = points.iter().map(|point| point.right.share).fold(1.0, f64::min);
    // Where all of it is high the axis begins higher, and says so.
    let floor = (least * 10.0 - 0.5).floor().clamp(0.0, 9.0) / 10.0;
    let at = |point: &Threshold| place(point.coverage, (point.right.share - floor) / (1.0 - floor));
    let line: Vec<String> = points
        .iter()
        .map(|point| {
            let (x, y) = at(point);
            format!("{},{}", unit(x), unit(y))
        })
        .collect();
    let marks = report.thresholds.iter().filter(|row| points.iter().any(|point| point.sent == row.sent));
    let marks: Vec<(&Threshold, (f64, f64))> = marks.map(|row| (row, at(row))).collect();
    html! {
        figure {
            svg viewBox={ "0 0 " (SIZE.0) " " (SIZE.1) } role="img" aria-labelledby="curve-title curve-text" {
                title id="curve-title" { "Precision by coverage" }
                desc id="curve-text" {
                    "A curve from " (describe(points.first())) " to " (describe(points.last())) ". The table above has its "
                    "marked points."
                }
                @for tenth in 0..=5 { (across(f64::from(tenth) / 5.0, &percent(f64::from(tenth) / 5.0))) }
                @for step in 0..=4 {
                    @let share = f64::from(step) / 4.0;
                    (up(share, &percent(floor + share * (1.0 - floor))))
                }
                (axes("coverage: pictures answered", "precision: answers that are right"))
                polyline.curve points=(line.join(" ")) {}
                @for (row, (x, y)) in &marks { circle.point cx=(unit(*x)) cy=(unit(*y)) r="4.5" { title { (describe(Some(row))) } } }
                @for (row, (x, y)) in spaced(&marks) {
                    // Beneath the curve, where it does not run.
                    text.strong x=(unit(x)) y=(unit(y + 22.0)) text-anchor="middle" { (threshold(row)) }
                }
            }
            figcaption.quiet {
                "The circles are thresholds of the table, and some are named. Fewer than 20 answers are not drawn."
                @if floor > 0.0 { " The upright axis begins at " (percent(floor)) "." }
            }
        }
    }
}

fn describe(point: Option<&Threshold>) -> String {
    point.map_or_else(String::new, |point| {
        let (coverage, precision) = (percent(point.coverage), percent(point.right.share));
        format!("{coverage} answered, {precision} of these right ({})", threshold(point))
    })
}

fn threshold(point: &Threshold) -> String {
    if point.threshold == 0.0 { "all".to_owned() } else { format!("≥ {}", percent(point.threshold)) }
}

/// Those whose labels do not overlap, from the first on.
fn spaced<'a>(marks: &[(&'a Threshold, (f64, f64))]) -> Vec<(&'a Threshold, (f64, f64))> {
    let mut spaced: Vec<(&Threshold, (f64, f64))> = Vec::new();
    for mark in marks {
        let apart = |other: &(&Threshold, (f64, f64))| (other.1.0 - mark.1.0).abs() >= APART;
        if spaced.iter().all(apart) {
            spaced.push(*mark);
        }
    }
    spaced
}

/// How many answers there are in each tenth of confidence, right and wrong ones.
pub(super) fn histogram(report: &Report) -> Markup {
    let bars = &report.histogram;
    let most = bars.iter().map(|bar| bar.answers).max().unwrap_or_default().max(1) as f64;
    let width = 1.0 / bars.len().max(1) as f64;
    // Room above the highest bar for its number.
    let height = |answers: usize| answers as f64 / most * 0.94;
    html! {
        figure {
            svg viewBox={ "0 0 " (SIZE.0) " " (SIZE.1) } role="img" aria-labelledby="histogram-title histogram-text" {
                title id="histogram-title" { "Answers by confidence" }
                desc id="histogram-text" { "Bars of right and wrong answers for each tenth of confidence; the table below has the numbers." }
                defs {
                    pattern id="hatched" width="7" height="7" patternUnits="userSpaceOnUse" patternTransform="rotate(45)" {
                        line.hatch x1="0" y1="0" x2="0" y2="7" {}
                    }
                }
                @for fifth in 0..=5 { (across(f64::from(fifth) / 5.0, &percent(f64::from(fifth) / 5.0))) }
                @for (index, bar) in bars.iter().enumerate() {
                    @let from = index as f64 * width + width * 0.08;
                    @let (left, top_of_right) = place(from, height(bar.right));
                    @let (right, top) = place(from + width * 0.84, height(bar.answers));
                    @let (_, ground) = place(0.0, 0.0);
                    rect.right x=(unit(left)) y=(unit(top_of_right)) width=(unit(right - left)) height=(unit(ground - top_of_right)) {}
                    @if bar.answers > bar.right {
                        rect.wrong fill="url(#hatched)" x=(unit(left)) y=(unit(top)) width=(unit(right - left))
                            height=(unit(top_of_right - top)) {}
                    }
                    @if bar.answers > 0 {
                        text.strong x=(unit((left + right) / 2.0)) y=(unit(top - 6.0)) text-anchor="middle" { (number(bar.answers)) }
                    }
                }
                (axes("confidence of the answer", "answers"))
            }
            figcaption.quiet { "Plain: right answers. Hatched, above: wrong ones. The number is of both." }
        }
    }
}

/// A line from below to above, with its label.
fn across(share: f64, label: &str) -> Markup {
    let ((x, bottom), (_, top)) = (place(share, 0.0), place(share, 1.0));
    html! {
        line.grid x1=(unit(x)) y1=(unit(bottom)) x2=(unit(x)) y2=(unit(top)) {}
        text x=(unit(x)) y=(unit(bottom + 18.0)) text-anchor="middle" { (label) }
    }
}

/// A line from left to right, with its label.
fn up(share: f64, label: &str) -> Markup {
    let ((left, y), (right, _)) = (place(0.0, share), place(1.0, share));
    html! {
        line.grid x1=(unit(left)) y1=(unit(y)) x2=(unit(right)) y2=(unit(y)) {}
        text x=(unit(left - 8.0)) y=(unit(y + 4.0)) text-anchor="end" { (label) }
    }
}

fn axes(right: &str, up: &str) -> Markup {
    let ((left, bottom), (end, top)) = (place(0.0, 0.0), place(1.0, 1.0));
    let middle = unit((bottom + top) / 2.0);
    html! {
        line.axis x1=(unit(left)) y1=(unit(bottom)) x2=(unit(end)) y2=(unit(bottom)) {}
        line.axis x1=(unit(left)) y1=(unit(bottom)) x2=(unit(left)) y2=(unit(top)) {}
        text x=(unit((left + end) / 2.0)) y=(unit(SIZE.1 - 12.0)) text-anchor="middle" { (right) }
        text x="16" y=(middle) text-anchor="middle" transform={ "rotate(-90 16 " (middle) ")" } { (up) }
    }
}
