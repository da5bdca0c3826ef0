//! A run that was stopped and taken up again ends with the very weights of one that was not; and one can go on from the
//! weights of a model that ships.
// A test may stop at the first surprise.
#![allow(clippy::unwrap_used)]

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use byecaptcha_models::{
    Charset, Recognizer,
    networks::{Alignment, Network},
    torch::Precision,
};
use byecaptcha_trainer::{
    config::{Config, Source},
    data, evaluate, export,
    optimizer::{Rule, Settings},
    schedule::{Schedule, Shape},
    step::step,
    train,
};
use tch::{Device, Tensor};

/// libtorch draws first weights from one generator for the whole process: runs that are compared go one at a time.
static GENERATOR: Mutex<()> = Mutex::new(());

fn config(steps: u64) -> Config {
    let text = format!(
        "name = \"tiny\"\nnetwork = \"lean-blstm\"\nseed = 7\nbatch = 4\nsteps = {steps}\nprecision = \"float32\"\n\
         evaluate_every = 1000\ncheckpoint_every = 1000\n[[data]]\nstyle = \"hku\"\nparts = 10\n\
         [schedule]\npeak = 1e-3\nwarmup = 2\ncooldown = 1\n"
    );
    toml::from_str(&text).unwrap()
}

fn tensors(folder: &Path) -> Vec<(String, Tensor)> {
    let mut tensors = Tensor::read_safetensors(folder.join("checkpoint.safetensors")).unwrap();
    tensors.sort_by(|a, b| a.0.cmp(&b.0));
    tensors
}

/// The same run with another network, optimizer and schedule.
fn other(network: Network, rule: Rule) -> Config {
    let optimizer = Settings { rule, ..Settings::default() };
    let charset = if network.alignment() == Alignment::Positions {
        Charset::alphanumeric()
    } else {
        Charset::unambiguous()
    };
    let style = if network.alignment() == Alignment::Positions { "hku6" } else { "hku" };
    let data = vec![
        Source { style: style.into(), without: Vec::new(), parts: 5, pages: false },
        Source { style: style.into(), without: Vec::new(), parts: 5, pages: true },
    ];
    let schedule = Schedule { shape: Shape::Cosine, ..config(3).schedule };
    Config { network, optimizer, charset, data, schedule, precision: Precision::Bfloat16, ..config(3) }
}

/// What has a fully connected layer reads one width alone; pictures of others, and cuts of pages, are made to fit.
#[test]
fn a_fixed_length_network_reads_pictures_of_any_width() {
    let _alone = GENERATOR.lock().unwrap_or_else(PoisonError::into_inner);
    let config = other(Network::Cnn4Fixed, Rule::Adam);
    let folder = tempfile::tempdir().unwrap();
    train::train(&config, folder.path(), Device::Cpu, &AtomicBool::new(false)).unwrap();
    export::write(&config, &config.name, folder.path(), folder.path(), "1", &[]).unwrap();
    let mut recognizer = Recognizer::load(&folder.path().join("tiny.onnx")).unwrap();
    let mut picture = std::io::Cursor::new(Vec::new());
    let striped = |x, y| image::Rgb([if (x / 7 + y / 9) % 3 == 0 { 20_u8 } else { 230 }; 3]);
    image::RgbImage::from_fn(400, 48, striped).write_to(&mut picture, image::ImageFormat::Png).unwrap();
    let wide = recognizer.prepare(picture.get_ref()).unwrap();
    assert_eq!(wide.width, 128);
    assert_eq!(recognizer.recognize(&[wide]).unwrap()[0].text.chars().count(), 6);
    evaluate::on_pages(&mut recognizer, "hku6", 100, 1).unwrap();
}

