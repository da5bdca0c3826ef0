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
use byecaptcha_models::{Recognizer, card::Figures};
use tch::Device;

pub use adapt::{adapt, run};
pub use labelled::{LIST, Labelled, parted, read};

use crate::{
    config::COMPOSED,
    data::Source,
    evaluate,
    export::{self, Origin},
};

/// Fresh pictures of each style that tell what was forgotten.
const REMEMBERED: u64 = 500;
/// Their seed, which no training has.
const REMEMBERED_SEED: u64 = 0xf0c7;
/// One picture in so many may look like the Python library's, and the special model stays.
const FEW: usize = 20;
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
    /// Where NAME.onnx, NAME.safetensors and NAME.json go.
    #[arg(long, default_value = "runs")]
    out: PathBuf,
    /// Optimizer steps, of 64 pictures each.
    #[arg(long, default_value_t = 1_500)]
    steps: u64,
    /// Share of the labelled pictures that is held out to measure on.
    #[arg(long, default_value_t = 0.2)]
    held_out: f64,
    /// Styles of which fresh pictures are drawn beside, so that less of them is forgotten: those that the model was made for.
    #[arg(long, value_delimiter = ',', default_values = [COMPOSED, "hku"])]
    rehearse: Vec<String>,
}

/// Trains, measures before and after, and writes the model with its card.
pub fn finetune(arguments: &Finetune, device: Device, stop: &AtomicBool) -> Result<()> {
    ensure!((0.0..0.9).contains(&arguments.held_out), "--held-out: from 0 to below 0.9");
    ensure!(arguments.steps > 0, "--steps: at least 1");
    let started = Instant::now();
    let (learned, measured) = parted(read(&arguments.labelled)?, arguments.held_out)?;
    println!("{} pictures to learn from, {} to measure on", learned.len(), measured.len());
    let Finetune { name, model, rehearse, steps, .. } = arguments;
    let mut config = run(name, model, &learned, rehearse, *steps, SEED)?;
    let mut before = Recognizer::load(model)?;
    config.special = special(&before, &learned)?;
    ensure!(
        config.special.as_ref() != Some(name),
        "--name: {name} is the model that the Python library's pictures are handed to"
    );
    let old = figures(&mut before, &measured, rehearse)?;

    let state = adapt(&config, &learned, &Source::new(&config, SEED)?, device, stop)?;

    let origin = Origin {
        data: format!(
            "half of each step from {} labelled pictures, varied each time; the other half drawn afresh, {}; started \
             from {} {}",
            learned.len(),
            rehearse.join(", "),
            before.card().name,
            before.card().version
        ),
        command: format!(
            "byecaptcha-trainer finetune --labelled {} --name {name} --model {} --steps {steps}",
            arguments.labelled.display(),
            model.display()
        ),
        notes: format!("Made for the pictures of one site, out of the model {}.", before.card().name),
    };
    let mut card = export::write_weights(&config, state.step, &state.averages, &arguments.out, "1", &origin)?;
    let onnx = arguments.out.join(name).with_extension("onnx");
    if let Some(special) = &config.special {
        copy(special, model, &onnx)?;
    }
    let new = figures(&mut Recognizer::load(&onnx)?, &measured, rehearse)?;
    println!("{:44} {:>14} {:>14}", "exact (ignoring case)", "before", "after");
    for (old, new) in old.iter().zip(&new) {
        let share = |figures: &Figures| {
            format!("{:.1}% ({:.1}%)", figures.exact * 100.0, figures.ignoring_case * 100.0)
        };
        println!("{:44} {:>14} {:>14}", new.set, share(old), share(new));
    }
    card.figures = new;
    export::write_card(&card, &onnx.with_extension("json"))?;
    println!(
        "{} in {:.1} minutes; `byecaptcha serve --model {}` reads with it",
        onnx.display(),
        started.elapsed().as_secs_f64() / 60.0,
        onnx.display()
    );
    Ok(())
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
    for extension in ["onnx", "safetensors", "json"] {
        let at = |model: &Path| model.with_file_name(special).with_extension(extension);
        let (from, to) = (at(from), at(to));
        if from != to {
            fs::copy(&from, &to).with_context(|| format!("cannot copy {}", from.display()))?;
        }
    }
    Ok(())
}

/// How a model reads the pictures that were held out, and what it is not to forget.
fn figures(recognizer: &mut Recognizer, measured: &[Labelled], rehearsed: &[String]) -> Result<Vec<Figures>> {
    let pictures = measured.iter().map(|labelled| Ok((labelled.text.clone(), labelled.file.clone())));
    let mut all = vec![evaluate::on_pictures(recognizer, pictures)?.figures("labelled, held out")];
    for style in rehearsed {
        let metrics = evaluate::on_style(recognizer, style, REMEMBERED, REMEMBERED_SEED)?;
        all.push(metrics.figures(&format!("fresh images of {style}")));
    }
    Ok(all)
}
