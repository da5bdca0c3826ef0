//! The locator finds the Python library's pictures in screenshots and others' texts in anything, leaves that library's pictures
//! as they are where they are no screenshots, and is the same network on both engines.
// A test may stop at the first surprise.
#![allow(clippy::unwrap_used)]

use byecaptcha_dataset::{Draw, Generator, Sample, Style};
use byecaptcha_models::{
    networks::{
        LOCATOR_HEIGHT, LOCATOR_WIDTH, Outline, REFINER_ACROSS, REFINER_ALONG, REFINER_CHANNELS, locator,
        refiner,
    },
    onnx::{self, Weights},
    preprocess::{Locator, REACHES, moved, seen, strips},
    torch::{Parameters, Precision, TorchGraph, initialize},
    weights,
};
use image::RgbImage;
use tch::{Device, Tensor};

const IMAGES: u64 = 2_000;

fn generator(preset: &str) -> Generator {
    Generator::new(Style::preset(preset).unwrap(), 0x5ce).unwrap()
}

#[test]
fn pictures_without_surroundings_stay_whole() {
    let locator = Locator::embedded().unwrap();
    // At most so many of a thousand: the figures of both models' cards are with what is cut. The last
    // style is none that the locator learned from.
    for (preset, most) in [("hku", 15), ("hku6", 15), ("default", 60), ("0.7.1", 70)] {
        let generator = generator(preset);
        let cut = |index: &u64| {
            let image = generator.sample(*index).image;
            locator.look(&image).unwrap().picture(&image).is_some()
        };
        let cut = (0..IMAGES).filter(cut).count() as u64;
        println!("{preset}: {cut} of {IMAGES} cut");
        assert!(cut * 1_000 <= IMAGES * most, "{preset}: {cut}");
    }
}

/// All four edges are found to a twentieth of the screenshot in nearly all of them, and to a hundredth in most; the refiner does
/// the latter.
#[test]
fn pictures_are_found_where_they_are() {
    let generator = generator("hku");
    let found = |locator: &Locator, limit: f32| {
        let right = |&index: &u64| {
            let Sample { image, place, .. } = generator.page(index);
            let sides = [image.width(), image.height()].map(|side| side as f32);
            let found = locator.look(&image).unwrap().edges;
            (0..4).all(|edge| {
                (found[edge] - (place[edge] as f32 / sides[edge % 2]).clamp(0.0, 1.0)).abs() <= limit
            })
        };
        (0..IMAGES).filter(right).count() as u64
    };
    let refined = Locator::embedded().unwrap();
    let rough = Locator::new(weights::LOCATOR_ONNX.to_vec()).unwrap();
    let [near, exact, rough] = [found(&refined, 0.05), found(&refined, 0.01), found(&rough, 0.01)];
    println!("{near} of {IMAGES} found to a twentieth, {exact} to a hundredth, {rough} without the refiner");
    assert!(near * 100 >= IMAGES * 93 && exact * 100 >= IMAGES * 60, "{near} {exact}");
    assert!(exact > 3 * rough, "{exact} {rough}");
}

/// Of what composed styles draw, the texts stay whole, and their surroundings go.
#[test]
fn texts_are_found_in_pictures_that_the_library_did_not_draw() {
    let locator = Locator::embedded().unwrap();
    let style = byecaptcha_dataset::open(byecaptcha_dataset::CROSSED, 0x5ce).unwrap();
    let (mut whole, mut wanted, mut left) = (0, 0.0, 0.0);
    for index in 0..IMAGES {
        let Sample { image, place, .. } = style.sample(index);
        let sides = [image.width(), image.height()].map(|side| side as f32);
        let place: [f32; 4] = std::array::from_fn(|edge| place[edge] as f32 / sides[edge % 2]);
        let found = locator.look(&image).unwrap();
        let edges = if found.picture(&image).is_some() { found.edges } else { [0.0, 0.0, 1.0, 1.0] };
        let [across, down] = [0, 1].map(|side| place[side + 2] - place[side]);
        // How far each edge cuts into the box, as a share of it; a tenth is less than the room around a text.
        let into: [f32; 4] = std::array::from_fn(|edge| {
            let off = (edges[edge] - place[edge]) / [across, down][edge % 2];
            if edge < 2 { off } else { -off }
        });
        whole += u64::from(into.iter().all(|&into| into <= 0.1));
        wanted += across * down;
        left += (edges[2] - edges[0]) * (edges[3] - edges[1]);
    }
    let [wanted, left] = [wanted, left].map(|area| area / IMAGES as f32 * 100.0);
    println!("{whole} of {IMAGES} texts whole; {left:.1}% of the pictures left, {wanted:.1}% wanted");
    assert!(whole * 100 >= IMAGES * 85 && left < wanted + 10.0, "{whole}, {left} of {wanted}");
}

