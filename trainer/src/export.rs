//! A checkpoint's averaged weights as files that ship: ONNX, safetensors, and the model card.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};
use byecaptcha_dataset::{CROSSED, RANDOMIZED, composed};
use byecaptcha_models::{
    ModelCard, Recognizer,
    card::Training,
    load::{self, sha256},
    networks::Outline,
    onnx::{self, Weights},
    preprocess::{HEIGHT, WIDTH},
    torch::Parameters,
};
use tch::{Device, Kind, Tensor};

use crate::{
    command,
    config::{COMPOSED, Config},
    evaluate, folder,
    metrics::Metrics,
    progress::tell,
    train, whole,
};

/// Fresh images of the dataset's own that a card's figures are measured on.
const FRESH_IMAGES: u64 = 5_000;
/// The same, of each composed style.
const FRESH_OF_EACH: u64 = 1_000;
/// The Python library's styles that every card has figures of.
const PRESETS: [&str; 5] = ["hku", "default", "0.7.1", "default-all", "0.7.1-digits"];
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
    /// What the model is called; like the run without.
    #[arg(long)]
    name: Option<String>,
    /// The version that the card gives.
    #[arg(long)]
    version: String,
    /// Earlier weights of the same network, safetensors files: what is exported is the mean of theirs and the run's.
    #[arg(long, value_name = "FILE")]
    average_with: Vec<PathBuf>,
    /// Folders of labelled pictures to measure on, beside fresh drawn ones.
    #[arg(long)]
    evaluate: Vec<PathBuf>,
}

/// Writes the three files, measures, and writes the card again with what was measured.
pub fn export(arguments: &Export) -> Result<()> {
    let config = Config::read(&arguments.run.join("config.toml"))?;
    let folders = arguments.evaluate.iter().map(|folder| {
        let name = folder.file_name().with_context(|| format!("{} has no name", folder.display()))?;
        Ok((name.to_string_lossy(), folder::labelled(folder)?))
    });
    // All of them before what takes long.
    let folders = folders.collect::<Result<Vec<_>>>()?;
    let name = arguments.name.as_deref().unwrap_or(&config.name);
    let Export { run, out, version, average_with, .. } = arguments;
    let mut card = write(&config, name, run, out, version, average_with)?;
    let path = |extension: &str| arguments.out.join(name).with_extension(extension);
    let mut recognizer = Recognizer::load(&path("onnx"))?;
    let mut record = |metrics: Metrics, set: String| {
        let figures = metrics.figures(&set);
        tell(evaluate::report(&figures, &metrics));
        card.figures.push(figures);
    };
    for preset in PRESETS {
        let metrics = evaluate::on_style(&mut recognizer, preset, FRESH_IMAGES, FRESH_SEED)?;
        record(metrics, format!("fresh images, preset {preset}"));
    }
    if config.is_general() {
        let metrics = evaluate::on_style(&mut recognizer, COMPOSED, FRESH_IMAGES, FRESH_SEED)?;
        record(metrics, "fresh images, composed styles".into());
        for style in composed() {
            let metrics = evaluate::on_style(&mut recognizer, style, FRESH_OF_EACH, FRESH_SEED)?;
            record(metrics, format!("fresh images, style {style}"));
        }
        for style in [CROSSED, RANDOMIZED] {
            let metrics = evaluate::on_style(&mut recognizer, style, FRESH_IMAGES, FRESH_SEED)?;
            record(metrics, format!("fresh images, {style}"));
        }
    }
    let metrics = evaluate::on_pages(&mut recognizer, "hku", FRESH_IMAGES, FRESH_SEED)?;
    record(metrics, "fresh images, preset hku, cut out of pages".into());
    for (name, files) in folders {
        let metrics = evaluate::on_pictures(&mut recognizer, evaluate::of_files(files))?;
        record(metrics, format!("labelled pictures, {name}"));
    }
    write_card(&card, &path("json"))
}

