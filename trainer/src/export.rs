//! A checkpoint's averaged weights as files that ship: ONNX, safetensors, and the model card.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};
use byecaptcha_models::{
    ModelCard, Recognizer,
    card::Training,
    load::sha256,
    networks::Outline,
    onnx::{self, Weights},
    preprocess::{HEIGHT, WIDTH},
    torch::Parameters,
};
use tch::{Device, Kind, Tensor};

use crate::{config::Config, evaluate, metrics::Metrics};

/// Fresh images of the dataset's own that a card's figures are measured on.
const FRESH_IMAGES: u64 = 5_000;
/// Their seed, which no run trains with.
const FRESH_SEED: u64 = 0xf4e5;

/// What `export` is told.
#[derive(clap::Args)]
pub struct Export {
    /// The run's folder, with its configuration and checkpoint.
    #[arg(long)]
    run: PathBuf,
    /// Where NAME.onnx, NAME.safetensors and NAME.json go.
    #[arg(long, default_value = "models/weights")]
    out: PathBuf,
    /// The version that the card gives.
    #[arg(long)]
    version: String,
    /// Folders of labelled pictures to measure on, beside fresh drawn ones.
    #[arg(long)]
    evaluate: Vec<PathBuf>,
}

/// Writes the three files, measures, and writes the card again with what was measured.
pub fn export(arguments: &Export) -> Result<()> {
    let config = Config::read(&arguments.run.join("config.toml"))?;
    let mut card = write(&config, &arguments.run, &arguments.out, &arguments.version)?;
    let path = |extension: &str| arguments.out.join(&config.name).with_extension(extension);
    let mut recognizer = Recognizer::load(&path("onnx"))?;
    let mut record = |metrics: Metrics, set: String| {
        let figures = metrics.figures(&set);
        println!("{}", evaluate::report(&figures, &metrics));
        card.figures.push(figures);
    };
    for preset in ["hku", "default"] {
        let metrics = evaluate::on_preset(&mut recognizer, preset, FRESH_IMAGES, FRESH_SEED)?;
        record(metrics, format!("fresh images, preset {preset}"));
    }
    let metrics = evaluate::on_pages(&mut recognizer, "hku", FRESH_IMAGES, FRESH_SEED)?;
    record(metrics, "fresh images, preset hku, cut out of pages".into());
    for folder in &arguments.evaluate {
        let metrics = evaluate::on_folder(&mut recognizer, folder)?;
        let name = folder.file_name().context("a folder to evaluate on has no name")?.to_string_lossy();
        record(metrics, format!("drawn by the Python library, {name}"));
    }
    write_card(&card, &path("json"))
}

/// Writes a run's averaged weights as NAME.onnx and NAME.safetensors into `out`, with a card that holds no figures yet.
pub fn write(config: &Config, run: &Path, out: &Path, version: &str) -> Result<ModelCard> {
    let (step, averages) = averaged(&run.join("checkpoint.safetensors"))?;
    let outline = Outline::of(config.network, HEIGHT, WIDTH, config.charset.labels());
    fs::create_dir_all(out)?;
    let path = |extension: &str| out.join(&config.name).with_extension(extension);
    let tensors: Vec<_> = averages.iter().collect();
    Tensor::write_safetensors(&tensors, path("safetensors"))?;
    fs::write(path("onnx"), onnx::write(config.network, HEIGHT, &config.charset, &weights(&averages)?)?)?;

    let sources = config.data.iter().map(|source| {
        let pages = if source.pages { " cut out of pages" } else { "" };
        format!("{}0% {}{pages}", source.tenths, source.preset)
    });
    let card = ModelCard {
        name: config.name.clone(),
        version: version.to_owned(),
        network: config.network,
        charset: config.charset.clone(),
        height: HEIGHT,
        width: WIDTH,
        parameters: outline.trainable_values(),
        multiply_adds: outline.multiply_adds,
        training: Training {
            data: format!(
                "drawn afresh for each step: {}{}",
                sources.collect::<Vec<_>>().join(", "),
                config.from.as_ref().map_or(String::new(), |from| format!("; started from {}", from.display()))
            ),
            steps: step,
            images: step * config.batch as u64,
            command: format!(
                "byecaptcha-trainer train --config trainer/configs/{}.toml --steps {}",
                config.name, config.steps
            ),
        },
        figures: Vec::new(),
        calibration: None,
        onnx_sha256: sha256(&fs::read(path("onnx"))?),
        safetensors_sha256: sha256(&fs::read(path("safetensors"))?),
        license: "MIT OR Apache-2.0".into(),
        notes: "Reads pictures in the style of the Python library `captcha`: 4 to 6 letters and digits, dark on \
                light. It tells c from C and the like by stroke proportions alone, and errs there most. Other styles \
                are read with less confidence and more errors."
            .into(),
    };
    write_card(&card, &path("json"))?;
    Ok(card)
}

/// Parameters as the ONNX writer takes them.
pub(crate) fn weights(parameters: &Parameters) -> Result<Weights> {
    let values = |(name, tensor): (&String, &Tensor)| {
        let shape = tensor.size().into_iter().map(usize::try_from).collect::<Result<_, _>>()?;
        let values = tensor.detach().to_device(Device::Cpu).to_kind(Kind::Float).flatten(0, -1);
        Ok((name.clone(), (shape, Vec::<f32>::try_from(values)?)))
    };
    parameters.iter().map(values).collect()
}

/// Writes a card as all cards are written.
pub(crate) fn write_card(card: &ModelCard, path: &Path) -> Result<()> {
    fs::write(path, serde_json::to_string_pretty(card)? + "\n").with_context(|| format!("{}", path.display()))
}

/// The step and the averaged weights of a checkpoint.
fn averaged(checkpoint: &Path) -> Result<(u64, Parameters)> {
    let stored = Tensor::read_safetensors(checkpoint)
        .with_context(|| format!("cannot read {}", checkpoint.display()))?;
    let mut step = 0;
    let mut averages = Parameters::new();
    for (name, tensor) in stored {
        if name == "step" {
            step = u64::try_from(tensor.int64_value(&[0]))?;
        } else if let Some(name) = name.strip_prefix("average.") {
            averages.insert(name.to_owned(), tensor);
        }
    }
    ensure!(!averages.is_empty(), "{} is no checkpoint", checkpoint.display());
    Ok((step, averages))
}
