//! `byecaptcha-trainer finetune`: from a few hundred labelled pictures of one site's captcha to a model that reads it, in
//! minutes on a CPU, measured on pictures that it has not learned from.

mod adapt;
mod labelled;
mod vary;

use std::{
    fs,
    path::{Path, PathBuf},
    sync::atomic::AtomicBool,
    time::Instant,
};

use anyhow::{Context, Result, ensure};
use byecaptcha_dataset::stdout;
use byecaptcha_models::{Recognizer, card::Figures};
use tch::Device;

pub use adapt::{adapt, run};
pub use labelled::{Labelled, parted, read};

use crate::{
    calibrate::{self, RIGHT_WHEN_KEPT},
    command,
    config::COMPOSED,
    data::Source,
    evaluate::{self, Picture},
    export::{self, Origin},
    progress::tell,
    whole,
};

/// Fresh pictures of each style that tell what was forgotten.
const REMEMBERED: u64 = 500;
/// Their seed, which no training has.
const REMEMBERED_SEED: u64 = 0xf0c7;
/// One picture in so many may look like the Python library's, and the special model stays.
const FEW: usize = 20;
/// What a model is made of, by their extensions.
const FILES: [&str; 3] = ["onnx", "safetensors", "json"];
/// The seed of the run.
const SEED: u64 = 0xada7;

/// What `finetune` is told.
#[derive(clap::Args)]
pub struct Finetune {
    /// Folder of labelled pictures: TEXT_numN.png and the like, or any names with a list labels.csv whose first line is file,text.
    #[arg(long)]
    labelled: PathBuf,
    /// What the new model is called.
    #[arg(long, default_value = "own")]
    name: String,
    /// The model to start from: an ONNX file with its card and its safetensors file beside it.
    #[arg(long, default_value = "models/weights/general.onnx")]
    model: PathBuf,
    /// Where NAME.onnx, NAME.safetensors and NAME.json go, and a copy of the model that the Python library's pictures are
    /// handed to.
    #[arg(long, default_value = "runs")]
    out: PathBuf,
    /// Writes over a model of either name that is there.
    #[arg(long)]
    overwrite: bool,
    /// Optimizer steps, of 64 pictures each.
    #[arg(long, default_value_t = 1_500)]
    steps: u64,
    /// Share of the labelled pictures that is held out to measure on.
    #[arg(long, default_value_t = 0.2)]
    held_out: f64,
    /// The share of right texts that the threshold for abstaining is to promise of what it keeps.
    #[arg(long, value_name = "SHARE", default_value_t = RIGHT_WHEN_KEPT, value_parser = calibrate::share)]
    right_when_kept: f64,
    /// Styles of which fresh pictures are drawn beside, so that less of them is forgotten: those that the model was made for.
    #[arg(long, value_delimiter = ',', default_values = [COMPOSED, "hku"])]
    rehearse: Vec<String>,
}

