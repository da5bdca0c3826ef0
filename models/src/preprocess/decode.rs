//! Uploaded bytes to an 8-bit RGB picture, within limits that hold before memory is taken.

use std::io::Cursor;

use image::{
    DynamicImage, ImageDecoder, ImageError as CodecError, ImageFormat, ImageReader, RgbImage, RgbaImage,
    error::{LimitErrorKind, UnsupportedErrorKind},
};

/// What a picture may be before it is decoded.
#[derive(Clone, Copy, Debug)]
pub struct ImageLimits {
    /// Most pixels from left to right.
    pub max_width: u32,
    /// Most pixels from top to bottom.
    pub max_height: u32,
    /// Most bytes that decoding may take.
    pub max_alloc: u64,
}

impl Default for ImageLimits {
    fn default() -> Self {
        // Captchas are a few hundred pixels wide; this lets a photograph of a screen through and no bomb.
        Self { max_width: 4096, max_height: 4096, max_alloc: 128 << 20 }
    }
}

/// Markers of a JPEG, each after a 0xFF.
const START_OF_IMAGE: u8 = 0xd8;
const END_OF_IMAGE: u8 = 0xd9;
const START_OF_SCAN: u8 = 0xda;
const RESTART_FIRST: u8 = 0xd0;
const RESTART_LAST: u8 = 0xd7;

/// Smallest side, in pixels, that can hold a character.
const MIN_SIDE: u32 = 8;

/// Why a file cannot be read as a picture.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ImageError {
    /// No bytes at all.
    #[error("the file is empty")]
    Empty,
    /// Not one of the formats that are read.
    #[error("the file is not a PNG, JPEG, GIF, WebP or BMP picture")]
    Unsupported,
    /// A format that is read, in a form that is not.
    #[error("this form of picture is not supported: {0}")]
    UnsupportedFeature(String),
    /// Over the limits.
    #[error(
        "the picture is larger than {max_width} x {max_height} pixels or takes too much memory to decode"
    )]
    TooLarge {
        /// Most pixels from left to right.
        max_width: u32,
        /// Most pixels from top to bottom.
        max_height: u32,
    },
    /// No character fits.
    #[error("the picture is {width} x {height} pixels; at least {MIN_SIDE} are needed each way")]
    TooSmall {
        /// Pixels from left to right.
        width: u32,
        /// Pixels from top to bottom.
        height: u32,
    },
    /// The file ends before the picture does.
    #[error("the file ends before the picture does")]
    Truncated,
    /// The bytes contradict the format.
    #[error("the picture is damaged: {0}")]
    Damaged(String),
}

impl ImageError {
    /// A stable, hyphenated word for programs.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Empty => "empty-image",
            Self::Unsupported | Self::UnsupportedFeature(_) => "unsupported-image",
            Self::TooLarge { .. } => "image-too-large",
            Self::TooSmall { .. } => "image-too-small",
            Self::Truncated => "image-truncated",
            Self::Damaged(_) => "image-damaged",
        }
    }
}

/// Decodes the first frame of a PNG, JPEG, GIF, WebP or BMP; what the bytes are, not what a name says, decides.
/// Transparent parts are laid over white, as a browser shows them, or over black where nothing would be seen on white.
pub fn decode(encoded: &[u8], limits: ImageLimits) -> Result<RgbImage, ImageError> {
    if encoded.is_empty() {
        return Err(ImageError::Empty);
    }
    let format = image::guess_format(encoded).map_err(|_| ImageError::Unsupported)?;
    if format == ImageFormat::Jpeg && !jpeg_is_whole(encoded) {
        return Err(ImageError::Truncated);
    }
    let mut reader = ImageReader::with_format(Cursor::new(encoded), format);
    let mut codec_limits = image::Limits::default();
    codec_limits.max_image_width = Some(limits.max_width);
    codec_limits.max_image_height = Some(limits.max_height);
    codec_limits.max_alloc = Some(limits.max_alloc);
    reader.limits(codec_limits.clone());
    let mut decoder = reader.into_decoder().map_err(|error| refusal(error, limits))?;
    let (width, height) = decoder.dimensions();
    if width.min(height) < MIN_SIDE {
        return Err(ImageError::TooSmall { width, height });
    }
    // Phones store a turned picture with a note to turn it back; a browser heeds it, and so must the text.
    let orientation = decoder.orientation().unwrap_or(image::metadata::Orientation::NoTransforms);
    // The decoder's own limit is on what it needs beside the picture.
    codec_limits.reserve(decoder.total_bytes()).map_err(|error| refusal(error, limits))?;
    let mut picture = DynamicImage::from_decoder(decoder).map_err(|error| refusal(error, limits))?;
    picture.apply_orientation(orientation);
    Ok(opaque(picture))
}

