//! What limits cost: greedy decoding, the beam without and with limits, and the whole reading with each, on the shipped
//! network's outputs for the fixtures. Absolute times come from criterion; ratios come from rounds in which all take
//! turns, since the machine may be busy with something else.
// A bench may stop at the first surprise; criterion's macro documents nothing; the ratios are printed.
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

use std::{
    cell::RefCell,
    fs,
    hint::black_box,
    path::{Path, PathBuf},
    time::Instant,
};

use byecaptcha_models::{
    ImageBatch, LabelDistributions, ModelCard, Predictor, PreparedImage, ReadingOptions, Recognizer,
    decode::{self, Constraint},
    onnx::OnnxPredictor,
    preprocess, weights,
};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

/// The texts that a recognizer keeps.
const WIDTH: usize = 8;
/// Rounds of the ratios: their median stands still where single rounds do not.
const ROUNDS: usize = 61;

/// A fixture as it is prepared, what the network says of it, and its text.
struct Fixture {
    image: PreparedImage,
    output: LabelDistributions,
    text: String,
}

fn predictor() -> (ModelCard, OnnxPredictor) {
    let card: ModelCard = serde_json::from_str(weights::LEAN.card).unwrap();
    let predictor = OnnxPredictor::new(weights::LEAN.onnx.to_vec(), card.charset.labels()).unwrap();
    (card, predictor)
}

fn batch(image: &PreparedImage) -> ImageBatch {
    ImageBatch { pixels: image.pixels.clone(), count: 1, height: preprocess::HEIGHT, width: image.width }
}

fn fixtures(recognizer: &Recognizer, predictor: &mut OnnxPredictor) -> Vec<Fixture> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../trainer/tests/fixtures/var456");
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let fixture = |path: &PathBuf| {
        let image = recognizer.prepare(&fs::read(path).unwrap()).unwrap();
        let output = predictor.predict(&batch(&image)).unwrap().remove(0);
        let text = path.file_stem().unwrap().to_str().unwrap().split_once("_num").unwrap().0.to_owned();
        Fixture { image, output, text }
    };
    paths.iter().map(fixture).collect()
}

/// The limits by name, as a caller who knows the text's would give them; the last one is wrong about it.
fn limits(text: &str) -> Vec<(&'static str, ReadingOptions)> {
    let length = text.chars().count();
    let exactly = |length| ReadingOptions {
        min_length: Some(length),
        max_length: Some(length),
        ..ReadingOptions::default()
    };
    // Half of what the text does not hold is known not to be in it.
    let charset: String = ('1'..='9')
        .chain('A'..='Z')
        .chain('a'..='z')
        .enumerate()
        .filter(|&(place, character)| place % 2 == 0 || text.contains(character))
        .map(|(_, character)| character)
        .collect();
    vec![
        ("no limits", ReadingOptions::default()),
        ("exact length", exactly(length)),
        ("charset", ReadingOptions { charset: Some(charset.clone()), ..ReadingOptions::default() }),
        ("both", ReadingOptions { charset: Some(charset), ..exactly(length) }),
        (
            "length 4 to 6",
            ReadingOptions { min_length: Some(4), max_length: Some(6), ..ReadingOptions::default() },
        ),
        ("a length that is wrong", exactly(length + 1)),
    ]
}

fn constraint(card: &ModelCard, options: &ReadingOptions) -> Constraint {
    let labels = |charset: &String| {
        let known = charset.chars().filter(|character| card.charset.characters().contains(character));
        card.charset.encode(&known.collect::<String>()).unwrap()
    };
    Constraint {
        labels: options.charset.as_ref().map(labels),
        min_length: options.min_length.unwrap_or_default(),
        max_length: options.max_length,
    }
}

/// Something to be timed: it goes once through all the fixtures.
type Pass<'a> = (String, Box<dyn FnMut() + 'a>);