#[test]
fn any_picture_is_looked_at() {
    let locator = Locator::embedded().unwrap();
    for (width, height) in [(1, 1), (8, 2048), (2048, 8), (500, 40)] {
        let prepared =
            locator.prepare(&RgbImage::from_fn(width, height, |x, y| image::Rgb([(x * y) as u8; 3])), 512);
        assert!(prepared.pixels.iter().all(|value| value.is_finite()));
    }
}

/// Parameters as they start, for libtorch and for an ONNX file.
fn fresh(outline: &Outline) -> (Parameters, Weights) {
    tch::manual_seed(5);
    let parameters = initialize(&outline.parameters, Device::Cpu);
    let weights = parameters.iter().map(|(name, tensor)| {
        let shape = tensor.size().into_iter().map(|size| size as usize).collect();
        (name.clone(), (shape, Vec::<f32>::try_from(tensor.detach().flatten(0, -1)).unwrap()))
    });
    let weights = weights.collect();
    (parameters, weights)
}

#[test]
fn both_engines_see_the_same() {
    let (parameters, weights) = fresh(&Outline::of_locator());
    let rten = Locator::new(onnx::write_locator(&weights).unwrap()).unwrap();
    let generator = generator("hku");
    for index in 0..50 {
        let image = generator.page(index).image;
        let shape = [1, 3, LOCATOR_HEIGHT as i64, LOCATOR_WIDTH as i64];
        let seen = Tensor::from_slice(&seen(&image).unwrap()).reshape(shape);
        let mut graph = TorchGraph::new(&parameters, false, Precision::Float32);
        let torch = Vec::<f32>::try_from(locator(&mut graph, &seen).flatten(0, -1)).unwrap();
        let torch = if torch[8] > 0.0 { &torch[..4] } else { &torch[4..8] };
        let rten = rten.look(&image).unwrap().edges;
        for (edge, (torch, rten)) in torch.iter().zip(rten).enumerate() {
            let torch = (torch + if edge < 2 { 0.0 } else { 1.0 }).clamp(0.0, 1.0);
            assert!((torch - rten).abs() < 1e-4, "image {index}, edge {edge}: {torch} and {rten}");
        }
    }
}

#[test]
fn both_engines_refine_the_same() {
    let (parameters, weights) = fresh(&Outline::of_refiner());
    let locator = || Locator::new(weights::LOCATOR_ONNX.to_vec()).unwrap();
    let (rough, refined) = (locator(), locator().refined(onnx::write_refiner(&weights).unwrap()).unwrap());
    let generator = generator("hku");
    let mut compared = 0;
    for index in 0..50 {
        let image = generator.page(index).image;
        let (before, after) = (rough.look(&image).unwrap(), refined.look(&image).unwrap());
        if !before.library {
            assert_eq!(before, after, "texts are not refined");
            continue;
        }
        let sides = [REFINER_CHANNELS, REFINER_ACROSS, REFINER_ALONG].map(|side| side as i64);
        let mut torch = before;
        for reach in REACHES {
            let seen = Tensor::from_slice(&strips(&image, torch.edges, reach).unwrap());
            let mut graph = TorchGraph::new(&parameters, false, Precision::Float32);
            let off = refiner(&mut graph, &seen.reshape([4, sides[0], sides[1], sides[2]])).flatten(0, -1);
            torch.edges = moved(torch.edges, Vec::<f32>::try_from(off).unwrap().try_into().unwrap(), reach);
            if torch.picture(&image).is_none() {
                break;
            }
        }
        for (edge, (torch, rten)) in torch.edges.iter().zip(after.edges).enumerate() {
            assert!((torch - rten).abs() < 1e-4, "image {index}, edge {edge}: {torch} and {rten}");
        }
        compared += 1;
    }
    assert!(compared > 40, "{compared}");
}

#[test]
fn the_library_s_pictures_are_told_from_others() {
    let locator = Locator::embedded().unwrap();
    let kind = |name: &str, pages: bool| {
        let style = byecaptcha_dataset::open(name, 0x5ce).unwrap();
        let library = |&index: &u64| {
            let image = if pages { style.page(index).image } else { style.sample(index).image };
            locator.look(&image).unwrap().library
        };
        (0..500).filter(library).count()
    };
    let library = [
        ("hku", false, 495),
        ("default", false, 485),
        ("hku", true, 450),
        // The locator learned from none of these, and the special model reads them better.
        ("0.7.1", false, 485),
        ("0.7.1-digits", false, 485),
        ("default-all", false, 485),
    ];
    for (name, pages, least) in library {
        let right = kind(name, pages);
        println!("{name}: {right} of 500 known");
        assert!(right >= least, "{name}: {right}");
    }
    let styles = byecaptcha_dataset::composed();
    let wrong: usize = styles.iter().map(|name| kind(name, false)).sum();
    println!("composed: {wrong} of {} taken for the library's", styles.len() * 500);
    assert!(wrong * 100 <= styles.len() * 500, "{wrong}");
}
