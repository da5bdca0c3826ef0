//! The table's pictures: learning curves, and which character was taken for which.

use std::{error::Error, path::Path};

use anyhow::{Result, anyhow};
use plotters::prelude::*;

use super::measure::Measured;
use crate::whole;

/// Width and height of the learning curves, in pixels.
const CURVES: (u32, u32) = (900, 520);
/// Side of a cell of the confusion matrix, in pixels.
const CELL: i32 = 12;
/// Room for its labels.
const LABELS: i32 = 34;

/// Share of held-out texts right over images seen, one line a network.
pub(super) fn curves(rows: &[Measured], file: &Path) -> Result<()> {
    whole::with(file, |file| draw_curves(rows, file).map_err(|error| anyhow!("cannot draw it: {error}")))
}

fn draw_curves(rows: &[Measured], file: &Path) -> Result<(), Box<dyn Error>> {
    let root = SVGBackend::new(file, CURVES).into_drawing_area();
    root.fill(&WHITE)?;
    let most = rows.iter().flat_map(|row| &row.curve).map(|&(images, _)| images).max().unwrap_or(1);
    let mut chart = ChartBuilder::on(&root)
        .margin(12)
        .x_label_area_size(40)
        .y_label_area_size(56)
        .build_cartesian_2d(0..most, 0.0..1.0)?;
    chart
        .configure_mesh()
        .x_desc("images seen")
        .y_desc("held-out texts right")
        .y_label_formatter(&|share| format!("{:.0}%", share * 100.0))
        .draw()?;
    for (index, row) in rows.iter().enumerate() {
        let colour = Palette99::pick(index).mix(0.9);
        chart
            .draw_series(LineSeries::new(row.curve.iter().copied(), colour.stroke_width(2)))?
            .label(row.config.name.as_str())
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(2)));
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::LowerRight)
        .background_style(WHITE.mix(0.85))
        .border_style(BLACK.mix(0.3))
        .draw()?;
    root.present()?;
    Ok(())
}

/// One cell for each pair of characters, the darker the more often the one was taken for the other.
pub(super) fn confusion_matrix(row: &Measured, file: &Path) -> Result<()> {
    whole::with(file, |file| draw_matrix(row, file).map_err(|error| anyhow!("cannot draw it: {error}")))
}

fn draw_matrix(row: &Measured, file: &Path) -> Result<(), Box<dyn Error>> {
    let characters = row.card.charset.characters();
    let place =
        |wanted: char| characters.iter().position(|&character| character == wanted).map(|at| at as i32);
    let side = (LABELS + CELL * characters.len() as i32 + 8) as u32;
    let root = SVGBackend::new(file, (side, side)).into_drawing_area();
    root.fill(&WHITE)?;
    let style = ("monospace", 10).into_font();
    for (at, character) in characters.iter().enumerate() {
        let middle = LABELS + at as i32 * CELL + 3;
        root.draw(&Text::new(character.to_string(), (LABELS - 12, middle - 2), style.clone()))?;
        root.draw(&Text::new(character.to_string(), (middle, LABELS - 14), style.clone()))?;
    }
    root.draw(&Text::new("truth down, reading across", (LABELS, 4), style))?;
    let most = row.web_page.confusions().map(|(.., times)| times).max().unwrap_or(1) as f64;
    for (truth, reading, times) in row.web_page.confusions() {
        let (Some(down), Some(across)) = (place(truth), place(reading)) else { continue };
        let (x, y) = (LABELS + across * CELL, LABELS + down * CELL);
        // A logarithm, so that one mistake still shows beside a hundred.
        let strength = 0.15 + 0.85 * (times as f64).ln_1p() / most.ln_1p();
        root.draw(&Rectangle::new([(x, y), (x + CELL - 1, y + CELL - 1)], RED.mix(strength).filled()))?;
    }
    let end = LABELS + CELL * characters.len() as i32;
    root.draw(&Rectangle::new([(LABELS, LABELS), (end, end)], BLACK.mix(0.4)))?;
    root.present()?;
    Ok(())
}
