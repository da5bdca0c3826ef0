//! Time to draw and encode one picture, of the presets and of the composed styles.
#![allow(missing_docs, reason = "criterion's macros define undocumented functions")]

use byecaptcha_dataset::{composed, open};
use criterion::{Criterion, criterion_group, criterion_main};

fn draw(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("draw");
    for name in ["hku", "hku6", "default"].into_iter().chain(composed()) {
        let Ok(style) = open(name, 1) else { continue };
        let mut index = 0;
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                index += 1;
                style.encoded(index)
            });
        });
    }
}

criterion_group!(benches, draw);
criterion_main!(benches);
