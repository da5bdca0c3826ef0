//! Fits a model's confidence to how often it is right, measures how well that holds, and writes both to its card.

mod card;
mod fit;
mod folds;
mod measure;
mod plot;
mod readings;

use std::path::PathBuf;

use anyhow::{Context, Result, bail, ensure};
use byecaptcha_dataset::stdout;
use byecaptcha_models::{
    Recognizer,
    calibration::{Calibration, HeldOut},
    load,
};

use self::readings::{Answers, LIMITS, Readings};
pub(crate) use self::{
    card::summary,
    folds::{Fold, report as report_of_folds},
};
use crate::{
    evaluate::{self, Picture},
    folder,
};

/// Readings that a map is fitted on, at least.
pub(crate) const LEAST: usize = 100;
/// The share of right texts among those that the recommended threshold keeps, where nothing else is asked for.
pub(crate) const RIGHT_WHEN_KEPT: f64 = 0.995;

/// What `calibrate` is told.
#[derive(clap::Args)]
pub struct Calibrate {
    /// The model, NAME.onnx; its card NAME.json beside it is written anew.
    #[arg(long)]
    model: PathBuf,
    /// Styles to draw pictures in (`composed` for all composed ones); the map is fitted on every second one, and measured on the
    /// others. Those that the model is to read itself, not those that it hands to another one.
    #[arg(long = "style", value_name = "NAME", num_args = 1..)]
    styles: Vec<String>,
    /// Styles to draw pictures in and measure on, all of them; nothing is fitted on these.
    #[arg(long, value_name = "NAME", num_args = 1..)]
    evaluate_style: Vec<String>,
    /// How many pictures of each style, or of all composed styles together.
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(1..))]
    count: u64,
    /// The seed of the first style's pictures, each further style having the next one; none that was trained with, nor that of the
    /// card's figures.
    #[arg(long, default_value_t = 0xca12)]
    seed: u64,
    /// Folders of labelled pictures to fit on, with styles or without: every second one, too. None that the model has learned
    /// from, of which it is too sure.
    #[arg(long, value_name = "DIR", num_args = 1..)]
    fit: Vec<PathBuf>,
    /// Folders of labelled pictures to measure on, all of them; nothing is fitted on these.
    #[arg(long, value_name = "DIR", num_args = 1..)]
    evaluate: Vec<PathBuf>,
    /// The share of right texts that the threshold is to promise of what it keeps.
    #[arg(long, value_name = "SHARE", default_value_t = RIGHT_WHEN_KEPT, value_parser = share)]
    right_when_kept: f64,
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
    if arguments.styles.is_empty() && arguments.fit.is_empty() {
        let card = load::read_card(&arguments.model)?;
        bail!(
            "nothing to fit on: give --style NAME, of what the model is to read itself, or --fit DIR, labelled pictures that it \
             has not learned from; its card says that it learned from: {}",
            card.training.data
        );
    }
    // All that is to be read is looked for before the first of it is, which takes long.
    let mut folders = Vec::new();
    for (paths, fitted) in [(&arguments.fit, true), (&arguments.evaluate, false)] {
        for path in paths {
            let name = path.file_name().with_context(|| format!("{} has no name", path.display()))?;
            folders.push((name.to_string_lossy().into_owned(), folder::labelled(path)?, fitted));
        }
    }
    evaluate::known(&arguments.styles)?;
    evaluate::known(&arguments.evaluate_style)?;
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
    for (name, files, fitted) in folders {
        sets.push((name, readings::read(&mut recognizer, evaluate::of_files(files), fitted)?));
    }

    let own = own(&sets);
    ensure!(
        own >= LEAST,
        "{own} readings of its own are too few to fit on, at least {LEAST} are needed: give {}",
        match &recognizer.card().special {
            Some(special) => format!("--style or --fit what it does not hand to {special}, or more of it"),
            None => "a larger --count, or more pictures".to_owned(),
        }
    );
    let calibration = fitted(&sets, arguments.right_when_kept);
    let report = card::report(&calibration);
    let map = calibration.map;
    let mut card = recognizer.card().clone();
    card.calibration = Some(calibration);
    card::write(&card, &arguments.model.with_extension("json"))?;
    if let Some(file) = &arguments.plot {
        plot::reliability(&sets, &map, file)?;
    }
    // Last: whoever listens may be gone.
    Ok(stdout::line(report)?)
}

/// A share as an option has it.
pub(crate) fn share(text: &str) -> Result<f64, String> {
    let share = text.parse().ok().filter(|share| (0.5..1.0).contains(share));
    share.ok_or_else(|| "from 0.5 to below 1".to_owned())
}

