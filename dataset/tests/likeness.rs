//! Images drawn here against images drawn by the Python library: the distributions of their features must agree, and
//! plausible mistakes must not pass for it. The fixtures come from tests/fixtures/draw_reference.py.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "a test may panic")]

use std::path::Path;

use byecaptcha_dataset::{Deviation, Draw, Generator, Resampling, Style, Warp};
use image::RgbImage;
use rayon::iter::{IntoParallelIterator, ParallelIterator};

const FEATURES: usize = 12;
/// As many as in the fixture.
const IMAGES: u64 = 1002;

/// Largest distance of two cumulative distributions (Kolmogorov-Smirnov) that counts as agreement. With 1002 images on
/// either side, chance alone exceeds it once in 2,500 comparisons.
const LIMIT: f64 = 0.09;
/// Distance by which a mistake must show in some feature.
const NOTICED: f64 = 0.18;

/// The definition of draw_reference.py, whose order this keeps.
fn features(bytes: usize, image: &RgbImage) -> [f64; FEATURES] {
    let (width, height) = (image.width() as usize, image.height() as usize);
    let luminance =
        |[r, g, b]: [u8; 3]| (299 * i64::from(r) + 587 * i64::from(g) + 114 * i64::from(b)) / 1000;
    let grey: Vec<i64> = image.pixels().map(|pixel| luminance(pixel.0)).collect();
    let at = |x: usize, y: usize| grey[y * width + x];
    let count = grey.len() as f64;
    let mean = grey.iter().sum::<i64>() as f64 / count;
    let contrast = (grey.iter().map(|&value| (value as f64 - mean).powi(2)).sum::<f64>() / count).sqrt();
    let mut ranked = grey.clone();
    ranked.sort_unstable();
    let (low, high) = (ranked[grey.len() * 2 / 100], ranked[grey.len() * 95 / 100]);
    let span = (high - low).max(1);
    let ink = |x: usize, y: usize| 2 * at(x, y) < low + high;
    let columns: Vec<f64> = (0..width).map(|x| (0..height).filter(|&y| ink(x, y)).count() as f64).collect();
    let column_mean = columns.iter().sum::<f64>() / width as f64;
    let spread = columns.iter().map(|column| (column - column_mean).powi(2)).sum::<f64>() / width as f64;
    let pairs = |steps: &dyn Fn(usize, usize) -> i64, width: usize, height: usize| {
        let sum =
            (0..height).flat_map(|y| (0..width).map(move |x| (x, y))).map(|(x, y)| steps(x, y)).sum::<i64>();
        sum as f64 / (width * height) as f64
    };
    let across = pairs(&|x, y| (at(x + 1, y) - at(x, y)).abs(), width - 1, height);
    let down = pairs(&|x, y| (at(x, y + 1) - at(x, y)).abs(), width, height - 1);
    let inked = columns.iter().sum::<f64>();
    let starts = |starts: &dyn Fn(usize, usize) -> bool| {
        let pixels = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
        pixels.filter(|&(x, y)| ink(x, y) && starts(x, y)).count().max(1) as f64
    };
    let midtones =
        grey.iter().filter(|&&value| 4 * low + span < 4 * value && 4 * value < 4 * high - span).count();
    [
        bytes as f64,
        mean,
        contrast,
        inked / count,
        columns.iter().filter(|&&column| column > 0.0).count() as f64 / width as f64,
        spread.sqrt(),
        across / span as f64,
        down / span as f64,
        inked / starts(&|x, y| x == 0 || !ink(x - 1, y)),
        inked / starts(&|x, y| y == 0 || !ink(x, y - 1)),
        midtones as f64 / count,
        (high - ranked[grey.len() * 10 / 100]) as f64 / (high - ranked[0]).max(1) as f64,
    ]
}

/// Largest distance of the cumulative distributions of two samples.
fn distance(mut ours: Vec<f64>, mut theirs: Vec<f64>) -> f64 {
    ours.sort_unstable_by(f64::total_cmp);
    theirs.sort_unstable_by(f64::total_cmp);
    let share =
        |sorted: &[f64], value: f64| sorted.partition_point(|&v| v <= value) as f64 / sorted.len() as f64;
    let values = ours.iter().chain(&theirs);
    values.map(|&value| (share(&ours, value) - share(&theirs, value)).abs()).fold(0.0, f64::max)
}

const REFERENCE: &str = include_str!("fixtures/features.csv");
const REFERENCE_0_7_1: &str = include_str!("fixtures/features-0.7.1.csv");

fn reference(table: &'static str) -> (Vec<&'static str>, Vec<Vec<f64>>) {
    let mut lines = table.lines();
    let names = lines.next().unwrap().split(',').collect();
    (names, lines.map(|line| line.split(',').map(|value| value.parse().unwrap()).collect()).collect())
}

