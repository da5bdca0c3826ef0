//! `byecaptcha-trainer active`: the same number of labels, picked by uncertainty and at random, on a style that the model does
//! not know; the accuracy after each round, for several seeds.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::PathBuf,
    sync::atomic::{AtomicBool, Ordering},
};

use anyhow::{Context, Result, ensure};
use byecaptcha_dataset::{Draw, open};
use byecaptcha_models::{
    ImageBatch, Predictor, PreparedImage,
    decode::{self, Hypothesis},
    preprocess::{self, Locator, prepare},
    torch::TorchPredictor,
};
use rand::{SeedableRng, seq::SliceRandom};
use rand_pcg::Pcg64Mcg;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use tch::Device;

use super::{report, uncertainty};
use crate::{
    checkpoint::State,
    config::Config,
    data::Source,
    finetune::{Labelled, adapt, run},
    parallel,
    progress::tell,
    whole,
};

/// Pictures that the accuracy is measured on, the same for all.
const MEASURED: u64 = 1_000;
const MEASURED_SEED: u64 = 0xac71;
/// Texts that the beam keeps: the two that are compared, and some for their sums.
const BEAM: usize = 4;
/// Pictures in a batch.
const BATCH: usize = 64;

/// What `active` is told.
#[derive(clap::Args)]
pub struct Active {
    /// A style that the model does not know.
    #[arg(long)]
    style: String,
    /// The model: an ONNX file with its card and its safetensors file beside it.
    #[arg(long, default_value = "models/weights/lean.onnx")]
    model: PathBuf,
    /// Where the curve goes, as rows, a table and a picture; rows that are there are not measured again.
    #[arg(long, default_value = "runs/active")]
    out: PathBuf,
    /// Rounds of labelling.
    #[arg(long, default_value_t = 6)]
    rounds: usize,
    /// Labels in each.
    #[arg(long, default_value_t = 50)]
    each: usize,
    /// Pictures without labels to pick from.
    #[arg(long, default_value_t = 2_000)]
    pool: u64,
    /// Steps of training after each round.
    #[arg(long, default_value_t = 300, value_parser = clap::value_parser!(u64).range(1..))]
    steps: u64,
    /// How often all of it is done.
    #[arg(long, default_value_t = 3)]
    seeds: u64,
    /// Styles that are drawn beside, so that they are not forgotten.
    #[arg(long, value_delimiter = ',', default_value = "hku")]
    rehearse: Vec<String>,
}

/// How the next pictures are picked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Choice {
    Uncertain,
    Random,
}

/// A point of the curve.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Point {
    pub(super) choice: Choice,
    pub(super) seed: u64,
    pub(super) labels: usize,
    pub(super) exact: f64,
    pub(super) ignoring_case: f64,
}

/// Measures the curve and writes it.
pub fn active(arguments: &Active, device: Device, stop: &AtomicBool) -> Result<()> {
    let Active { rounds, each, pool, .. } = *arguments;
    ensure!(rounds > 0 && each > 0 && arguments.seeds > 0, "--rounds, --each, --seeds: at least 1");
    ensure!((rounds * each) as u64 <= pool, "the pool is smaller than all labels");
    fs::create_dir_all(&arguments.out)?;
    settled(arguments)?;
    let rows = arguments.out.join("rows.jsonl");
    let mut points: Vec<Point> = match fs::read_to_string(&rows) {
        Ok(text) => text
            .lines()
            .map(serde_json::from_str)
            .collect::<Result<Vec<_>, _>>()
            .with_context(|| format!("{} holds something else", rows.display()))?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", rows.display())),
    };
    let measured = drawn(&*open(&arguments.style, MEASURED_SEED)?, MEASURED)?;
    for seed in 0..arguments.seeds {
        let pool = drawn(&*open(&arguments.style, seed)?, pool)?;
        for choice in [Choice::Uncertain, Choice::Random] {
            let there = points.iter().filter(|point| (point.choice, point.seed) == (choice, seed)).count();
            if there >= rounds {
                continue;
            }
            // A series that was cut off begins anew: what its rounds picked is not kept.
            points.retain(|point| (point.choice, point.seed) != (choice, seed));
            series(arguments, choice, seed, &pool, &measured, device, stop, &mut points)?;
            if stop.load(Ordering::Relaxed) {
                return Ok(());
            }
            let lines = points.iter().map(|point| Ok(serde_json::to_string(point)? + "\n"));
            whole::write(&rows, lines.collect::<Result<String>>()?)?;
        }
    }
    report::write(&arguments.out, &arguments.style, &points)
}

/// Checks that what lies in the folder was measured by these settings, or writes them there. More rounds and more seeds may come to it.
fn settled(arguments: &Active) -> Result<()> {
    let Active { style, model, each, pool, steps, rehearse, .. } = arguments;
    let settings = serde_json::json!({
        "style": style, "model": model, "each": each, "pool": pool, "steps": steps, "rehearse": rehearse,
    })
    .to_string();
    let file = arguments.out.join("settings.json");
    match fs::read_to_string(&file) {
        Ok(there) => ensure!(
            there == settings,
            "{} holds a curve with other settings, {there}: give another --out",
            arguments.out.display()
        ),
        Err(error) if error.kind() == io::ErrorKind::NotFound => whole::write(&file, settings)?,
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", file.display())),
    }
    Ok(())
}

