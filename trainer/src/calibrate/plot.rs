//! The reliability plot: confidence from left to right, how often that is right from bottom to top, both on the scale of
//! log-odds, since nearly all readings are nearly sure.

use std::{error::Error, path::Path};

use anyhow::{Result, anyhow};
use byecaptcha_models::{
    calibration::BetaMap,
    metrics::{Interval, Share},
};
use plotters::prelude::*;

use super::{
    measure::{self, Bin},
    readings::{Answer, Answers, Readings},
};
use crate::whole;

/// Width and height, in pixels.
const SIZE: (u32, u32) = (760, 640);
/// The log-odds at the ends of both axes: 10% to 99.99%.
const ENDS: (f64, f64) = (-2.2, 9.2);
/// The sides' labels stand at these.
const MARKS: [f64; 7] = [0.1, 0.5, 0.9, 0.99, 0.999, 0.9999, 0.99999];

/// Draws the bins of the readings without limits that were not fitted, before and after.
pub(super) fn reliability(sets: &[(String, Readings)], map: &BetaMap, file: &Path) -> Result<()> {
    let mut all = Answers::default();
    sets.iter().for_each(|(_, set)| all.extend(&set.held_out[0]));
    whole::with(file, |file| {
        draw(&all.before(), &all.after(map), file).map_err(|error| anyhow!("cannot draw it: {error}"))
    })
}

fn draw(before: &[Answer], after: &[Answer], file: &Path) -> Result<(), Box<dyn Error>> {
    let root = SVGBackend::new(file, SIZE).into_drawing_area();
    root.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&root)
        .margin(14)
        .x_label_area_size(44)
        .y_label_area_size(64)
        .build_cartesian_2d(ENDS.0..ENDS.1, ENDS.0..ENDS.1)?;
    chart.configure_mesh().disable_mesh().disable_axes().draw()?;
    for mark in MARKS.map(log_odds).into_iter().filter(|mark| (ENDS.0..ENDS.1).contains(mark)) {
        let name = format!("{}%", (1e5 / (1.0 + (-mark).exp())).round() / 1e3);
        let grey = BLACK.mix(0.12);
        chart.draw_series([
            PathElement::new([(mark, ENDS.0), (mark, ENDS.1)], grey),
            PathElement::new([(ENDS.0, mark), (ENDS.1, mark)], grey),
        ])?;
        let font = ("sans-serif", 13).into_font();
        let place = chart.backend_coord(&(mark, ENDS.0));
        root.draw(&Text::new(name.clone(), (place.0 - 16, place.1 + 8), font.clone()))?;
        let place = chart.backend_coord(&(ENDS.0, mark));
        root.draw(&Text::new(name, (place.0 - 52, place.1 - 6), font))?;
    }
    let font = ("sans-serif", 14).into_font();
    let axes = "confidence from left to right, texts right from bottom to top; held-out pictures";
    root.draw(&Text::new(axes, (70, SIZE.1 as i32 - 22), font))?;
    chart.draw_series(LineSeries::new([(ENDS.0, ENDS.0), (ENDS.1, ENDS.1)], BLACK.mix(0.4)))?;
    for (name, colour, answers) in [("the network's own", RED, before), ("calibrated", BLUE, after)] {
        let error = measure::calibration_error(answers);
        let bins = measure::bins(answers);
        let points: Vec<(f64, f64)> = bins.iter().map(point).collect();
        // Wilson's interval around each share, so that chance is not taken for a fault.
        chart.draw_series(bins.iter().zip(&points).map(|(bin, &(x, _))| {
            let right = (bin.right * bin.count as f64).round() as usize;
            let Interval { low, high } = Share { count: right, of: bin.count }.interval();
            PathElement::new([(x, within(low)), (x, within(high))], colour.mix(0.4))
        }))?;
        chart
            .draw_series(points.iter().map(|&point| Circle::new(point, 4, colour.filled())))?
            .label(format!("{name}: error {error:.4}"))
            .legend(move |(x, y)| Circle::new((x + 9, y), 4, colour.filled()));
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

fn point(bin: &Bin) -> (f64, f64) {
    (within(bin.confidence), within(bin.right))
}

fn within(share: f64) -> f64 {
    log_odds(share).clamp(ENDS.0, ENDS.1)
}

fn log_odds(share: f64) -> f64 {
    (share / (1.0 - share)).ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plot_has_both_kinds_and_their_errors() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("plot.svg");
        let own = (0..300).map(|place| (f64::from(place) / 300.0, place % 3 != 0 || place > 200)).collect();
        let mut set = Readings::default();
        set.held_out[0].own = own;
        let map = BetaMap { a: 1.0, b: 1.0, c: 0.5 };
        reliability(&[("one".to_owned(), set)], &map, &file).unwrap();
        let svg = std::fs::read_to_string(file).unwrap();
        assert!(svg.contains("own: error 0.") && svg.contains("calibrated: error 0."));
        assert!(svg.matches("<circle").count() >= 2 * measure::BINS);
    }
}
