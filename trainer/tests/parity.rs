//! The engines agree: rten, libtorch and Python's onnxruntime give the same answers, the shipped model's and those of
//! every network with parameters at random.
// A test may stop at the first surprise.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::{fs, path::Path, process::Command};

use byecaptcha_dataset::{Draw, Generator, Style};
use byecaptcha_models::{
    Charset, DeviceChoice, ImageBatch, LabelDistributions, ModelCard, Predictor, decode,
    networks::{Alignment, Network, Outline, POSITIONS},
    onnx::{self, OnnxPredictor, Weights},
    preprocess,
    torch::{self, Parameters, TorchPredictor},
    weights,
};
use tch::{Device, Tensor};

/// Images read by each engine.
const IMAGES: u64 = 500;
/// Images in a batch.
const BATCH: usize = 50;
/// Most that two engines' log probabilities may differ by.
const TOLERANCE: f32 = 1e-3;

fn batches(count: u64) -> Vec<ImageBatch> {
    let generator = Generator::new(Style::preset("hku").unwrap(), 0xa11).unwrap();
    let images: Vec<Vec<f32>> = (0..count)
        .map(|index| preprocess::prepare(&generator.sample(index).image, preprocess::MAX_WIDTH).pixels)
        .collect();
    images
        .chunks(BATCH)
        .map(|images| ImageBatch {
            pixels: images.concat(),
            count: images.len(),
            height: preprocess::HEIGHT,
            width: preprocess::WIDTH,
        })
        .collect()
}

fn predict(predictor: &mut dyn Predictor, batches: &[ImageBatch]) -> Vec<LabelDistributions> {
    batches.iter().flat_map(|batch| predictor.predict(batch).unwrap()).collect()
}

/// Asserts that two engines agree and gives the largest difference of their log probabilities.
fn assert_same(name: &str, ours: &[LabelDistributions], theirs: &[LabelDistributions]) -> f32 {
    assert_eq!(ours.len(), theirs.len());
    let mut worst = 0.0_f32;
    for (image, (a, b)) in ours.iter().zip(theirs).enumerate() {
        assert_eq!(decode::greedy(a), decode::greedy(b), "{name} reads image {image} differently");
        assert_eq!(a.as_slice().len(), b.as_slice().len());
        worst = a.as_slice().iter().zip(b.as_slice()).map(|(a, b)| (a - b).abs()).fold(worst, f32::max);
    }
    assert!(worst < TOLERANCE, "{name} differs by {worst}");
    worst
}

#[test]
fn rten_libtorch_and_onnxruntime_agree_on_the_shipped_model() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let card: ModelCard = serde_json::from_str(weights::LEAN.card).unwrap();
    let labels = card.charset.labels();
    let batches = batches(IMAGES);
    let rten = predict(&mut OnnxPredictor::new(weights::LEAN.onnx.to_vec(), labels).unwrap(), &batches);

    let cpu = DeviceChoice::Cpu;
    let mut torch = TorchPredictor::load(card.network, labels, weights::LEAN.safetensors, cpu).unwrap();
    let worst = assert_same("libtorch", &rten, &predict(&mut torch, &batches));
    println!("largest difference of rten and libtorch on {IMAGES} images: {worst:e}");

    let theirs = onnxruntime(&root.join("models/weights/lean.onnx"), &batches, labels);
    let worst = assert_same("onnxruntime", &rten, &theirs);
    println!("largest difference of rten and onnxruntime on {IMAGES} images: {worst:e}");
}

/// What Python's onnxruntime answers.
fn onnxruntime(model: &Path, batches: &[ImageBatch], labels: usize) -> Vec<LabelDistributions> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let folder = tempfile::tempdir().unwrap();
    let (input, output) = (folder.path().join("images.f32"), folder.path().join("answers.f32"));
    let bytes: Vec<u8> =
        batches.iter().flat_map(|batch| &batch.pixels).flat_map(|v| v.to_le_bytes()).collect();
    fs::write(&input, bytes).unwrap();
    let python = root.join(".venv/bin/python");
    assert!(python.exists(), "onnxruntime is not installed: run scripts/test_tools.sh");
    let status = Command::new(python)
        .arg(root.join("trainer/tests/onnxruntime_answers.py"))
        .args([model, &input, &output])
        .status()
        .unwrap();
    assert!(status.success());
    let values: Vec<f32> = fs::read(&output)
        .unwrap()
        .chunks_exact(4)
        .map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]))
        .collect();
    let images: usize = batches.iter().map(|batch| batch.count).sum();
    values
        .chunks_exact(values.len() / images)
        .map(|image| LabelDistributions::new(image.to_vec(), labels).unwrap())
        .collect()
}

/// A network with parameters at random, its statistics among them, as a trained one's are.
fn at_random(network: Network, labels: usize) -> Parameters {
    let outline = Outline::of(network, preprocess::HEIGHT, preprocess::WIDTH, labels);
    let mut parameters = torch::initialize(&outline.parameters, Device::Cpu);
    tch::no_grad(|| {
        for (name, tensor) in &mut parameters {
            let noise = tensor.rand_like();
            let value = match name.rsplit('.').next() {
                Some("variance") => noise + 0.5,
                Some("mean" | "bias" | "gate_bias") => noise - 0.5,
                _ => tensor.detach().copy(),
            };
            tensor.copy_(&value);
        }
    });
    parameters
}

fn weights_of(parameters: &Parameters) -> Weights {
    let of = |tensor: &Tensor| {
        let shape = tensor.size().into_iter().map(|size| size as usize).collect();
        (shape, Vec::<f32>::try_from(tensor.detach().flatten(0, -1)).unwrap())
    };
    parameters.iter().map(|(name, tensor)| (name.clone(), of(tensor))).collect()
}

#[test]
fn every_network_is_the_same_on_all_engines() {
    tch::manual_seed(3);
    let charset = Charset::alphanumeric();
    let labels = charset.labels();
    let batches = batches(BATCH as u64);
    let folder = tempfile::tempdir().unwrap();
    for network in Network::ALL {
        let parameters = at_random(network, labels);
        let onnx = onnx::write(network, preprocess::HEIGHT, &charset, &weights_of(&parameters)).unwrap();
        let file = folder.path().join("network.onnx");
        fs::write(&file, &onnx).unwrap();
        let rten = predict(&mut OnnxPredictor::new(onnx, labels).unwrap(), &batches);
        let mut torch = TorchPredictor::new(network, labels, parameters, Device::Cpu);
        let torch = assert_same(network.name(), &rten, &predict(&mut torch, &batches));
        let runtime = assert_same(network.name(), &rten, &onnxruntime(&file, &batches, labels));
        println!("{network}: {torch:e} from libtorch, {runtime:e} from onnxruntime");
        let steps = rten[0].steps().len();
        let expected = if network.alignment() == Alignment::Positions { 2 * POSITIONS } else { 32 };
        assert_eq!(steps, expected, "{network}");
        if network.alignment() == Alignment::Positions {
            assert!(rten.iter().all(|image| decode::greedy(image).len() == POSITIONS));
        }
    }
}
