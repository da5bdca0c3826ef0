//! How styles are read that a model never saw: the composed ones are parted into folds, a model is trained without each
//! fold, and reads the styles of that fold. What the shipped model reads of the same pictures stands beside it.

use std::{fs, path::PathBuf, sync::atomic::AtomicBool, sync::atomic::Ordering};

use anyhow::{Result, ensure};
use byecaptcha_dataset::composed;
use byecaptcha_models::Recognizer;
use serde::{Deserialize, Serialize};
use tch::Device;

use crate::{
    config::{COMPOSED, Config},
    evaluate, export, train,
};

/// The seed of the pictures that are read; no run trains with it.
const SEED: u64 = 0x1e0f;

/// What `leave-out` is told.
#[derive(clap::Args)]
pub struct LeaveOut {
    /// The run of which each fold is a copy, with some styles fewer.
    #[arg(long, default_value = "trainer/configs/general.toml")]
    config: PathBuf,
    /// Steps of each; the schedule is shortened with them.
    #[arg(long, default_value_t = 4_000)]
    steps: u64,
    /// How many parts the styles are in: each model does without one of them.
    #[arg(long, default_value_t = 5)]
    folds: usize,
    /// Pictures of each style that are read.
    #[arg(long, default_value_t = 1_000)]
    count: u64,
    /// Where the runs and the table go; what is there is gone on with.
    #[arg(long, default_value = "runs/leave-out")]
    out: PathBuf,
    /// Threads that libtorch computes with; all cores by default.
    #[arg(long)]
    pub threads: Option<i32>,
}

/// One style, read by the model that never saw it.
#[derive(Serialize, Deserialize)]
struct Row {
    style: String,
    unseen: [f64; 2],
    shipped: [f64; 2],
}

/// Trains what is not trained yet, reads, and writes `table.md`.
pub fn leave_out(arguments: &LeaveOut, device: Device, stop: &AtomicBool) -> Result<()> {
    let styles = composed();
    ensure!((2..=styles.len()).contains(&arguments.folds), "--folds: from 2 to {}", styles.len());
    let whole = Config::read(&arguments.config)?;
    let mut shipped = Recognizer::embedded()?;
    let mut rows = Vec::new();
    for fold in 0..arguments.folds {
        let out: Vec<&str> = styles.iter().copied().skip(fold).step_by(arguments.folds).collect();
        let config = without(&whole, &out, arguments.steps, fold)?;
        let folder = arguments.out.join(&config.name);
        let read = folder.join("rows.json");
        if !read.exists() {
            train::train(&config, &folder, device, stop)?;
            if stop.load(Ordering::Relaxed) {
                return Ok(());
            }
            export::write(&config, &folder, &folder, "1")?;
            let mut unseen = Recognizer::load(&folder.join(&config.name).with_extension("onnx"))?;
            let share = |recognizer: &mut Recognizer, style: &str| -> Result<[f64; 2]> {
                let figures = evaluate::on_style(recognizer, style, arguments.count, SEED)?.figures(style);
                Ok([figures.exact, figures.ignoring_case])
            };
            let here = out
                .iter()
                .map(|style| {
                    let unseen = share(&mut unseen, style)?;
                    Ok(Row { style: (*style).to_owned(), unseen, shipped: share(&mut shipped, style)? })
                })
                .collect::<Result<Vec<_>>>()?;
            fs::write(&read, serde_json::to_string(&here)?)?;
        }
        rows.extend(serde_json::from_str::<Vec<Row>>(&fs::read_to_string(&read)?)?);
    }
    let table = table(rows, arguments, whole.batch);
    println!("{table}");
    Ok(fs::write(arguments.out.join("table.md"), table)?)
}

/// The run without some styles, its schedule shortened.
fn without(whole: &Config, styles: &[&str], steps: u64, fold: usize) -> Result<Config> {
    let mut config = whole.clone();
    config.name = format!("fold-{}", fold + 1);
    for source in config.data.iter_mut().filter(|source| source.style == COMPOSED) {
        source.without = styles.iter().map(|&style| style.to_owned()).collect();
    }
    config.schedule.warmup = whole.schedule.warmup * steps / whole.steps;
    config.schedule.cooldown = whole.schedule.cooldown * steps / whole.steps;
    config.steps = steps;
    config.check()?;
    Ok(config)
}

fn table(mut rows: Vec<Row>, arguments: &LeaveOut, batch: usize) -> String {
    rows.sort_by(|a, b| a.style.cmp(&b.style));
    let images = arguments.steps * batch as u64;
    let mut table = format!(
        "Whole texts right (ignoring case) of {} fresh pictures. Unseen: by a model that was trained for {images} pictures \
         without this style and others, {} of all at a time.\n\n| style | unseen | by the shipped model |\n|---|---|---|\n",
        arguments.count,
        rows.len().div_ceil(arguments.folds),
    );
    let percent =
        |[exact, ignoring_case]: [f64; 2]| format!("{:.1}% ({:.1}%)", exact * 100.0, ignoring_case * 100.0);
    for Row { style, unseen, shipped } in &rows {
        table += &format!("| {style} | {} | {} |\n", percent(*unseen), percent(*shipped));
    }
    let count = rows.len().max(1) as f64;
    let mean = |of: fn(&Row) -> [f64; 2]| {
        let sum = rows.iter().map(of).fold([0.0; 2], |sum, here| [sum[0] + here[0], sum[1] + here[1]]);
        percent(sum.map(|sum| sum / count))
    };
    table += &format!("| mean | {} | {} |\n", mean(|row| row.unseen), mean(|row| row.shipped));
    table
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn a_fold_draws_none_of_its_styles_and_every_style_has_its_fold() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("configs/general.toml");
        let whole = Config::read(&path).unwrap();
        let styles = composed();
        let mut left_out = Vec::new();
        for fold in 0..5 {
            let out: Vec<&str> = styles.iter().copied().skip(fold).step_by(5).collect();
            let config = without(&whole, &out, 2_000, fold).unwrap();
            assert_eq!((config.steps, config.schedule.cooldown), (2_000, whole.schedule.cooldown / 10));
            for source in config.data.iter().filter(|source| source.style == COMPOSED) {
                assert_eq!(source.without, out);
            }
            left_out.extend(out);
        }
        left_out.sort_unstable();
        assert_eq!(left_out, styles);
    }

    #[test]
    fn the_table_has_a_line_for_each_style_and_their_mean() {
        let row = |style: &str, exact| Row { style: style.into(), unseen: [exact, 0.5], shipped: [0.9, 1.0] };
        let arguments = LeaveOut {
            config: PathBuf::new(),
            steps: 10,
            folds: 2,
            count: 7,
            out: PathBuf::new(),
            threads: None,
        };
        let table = table(vec![row("b", 0.2), row("a", 0.4)], &arguments, 100);
        assert!(table.contains("trained for 1000 pictures"), "{table}");
        assert!(table.ends_with(
            "| a | 40.0% (50.0%) | 90.0% (100.0%) |\n| b | 20.0% (50.0%) | 90.0% (100.0%) |\n\
             | mean | 30.0% (50.0%) | 90.0% (100.0%) |\n"
        ));
    }
}
