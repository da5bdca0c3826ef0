//! What is drawn: sizes, symbols, lengths and the version-dependent choices, with the limits they are held to.

use serde::{Deserialize, Serialize};

use crate::font::Face;

/// The 59 symbols of the report: letters without `O` and `o`, digits without `0`.
const SYMBOLS_59: &str = "ABCDEFGHIJKLMNPQRSTUVWXYZabcdefghijklmnpqrstuvwxyz123456789";

/// The letters whose case is read wrong most often: once a character is scaled to its box, the two differ little.
const CASE_PAIRS: &str = "VvXxZz";

/// The presets, with what they are like.
pub(crate) const PRESETS: [(&str, &str); 4] = [
    ("hku", "the Python library's 0.3 as the report draws it: 128x48 JPEG, 4 to 6 of 59 symbols"),
    ("hku6", "the same as hku, 6 symbols always"),
    ("default", "the Python library's 0.3 as it comes: 160x60 PNG in three sizes, 4 to 6 of 59 symbols"),
    ("0.7.1", "the same, by the library's version 0.7.1"),
];

/// What may stand behind a preset's name, and the symbols that its texts then are made of, 3 to 8 of them: what sites that
/// use the library ask of it.
const CHARSETS: [(&str, &str); 4] = [
    ("-all", "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"),
    ("-digits", "0123456789"),
    ("-upper", "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
    ("-lower", "0123456789abcdefghijklmnopqrstuvwxyz"),
];

/// The same for half of the symbols from [`CASE_PAIRS`].
const PAIRS: &str = "-pairs";

/// Width and height an image may have, in pixels.
pub(crate) const SIDE: std::ops::RangeInclusive<u32> = 16..=1024;
/// Font sizes that may be asked for, in pixels per em.
const FONT_SIZE: std::ops::RangeInclusive<u32> = 4..=200;
/// Symbols a label may have.
pub(crate) const LENGTH: std::ops::RangeInclusive<usize> = 1..=20;

/// A style that cannot be drawn, or an image that could not be encoded.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No preset of the Python library's has this name.
    #[error(
        "unknown preset {0:?}; the presets are hku, hku6, default and 0.7.1, each by itself or with -pairs, -all, \
         -digits, -upper or -lower behind it"
    )]
    UnknownPreset(String),
    /// No style has this name.
    #[error("unknown style {0:?}; `byecaptcha-dataset styles` lists them")]
    UnknownStyle(String),
    /// The file of a composed style does not say what it has to.
    #[error("style file: {0}")]
    Recipe(String),
    /// A value lies outside what can be drawn.
    #[error("{what} {value} is outside {low} to {high}")]
    OutOfRange {
        /// Which value.
        what: &'static str,
        /// The value given.
        value: u64,
        /// Smallest value allowed.
        low: u64,
        /// Largest value allowed.
        high: u64,
    },
    /// A list that needs at least one entry has none.
    #[error("{0} must not be empty")]
    Empty(&'static str),
    /// A symbol occurs twice, which would make it more frequent than the others.
    #[error("charset has {0:?} twice")]
    RepeatedSymbol(char),
    /// A symbol shall come oftener that never comes at all.
    #[error("emphasis has {0:?}, which charset has not")]
    UnknownEmphasis(char),
    /// The font has no visible glyph for a symbol.
    #[error("charset has {0:?}, which the font cannot draw")]
    Undrawable(char),
    /// The font file itself could not be used.
    #[error("font: {0}")]
    Font(String),
    /// The finished picture could not be encoded or read back.
    #[error("encoding the image: {0}")]
    Encode(String),
}

/// Filter of the plain resizes (the character before its warp, and the whole picture when it is too wide).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Resampling {
    /// Pillow 7 and later.
    Bicubic,
    /// Pillow before 7.
    Nearest,
}

/// Version of the Python library whose warp of the characters and noise arc are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Warp {
    /// Strong warp; the arc spans at least three fifths of the width.
    #[serde(rename = "0.3")]
    V0_3,
    /// Weak warp; the arc may be short.
    #[serde(rename = "0.7.1")]
    V0_7_1,
}

/// File format of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Encoding {
    /// Baseline JPEG, 4:2:0, Annex K tables.
    Jpeg {
        /// 1 to 100, as libjpeg counts.
        quality: u8,
    },
    /// PNG, lossless.
    Png,
    /// PNG in which white is transparent.
    #[serde(rename = "transparent-png")]
    TransparentPng,
}

impl Encoding {
    /// File name extension, without the dot.
    #[must_use]
    pub fn extension(self) -> &'static str {
        match self {
            Self::Jpeg { .. } => "jpg",
            Self::Png | Self::TransparentPng => "png",
        }
    }
}

