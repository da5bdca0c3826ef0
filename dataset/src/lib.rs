//! Labelled captcha images, drawn the way the Python library `captcha` draws them (version 0.3 on Pillow).
//!
//! A [`Style`] says what is drawn, a [`Generator`] draws it: image number `index` depends only on the style, the seed
//! and the index, so a run gives the same images whatever the number of threads.
//!
//! ```
//! use byecaptcha_dataset::{Generator, Style};
//! let generator = Generator::new(Style::preset("hku")?, 1)?;
//! let sample = generator.sample(0);
//! assert_eq!(sample.image.dimensions(), (128, 48));
//! assert_eq!(sample.label.len(), 4);
//! # Ok::<(), byecaptcha_dataset::Error>(())
//! ```

mod character;
mod encode;
#[cfg(test)]
mod fixtures;
mod font;
mod generator;
mod layout;
mod noise;
pub mod page;
mod resample;
mod style;
pub mod tfrecord;

pub use generator::{Generator, Sample};
#[doc(hidden)]
pub use layout::Deviation;
pub use style::{Encoding, Error, Resampling, Style, Warp};
