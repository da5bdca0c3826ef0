//! Fits a model's confidence to how often it is right, measures how well that holds, and writes both to its card.

mod fit;
mod folds;
mod measure;
mod plot;
mod readings;

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};
use byecaptcha_models::{
    ModelCard, Recognizer,
    calibration::{Calibration, HeldOut},
};

pub(crate) use self::folds::{Fold, report as report_of_folds};
use self::readings::{Answers, LIMITS, Readings};
use crate::{evaluate, export};

/// Readings that a map is fitted on, at least.
const LEAST: usize = 100;
/// The share of right texts among those that the recommended threshold keeps.
const RIGHT_WHEN_KEPT: f64 = 0.995;

/// What `calibrate` is told.
#[derive(clap::Args)]
pub struct Calibrate {
    /// The model, NAME.onnx; its card NAME.json beside it is written anew.
    #[arg(long)]
    model: PathBuf,
    /// Styles to draw pictures in (`composed` for all composed ones); the map is fitted on every second one, and measured on the others.
    #[arg(long = "style", value_name = "NAME", default_values = ["hku", "default"], num_args = 1..)]
    styles: Vec<String>,
    /// Styles to draw pictures in and measure on, all of them; nothing is fitted on these.
    #[arg(long, value_name = "NAME", num_args = 1..)]
    evaluate_style: Vec<String>,
    /// How many pictures of each style, or of all composed styles together.
    #[arg(long, default_value_t = 10_000)]
    count: u64,
    /// The seed of the first style's pictures, each further style having the next one; none that was trained with, nor that of the
    /// card's figures.
    #[arg(long, default_value_t = 0xca12)]
    seed: u64,
    /// Folders of labelled pictures (TEXT_numN.jpg) to fit on as well: every second one, too.
    #[arg(long, value_name = "DIR", num_args = 1..)]
    fit: Vec<PathBuf>,
    /// Folders of labelled pictures to measure on, all of them; nothing is fitted on these.
    #[arg(long, value_name = "DIR", num_args = 1..)]
    evaluate: Vec<PathBuf>,
    /// Where a reliability plot of what was not fitted goes, an SVG.
    #[arg(long, value_name = "SVG")]
    plot: Option<PathBuf>,
}

/// Reads all pictures with the network's own probabilities, fits, measures, and writes the card.
///
/// # Errors
///
/// Where the model, a folder or a style is none, or a file cannot be written.
pub fn calibrate(arguments: &Calibrate) -> Result<()> {
    let mut recognizer = Recognizer::load(&arguments.model)?.uncalibrated();
    let mut sets: Vec<(String, Readings)> = Vec::new();
    for (styles, fitted) in [(&arguments.styles, true), (&arguments.evaluate_style, false)] {
        for style in styles {
            // Each by a seed of its own: the Python library's styles draw the same texts and places by one seed, and what is told of
            // the readings' chance is told of pictures that have nothing to do with one another.
            let seed = arguments.seed + sets.len() as u64;
            let pictures = evaluate::drawn(&evaluate::meant(style), arguments.count, seed)?;
            let name = format!("fresh images, style {style}");
            sets.push((name, readings::read(&mut recognizer, pictures, fitted)?));
        }
    }
    for (folders, fitted) in [(&arguments.fit, true), (&arguments.evaluate, false)] {
        for folder in folders {
            let name = folder.file_name().context("a folder has no name")?.to_string_lossy().into_owned();
            sets.push((name, readings::read(&mut recognizer, readings::of_folder(folder)?, fitted)?));
        }
    }

    let mut fitted = Answers::default();
    sets.iter().for_each(|(_, set)| fitted.extend(&set.fitted));
    ensure!(
        fitted.own.len() >= LEAST,
        "{} readings of its own are too few to fit on, at least {LEAST} are needed: {}",
        fitted.own.len(),
        match &recognizer.card().special {
            Some(special) =>
                format!("give --style or --fit what it does not hand to {special}, or a larger --count"),
            None => "give a larger --count".to_owned(),
        }
    );
    let names: Vec<&str> =
        sets.iter().filter(|(_, set)| set.fitted.len() > 0).map(|(name, _)| name.as_str()).collect();
    let map = fit::beta(&fitted.own);
    let abstain_below = fit::threshold(&fitted.after(&map), RIGHT_WHEN_KEPT);
    let mut held_out: Vec<HeldOut> = Vec::new();
    // First the pictures that are like those fitted, together; then each set, and whatever else was to be measured.
    for (index, limits) in LIMITS.iter().enumerate() {
        let mut answers = Answers::default();
        let alike = sets.iter().filter(|(_, set)| set.fitted.len() > 0);
        alike.for_each(|(_, set)| answers.extend(&set.held_out[index]));
        held_out.push(measure::held_out(
            "the other half of all that was fitted on",
            limits,
            &answers,
            &map,
            abstain_below,
        ));
    }
    for (name, set) in &sets {
        for (limits, answers) in LIMITS.iter().zip(&set.held_out) {
            held_out.push(measure::held_out(name, limits, answers, &map, abstain_below));
        }
    }
    let calibration = Calibration {
        map,
        fitted_on: format!("every second one of: {}", names.join("; ")),
        fitted_readings: fitted.own.len(),
        abstain_below,
        right_when_kept: RIGHT_WHEN_KEPT,
        held_out,
    };
    let report = report(&calibration);
    if let Some(file) = &arguments.plot {
        plot::reliability(&sets, &map, file)?;
    }
    let mut card = recognizer.card().clone();
    card.calibration = Some(calibration);
    write(&card, &arguments.model.with_extension("json"))?;
    // Last: whoever listens may be gone.
    println!("{report}");
    Ok(())
}

