//! How styles are read that a model never saw, and how well its confidences hold there: the composed ones are parted into
//! folds, a model is trained without each fold, and reads the styles of that fold. What the shipped model reads of the same
//! pictures stands beside it.

use std::{
    fs,
    path::PathBuf,
    sync::atomic::{AtomicBool, Ordering},
};

use anyhow::{Result, ensure};
use byecaptcha_dataset::{composed, stdout};
use byecaptcha_models::Recognizer;
use serde::{Deserialize, Serialize};
use tch::Device;

use crate::{
    calibrate::{Fold, report_of_folds},
    config::Config,
    evaluate, export, train, whole,
};

/// The seed of the pictures that are read; no run trains with it.
const SEED: u64 = 0x1e0f;

/// What `leave-out` is told.
#[derive(clap::Args)]
pub struct LeaveOut {
    /// The run of which each fold is a copy, with some styles fewer.
    #[arg(long, default_value = "trainer/configs/leave-out.toml")]
    config: PathBuf,
    /// How many parts the styles are in: each model does without one of them.
    #[arg(long, default_value_t = 4)]
    folds: usize,
    /// Pictures of each style that are read.
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(1..))]
    count: u64,
    /// Where the runs and the table go; what is there is gone on with.
    #[arg(long, default_value = "runs/leave-out")]
    out: PathBuf,
}

/// One style, read by the model that never saw it.
#[derive(Serialize, Deserialize)]
struct Row {
    style: String,
    /// Whole texts right, case counted and ignored.
    unseen: [f64; 2],
}

/// Pictures of each style whose confidences are measured.
const CONFIDENCES: u64 = 500;
/// Their seed.
const CONFIDENCES_SEED: u64 = 0x1e1f;

/// Trains what is not trained yet, reads, and writes `table.md`.
pub fn leave_out(arguments: &LeaveOut, device: Device, stop: &AtomicBool) -> Result<()> {
    let styles = composed();
    ensure!((2..=styles.len()).contains(&arguments.folds), "--folds: from 2 to {}", styles.len());
    let whole = Config::read(&arguments.config)?;
    let LeaveOut { count, .. } = *arguments;
    let (mut rows, mut folds) = (Vec::new(), Vec::new());
    for fold in 0..arguments.folds {
        let out: Vec<&str> = styles.iter().copied().skip(fold).step_by(arguments.folds).collect();
        let config = without(&whole, &out, fold)?;
        let folder = arguments.out.join(&config.name);
        train::is_of(&config, &folder)?;
        // What lies there was read after so many steps, and the table says how many.
        train::is_as_long(&config, &folder)?;
        let (read, answers) = (folder.join(format!("rows-{count}.json")), folder.join("answers.json"));
        if !(read.exists() && answers.exists()) {
            train::train(&config, &folder, device, stop)?;
            if stop.load(Ordering::Relaxed) {
                return Ok(());
            }
            export::write(&config, &config.name, &folder, &folder, "1", &[])?;
            let mut unseen = Recognizer::load(&folder.join(&config.name).with_extension("onnx"))?;
            let here = out
                .iter()
                .map(|style| {
                    Ok(Row { style: (*style).to_owned(), unseen: share(&mut unseen, style, count)? })
                })
                .collect::<Result<Vec<_>>>()?;
            whole::write(&read, serde_json::to_string(&here)?)?;
            let seen: Vec<&str> = styles.iter().copied().filter(|style| !out.contains(style)).collect();
            let mut raw = unseen.uncalibrated();
            let fold = Fold::read(&mut raw, &seen, &out, CONFIDENCES, CONFIDENCES_SEED)?;
            whole::write(&answers, serde_json::to_string(&fold)?)?;
        }
        rows.extend(serde_json::from_str::<Vec<Row>>(&fs::read_to_string(&read)?)?);
        folds.push(serde_json::from_str(&fs::read_to_string(&answers)?)?);
    }
    let mut shipped = Recognizer::embedded()?;
    let beside = rows
        .into_iter()
        .map(|row: Row| {
            let shipped = share(&mut shipped, &row.style, count)?;
            Ok((row, shipped))
        })
        .collect::<Result<Vec<_>>>()?;
    let table = table(beside, arguments, &whole) + "\n" + &report_of_folds(&folds);
    whole::write(&arguments.out.join("table.md"), &table)?;
    Ok(stdout::line(table)?)
}

