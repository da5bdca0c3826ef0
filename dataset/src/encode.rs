//! Canvases to files and back.

use std::io::Cursor;

use image::{ImageFormat, RgbImage};
use jpeg_encoder::{ChromaSubsamplingMethod, ColorType, Encoder, SamplingFactor};

use crate::layout::Canvas;
use crate::style::Error;

/// A baseline JPEG as libjpeg writes it for Pillow: 4:2:0 with averaged chroma, standard tables.
pub(crate) fn jpeg(canvas: &Canvas, quality: u8) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::with_capacity(canvas.bytes.len() / 3);
    let mut encoder = Encoder::new(&mut bytes, quality);
    encoder.set_sampling_factor(SamplingFactor::F_2_2);
    encoder.set_chroma_subsampling_method(ChromaSubsamplingMethod::Average);
    encoder
        .encode(&canvas.bytes, canvas.width as u16, canvas.height as u16, ColorType::Rgb)
        .map_err(failed)?;
    Ok(bytes)
}

/// A PNG of eight-bit colour.
pub(crate) fn png(canvas: Canvas) -> Result<Vec<u8>, Error> {
    let mut bytes = Cursor::new(Vec::new());
    image(canvas)?.write_to(&mut bytes, ImageFormat::Png).map_err(failed)?;
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