/// The mean of weights is theirs where they are the same, and rows of weights that stand for other characters have none.
#[test]
fn an_average_is_of_one_charset() {
    let _alone = GENERATOR.lock().unwrap_or_else(PoisonError::into_inner);
    let (config, folder) = (config(2), tempfile::tempdir().unwrap());
    train::train(&config, folder.path(), Device::Cpu, &AtomicBool::new(false)).unwrap();
    let file = |name: &str, extension: &str| folder.path().join(name).with_extension(extension);
    let write = |name: &str, earlier: &[PathBuf]| {
        export::write(&config, name, folder.path(), folder.path(), "1", earlier)
    };
    write("one", &[]).unwrap();
    let earlier = [file("one", "safetensors")];
    write("mean", &earlier).unwrap();
    let weights = |name| Tensor::read_safetensors(file(name, "safetensors")).unwrap().into_iter();
    let mut mean: HashMap<String, Tensor> = weights("mean").collect();
    for (name, one) in weights("one") {
        assert!(one.allclose(&mean.remove(&name).unwrap(), 1e-6, 1e-6, false), "{name}");
    }
    assert!(mean.is_empty());
    let card = file("one", "json");
    let symbols: String = config.charset.characters().iter().collect();
    let reversed: String = symbols.chars().rev().collect();
    fs::write(&card, fs::read_to_string(&card).unwrap().replace(&symbols, &reversed)).unwrap();
    let error = write("mean", &earlier).err().unwrap().to_string();
    assert!(error.contains("another charset"), "{error}");
}

/// Every optimizer's memory, and every kind of layer.
#[test]
fn stopping_changes_nothing_whatever_is_trained() {
    let _alone = GENERATOR.lock().unwrap_or_else(PoisonError::into_inner);
    tch::set_num_threads(1);
    for (network, rule) in [
        (Network::Cnn5Sru, Rule::AdaBound),
        (Network::Cnn5Gru, Rule::Sgd),
        (Network::ResnetFixed, Rule::Adam),
        (Network::DensenetLstm, Rule::AdamW),
    ] {
        let config = other(network, rule);
        let (whole, parted) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        train::train(&config, whole.path(), Device::Cpu, &AtomicBool::new(false)).unwrap();
        for _ in 0..config.steps {
            train::train(&config, parted.path(), Device::Cpu, &AtomicBool::new(true)).unwrap();
        }
        for ((name, a), (_, b)) in tensors(whole.path()).iter().zip(&tensors(parted.path())) {
            assert!(a.equal(b), "{network}, {rule:?}: {name} differs after resuming");
        }
    }
}

/// The last step's rate depends on the length of the run, so both runs are told the same length and one is stopped.
#[test]
fn stopping_changes_nothing() {
    let _alone = GENERATOR.lock().unwrap_or_else(PoisonError::into_inner);
    tch::set_num_threads(1);
    let (whole, parted) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    train::train(&config(4), whole.path(), Device::Cpu, &AtomicBool::new(false)).unwrap();

    // A stop that is set from the start ends each call after one step.
    let stop = AtomicBool::new(true);
    for _ in 0..3 {
        train::train(&config(4), parted.path(), Device::Cpu, &stop).unwrap();
    }
    stop.store(false, Ordering::Relaxed);
    train::train(&config(4), parted.path(), Device::Cpu, &stop).unwrap();

    let (whole_tensors, parted_tensors) = (tensors(whole.path()), tensors(parted.path()));
    assert_eq!(whole_tensors.len(), parted_tensors.len());
    for ((name, a), (other, b)) in whole_tensors.iter().zip(&parted_tensors) {
        assert_eq!(name, other);
        assert!(a.equal(b), "{name} differs after resuming");
    }
    let log = fs::read_to_string(whole.path().join("log.jsonl")).unwrap();
    let last: serde_json::Value = serde_json::from_str(log.lines().last().unwrap()).unwrap();
    assert_eq!((last["step"].as_u64(), last["held_out"]["images"].as_u64()), (Some(4), Some(1024)));
}