/// The shares of whole texts right, case counted and ignored.
fn share(recognizer: &mut Recognizer, style: &str, count: u64) -> Result<[f64; 2]> {
    let figures = evaluate::on_style(recognizer, style, count, SEED)?.figures(style);
    Ok([figures.exact, figures.ignoring_case])
}

/// The run without some styles.
fn without(whole: &Config, styles: &[&str], fold: usize) -> Result<Config> {
    let mut config = whole.clone();
    config.name = format!("fold-{}", fold + 1);
    // What it would hand pictures on to does not lie beside it, and the library's are not asked for.
    config.special = None;
    for source in &mut config.data {
        ensure!(
            !styles.contains(&source.style.as_str()),
            "the run has a part of {} alone, which is to be left out: it may have parts of all composed styles only",
            source.style
        );
        if source.of_all_styles() {
            source.without = styles.iter().map(|&style| style.to_owned()).collect();
        }
    }
    config.check()?;
    Ok(config)
}

fn table(mut rows: Vec<(Row, [f64; 2])>, arguments: &LeaveOut, whole: &Config) -> String {
    rows.sort_by(|(a, _), (b, _)| a.style.cmp(&b.style));
    let mut table = format!(
        "Whole texts right (ignoring case) of {} fresh pictures. Unseen: by a model that was trained for {} pictures \
         without this style and others, {} of all at a time. Its texts are found by the locator that ships, which learned \
         from all styles, these among them.\n\n| style | unseen | by the shipped model |\n|---|---|---|\n",
        arguments.count,
        whole.steps * whole.batch as u64,
        rows.len().div_ceil(arguments.folds),
    );
    let percent =
        |[exact, ignoring_case]: [f64; 2]| format!("{:.1}% ({:.1}%)", exact * 100.0, ignoring_case * 100.0);
    for (Row { style, unseen }, shipped) in &rows {
        table += &format!("| {style} | {} | {} |\n", percent(*unseen), percent(*shipped));
    }
    let count = rows.len().max(1) as f64;
    let mean = |of: fn(&(Row, [f64; 2])) -> [f64; 2]| {
        let sum = rows.iter().map(of).fold([0.0; 2], |sum, here| [sum[0] + here[0], sum[1] + here[1]]);
        percent(sum.map(|sum| sum / count))
    };
    table += &format!("| mean | {} | {} |\n", mean(|(row, _)| row.unseen), mean(|(_, shipped)| *shipped));
    table
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn whole() -> Config {
        Config::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("configs/leave-out.toml")).unwrap()
    }

    #[test]
    fn a_fold_draws_none_of_its_styles_and_every_style_has_its_fold() {
        let (whole, styles) = (whole(), composed());
        let mut left_out = Vec::new();
        for fold in 0..5 {
            let out: Vec<&str> = styles.iter().copied().skip(fold).step_by(5).collect();
            let config = without(&whole, &out, fold).unwrap();
            let all: Vec<_> = config.data.iter().filter(|source| source.of_all_styles()).collect();
            assert!(all.len() >= 2 && all.iter().all(|source| source.without == out));
            assert!(config.data.iter().all(|source| !out.contains(&source.style.as_str())));
            left_out.extend(out);
        }
        left_out.sort_unstable();
        assert_eq!(left_out, styles);
        let mut with_one_alone = whole;
        with_one_alone.data[0].style = styles[0].to_owned();
        let error = without(&with_one_alone, &styles[..1], 0).unwrap_err().to_string();
        assert!(error.contains(styles[0]), "{error}");
        with_one_alone.special = Some("lean".to_owned());
        assert_eq!(without(&with_one_alone, &styles[1..2], 0).unwrap().special, None);
    }

    #[test]
    fn the_table_has_a_line_for_each_style_and_their_mean() {
        let row = |style: &str, exact| (Row { style: style.into(), unseen: [exact, 0.5] }, [0.9, 1.0]);
        let arguments = LeaveOut { config: PathBuf::new(), folds: 2, count: 7, out: PathBuf::new() };
        let whole = Config { steps: 10, batch: 100, ..whole() };
        let table = table(vec![row("b", 0.2), row("a", 0.4)], &arguments, &whole);
        assert!(table.contains("trained for 1000 pictures"), "{table}");
        assert!(table.contains("the locator that ships, which learned from all styles"), "{table}");
        assert!(table.ends_with(
            "| a | 40.0% (50.0%) | 90.0% (100.0%) |\n| b | 20.0% (50.0%) | 90.0% (100.0%) |\n\
             | mean | 30.0% (50.0%) | 90.0% (100.0%) |\n"
        ));
    }
}
