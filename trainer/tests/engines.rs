//! The libtorch engine behind the recognizer: it reads what the ONNX engine reads, on the CPU and, where there is one,
//! on a GPU, and says what is wrong with files and devices that it cannot use.
// A test may stop at the first surprise.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::{
    fs,
    path::{Path, PathBuf},
    thread,
};

use byecaptcha_models::{DeviceChoice, LoadError, Reading, Recognizer, load::sha256, weights};
use byecaptcha_trainer::folder;
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use serde_json::{Value, json};
use tempfile::TempDir;

/// Images in a batch: no divisor of their number, so that the last batch is smaller.
const BATCH: usize = 8;
/// Most that two engines' confidences may differ by.
const TOLERANCE: f32 = 0.01;

fn read_all(mut recognizer: Recognizer) -> Vec<Reading> {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/var456");
    let files = folder::files(&fixtures).unwrap();
    let batches = files.chunks(BATCH).map(|files| {
        let prepare = |file: &PathBuf| recognizer.prepare(&fs::read(file).unwrap()).unwrap();
        let prepared: Vec<_> = files.iter().map(prepare).collect();
        recognizer.recognize(&prepared).unwrap()
    });
    batches.collect::<Vec<_>>().concat()
}

#[test]
fn both_engines_read_the_same_on_every_device() {
    let onnx = read_all(Recognizer::embedded().unwrap());
    assert_eq!(onnx.len(), 100);
    for device in [DeviceChoice::Cpu, DeviceChoice::Auto] {
        let recognizer = Recognizer::torch(None, device).unwrap();
        let engine = recognizer.engine().to_owned();
        let cuda = tch::Cuda::device_count() > 0 && device == DeviceChoice::Auto;
        assert_eq!(engine, if cuda { "torch cuda:0" } else { "torch cpu" });
        // As in a worker, one thread loads and another reads, on one core.
        let read = move || (read_all(recognizer), tch::get_num_threads());
        let (torch, threads) = thread::spawn(read).join().unwrap();
        assert_eq!((torch.len(), threads), (onnx.len(), 1));
        for (a, b) in onnx.iter().zip(&torch) {
            assert_eq!(a.text, b.text, "{engine}");
            assert!((a.confidence - b.confidence).abs() < TOLERANCE, "{engine}: {a:?} and {b:?}");
        }
    }
}

/// A folder with a model's card and weights, and the file that `--model` would name.
fn model(weights: &[u8], change: impl FnOnce(&mut Value)) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let mut card: Value = serde_json::from_str(weights::LEAN.card).unwrap();
    card["safetensors_sha256"] = json!(sha256(weights));
    change(&mut card);
    fs::write(folder.path().join("own.json"), card.to_string()).unwrap();
    fs::write(folder.path().join("own.safetensors"), weights).unwrap();
    let onnx = folder.path().join("own.onnx");
    (folder, onnx)
}

fn refusal(weights: &[u8], change: impl FnOnce(&mut Value)) -> LoadError {
    let (_folder, onnx) = model(weights, change);
    match Recognizer::torch(Some(&onnx), DeviceChoice::Cpu) {
        Ok(recognizer) => panic!("{} was loaded", recognizer.card().name),
        Err(error) => error,
    }
}

#[test]
fn a_model_of_ones_own_needs_its_safetensors_and_its_card() {
    let (folder, onnx) = model(weights::LEAN.safetensors, |card| card["name"] = json!("own"));
    let recognizer = Recognizer::torch(Some(&onnx), DeviceChoice::Cpu).unwrap();
    assert_eq!(recognizer.card().name, "own");
    for file in ["own.safetensors", "own.json"] {
        fs::remove_file(folder.path().join(file)).unwrap();
        let error = Recognizer::torch(Some(&onnx), DeviceChoice::Cpu).map(drop).unwrap_err();
        assert!(matches!(&error, LoadError::Read { path, .. } if path.ends_with(file)), "{error}");
    }
}

#[test]
fn damaged_weights_are_not_those_of_the_card() {
    let mut damaged = weights::LEAN.safetensors.to_vec();
    *damaged.last_mut().unwrap() ^= 1;
    let expected = sha256(weights::LEAN.safetensors);
    let error = refusal(&damaged, |card| card["safetensors_sha256"] = json!(expected));
    assert!(matches!(error, LoadError::Checksum { .. }), "{error}");
}

/// Files whose card has the right checksum, and which are wrong all the same.
#[test]
fn wrong_weights_are_refused_with_a_reason() {
    let whole = weights::LEAN.safetensors;
    let empty: &[u8] = &[];
    for weights in [&whole[..whole.len() - 4], &whole[..100], weights::LEAN.onnx, empty] {
        let error = refusal(weights, |_| {}).to_string();
        assert!(error.contains("this is no safetensors file"), "{error}");
    }
    let error = refusal(whole, |card| card["network"] = json!("cnn5-blstm")).to_string();
    assert!(
        error.contains("conv1.weight is F32 [22, 16, 3, 3], the network wants F32 [16, 1, 7, 7]"),
        "{error}"
    );
    let error = refusal(&with_narrow_bias(None), |_| {}).to_string();
    assert!(error.contains("the file holds no parameter narrow.bias"), "{error}");
    let error = refusal(whole, |card| card["charset"] = json!("0123456789")).to_string();
    assert!(error.contains("classify.weight is F32 [63, 128], the network wants F32 [11, 128]"), "{error}");
    let error = refusal(whole, |card| card["height"] = json!(64)).to_string();
    assert!(error.contains("it reads 64 rows"), "{error}");
    let halves = TensorView::new(Dtype::F16, vec![64], &[0; 128]).unwrap();
    let error = refusal(&with_narrow_bias(Some(&halves)), |_| {}).to_string();
    assert!(error.contains("narrow.bias is F16 [64], the network wants F32 [64]"), "{error}");
}

/// The weights that ship, with another parameter in place of one of them, or none.
fn with_narrow_bias(other: Option<&TensorView<'_>>) -> Vec<u8> {
    let file = SafeTensors::deserialize(weights::LEAN.safetensors).unwrap();
    let views = file.tensors().into_iter().filter_map(|(name, view)| {
        let view = if name == "narrow.bias" { other.cloned()? } else { view };
        Some((name, view))
    });
    safetensors::serialize(views, None).unwrap()
}

#[test]
fn a_device_that_is_not_there_is_named() {
    let error = Recognizer::torch(None, DeviceChoice::Cuda(200)).map(drop).unwrap_err().to_string();
    assert!(error.starts_with("libtorch finds") && error.ends_with("and not cuda:200"), "{error}");
}
