//! A file on its way to the network: decoded, its picture found, and fitted into the frame.
#![no_main]

use byecaptcha_models::{
    ImageLimits,
    preprocess::{HEIGHT, Locator, MAX_WIDTH, decode},
};
use libfuzzer_sys::fuzz_target;

/// Smaller than what is served, so that a run is about pictures and not about filling memory.
const LIMITS: ImageLimits = ImageLimits { max_width: 512, max_height: 512, max_alloc: 8 << 20 };

thread_local! {
    static LOCATOR: Locator = Locator::embedded().expect("the locator that ships");
}

fuzz_target!(|file: &[u8]| {
    let Ok(picture) = decode(file, LIMITS) else { return };
    let prepared = LOCATOR.with(|locator| locator.prepare(&picture, MAX_WIDTH));
    assert!((1..=MAX_WIDTH).contains(&prepared.width), "{}", prepared.width);
    assert_eq!(prepared.pixels.len(), HEIGHT * prepared.width);
    assert!(prepared.pixels.iter().all(|value| value.is_finite()));
});