/// Whether a JPEG comes to its end marker after a scan. The decoder fills what is missing with grey and says nothing, and a
/// text read from half a picture is a wrong text. Segments are passed over by their lengths, since a thumbnail in one has
/// markers of its own, and what follows the end is not looked at: phones append a film.
fn jpeg_is_whole(encoded: &[u8]) -> bool {
    let mut rest = encoded;
    let mut scanned = false;
    while let Some((marker, after)) = next_marker(rest) {
        rest = match marker {
            END_OF_IMAGE => return scanned,
            START_OF_IMAGE | 0x01 => after,
            _ => {
                scanned |= marker == START_OF_SCAN;
                let Some(&[high, low]) = after.first_chunk() else { return false };
                // The length counts itself. One that says less is the decoder's to refuse.
                let length = usize::from(u16::from_be_bytes([high, low])).max(2);
                let Some(after) = after.get(length..) else { return false };
                after
            }
        };
    }
    false
}

/// The next marker and what follows it. Whatever stands before it is passed over, the data of a scan as well: every 0xFF in
/// that is followed by 0x00 or a restart marker (ITU-T T.81, B.1.1.5), and one before a marker may be followed by more.
fn next_marker(mut rest: &[u8]) -> Option<(u8, &[u8])> {
    loop {
        let at = rest.iter().position(|&byte| byte == 0xff)?;
        rest = rest.get(at + 1..)?;
        match rest.split_first()? {
            (0x00 | RESTART_FIRST..=RESTART_LAST, after) => rest = after,
            (0xff, _) => {}
            (&marker, after) => return Some((marker, after)),
        }
    }
}

fn opaque(picture: DynamicImage) -> RgbImage {
    if !picture.color().has_alpha() {
        return picture.into_rgb8();
    }
    let picture = picture.into_rgba8();
    let flat = over(255, &picture);
    // Light ink, for a page with a dark ground.
    let is_even = flat.pixels().all(|pixel| pixel == flat.get_pixel(0, 0));
    if is_even { over(0, &picture) } else { flat }
}

/// Laid over this grey.
fn over(ground: u32, picture: &RgbaImage) -> RgbImage {
    let mut flat = RgbImage::new(picture.width(), picture.height());
    for (to, from) in flat.pixels_mut().zip(picture.pixels()) {
        let alpha = u32::from(from[3]);
        for channel in 0..3 {
            let value = u32::from(from[channel]) * alpha + ground * (255 - alpha) + 127;
            to[channel] = u8::try_from(value / 255).unwrap_or(u8::MAX);
        }
    }
    flat
}

