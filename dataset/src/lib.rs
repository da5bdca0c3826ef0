//! Labelled captcha images: drawn the way the Python library `captcha` draws them (version 0.3 on Pillow), and composed
//! in the manner of many other libraries.
//!
//! What draws is behind one trait, [`Draw`]: image number `index` depends only on the style, the seed and the index, so a
//! run gives the same images whatever the number of threads. [`open`] finds any style by its name.
//!
//! ```
//! use byecaptcha_dataset::Draw;
//! let style = byecaptcha_dataset::open("hku", 1)?;
//! let sample = style.sample(0);
//! assert_eq!(sample.image.dimensions(), (128, 48));
//! assert!((4..=6).contains(&sample.label.len()));
//! # Ok::<(), byecaptcha_dataset::Error>(())
//! ```

mod character;
mod compose;
mod draw;
mod encode;
#[cfg(test)]
mod fixtures;
mod font;
mod generator;
pub mod labels;
mod layout;
mod noise;
pub mod page;
mod resample;
pub mod sheet;
pub mod stdout;
mod style;
pub mod tfrecord;

pub use draw::{
    CROSSED, Draw, Drawing, LOOK_ALIKES, RANDOMIZED, Sample, WRITTEN, composed, crossed, open, styles,
};
pub use generator::Generator;
#[doc(hidden)]
pub use layout::Deviation;
pub use style::{Encoding, Error, Resampling, Style, Warp};

/// A picture after it was saved as JPEG and read again.
///
/// # Errors
/// [`Error::Encode`] where the picture has no pixels or more than JPEG allows.
pub fn jpeg(picture: &image::RgbImage, quality: u8) -> Result<image::RgbImage, Error> {
    encode::decode(&encode::jpeg(picture, quality)?)
}