/// Everything that decides how images look, apart from chance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Style {
    /// Image width in pixels.
    pub width: u32,
    /// Image height in pixels.
    pub height: u32,
    /// Font sizes in pixels per em; each character takes one at random.
    pub font_sizes: Vec<u32>,
    /// Symbols that labels are made of, each equally likely.
    pub charset: String,
    /// Symbols of the charset that half of all characters are taken from, for training on what is hard to tell apart;
    /// none where it is empty.
    #[serde(default)]
    pub emphasis: String,
    /// Label lengths, used in turn, so that counts are equal per length.
    pub lengths: Vec<usize>,
    /// Filter of the plain resizes.
    pub resampling: Resampling,
    /// Version of the warp.
    pub warp: Warp,
    /// File format.
    pub encoding: Encoding,
}

impl Style {
    /// A named style: `hku` (128x48 JPEG, size 40, 4 to 6 of 59 symbols), `hku6` (the same with 6 symbols only),
    /// `default` (the library's 160x60, sizes 42, 50, 56, PNG) or `0.7.1` (the same with the newer version's warp).
    ///
    /// Behind each may stand `-pairs` (half of the symbols from the pairs that only proportions tell apart), or another
    /// charset, of which there are 3 to 8 symbols, and 6 of `hku6`: `-all` (letters and digits), `-digits`, `-upper` or `-lower` (such
    /// letters, and digits).
    ///
    /// # Errors
    /// [`Error::UnknownPreset`] for any other name.
    pub fn preset(name: &str) -> Result<Self, Error> {
        if let Some(style) = name.strip_suffix(PAIRS).and_then(Self::base) {
            return Ok(Self { emphasis: CASE_PAIRS.to_owned(), ..style });
        }
        let of_charset = CHARSETS.iter().find_map(|(suffix, charset)| {
            let style = Self::base(name.strip_suffix(suffix)?)?;
            // A single length is what the preset is for.
            let lengths = if style.lengths.len() > 1 { (3..=8).collect() } else { style.lengths.clone() };
            Some(Self { charset: (*charset).to_owned(), lengths, ..style })
        });
        of_charset.or_else(|| Self::base(name)).ok_or_else(|| Error::UnknownPreset(name.to_owned()))
    }

    /// One of [`PRESETS`].
    fn base(name: &str) -> Option<Self> {
        let library = Self {
            width: 160,
            height: 60,
            font_sizes: vec![42, 50, 56],
            charset: SYMBOLS_59.to_owned(),
            emphasis: String::new(),
            lengths: vec![4, 5, 6],
            resampling: Resampling::Bicubic,
            warp: Warp::V0_3,
            encoding: Encoding::Png,
        };
        let report = Self {
            width: 128,
            height: 48,
            font_sizes: vec![40],
            encoding: Encoding::Jpeg { quality: 75 },
            ..library.clone()
        };
        match name {
            "hku" => Some(report),
            "hku6" => Some(Self { lengths: vec![6], ..report }),
            "default" => Some(library),
            "0.7.1" => Some(Self { warp: Warp::V0_7_1, ..library }),
            _ => None,
        }
    }

    /// Checks every value, and that the font can draw every symbol.
    ///
    /// # Errors
    /// The first value that cannot be drawn, by name.
    pub fn validate(&self) -> Result<(), Error> {
        within("width", self.width.into(), *SIDE.start(), *SIDE.end())?;
        within("height", self.height.into(), *SIDE.start(), *SIDE.end())?;
        if self.font_sizes.is_empty() {
            return Err(Error::Empty("font sizes"));
        }
        for &size in &self.font_sizes {
            within("font size", size.into(), *FONT_SIZE.start(), *FONT_SIZE.end())?;
        }
        if self.lengths.is_empty() {
            return Err(Error::Empty("lengths"));
        }
        for &length in &self.lengths {
            within("length", length as u64, *LENGTH.start() as u32, *LENGTH.end() as u32)?;
        }
        if let Encoding::Jpeg { quality } = self.encoding {
            within("JPEG quality", quality.into(), 1, 100)?;
        }
        if self.charset.is_empty() {
            return Err(Error::Empty("charset"));
        }
        let face = Face::new(40)?;
        for (position, symbol) in self.charset.char_indices() {
            if self.charset[..position].contains(symbol) {
                return Err(Error::RepeatedSymbol(symbol));
            }
            face.glyph(symbol)?;
        }
        match self.emphasis.chars().find(|&symbol| !self.charset.contains(symbol)) {
            Some(symbol) => Err(Error::UnknownEmphasis(symbol)),
            None => Ok(()),
        }
    }
}

pub(crate) fn within(what: &'static str, value: u64, low: u32, high: u32) -> Result<(), Error> {
    let (low, high) = (u64::from(low), u64::from(high));
    if (low..=high).contains(&value) { Ok(()) } else { Err(Error::OutOfRange { what, value, low, high }) }
}