fn refusal(error: CodecError, limits: ImageLimits) -> ImageError {
    let too_large = ImageError::TooLarge { max_width: limits.max_width, max_height: limits.max_height };
    match error {
        CodecError::Limits(limit) => match limit.kind() {
            LimitErrorKind::Unsupported { .. } => ImageError::UnsupportedFeature(limit.to_string()),
            _ => too_large,
        },
        CodecError::Unsupported(unsupported) => match unsupported.kind() {
            UnsupportedErrorKind::Format(_) => ImageError::Unsupported,
            _ => ImageError::UnsupportedFeature(unsupported.to_string()),
        },
        CodecError::IoError(io) if io.kind() == std::io::ErrorKind::UnexpectedEof => ImageError::Truncated,
        error => {
            let text = error.to_string();
            // Several codecs report a short file as a format error; only their words tell.
            let words = ["unexpected end", "eof", "truncated", "not enough", "failed to fill"];
            let lower = text.to_lowercase();
            if words.iter().any(|word| lower.contains(word)) {
                ImageError::Truncated
            } else {
                ImageError::Damaged(text)
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may end by a panic")]
mod tests {
    use image::Rgba;

    use super::*;

    #[test]
    fn ink_is_seen_whatever_ground_it_was_meant_for() {
        for (ink, ground) in [([0, 0, 0], [255; 3]), ([200, 0, 0], [255; 3]), ([255; 3], [0; 3])] {
            let mut picture = RgbaImage::from_pixel(32, 16, Rgba([90, 90, 90, 0]));
            let [red, green, blue] = ink;
            picture.put_pixel(5, 5, Rgba([red, green, blue, 255]));
            let mut encoded = Cursor::new(Vec::new());
            picture.write_to(&mut encoded, ImageFormat::Png).unwrap();
            let decoded = decode(encoded.get_ref(), ImageLimits::default()).unwrap();
            assert_eq!((decoded.get_pixel(5, 5).0, decoded.get_pixel(0, 0).0), (ink, ground));
        }
    }

    /// A picture with a thumbnail among its notes, as a camera writes it.
    fn jpeg() -> Vec<u8> {
        let picture =
            RgbImage::from_fn(64, 32, |x, y| image::Rgb([(x * y) as u8, (x * 7) as u8, (y * 11) as u8]));
        let mut encoded = Cursor::new(Vec::new());
        picture.write_to(&mut encoded, ImageFormat::Jpeg).unwrap();
        let encoded = encoded.into_inner();
        let thumbnail = [0xff, 0xd8, 0xff, 0xda, 0, 2, 1, 2, 3, 0xff, 0xd9];
        let note = [&[0xff, 0xe1, 0, 2 + thumbnail.len() as u8], &thumbnail[..]].concat();
        [&encoded[..2], &note, &encoded[2..]].concat()
    }

    #[test]
    fn what_follows_the_end_of_a_jpeg_does_not_count() {
        let whole = jpeg();
        let alone = decode(&whole, ImageLimits::default()).unwrap();
        // A film, as phones append it, in which any bytes may stand.
        for film in [&[0xff, 0xda, 1, 2][..], &[0xff, 0xd8, 0xff, 0xe1], &[0xff], &[0; 100]] {
            let longer = [&whole, film].concat();
            assert_eq!(decode(&longer, ImageLimits::default()).as_ref(), Ok(&alone));
        }
    }

    #[test]
    fn a_jpeg_that_is_cut_anywhere_is_refused() {
        let whole = jpeg();
        for length in 3..whole.len() {
            let cut = decode(&whole[..length], ImageLimits::default());
            assert_eq!(cut, Err(ImageError::Truncated), "{length} of {} bytes", whole.len());
        }
    }

    #[test]
    fn the_end_of_a_jpeg_is_found_after_several_scans() {
        let start = [0xff, 0xd8, 0xff, 0xff, 0xdb, 0, 3, 0xff]; // a marker may be filled up
        let scan = [0xff, 0xda, 0, 4, 0xff, 0xd9, 5, 0xff, 0, 6, 0xff, 0xd0, 7]; // with a stuffed byte and a restart
        let end = [0xff, 0xd9];
        let whole = [&start[..], &scan, &scan, &end].concat();
        assert!(jpeg_is_whole(&whole));
        for length in 0..whole.len() {
            assert!(!jpeg_is_whole(&whole[..length]), "{length}");
        }
        assert!(!jpeg_is_whole(&[&start[..], &end].concat()), "nothing is drawn before the end");
        assert!(!jpeg_is_whole(&[0xff, 0xda, 0xff, 0xff, 1, 0xff, 0xd9]), "a segment longer than the file");
    }
}