fn decoders<'a>(card: &ModelCard, fixtures: &'a [Fixture]) -> Vec<Pass<'a>> {
    let mut passes: Vec<Pass<'a>> = vec![(
        "greedy".to_owned(),
        Box::new(move || {
            for fixture in fixtures {
                black_box(decode::greedy(black_box(&fixture.output)));
            }
        }),
    )];
    let of_each: Vec<_> = fixtures.iter().map(|fixture| limits(&fixture.text)).collect();
    for (kind, (name, _)) in of_each[0].iter().enumerate() {
        let constraints: Vec<Constraint> =
            of_each.iter().map(|limits| constraint(card, &limits[kind].1)).collect();
        let pass = move || {
            for (fixture, constraint) in fixtures.iter().zip(&constraints) {
                black_box(decode::beam_within(black_box(&fixture.output), WIDTH, constraint));
            }
        };
        passes.push((format!("beam, {name}"), Box::new(pass)));
    }
    passes
}

/// The median, over the rounds, of each pass's time in units of the first one's in the same round.
fn ratios(title: &str, passes: &mut [Pass<'_>], pictures: usize) {
    let mut rounds: Vec<Vec<f64>> = Vec::new();
    for round in 0..=ROUNDS {
        let mut times = vec![0.0; passes.len()];
        // Each round begins elsewhere, so that nobody always comes after the same one.
        for turn in 0..passes.len() {
            let index = (turn + round) % passes.len();
            let start = Instant::now();
            passes[index].1();
            times[index] = start.elapsed().as_secs_f64();
        }
        // The first round warms up.
        if round > 0 {
            rounds.push(times);
        }
    }
    let median = |mut values: Vec<f64>| {
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    };
    println!("{title}: median of {ROUNDS} interleaved rounds over {pictures} pictures");
    for (index, (name, _)) in passes.iter().enumerate() {
        let microseconds = median(rounds.iter().map(|times| times[index] * 1e6 / pictures as f64).collect());
        let ratio = median(rounds.iter().map(|times| times[index] / times[0]).collect());
        println!("  {name:32} {microseconds:8.2} us a picture  {ratio:6.2} times {}", passes[0].0);
    }
}

fn compare(criterion: &mut Criterion) {
    let (card, mut network) = predictor();
    let recognizer = RefCell::new(Recognizer::embedded().unwrap());
    let fixtures = fixtures(&recognizer.borrow(), &mut network);

    let mut decoders = decoders(&card, &fixtures);
    ratios("decoding alone", &mut decoders, fixtures.len());
    let mut group = criterion.benchmark_group("decode");
    group.throughput(Throughput::Elements(fixtures.len() as u64));
    for (name, pass) in &mut decoders {
        group.bench_function(name.as_str(), |bencher| bencher.iter(&mut *pass));
    }
    group.finish();

    // Sixteen pictures are enough of the network, which takes a hundred times as long as what is compared.
    let some = &fixtures[..16];
    let mut readings: Vec<Pass<'_>> = vec![(
        "network and greedy".to_owned(),
        Box::new(|| {
            for fixture in some {
                let output = network.predict(&batch(&fixture.image)).unwrap().remove(0);
                black_box(decode::greedy(&output));
            }
        }),
    )];
    for (kind, (name, _)) in limits("1234").iter().enumerate() {
        let options: Vec<_> = some.iter().map(|fixture| limits(&fixture.text).remove(kind).1).collect();
        let recognizer = &recognizer;
        let pass = move || {
            for (fixture, options) in some.iter().zip(&options) {
                let (image, options) = (std::slice::from_ref(&fixture.image), std::slice::from_ref(options));
                black_box(recognizer.borrow_mut().recognize_with(image, options).unwrap());
            }
        };
        readings.push((format!("whole reading, {name}"), Box::new(pass)));
    }
    ratios("the whole reading", &mut readings, some.len());
    let mut group = criterion.benchmark_group("whole reading");
    group.throughput(Throughput::Elements(some.len() as u64)).sample_size(20);
    for (name, pass) in &mut readings {
        group.bench_function(name.as_str(), |bencher| bencher.iter(&mut *pass));
    }
    group.finish();
}

criterion_group!(benches, compare);
criterion_main!(benches);
