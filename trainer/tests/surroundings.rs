//! Pictures are found in screenshots, and pictures that are no screenshots are left as they are.
// A test may stop at the first surprise.
#![allow(clippy::unwrap_used)]

use byecaptcha_dataset::{Generator, Style};
use byecaptcha_models::preprocess::{WIDTH, prepare, without_surroundings};

const IMAGES: u64 = 3_000;

#[test]
fn pictures_without_surroundings_stay_whole() {
    for preset in ["hku", "hku6", "default", "0.7.1"] {
        let generator = Generator::new(Style::preset(preset).unwrap(), 0x5ce).unwrap();
        let samples = (0..IMAGES).map(|index| generator.sample(index));
        let cut: Vec<_> = samples
            .filter_map(|sample| {
                without_surroundings(&sample.image).map(|found| (sample.label, found.dimensions()))
            })
            .collect();
        println!("{preset}: {} of {IMAGES} cut: {:?}", cut.len(), &cut[..cut.len().min(5)]);
        assert!(cut.len() as u64 * 1_000 <= IMAGES, "{preset}: {cut:?}");
    }
}

#[test]
fn most_cuts_fill_the_frame_they_were_trained_in() {
    let generator = Generator::new(Style::preset("hku").unwrap(), 0x5ce).unwrap();
    let found =
        (0..IMAGES).filter(|&index| prepare(&generator.page_sample(index).image).width == WIDTH).count();
    println!("{found} of {IMAGES}");
    assert!(found as u64 * 100 >= IMAGES * 90, "{found}");
}