/// All rounds of one way of picking.
#[allow(clippy::too_many_arguments, reason = "all of them are what one measurement is")]
fn series(
    arguments: &Active,
    choice: Choice,
    seed: u64,
    pool: &[Labelled],
    measured: &[Labelled],
    device: Device,
    stop: &AtomicBool,
    points: &mut Vec<Point>,
) -> Result<()> {
    let mut order: Vec<usize> = (0..pool.len()).collect();
    order.shuffle(&mut Pcg64Mcg::seed_from_u64(seed));
    // The first labels are the same for both.
    let mut picked: BTreeSet<usize> = order[..arguments.each].iter().copied().collect();
    for _ in 0..arguments.rounds {
        let labelled: Vec<Labelled> = picked.iter().map(|&place| pool[place].clone()).collect();
        let config = run("active", &arguments.model, &labelled, &arguments.rehearse, arguments.steps, seed)?;
        let state = adapt(&config, &labelled, &Source::new(&config, seed)?, device, stop)?;
        if stop.load(Ordering::Relaxed) {
            return Ok(());
        }
        let mut reader = Reader::new(&config, &state, device);
        let (mut exact, mut ignoring_case) = (0, 0);
        for (labelled, hypotheses) in measured.iter().zip(reader.read(measured)?) {
            let text = config.charset_text(hypotheses.first());
            exact += usize::from(text == labelled.text);
            ignoring_case += usize::from(text.to_lowercase() == labelled.text.to_lowercase());
        }
        let share = |count: usize| count as f64 / measured.len() as f64;
        let point = Point {
            choice,
            seed,
            labels: picked.len(),
            exact: share(exact),
            ignoring_case: share(ignoring_case),
        };
        tell(serde_json::to_string(&point)?);
        points.push(point);
        let left: Vec<usize> = order.iter().copied().filter(|place| !picked.contains(place)).collect();
        let next = match choice {
            Choice::Random => left,
            Choice::Uncertain => {
                let pictures: Vec<Labelled> = left.iter().map(|&place| pool[place].clone()).collect();
                let unsure = reader.read(&pictures)?.into_iter().map(|hypotheses| {
                    let at = |place: usize| {
                        hypotheses.get(place).map_or(0.0, |found| f64::from(found.log_probability.exp()))
                    };
                    uncertainty(at(0), at(1))
                });
                let mut ranked: Vec<(usize, f64)> = left.into_iter().zip(unsure).collect();
                ranked.sort_by(|a, b| b.1.total_cmp(&a.1));
                ranked.into_iter().map(|(place, _)| place).collect()
            }
        };
        picked.extend(next.into_iter().take(arguments.each));
    }
    Ok(())
}

fn drawn(style: &dyn Draw, count: u64) -> Result<Vec<Labelled>> {
    let locator = Locator::embedded()?;
    let drawn = parallel::map(0..count, |index| {
        let (text, file, _) = style.encoded(index);
        Labelled::new(text, file, &locator)
    });
    drawn.into_iter().collect()
}

/// A model in training as it would be served.
struct Reader {
    predictor: TorchPredictor,
    /// What the network reads at most.
    widest: usize,
}

impl Reader {
    fn new(config: &Config, state: &State, device: Device) -> Self {
        let averages = state.averages.iter().map(|(name, tensor)| (name.clone(), tensor.shallow_clone()));
        let labels = config.charset.labels();
        let predictor = TorchPredictor::new(config.network, labels, averages.collect(), device);
        Self { predictor, widest: config.network.widest() }
    }

    /// The likeliest texts of each picture.
    fn read(&mut self, pictures: &[Labelled]) -> Result<Vec<Vec<Hypothesis>>> {
        let prepared: Vec<PreparedImage> =
            pictures.par_iter().map(|labelled| prepare(&labelled.picture, self.widest)).collect();
        let mut by_width = BTreeMap::<usize, Vec<usize>>::new();
        for (place, image) in prepared.iter().enumerate() {
            by_width.entry(image.width).or_default().push(place);
        }
        let mut read = vec![Vec::new(); pictures.len()];
        for (width, places) in by_width {
            for places in places.chunks(BATCH) {
                let pixels =
                    places.iter().flat_map(|&place| prepared[place].pixels.iter().copied()).collect();
                let images = ImageBatch { pixels, count: places.len(), height: preprocess::HEIGHT, width };
                for (&place, distributions) in places.iter().zip(self.predictor.predict(&images)?) {
                    read[place] = decode::beam(&distributions, BEAM);
                }
            }
        }
        Ok(read)
    }
}

impl Config {
    /// What a hypothesis says in this run's charset.
    fn charset_text(&self, hypothesis: Option<&Hypothesis>) -> String {
        let labels = hypothesis.into_iter().flat_map(|found| &found.labels);
        labels.filter_map(|&label| self.charset.character(label)).collect()
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Command {
        #[command(flatten)]
        active: Active,
    }

    #[test]
    fn a_curve_goes_on_with_its_own_settings_alone() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().to_str().unwrap();
        let settled = |more: &[&str]| {
            let command = ["active", "--style", "rings", "--out", out];
            settled(&Command::parse_from(command.iter().chain(more)).active)
        };
        settled(&[]).unwrap();
        settled(&["--rounds", "9", "--seeds", "5"]).unwrap();
        for other in [["--each", "7"], ["--steps", "7"], ["--pool", "777"], ["--rehearse", "default"]] {
            let error = settled(&other).unwrap_err().to_string();
            assert!(error.contains("give another --out"), "{error}");
        }
        // A folder in its place cannot be read, and is no reason to measure all of it again.
        let file = folder.path().join("settings.json");
        fs::remove_file(&file).unwrap();
        fs::create_dir(&file).unwrap();
        assert!(settled(&[]).unwrap_err().to_string().contains("cannot read"));
    }
}
