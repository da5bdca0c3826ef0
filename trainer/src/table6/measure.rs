//! How good a row's network is, on which pictures, and what an image costs it.

use std::{fs, path::Path, time::Instant};

use anyhow::{Context, Result};
use byecaptcha_dataset::{Draw, Generator, Style};
use byecaptcha_models::{ModelCard, PreparedImage, Recognizer};
use serde::Deserialize;

use super::rows::{Row, Task};
use crate::{config::Config, evaluate, export, metrics::Metrics, progress::tell};

/// Fresh images of each kind, where no labelled ones are given.
const IMAGES: u64 = 2_000;
/// Their seed, which no run trains with.
const SEED: u64 = 0x7ab1_e600;
/// Images that go through the engine together when it is timed.
const BATCH: usize = 8;
/// How often each network is timed, in turn with the others; the quickest counts, since what else runs only adds.
const ROUNDS: usize = 7;
/// Batches in a round.
const BATCHES: usize = 8;

/// A row with everything that the table says of it.
pub(super) struct Measured {
    pub(super) row: &'static Row,
    pub(super) config: Config,
    pub(super) card: ModelCard,
    pub(super) web_page: Metrics,
    pub(super) extension: Metrics,
    /// Milliseconds for an image on one core, in batches of eight, with the ONNX engine.
    pub(super) milliseconds: f64,
    /// Images seen, and the share of held-out texts right.
    pub(super) curve: Vec<(u64, f64)>,
    recognizer: Recognizer,
}

/// What the curve takes from a line of a run's log.
#[derive(Deserialize)]
struct Line {
    images: u64,
    held_out: Option<HeldOut>,
}

#[derive(Deserialize)]
struct HeldOut {
    exact: f64,
}

impl Measured {
    /// Exports the run in `folder` and reads with it, as it would be served.
    pub(super) fn of(
        row: &'static Row,
        config: Config,
        folder: &Path,
        pictures: Option<&Path>,
        cuts: Option<&Path>,
    ) -> Result<Self> {
        let card = export::write(&config, &config.name, folder, folder, "table6", &[])?;
        let mut recognizer = Recognizer::load(&folder.join(&config.name).with_extension("onnx"))?;
        let preset = match row.task {
            Task::Fixed => "hku6",
            Task::Variable => "hku",
        };
        let web_page = match pictures {
            Some(pictures) => evaluate::on_folder(&mut recognizer, pictures)?,
            None => evaluate::on_style(&mut recognizer, preset, IMAGES, SEED)?,
        };
        let extension = match cuts {
            Some(cuts) => evaluate::on_folder(&mut recognizer, cuts)?,
            None => evaluate::on_pages(&mut recognizer, preset, IMAGES, SEED)?,
        };
        let share = |metrics: &Metrics| metrics.figures("").exact * 100.0;
        let (files, cuts) = (share(&web_page), share(&extension));
        tell(format_args!("{}: {files:.1}% of files, {cuts:.1}% of cuts", config.name));
        let curve = curve(&folder.join("log.jsonl"))?;
        Ok(Self { row, config, card, web_page, extension, milliseconds: f64::NAN, curve, recognizer })
    }
}

fn curve(log: &Path) -> Result<Vec<(u64, f64)>> {
    let text = fs::read_to_string(log).with_context(|| format!("cannot read {}", log.display()))?;
    // A line that was cut short when the run was killed costs the curve one point.
    let lines = text.lines().filter_map(|line| serde_json::from_str::<Line>(line).ok());
    Ok(lines.filter_map(|line| Some((line.images, line.held_out?.exact))).collect())
}

/// Times all networks against each other: one round of each, again and again.
pub(super) fn time(rows: &mut [Measured]) -> Result<()> {
    let generator = Generator::new(Style::preset("hku")?, SEED)?;
    let images: Vec<PreparedImage> = (0..BATCH as u64)
        .map(|index| rows[0].recognizer.prepare(&generator.encoded(index).1))
        .collect::<Result<_, _>>()?;
    for _ in 0..ROUNDS {
        for row in &mut *rows {
            row.recognizer.warm_up(BATCH)?;
            let start = Instant::now();
            for _ in 0..BATCHES {
                row.recognizer.recognize(&images)?;
            }
            let each = start.elapsed().as_secs_f64() * 1e3 / (BATCH * BATCHES) as f64;
            row.milliseconds = row.milliseconds.min(each);
        }
    }
    Ok(())
}
