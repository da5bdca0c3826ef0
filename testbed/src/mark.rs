//! The mark on a picture that is to bring an engine down: two flat halves that no captcha has, known again in what an
//! engine is given.

use std::io::Cursor;

use image::{GrayImage, ImageFormat, ImageResult, Luma};

/// Width and height in pixels, which preparation leaves as they are.
const SIZE: (u32, u32) = (128, 48);
/// Columns that are black; the others are white, and more, so that the white is the ground.
const BLACK: usize = 32;

/// A marked picture, as PNG.
///
/// # Errors
///
/// What the encoder says, which for this picture is nothing.
pub fn picture() -> ImageResult<Vec<u8>> {
    let shade = |x: u32, _| Luma([if (x as usize) < BLACK { 0 } else { 255 }]);
    let mut encoded = Cursor::new(Vec::new());
    GrayImage::from_fn(SIZE.0, SIZE.1, shade).write_to(&mut encoded, ImageFormat::Png)?;
    Ok(encoded.into_inner())
}

/// Whether a prepared picture, row-major and so many pixels wide, has the mark.
pub fn is_on(pixels: &[f32], width: usize) -> bool {
    width == SIZE.0 as usize
        && pixels.chunks(width).all(|row| {
            let (black, white) = row.split_at(BLACK.min(row.len()));
            black.iter().all(|&pixel| pixel < -1.0) && white.iter().all(|&pixel| pixel > 0.3)
        })
}

#[cfg(test)]
mod tests {
    use byecaptcha_models::preprocess::{ImageLimits, MAX_WIDTH, decode, prepare};

    use crate::pictures::Pictures;

    fn has_mark(picture: &[u8]) -> bool {
        let prepared = prepare(&decode(picture, ImageLimits::default()).unwrap(), MAX_WIDTH);
        super::is_on(&prepared.pixels, prepared.width)
    }

    #[test]
    fn the_mark_survives_preparation_and_is_on_no_captcha() {
        assert!(has_mark(&super::picture().unwrap()));
        let pictures = Pictures::draw(100, 1).unwrap();
        assert!(pictures.iter().all(|picture| !has_mark(&picture.file)));
    }
}
