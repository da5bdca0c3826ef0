//! Images a second by batch size, for every engine and device that is there: the network alone, and from prepared image
//! to text. With `--features torch` libtorch takes part, on the CPU and on the first CUDA device.
// A bench may stop at the first surprise; criterion's macro documents nothing; what is not there is said.
#![allow(clippy::unwrap_used, clippy::print_stderr, missing_docs)]

use std::{fs, path::Path, time::Duration};

#[cfg(feature = "torch")]
use byecaptcha_models::{DeviceChoice, torch::TorchPredictor};
use byecaptcha_models::{
    ImageBatch, LoadError, ModelCard, Predictor, PreparedImage, Recognizer, onnx::OnnxPredictor, preprocess,
    weights,
};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

/// Pictures in a batch.
const BATCHES: [usize; 6] = [1, 8, 32, 64, 128, 256];

/// An engine on a device: the network alone, and the whole recognizer.
type Engine = (Box<dyn Predictor>, Recognizer);

fn onnx(card: &ModelCard) -> Result<Engine, LoadError> {
    let predictor = OnnxPredictor::new(weights::LEAN.onnx.to_vec(), card.charset.labels())?;
    Ok((Box::new(predictor), Recognizer::embedded()?))
}

#[cfg(feature = "torch")]
fn torch(card: &ModelCard, device: DeviceChoice) -> Result<Engine, LoadError> {
    let labels = card.charset.labels();
    let predictor = TorchPredictor::load(card.network, labels, weights::LEAN.safetensors, device)?;
    Ok((Box::new(predictor), Recognizer::torch(None, device)?))
}

fn engines(card: &ModelCard) -> Vec<Result<Engine, LoadError>> {
    vec![
        onnx(card),
        #[cfg(feature = "torch")]
        torch(card, DeviceChoice::Cpu),
        #[cfg(feature = "torch")]
        torch(card, DeviceChoice::Cuda(0)),
    ]
}

/// So many of the fixtures, over and over.
fn images(recognizer: &Recognizer, count: usize) -> Vec<PreparedImage> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../trainer/tests/fixtures/var456");
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let prepared: Vec<PreparedImage> =
        paths.iter().map(|path| recognizer.prepare(&fs::read(path).unwrap()).unwrap()).collect();
    prepared.iter().cloned().cycle().take(count).collect()
}

fn batch(images: &[PreparedImage]) -> ImageBatch {
    ImageBatch {
        pixels: images.iter().flat_map(|image| image.pixels.iter().copied()).collect(),
        count: images.len(),
        height: preprocess::HEIGHT,
        width: images[0].width,
    }
}

fn compare(criterion: &mut Criterion) {
    let card: ModelCard = serde_json::from_str(weights::LEAN.card).unwrap();
    for engine in engines(&card) {
        let (mut predictor, mut recognizer) = match engine {
            Ok(engine) => engine,
            Err(error) => {
                eprintln!("left out: {error}");
                continue;
            }
        };
        let mut group = criterion.benchmark_group(recognizer.engine().to_owned());
        group.sample_size(10).warm_up_time(Duration::from_secs(1)).measurement_time(Duration::from_secs(3));
        for count in BATCHES {
            let images = images(&recognizer, count);
            let batch = batch(&images);
            group.throughput(Throughput::Elements(count as u64));
            group.bench_function(format!("network, batch of {count}"), |bencher| {
                bencher.iter(|| predictor.predict(&batch).unwrap());
            });
            group.bench_function(format!("to text, batch of {count}"), |bencher| {
                bencher.iter(|| recognizer.recognize(&images).unwrap());
            });
        }
        group.finish();
    }
}

criterion_group!(benches, compare);
criterion_main!(benches);
