//! Reads the fixtures drawn by the Python library (tests/fixtures/draw_reference.py says what they are), for unit tests.

use image::RgbaImage;

use crate::resample::{Raster, premultiply};

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

/// A part of the sheet of what Pillow does to a glyph.
pub(crate) fn raster(wanted: &str) -> Raster {
    let sheet = image(include_bytes!("../tests/fixtures/resampling.png"));
    let [_, left, width, height] =
        rows(include_str!("../tests/fixtures/resampling.csv")).find(|row| row[0] == wanted).unwrap();
    let [left, width, height]: [u32; 3] = [left, width, height].map(|number| number.parse().unwrap());
    let pixels = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
    // Pillow keeps colours at their full strength.
    let pixels = pixels.map(|(x, y)| premultiply(sheet.get_pixel(left + x, y).0)).collect();
    Raster { width: width as usize, height: height as usize, pixels }
}
