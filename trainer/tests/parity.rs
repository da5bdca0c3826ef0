//! The engines agree: rten, libtorch and Python's onnxruntime give the shipped model the same answers.
// A test may stop at the first surprise.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::{fs, path::Path, process::Command};

use byecaptcha_dataset::{Generator, Style};
use byecaptcha_models::{
    DeviceChoice, ImageBatch, LabelDistributions, ModelCard, Predictor, decode, onnx::OnnxPredictor,
    preprocess, torch::TorchPredictor, weights,
};

/// Images read by each engine.
const IMAGES: u64 = 500;
/// Images in a batch.
const BATCH: usize = 50;
/// Most that two engines' log probabilities may differ by.
const TOLERANCE: f32 = 1e-3;

fn batches() -> Vec<ImageBatch> {
    let generator = Generator::new(Style::preset("hku").unwrap(), 0xa11).unwrap();
    let images: Vec<Vec<f32>> =
        (0..IMAGES).map(|index| preprocess::prepare(&generator.sample(index).image).pixels).collect();
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
    let card: ModelCard = serde_json::from_str(weights::LEAN_CARD).unwrap();
    let labels = card.charset.labels();
    let batches = batches();
    let rten = predict(&mut OnnxPredictor::new(weights::LEAN_ONNX.to_vec(), labels).unwrap(), &batches);

    let cpu = DeviceChoice::Cpu;
    let mut torch = TorchPredictor::load(card.network, labels, weights::LEAN_SAFETENSORS, cpu).unwrap();
    let worst = assert_same("libtorch", &rten, &predict(&mut torch, &batches));
    println!("largest difference of rten and libtorch on {IMAGES} images: {worst:e}");

    let folder = tempfile::tempdir().unwrap();
    let (input, output) = (folder.path().join("images.f32"), folder.path().join("answers.f32"));
    let bytes: Vec<u8> =
        batches.iter().flat_map(|batch| &batch.pixels).flat_map(|v| v.to_le_bytes()).collect();
    fs::write(&input, bytes).unwrap();
    let python = root.join(".venv/bin/python");
    assert!(python.exists(), "onnxruntime is not installed: run scripts/test_tools.sh");
    let status = Command::new(python)
        .arg(root.join("trainer/tests/onnxruntime_answers.py"))
        .args([&root.join("models/weights/lean.onnx"), &input, &output])
        .status()
        .unwrap();
    assert!(status.success());
    let values: Vec<f32> = fs::read(&output)
        .unwrap()
        .chunks_exact(4)
        .map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]))
        .collect();
    let theirs: Vec<LabelDistributions> = values
        .chunks_exact(values.len() / IMAGES as usize)
        .map(|image| LabelDistributions::new(image.to_vec(), labels).unwrap())
        .collect();
    let worst = assert_same("onnxruntime", &rten, &theirs);
    println!("largest difference of rten and onnxruntime on {IMAGES} images: {worst:e}");
}
