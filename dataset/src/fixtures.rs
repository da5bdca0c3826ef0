//! Reads the fixtures drawn by the Python library (tests/fixtures/draw_reference.py says what they are), for unit tests.

use image::RgbaImage;

/// A picture among the fixtures.
pub(crate) fn image(bytes: &[u8]) -> RgbaImage {
    image::load_from_memory(bytes).unwrap().into_rgba8()
}

/// The rows of a table among the fixtures, without its header.
pub(crate) fn rows<const COLUMNS: usize>(
    table: &'static str,
) -> impl Iterator<Item = [&'static str; COLUMNS]> {
    table.lines().skip(1).map(|line| line.split(',').collect::<Vec<_>>().try_into().unwrap())
}
