//! The curve as a table and as a picture.

use std::path::Path;

use anyhow::{Result, anyhow};
use byecaptcha_dataset::stdout;
use plotters::prelude::*;

use super::curve::{Choice, Point};
use crate::whole;

const CHOICES: [(Choice, &str, RGBColor); 2] = [
    (Choice::Uncertain, "least certain first", RGBColor(0, 90, 180)),
    (Choice::Random, "at random", RGBColor(200, 80, 0)),
];

/// What the picture shows below the lowest point and above the highest.
const AROUND: f64 = 0.05;

/// Writes `curve.md` and `curve.svg` into a folder.
pub(super) fn write(folder: &Path, style: &str, points: &[Point]) -> Result<()> {
    let table = table(style, points);
    whole::write(&folder.join("curve.md"), &table)?;
    whole::with(&folder.join("curve.svg"), |file| {
        plot(file, style, points).map_err(|error| anyhow!("cannot draw it: {error}"))
    })?;
    Ok(stdout::line(table)?)
}

/// Mean accuracy of all seeds after each number of labels, least first.
fn means(points: &[Point], choice: Choice) -> Vec<(usize, f64)> {
    let mut labels: Vec<usize> = points.iter().map(|point| point.labels).collect();
    labels.sort_unstable();
    labels.dedup();
    labels
        .into_iter()
        .filter_map(|labels| {
            let here: Vec<f64> = points
                .iter()
                .filter(|point| point.choice == choice && point.labels == labels)
                .map(|point| point.ignoring_case)
                .collect();
            (!here.is_empty()).then(|| (labels, here.iter().sum::<f64>() / here.len() as f64))
        })
        .collect()
}

/// How many labels a curve needs for an accuracy, between its points; none where it does not get there.
fn needed(curve: &[(usize, f64)], accuracy: f64) -> Option<f64> {
    if curve.first().is_some_and(|first| first.1 >= accuracy) {
        return curve.first().map(|first| first.0 as f64);
    }
    curve.windows(2).find(|pair| pair[0].1 < accuracy && pair[1].1 >= accuracy).map(|pair| {
        let share = (accuracy - pair[0].1) / (pair[1].1 - pair[0].1);
        pair[0].0 as f64 + share * (pair[1].0 - pair[0].0) as f64
    })
}

fn table(style: &str, points: &[Point]) -> String {
    let (uncertain, random) = (means(points, Choice::Uncertain), means(points, Choice::Random));
    let mut table = format!(
        "Whole texts right, case not counted, of fresh `{style}` pictures; the mean of the seeds, and each seed. The texts \
         are found by the locator that ships, which learned from all styles.\n\n\
         | labels | least certain first | at random | random needs for the same |\n|---|---|---|---|\n"
    );
    let each = |choice: Choice, labels: usize| {
        let of_seeds = points.iter().filter(|point| point.choice == choice && point.labels == labels);
        of_seeds.map(|point| format!("{:.1}", point.ignoring_case * 100.0)).collect::<Vec<_>>().join(", ")
    };
    for ((labels, ours), (_, theirs)) in uncertain.iter().zip(&random) {
        let same = match needed(&random, *ours) {
            Some(labels) => format!("{labels:.0}"),
            None => "more than were given".to_owned(),
        };
        table += &format!(
            "| {labels} | {:.1}% ({}) | {:.1}% ({}) | {same} |\n",
            ours * 100.0,
            each(Choice::Uncertain, *labels),
            theirs * 100.0,
            each(Choice::Random, *labels)
        );
    }
    table
}

fn plot(path: &Path, style: &str, points: &[Point]) -> Result<(), Box<dyn std::error::Error>> {
    let most = points.iter().map(|point| point.labels).max().unwrap_or(1) as f64;
    let shares = points.iter().map(|point| point.ignoring_case);
    let low = shares.clone().fold(1.0, f64::min) - AROUND;
    let high = shares.fold(0.0, f64::max) + AROUND;
    let root = SVGBackend::new(path, (640, 420)).into_drawing_area();
    root.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&root)
        .margin(12)
        .caption(format!("Labels of {style}, and whole texts right ignoring case"), ("sans-serif", 16))
        .x_label_area_size(32)
        .y_label_area_size(44)
        .build_cartesian_2d(0.0..most * 1.03, low.max(0.0)..high.min(1.0))?;
    chart
        .configure_mesh()
        .x_desc("labels")
        .y_label_formatter(&|share| format!("{:.0}%", share * 100.0))
        .draw()?;
    for (choice, name, colour) in CHOICES {
        let line = means(points, choice).into_iter().map(|(labels, share)| (labels as f64, share));
        chart
            .draw_series(LineSeries::new(line, colour.stroke_width(2)))?
            .label(name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(2)));
        let here = points.iter().filter(|point| point.choice == choice);
        chart.draw_series(
            here.map(|point| Circle::new((point.labels as f64, point.ignoring_case), 3, colour.filled())),
        )?;
    }
    chart.configure_series_labels().position(SeriesLabelPosition::LowerRight).border_style(BLACK).draw()?;
    root.present()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_compared_at_the_same_accuracy() {
        let point =
            |choice, labels, ignoring_case| Point { choice, seed: 0, labels, exact: 0.0, ignoring_case };
        let points = [
            point(Choice::Uncertain, 50, 0.2),
            point(Choice::Uncertain, 100, 0.5),
            point(Choice::Random, 50, 0.2),
            point(Choice::Random, 100, 0.4),
            point(Choice::Random, 150, 0.6),
        ];
        assert_eq!(needed(&means(&points, Choice::Random), 0.5), Some(125.0));
        assert_eq!(needed(&means(&points, Choice::Random), 0.9), None);
        let table = table("x", &points);
        assert!(table.contains("the locator that ships, which learned from all styles"), "{table}");
        assert!(table.contains("| 100 | 50.0% (50.0) | 40.0% (40.0) | 125 |"), "{table}");
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), "x", &points).unwrap();
        let svg = std::fs::read_to_string(folder.path().join("curve.svg")).unwrap();
        assert!(svg.contains("least certain first") && svg.matches("<circle").count() >= points.len());
    }
}