/// Trains, measures before and after, and writes the model with its card.
pub fn finetune(arguments: &Finetune, device: Device, stop: &AtomicBool) -> Result<()> {
    ensure!((0.0..=0.5).contains(&arguments.held_out), "--held-out: from 0 to 0.5");
    ensure!(arguments.steps > 0, "--steps: at least 1");
    let started = Instant::now();
    let (learned, measured) = parted(read(&arguments.labelled)?, arguments.held_out)?;
    tell(format_args!("{} pictures to learn from, {} to measure on", learned.len(), measured.len()));
    let Finetune { name, model, rehearse, steps, .. } = arguments;
    let mut config = run(name, model, &learned, rehearse, *steps, SEED)?;
    adapt::fits(config.network, &measured)?;
    let mut before = Recognizer::load(model)?;
    config.special = special(&before, &learned)?;
    ensure!(
        config.special.as_ref() != Some(name),
        "--name: {name} is the model that the Python library's pictures are handed to"
    );
    let onnx = arguments.out.join(name).with_extension("onnx");
    if !arguments.overwrite {
        is_free(&onnx, config.special.as_deref(), model)?;
    }
    // Before anything is measured: it refuses a style that the model cannot learn.
    let source = Source::new(&config, SEED).context("--rehearse")?;
    let old = figures(&mut before, &measured, rehearse)?;

    let state = adapt(&config, &learned, &source, device, stop)?;

    let origin = Origin {
        data: format!(
            "half of each step from {} labelled pictures, varied each time; the other half drawn afresh, {}; started \
             from {} {}",
            learned.len(),
            rehearse.join(", "),
            before.card().name,
            before.card().version
        ),
        command: command::given(),
        notes: format!("Made for the pictures of one site, out of the model {}.", before.card().name),
    };
    let mut card = export::write_weights(&config, state.step, &state.averages, &arguments.out, "1", &origin)?;
    if let Some(special) = &config.special {
        copy(special, model, &onnx)?;
    }
    let mut after = Recognizer::load(&onnx)?;
    let new = figures(&mut after, &measured, rehearse)?;
    card.figures.clone_from(&new);
    card.calibration = calibrate::of_pictures(
        &mut after,
        "labelled, held out",
        pictures(&measured),
        arguments.right_when_kept,
    )?;
    export::write_card(&card, &onnx.with_extension("json"))?;

    // All is written: whoever listens may be gone.
    stdout::line(format_args!("{:44} {:>14} {:>14}", "exact (ignoring case)", "before", "after"))?;
    for (old, new) in old.iter().zip(&new) {
        let share = |figures: &Figures| {
            format!("{:.1}% ({:.1}%)", figures.exact * 100.0, figures.ignoring_case * 100.0)
        };
        stdout::line(format_args!("{:44} {:>14} {:>14}", new.set, share(old), share(new)))?;
    }
    stdout::line(match &card.calibration {
        Some(calibration) => calibrate::summary(calibration),
        None => format!(
            "no confidence was fitted and no threshold recommended: {} pictures held out are too few, {} are needed; \
             `byecaptcha-trainer calibrate --model {} --fit DIR` takes others that were not learned from",
            measured.len(),
            2 * calibrate::LEAST,
            onnx.display()
        ),
    })?;
    stdout::line(format_args!(
        "{} in {:.1} minutes; `byecaptcha serve --model {}` reads with it",
        onnx.display(),
        started.elapsed().as_secs_f64() / 60.0,
        onnx.display()
    ))?;
    Ok(())
}

/// Checks that no model is written over: none of the name, and none but the same of the special one's.
fn is_free(onnx: &Path, special: Option<&str>, model: &Path) -> Result<()> {
    for extension in FILES {
        let own = onnx.with_extension(extension);
        ensure!(
            !own.exists(),
            "{} is there already: give another --name or --out, or --overwrite",
            own.display()
        );
        let Some(special) = special else { continue };
        let at = |beside: &Path| beside.with_file_name(special).with_extension(extension);
        let (from, to) = (at(model), at(onnx));
        ensure!(
            !to.exists() || read_file(&to)? == read_file(&from)?,
            "{} is there already, and is not {}, which the Python library's pictures are handed to: give another --out, or \
             --overwrite",
            to.display(),
            from.display()
        );
    }
    Ok(())
}

fn read_file(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}

/// The model that the Python library's pictures are still handed to. None where the site's own look like those: what is
/// learned from them would never be asked.
fn special(before: &Recognizer, pictures: &[Labelled]) -> Result<Option<String>> {
    let mut alike = 0;
    for labelled in pictures {
        alike += usize::from(before.prepare(&labelled.file)?.library);
    }
    let few = alike * FEW <= pictures.len();
    Ok(before.card().special.clone().filter(|_| few))
}

/// Copies a special model, NAME.onnx and the rest, from beside one model to beside another, which looks for it there.
fn copy(special: &str, from: &Path, to: &Path) -> Result<()> {
    for extension in FILES {
        let at = |model: &Path| model.with_file_name(special).with_extension(extension);
        let (from, to) = (at(from), at(to));
        if from != to {
            whole::write(&to, read_file(&from)?)?;
        }
    }
    Ok(())
}

fn pictures(labelled: &[Labelled]) -> impl Iterator<Item = Result<Picture>> {
    labelled.iter().map(|Labelled { text, file, .. }| {
        Ok(Picture { name: format!("a picture of {text}"), text: text.clone(), file: file.clone() })
    })
}

/// How a model reads the pictures that were held out, and what it is not to forget.
fn figures(recognizer: &mut Recognizer, measured: &[Labelled], rehearsed: &[String]) -> Result<Vec<Figures>> {
    let mut all = vec![evaluate::on_pictures(recognizer, pictures(measured))?.figures("labelled, held out")];
    for style in rehearsed {
        let metrics = evaluate::on_style(recognizer, style, REMEMBERED, REMEMBERED_SEED)?;
        all.push(metrics.figures(&format!("fresh images of {style}")));
    }
    Ok(all)
}
