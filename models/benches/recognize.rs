//! Milliseconds for an image on one core, file to text: alone and in batches of eight; and the parts of that.
// A bench may stop at the first surprise; criterion's macro documents nothing.
#![allow(clippy::unwrap_used, missing_docs)]

use std::{fs, path::Path};

use byecaptcha_models::Recognizer;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

fn recognize(criterion: &mut Criterion) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../trainer/tests/fixtures/var456");
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let files: Vec<Vec<u8>> = paths.iter().take(8).map(|path| fs::read(path).unwrap()).collect();
    let mut recognizer = Recognizer::embedded().unwrap();
    recognizer.warm_up(8).unwrap();

    let mut group = criterion.benchmark_group("file to text");
    for count in [1, 8] {
        group.throughput(Throughput::Elements(count as u64));
        group.bench_function(format!("batch of {count}"), |bencher| {
            bencher.iter(|| {
                let prepared: Vec<_> =
                    files[..count].iter().map(|file| recognizer.prepare(file).unwrap()).collect();
                recognizer.recognize(&prepared).unwrap()
            });
        });
    }
    group.throughput(Throughput::Elements(1));
    group.bench_function("decode and prepare one", |bencher| {
        bencher.iter(|| recognizer.prepare(&files[0]).unwrap());
    });
    group.finish();
}

criterion_group!(benches, recognize);
criterion_main!(benches);
