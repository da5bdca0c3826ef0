//! Pictures for the page: a bounded number of them, spread over all, each small enough to stand in the page itself.

use std::io::Cursor;

use base64::{Engine, engine::general_purpose::STANDARD};
use byecaptcha_models::preprocess::{self, ImageLimits};
use image::{DynamicImage, ImageFormat};

/// A picture whose file is larger is shown smaller.
const MOST_BYTES: usize = 48 << 10;
/// How large it is then, at most: from left to right and from top to bottom.
const SHRUNK: (u32, u32) = (320, 120);

/// A picture with what it says and what was read.
pub(crate) struct Shown {
    pub(crate) name: String,
    pub(crate) truth: String,
    pub(crate) reading: String,
    pub(crate) confidence: f32,
    pub(crate) right: bool,
    /// The picture itself; none where its file is no longer what it was.
    pub(crate) source: Option<String>,
}

/// As many of the things that come by as there is room for, at even distances, however many will come.
pub(crate) struct Spread<T> {
    most: usize,
    /// Every how manieth is kept.
    step: usize,
    seen: usize,
    kept: Vec<T>,
}

impl<T> Spread<T> {
    pub(crate) fn new(most: usize) -> Self {
        Self { most, step: 1, seen: 0, kept: Vec::new() }
    }

    /// Offers the next one, which is made only if it is kept.
    pub(crate) fn offer(&mut self, make: impl FnOnce() -> T) {
        if self.most > 0 && self.seen.is_multiple_of(self.step) {
            if self.kept.len() == self.most {
                let mut index = 0_usize;
                self.kept.retain(|_| {
                    index += 1;
                    !index.is_multiple_of(2)
                });
                self.step *= 2;
            }
            if self.seen.is_multiple_of(self.step) {
                self.kept.push(make());
            }
        }
        self.seen += 1;
    }

    /// How many came by.
    pub(crate) fn seen(&self) -> usize {
        self.seen
    }

    pub(crate) fn kept(&self) -> &[T] {
        &self.kept
    }
}

/// The file as an address that holds all of it.
pub(crate) fn source(encoded: &[u8]) -> Option<String> {
    if encoded.len() <= MOST_BYTES {
        let format = image::guess_format(encoded).ok()?;
        return Some(address(format, encoded));
    }
    let picture = preprocess::decode(encoded, ImageLimits::default()).ok()?;
    let small = DynamicImage::from(picture).thumbnail(SHRUNK.0, SHRUNK.1);
    let mut png = Cursor::new(Vec::new());
    small.write_to(&mut png, ImageFormat::Png).ok()?;
    Some(address(ImageFormat::Png, png.get_ref()))
}

fn address(format: ImageFormat, encoded: &[u8]) -> String {
    format!("data:{};base64,{}", format.to_mime_type(), STANDARD.encode(encoded))
}

#[cfg(test)]
mod tests {
    use image::{Rgb, RgbImage};

    use super::*;

    fn spread(most: usize, offered: usize) -> Vec<usize> {
        let mut spread = Spread::new(most);
        (0..offered).for_each(|number| spread.offer(|| number));
        assert_eq!(spread.seen(), offered);
        spread.kept().to_vec()
    }

    #[test]
    fn what_is_kept_is_bounded_and_evenly_spread() {
        assert_eq!(spread(4, 3), [0, 1, 2]);
        assert_eq!(spread(4, 5), [0, 2, 4]);
        assert_eq!(spread(4, 9), [0, 4, 8]);
        assert_eq!(spread(0, 9), [0; 0]);
        for (most, offered) in [(1, 1000), (5, 777), (24, 100_000)] {
            let kept = spread(most, offered);
            assert!(kept.len() <= most && kept.len() * 2 >= most, "{most} {offered}: {kept:?}");
            let gaps: Vec<usize> = kept.windows(2).map(|pair| pair[1] - pair[0]).collect();
            assert!(gaps.windows(2).all(|pair| pair[0] == pair[1]), "{kept:?}");
        }
    }

    #[test]
    fn a_large_picture_is_shrunk_and_a_small_one_is_itself() {
        let mut noise = 1_u32;
        let picture = RgbImage::from_fn(900, 300, |_, _| {
            noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            Rgb([(noise >> 24) as u8; 3])
        });
        let mut large = Cursor::new(Vec::new());
        picture.write_to(&mut large, ImageFormat::Bmp).unwrap();
        assert!(large.get_ref().len() > MOST_BYTES);
        let shrunk = source(large.get_ref()).unwrap();
        assert!(
            shrunk.starts_with("data:image/png;base64,") && shrunk.len() < MOST_BYTES * 4,
            "{}",
            shrunk.len()
        );

        let mut small = Cursor::new(Vec::new());
        RgbImage::new(20, 20).write_to(&mut small, ImageFormat::Gif).unwrap();
        let expected = format!("data:image/gif;base64,{}", STANDARD.encode(small.get_ref()));
        assert_eq!(source(small.get_ref()), Some(expected));
        assert_eq!(source(b"no picture"), None);
    }
}