/// What a model's readings of labelled pictures that it has not learned from tell of it: half of them are fitted on, and half are
/// measured on. None where they are too few for that.
pub(crate) fn of_pictures(
    recognizer: &mut Recognizer,
    set: &str,
    pictures: impl Iterator<Item = Result<Picture>>,
    right_when_kept: f64,
) -> Result<Option<Calibration>> {
    let sets = [(set.to_owned(), readings::read(recognizer, pictures, true)?)];
    Ok((own(&sets) >= LEAST).then(|| fitted(&sets, right_when_kept)))
}

/// How many readings of the model's own there are to fit on.
fn own(sets: &[(String, Readings)]) -> usize {
    sets.iter().map(|(_, set)| set.fitted.own.len()).sum()
}

/// Fits on what is for that, and measures on all else.
fn fitted(sets: &[(String, Readings)], right_when_kept: f64) -> Calibration {
    let mut fitted = Answers::default();
    sets.iter().for_each(|(_, set)| fitted.extend(&set.fitted));
    let names: Vec<&str> =
        sets.iter().filter(|(_, set)| set.fitted.len() > 0).map(|(name, _)| name.as_str()).collect();
    let map = fit::beta(&fitted.own);
    let abstain_below = fit::threshold(&fitted.after(&map), right_when_kept);
    let mut held_out: Vec<HeldOut> = Vec::new();
    // First the pictures that are like those fitted, together; then each set, and whatever else was to be measured.
    for (index, limits) in LIMITS.iter().enumerate().filter(|_| names.len() > 1) {
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
    for (name, set) in sets {
        for (limits, answers) in LIMITS.iter().zip(&set.held_out) {
            held_out.push(measure::held_out(name, limits, answers, &map, abstain_below));
        }
    }
    Calibration {
        map,
        fitted_on: format!("every second one of: {}", names.join("; ")),
        fitted_readings: fitted.own.len(),
        abstain_below,
        right_when_kept,
        held_out,
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Command {
        #[command(flatten)]
        calibrate: Calibrate,
    }

    #[test]
    fn what_is_to_be_read_is_looked_for_before_anything_is_read() {
        let refused = |more: &[&str]| {
            let command = ["calibrate", "--model", "no-such-model"];
            format!(
                "{:#}",
                calibrate(&Command::parse_from(command.iter().chain(more)).calibrate).unwrap_err()
            )
        };
        for folder in ["--evaluate", "--fit"] {
            let error = refused(&["--style", "hku", folder, "no-such-folder"]);
            assert!(error.contains("no-such-folder"), "{error}");
        }
        let error = refused(&["--style", "hku", "--evaluate-style", "no-such-style"]);
        assert!(error.contains("no-such-style"), "{error}");
    }

    #[test]
    fn what_to_fit_on_is_given_and_not_guessed() {
        let model = concat!(env!("CARGO_MANIFEST_DIR"), "/../models/weights/general.onnx");
        let parse = |more: &[&str]| {
            let parsed = Command::try_parse_from(["calibrate", "--model", model].iter().chain(more));
            parsed.map(|command| command.calibrate)
        };
        let error = calibrate(&parse(&[]).unwrap()).unwrap_err().to_string();
        assert!(error.contains("--fit") && error.contains("% randomized"), "{error}");
        let parse =
            |more: &[&str]| parse(more).map(|calibrate| (calibrate.styles, calibrate.right_when_kept));
        assert_eq!(parse(&["--fit", "DIR"]).unwrap(), (Vec::new(), RIGHT_WHEN_KEPT));
        assert_eq!(parse(&["--fit", "DIR", "--right-when-kept", "0.9"]).unwrap().1, 0.9);
        assert!(
            parse(&["--fit", "DIR", "--right-when-kept", "1"]).unwrap_err().to_string().contains("below 1")
        );
    }

    #[test]
    fn too_few_readings_for_a_threshold_are_told_with_the_number_that_it_takes() {
        // The first 98 of each hundred are right, and the surest.
        let answers = |count: usize| Answers {
            own: (0..count).map(|place| (1.0 - place as f64 / count as f64, place % 100 < 98)).collect(),
            special: Vec::new(),
        };
        let set = |count| Readings { fitted: answers(count), held_out: std::array::from_fn(|_| answers(50)) };
        let told = |count, right| {
            let calibration = fitted(&[("a set".to_owned(), set(count))], right);
            assert_eq!(calibration.held_out.len(), LIMITS.len(), "one set is told of once");
            (calibration.abstain_below.is_some(), summary(&calibration))
        };
        let (some, words) = told(120, 0.995);
        assert!(!some && words.contains("no threshold: 99.5% right takes at least 1488 readings"), "{words}");
        let (some, words) = told(400, 0.9);
        assert!(some && words.contains("for 90% right"), "{words}");
    }
}
