//! From an uploaded file to the pixels a network was trained on. The trainer goes through the same door.

mod decode;
mod locate;
mod prepare;
mod strips;

pub use decode::{ImageError, ImageLimits, decode};
pub use locate::{Found, Locator, seen};
pub use prepare::{HEIGHT, MAX_WIDTH, PreparedImage, WIDTH, prepare};
pub use strips::{EDGES, REACHES, moved, strips};