/// Distance of each feature between images of `generator` and Python's, with the feature's name.
fn compare(generator: &Generator, reference_table: &'static str) -> Vec<(&'static str, f64)> {
    let ours: Vec<[f64; FEATURES]> = (0..IMAGES)
        .into_par_iter()
        .map(|index| features(generator.encoded(index).1.len(), &generator.sample(index).image))
        .collect();
    let (names, theirs) = reference(reference_table);
    assert_eq!((names.len(), theirs.len()), (FEATURES, ours.len()));
    let column = |at: usize| {
        let ours = ours.iter().map(|row| (row[at] * 1e5).round() / 1e5).collect();
        distance(ours, theirs.iter().map(|row| row[at]).collect())
    };
    names.into_iter().enumerate().map(|(at, name)| (name, column(at))).collect()
}

fn worst(distances: &[(&'static str, f64)]) -> f64 {
    distances.iter().map(|&(_, distance)| distance).fold(0.0, f64::max)
}

fn hku() -> Style {
    Style::preset("hku").unwrap()
}

#[test]
fn images_are_distributed_as_pythons() {
    let newer = Style { warp: Warp::V0_7_1, ..hku() };
    for (style, reference) in [(hku(), REFERENCE), (newer, REFERENCE_0_7_1)] {
        let distances = compare(&Generator::new(style, 1).unwrap(), reference);
        assert!(worst(&distances) < LIMIT, "{distances:?}");
    }
}

#[test]
fn mistakes_would_be_noticed() {
    let generator = || Generator::new(hku(), 1).unwrap();
    let newer = Style { warp: Warp::V0_7_1, ..hku() };
    let larger = Style { font_sizes: vec![44], ..hku() };
    let nearest = Style { resampling: Resampling::Nearest, ..hku() };
    for (mistake, generator) in [
        ("warp of 0.7.1", Generator::new(newer, 1).unwrap()),
        ("soft strokes", generator().deviating(Deviation::SoftStrokes)),
        ("mask without its factor", generator().deviating(Deviation::PlainMask)),
        ("larger font", Generator::new(larger, 1).unwrap()),
        ("nearest resizing", Generator::new(nearest, 1).unwrap()),
    ] {
        let distances = compare(&generator, REFERENCE);
        assert!(worst(&distances) > NOTICED, "{mistake} passes for Python's drawing: {distances:?}");
    }
}

#[test]
fn the_features_are_pythons_on_pythons_files() {
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/samples");
    let (names, theirs) = reference(REFERENCE);
    let mut seen = 0;
    for entry in std::fs::read_dir(samples).unwrap() {
        let path = entry.unwrap().path();
        let stem = path.file_stem().unwrap().to_str().unwrap();
        let index: usize = stem.rsplit("_num").next().unwrap().parse().unwrap();
        let bytes = std::fs::read(&path).unwrap();
        let image = image::load_from_memory(&bytes).unwrap().into_rgb8();
        let ours = features(bytes.len(), &image);
        for (at, name) in names.iter().enumerate() {
            let (here, there) = (ours[at], theirs[index - 1][at]);
            // The decoders differ by a level here and there, in the interpolation of chroma.
            assert!(
                (here - there).abs() <= 0.02 * there.abs() + 1e-3,
                "{name} of {stem}: {here} instead of {there}"
            );
        }
        seen += 1;
    }
    assert_eq!(seen, 20);
}

#[test]
fn files_are_encoded_as_pillow_encodes() {
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/samples");
    let theirs = std::fs::read(std::fs::read_dir(samples).unwrap().next().unwrap().unwrap().path()).unwrap();
    let (_, ours, _) = Generator::new(hku(), 1).unwrap().encoded(0);
    // Quantisation and Huffman tables.
    for marker in [0xdb, 0xc4] {
        assert_eq!(segments(&ours, marker), segments(&theirs, marker), "segment {marker:x}");
    }
    // Precision, size and number of components, then sampling factors and tables; a component's name is free.
    let frame = |file: &[u8]| {
        let segment = segments(file, 0xc0).remove(0);
        let components = segment[6..].chunks(3).map(|component| component[1..].to_vec()).collect::<Vec<_>>();
        (segment[..6].to_vec(), components)
    };
    assert_eq!(frame(&ours), frame(&theirs));
}

/// Contents of the header segments with this marker, sorted, as writers may split and order them.
fn segments(file: &[u8], wanted: u8) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    let mut at = 2;
    while file[at + 1] != 0xda {
        let length = usize::from(u16::from_be_bytes([file[at + 2], file[at + 3]]));
        if file[at + 1] == wanted {
            found.push(file[at + 4..at + 2 + length].to_vec());
        }
        at += 2 + length;
    }
    found.sort();
    found
}