/// Writes a run's averaged weights as NAME.onnx and NAME.safetensors into `out`, with a card that holds no figures yet; or the mean
/// of these and of earlier ones that the run went on from, which lies where the loss is flatter (Izmailov et al. 2018,
/// arXiv:1803.05407).
pub fn write(
    config: &Config,
    name: &str,
    run: &Path,
    out: &Path,
    version: &str,
    earlier: &[PathBuf],
) -> Result<ModelCard> {
    let (step, mut averages) = averaged(&run.join("checkpoint.safetensors"))?;
    let model = Config { name: name.to_owned(), ..config.clone() };
    model.check()?;
    let mut origin = origin(config, run);
    for (number, file) in (2..).zip(earlier) {
        // Rows of weights that stand for other characters have a mean that stands for none.
        ensure!(
            load::read_card(file)?.charset == config.charset,
            "{} holds weights for another charset",
            file.display()
        );
        approach(&mut averages, file, 1.0 / f64::from(number))?;
        origin.data += &format!("; the mean of what this made and {}", file.display());
    }
    if !earlier.is_empty() {
        origin.command += &format!(" && {}", command::given());
    }
    write_weights(&model, step, &averages, out, version, &origin)
}

/// Moves weights by a share of the way to those of a file, which must be of the same network.
fn approach(weights: &mut Parameters, file: &Path, share: f64) -> Result<()> {
    let there = Tensor::read_safetensors(file).with_context(|| format!("cannot read {}", file.display()))?;
    let alike = |(name, tensor): &(String, Tensor)| {
        weights.get(name).is_some_and(|weight| weight.size() == tensor.size())
    };
    ensure!(
        there.len() == weights.len() && there.iter().all(alike),
        "{} holds weights of another network",
        file.display()
    );
    tch::no_grad(|| {
        for (name, tensor) in there {
            if let Some(weight) = weights.get_mut(&name) {
                *weight = weight.lerp(&tensor.to_device(weight.device()), share);
            }
        }
    });
    Ok(())
}

/// What a card tells of where weights come from and what they are for.
pub struct Origin {
    /// What was learned from.
    pub data: String,
    /// The command.
    pub command: String,
    /// What it is for and where it fails.
    pub notes: String,
}

/// Writes weights as NAME.onnx and NAME.safetensors into `out`, with a card that holds no figures yet.
pub fn write_weights(
    config: &Config,
    step: u64,
    averages: &Parameters,
    out: &Path,
    version: &str,
    origin: &Origin,
) -> Result<ModelCard> {
    let outline = Outline::of(config.network, HEIGHT, WIDTH, config.charset.labels());
    fs::create_dir_all(out)?;
    let path = |extension: &str| out.join(&config.name).with_extension(extension);
    let tensors: Vec<_> = averages.iter().collect();
    whole::with(&path("safetensors"), |file| Ok(Tensor::write_safetensors(&tensors, file)?))?;
    let onnx = onnx::write(config.network, HEIGHT, &config.charset, &weights(averages)?)?;
    whole::write(&path("onnx"), &onnx)?;

    let card = ModelCard {
        name: config.name.clone(),
        version: version.to_owned(),
        network: config.network,
        charset: config.charset.clone(),
        height: HEIGHT,
        width: WIDTH,
        parameters: outline.trainable_values(),
        multiply_adds: outline.multiply_adds,
        special: config.special.clone(),
        training: Training {
            data: origin.data.clone(),
            steps: step,
            images: step * config.batch as u64,
            command: origin.command.clone(),
        },
        figures: Vec::new(),
        calibration: None,
        onnx_sha256: sha256(&onnx),
        safetensors_sha256: sha256(&fs::read(path("safetensors"))?),
        license: "MIT OR Apache-2.0".into(),
        notes: origin.notes.clone(),
    };
    write_card(&card, &path("json"))?;
    Ok(card)
}

