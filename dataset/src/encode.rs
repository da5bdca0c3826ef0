//! Pictures to files and back.

use std::io::Cursor;

use image::{ImageFormat, RgbImage, Rgba, RgbaImage};
use jpeg_encoder::{ChromaSubsamplingMethod, ColorType, Encoder, SamplingFactor};

use crate::layout::Canvas;
use crate::style::Error;

/// A baseline JPEG as libjpeg writes it for Pillow: 4:2:0 with averaged chroma, standard tables.
pub(crate) fn jpeg(picture: &RgbImage, quality: u8) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::with_capacity(picture.len() / 3);
    let mut encoder = Encoder::new(&mut bytes, quality);
    encoder.set_sampling_factor(SamplingFactor::F_2_2);
    encoder.set_chroma_subsampling_method(ChromaSubsamplingMethod::Average);
    let [width, height] = [picture.width(), picture.height()].map(|side| u16::try_from(side).map_err(failed));
    encoder.encode(picture, width?, height?, ColorType::Rgb).map_err(failed)?;
    Ok(bytes)
}

/// A PNG of eight-bit colour.
pub(crate) fn png(picture: &RgbImage) -> Result<Vec<u8>, Error> {
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, ImageFormat::Png).map_err(failed)?;
    Ok(bytes.into_inner())
}

/// A PNG in which white is transparent, and all else as much as there is white in it: on white it looks as it was drawn.
pub(crate) fn transparent_png(picture: &RgbImage) -> Result<Vec<u8>, Error> {
    let seen_through = RgbaImage::from_fn(picture.width(), picture.height(), |x, y| {
        let channels = picture.get_pixel(x, y).0;
        let alpha = 255 - channels.into_iter().min().unwrap_or(u8::MAX);
        let own = |value: u8| match u32::from(alpha) {
            0 => u8::MAX,
            alpha => ((u32::from(value) + alpha - 255) * 255 / alpha) as u8,
        };
        let [red, green, blue] = channels.map(own);
        Rgba([red, green, blue, alpha])
    });
    let mut bytes = Cursor::new(Vec::new());
    seen_through.write_to(&mut bytes, ImageFormat::Png).map_err(failed)?;
    Ok(bytes.into_inner())
}

/// The image in a JPEG file.
pub(crate) fn decode(bytes: &[u8]) -> Result<RgbImage, Error> {
    Ok(image::load_from_memory_with_format(bytes, ImageFormat::Jpeg).map_err(failed)?.into_rgb8())
}

/// The canvas as an image.
pub(crate) fn image(canvas: Canvas) -> Result<RgbImage, Error> {
    let (width, height) = (canvas.width as u32, canvas.height as u32);
    RgbImage::from_raw(width, height, canvas.bytes).ok_or_else(|| failed("too few pixels"))
}

fn failed(error: impl std::fmt::Display) -> Error {
    Error::Encode(error.to_string())
}
