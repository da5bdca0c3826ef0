//! Time to draw and encode one image on one core.
#![allow(missing_docs, reason = "criterion's macros write undocumented items")]

use byecaptcha_dataset::{Error, Generator, Style};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

fn draw(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("encoded");
    group.throughput(Throughput::Elements(1));
    for preset in ["hku", "hku6", "default"] {
        let generator: Result<Generator, Error> =
            Style::preset(preset).and_then(|style| Generator::new(style, 1));
        let Ok(generator) = generator else { continue };
        let mut index = 0;
        group.bench_function(preset, |bencher| {
            bencher.iter(|| {
                index += 1;
                generator.encoded(index)
            });
        });
    }
    group.finish();
}

criterion_group!(benches, draw);
criterion_main!(benches);