/// Where the weights of a training run come from, which lies in a folder.
fn origin(config: &Config, run: &Path) -> Origin {
    let parts: u64 = config.data.iter().map(|source| source.parts).sum();
    let sources = config.data.iter().map(|source| {
        let pages = if source.pages { " cut out of pages" } else { "" };
        let without = match source.without.as_slice() {
            [] => String::new(),
            some => format!(" without {}", some.join(" ")),
        };
        format!("{}% {}{without}{pages}", source.parts * 100 / parts, source.style)
    });
    let notes = match config.is_general() {
        true => {
            "Reads captchas of many kinds: 1 to 8 letters and digits, and sums such as 3+8=?. Letters whose case only \
             their size tells apart are read with the case that is likelier, and with less confidence."
        }
        false => {
            "Reads pictures in the style of the Python library `captcha`: 3 to 8 letters and digits, dark on light. It \
             tells c from C and the like by stroke proportions alone, and errs there most; 0, O and o it can hardly tell \
             apart. Other styles are read with less confidence and more errors."
        }
    };
    Origin {
        data: format!(
            "drawn afresh for each step{}: {}{}",
            if config.echo > 1 {
                format!(", each picture shown {} times", config.echo)
            } else {
                String::new()
            },
            sources.collect::<Vec<_>>().join(", "),
            config.from.as_ref().map_or(String::new(), |from| format!("; started from {}", from.display()))
        ),
        // A run of before its folder kept the command is one of the repository's.
        command: train::command_of(run).unwrap_or_else(|| {
            let Config { name, steps, .. } = config;
            format!("byecaptcha-trainer train --config trainer/configs/{name}.toml --steps {steps}")
        }),
        notes: notes.into(),
    }
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
    whole::write(path, serde_json::to_string_pretty(card)? + "\n")
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

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Command {
        #[command(flatten)]
        export: Export,
    }

    #[test]
    fn folders_are_looked_at_before_a_run_is() {
        let folder = tempfile::tempdir().unwrap();
        let run = folder.path().to_str().unwrap();
        let config = concat!(env!("CARGO_MANIFEST_DIR"), "/configs/lean.toml");
        fs::copy(config, folder.path().join("config.toml")).unwrap();
        // It has no weights, so all that can be told before them is the folder.
        let command =
            ["export", "--run", run, "--out", run, "--version", "1", "--evaluate", "no-such-folder"];
        let error = format!("{:#}", export(&Command::parse_from(command).export).unwrap_err());
        assert!(error.contains("no-such-folder"), "{error}");
    }

    #[test]
    fn a_card_has_the_command_that_its_run_was_begun_with() {
        let folder = tempfile::tempdir().unwrap();
        let config =
            Config::read(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/configs/lean.toml"))).unwrap();
        let begun = |text: String| {
            fs::write(folder.path().join("config.toml"), text).unwrap();
            origin(&config, folder.path()).command
        };
        let text = toml::to_string(&config).unwrap();
        let given = "byecaptcha-trainer leave-out --config own.toml --folds 3";
        assert_eq!(begun(format!("# {given}\n{text}")), given);
        assert!(begun(format!("# my own run\n{text}")).starts_with("byecaptcha-trainer train "));
        assert!(
            begun(text).starts_with("byecaptcha-trainer train --config trainer/configs/lean.toml --steps ")
        );
    }

    #[test]
    fn weights_go_a_share_of_the_way_and_not_to_another_network() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("earlier.safetensors");
        Tensor::write_safetensors(&[("layer.weight", Tensor::from_slice(&[4.0_f32, 0.0]))], &file).unwrap();
        let of = |values: &[f32]| {
            Parameters::from([(
                "layer.weight".to_owned(),
                Tensor::from_slice(values).set_requires_grad(true),
            )])
        };
        let mut weights = of(&[0.0, 8.0]);
        approach(&mut weights, &file, 0.25).unwrap();
        assert_eq!(Vec::<f32>::try_from(&weights["layer.weight"]).unwrap(), [1.0, 6.0]);
        let error = approach(&mut of(&[1.0]), &file, 0.5).unwrap_err().to_string();
        assert!(error.contains("earlier.safetensors holds weights of another network"), "{error}");
    }
}