#[test]
fn a_run_goes_on_though_the_weights_that_it_began_with_are_gone() {
    let _alone = GENERATOR.lock().unwrap_or_else(PoisonError::into_inner);
    let (begun, run) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let weights = begun.path().join("begun.safetensors");
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/weights/lean.safetensors");
    fs::copy(&shipped, &weights).unwrap();
    fs::copy(shipped.with_extension("json"), weights.with_extension("json")).unwrap();
    let network = Network::LeanConditional;
    let config = Config { network, charset: Charset::alphanumeric(), from: Some(weights), ..config(2) };
    train::train(&config, run.path(), Device::Cpu, &AtomicBool::new(true)).unwrap();
    drop(begun);
    train::train(&config, run.path(), Device::Cpu, &AtomicBool::new(false)).unwrap();
    let step = tensors(run.path()).into_iter().find(|(name, _)| name == "step").unwrap().1;
    assert_eq!(step.int64_value(&[0]), 2);
}

#[test]
fn a_checkpoint_of_another_network_is_refused() {
    let _alone = GENERATOR.lock().unwrap_or_else(PoisonError::into_inner);
    let folder = tempfile::tempdir().unwrap();
    train::train(&config(1), folder.path(), Device::Cpu, &AtomicBool::new(false)).unwrap();
    let refusal = |other: &Config| {
        train::train(other, folder.path(), Device::Cpu, &AtomicBool::new(false)).unwrap_err().to_string()
    };
    let other = Config { network: Network::Cnn5Blstm, ..config(2) };
    let error = refusal(&other);
    assert!(
        error.contains(r#"another run, of "network = \"lean-blstm\"" and not "network = \"cnn5-blstm\""#),
        "{error}"
    );
    assert!(refusal(&Config { batch: 8, ..config(2) }).contains("batch = 4"), "other pictures");
    fs::remove_file(folder.path().join("config.toml")).unwrap();
    assert!(refusal(&other).contains("checkpoint"), "the weights themselves");
}

#[test]
fn a_network_that_mixes_kernels_goes_on_where_the_plain_one_was() {
    let _alone = GENERATOR.lock().unwrap_or_else(PoisonError::into_inner);
    let folder = tempfile::tempdir().unwrap();
    let weights = folder.path().join("plain.safetensors");
    let plain = Config { network: Network::LeanResidual, charset: Charset::alphanumeric(), ..config(1) };
    let batches = data::Source::new(&plain, 5).unwrap().window(0, 32).unwrap();
    // What it learns in so few steps is how rare characters are among blanks.
    let mut state = train::start(&plain, Device::Cpu).unwrap();
    for batch in &batches {
        step(&plain, &mut state, batch, 3e-3, Device::Cpu).unwrap();
    }
    let learned: Vec<(&String, &Tensor)> = state.parameters.iter().collect();
    Tensor::write_safetensors(&learned, &weights).unwrap();
    // Of the card the charset alone is asked for, which is the same.
    fs::write(weights.with_extension("json"), byecaptcha_models::weights::LEAN.card).unwrap();

    let plain = Config { from: Some(weights), ..plain };
    let mixed = Config { network: Network::LeanConditional, ..plain.clone() };
    let fresh = Config { from: None, ..mixed.clone() };
    let [plain_loss, mixed_loss, fresh_loss] = [&plain, &mixed, &fresh].map(|config| {
        let mut state = train::start(config, Device::Cpu).unwrap();
        step(config, &mut state, &batches[0], 0.0, Device::Cpu).unwrap().0
    });
    // Two of its channels are gone, and each expert is a little off.
    assert!(
        (mixed_loss - plain_loss).abs() < 0.5 && fresh_loss > plain_loss + 3.0,
        "{plain_loss}, {mixed_loss}, and {fresh_loss} from nothing"
    );
    let of_others =
        Config { network: Network::LeanResidualLarge, charset: Charset::unambiguous(), ..plain.clone() };
    let wide = Config { charset: plain.charset.clone(), ..of_others.clone() };
    assert!(train::start(&wide, Device::Cpu).is_ok(), "a wider one is grown");
    let error = train::start(&of_others, Device::Cpu).err().unwrap();
    assert!(format!("{error:#}").contains("classify.weight"), "its rows are of other characters: {error:#}");
    let error = train::start(&Config { network: Network::LeanBlstm, ..plain }, Device::Cpu).err().unwrap();
    assert!(error.to_string().contains("does not fit"), "{error}");
}
