//! From an uploaded file to the pixels a network was trained on. The trainer goes through the same door.

mod decode;
mod prepare;
mod surroundings;

pub use decode::{ImageError, ImageLimits, decode};
pub use prepare::{HEIGHT, MAX_WIDTH, PreparedImage, WIDTH, prepare};
pub use surroundings::without_surroundings;