/// Writes a card's calibration into its file; all else in it stays as it is, to the last digit, which reading and writing
/// the whole does not see to.
fn write(card: &ModelCard, file: &Path) -> Result<()> {
    let old = fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let whole = serde_json::to_string_pretty(card)?;
    let spliced = part(&whole).and_then(|(_, new, _)| {
        let (before, _, after) = part(&old)?;
        Some(format!("{before}{new}{after}"))
    });
    match spliced {
        Some(text) => fs::write(file, text).with_context(|| format!("cannot write {}", file.display())),
        // Somebody has laid it out by hand.
        None => export::write_card(card, file),
    }
}

/// A card as text: what comes before its calibration, that, and what comes after it, from the checksums on.
fn part(card: &str) -> Option<(&str, &str, &str)> {
    let end = card.find("\n  \"onnx_sha256\": ")?;
    let start = card.find("\n  \"calibration\": {").filter(|&start| start < end).unwrap_or(end);
    Some((&card[..start], &card[start..end], &card[end..]))
}

/// The calibration as a person reads it.
fn report(calibration: &Calibration) -> String {
    let Calibration { map, fitted_readings, abstain_below, held_out, .. } = calibration;
    let threshold = abstain_below.map_or("none".to_owned(), |threshold| threshold.to_string());
    let mut lines = vec![
        format!("fitted on {fitted_readings} readings, {}", calibration.fitted_on),
        format!("  a {:.4}, b {:.4}, c {:.4}; abstain below {threshold}", map.a, map.b, map.c),
        "held out: right, calibration error before, after, by chance; kept, right of these (95% interval)"
            .to_owned(),
    ];
    let percent = |share: f64| format!("{:.2}%", share * 100.0);
    for HeldOut {
        set,
        limits,
        images,
        exact,
        error_before,
        error_after,
        error_by_chance,
        kept,
        right_of_kept,
    } in held_out
    {
        let right = right_of_kept.map_or("-".to_owned(), |[right, low, high]| {
            format!("{} ({} to {})", percent(right), percent(low), percent(high))
        });
        lines.push(format!(
            "  {set}, limits {limits}, {images}: {}, {error_before:.4}, {error_after:.4}, {error_by_chance:.4}; {}, {right}",
            percent(*exact),
            percent(*kept)
        ));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use byecaptcha_models::{calibration::BetaMap, weights};

    use super::*;

    #[test]
    fn a_card_keeps_all_but_its_calibration_to_the_last_digit() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("lean.json");
        fs::write(&file, weights::LEAN.card).unwrap();
        let mut card: ModelCard = serde_json::from_str(weights::LEAN.card).unwrap();
        // Twice, so that one is put in and one replaced.
        for c in [0.25, -0.5] {
            card.calibration = Some(Calibration {
                map: BetaMap { a: 1.0, b: 1.0, c },
                fitted_on: "a set".to_owned(),
                fitted_readings: 2,
                abstain_below: Some(0.9),
                right_when_kept: RIGHT_WHEN_KEPT,
                held_out: Vec::new(),
            });
            write(&card, &file).unwrap();
            let text = fs::read_to_string(&file).unwrap();
            let written: ModelCard = serde_json::from_str(&text).unwrap();
            assert_eq!(written.calibration, card.calibration);
            let (before, _, after) = part(&text).unwrap();
            let (expected_before, _, expected_after) = part(weights::LEAN.card).unwrap();
            assert_eq!((before, after), (expected_before, expected_after));
        }
    }
}
