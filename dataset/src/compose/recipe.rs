//! What a composed style is: the ranges and choices that its file gives, read and checked whole before anything is drawn.
//!
//! Lengths are shares of the picture's height unless they say pixels, so that one file serves several sizes.

use rand::{Rng, RngExt};
use serde::Deserialize;

use super::fonts::{self, Kind};
use crate::style::{Error, LENGTH, SIDE, within};

/// An even spread from the first to the second.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(from = "OneOrTwo")]
pub(super) struct Range(f32, f32);

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrTwo {
    One(f32),
    Two([f32; 2]),
}

impl From<OneOrTwo> for Range {
    fn from(given: OneOrTwo) -> Self {
        match given {
            OneOrTwo::One(value) => Self(value, value),
            OneOrTwo::Two([low, high]) => Self(low, high),
        }
    }
}

impl Range {
    pub(super) fn take(self, rng: &mut impl Rng) -> f32 {
        self.0 + (self.1 - self.0) * rng.random::<f32>()
    }

    /// A whole number of the range, each equally likely.
    pub(super) fn count(self, rng: &mut impl Rng) -> usize {
        rng.random_range(self.0.max(0.0) as usize..=self.1.max(self.0).max(0.0) as usize)
    }

    fn check(self, what: &'static str, low: f32, high: f32) -> Result<(), Error> {
        let Self(from, to) = self;
        if from <= to && from >= low && to <= high {
            return Ok(());
        }
        Err(Error::Recipe(format!("{what}: {from} to {to} is no range within {low} to {high}")))
    }
}

/// A composed style's file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Recipe {
    /// In whose manner it is drawn.
    pub(super) about: String,
    /// Widths and heights in pixels, one of which is taken.
    pub(super) sizes: Vec<[u32; 2]>,
    /// What is written, one of these.
    pub(super) texts: Vec<Text>,
    /// Faces or kinds of faces, one of which is taken.
    pub(super) fonts: Vec<String>,
    /// How likely each character has a face of its own.
    #[serde(default)]
    pub(super) mixed_fonts: f32,
    pub(super) letters: Letters,
    pub(super) colours: Colours,
    #[serde(default)]
    pub(super) ground: Vec<Ground>,
    #[serde(default)]
    pub(super) marks: Vec<Mark>,
    #[serde(default)]
    pub(super) warp: Warp,
    #[serde(default)]
    pub(super) finish: Finish,
}

/// What is written.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Text {
    /// Symbols.
    #[serde(default)]
    charset: Charset,
    /// Symbols of the charset that do not occur.
    #[serde(default)]
    without: String,
    /// Fewest and most characters.
    #[serde(default = "four_to_six")]
    length: [usize; 2],
    /// The largest operand, where a sum is asked for in place of a text.
    #[serde(default)]
    sum: Option<u32>,
    /// How often, among the others.
    #[serde(default = "one")]
    pub(super) weight: u32,
}

fn one() -> u32 {
    1
}

fn four_to_six() -> [usize; 2] {
    [4, 6]
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Charset {
    #[default]
    Alphanumeric,
    Letters,
    Digits,
    Lower,
    Upper,
    LowerDigits,
    UpperDigits,
    Hex,
}

impl Charset {
    fn symbols(self) -> impl Iterator<Item = char> {
        let (digits, upper, lower) = ('0'..='9', 'A'..='Z', 'a'..='z');
        let part =
            |taken: bool, range: std::ops::RangeInclusive<char>| taken.then_some(range).into_iter().flatten();
        let hex = matches!(self, Self::Hex);
        part(!matches!(self, Self::Letters | Self::Lower | Self::Upper), digits)
            .chain(part(
                hex || matches!(self, Self::Alphanumeric | Self::Letters | Self::Upper | Self::UpperDigits),
                if hex { 'A'..='F' } else { upper },
            ))
            .chain(part(
                matches!(self, Self::Alphanumeric | Self::Letters | Self::Lower | Self::LowerDigits),
                lower,
            ))
    }
}

impl Text {
    /// A text, each symbol equally likely.
    pub(super) fn write(&self, rng: &mut impl Rng) -> String {
        if let Some(most) = self.sum {
            return sum(most, rng);
        }
        let symbols: Vec<char> =
            self.charset.symbols().filter(|&symbol| !self.without.contains(symbol)).collect();
        let length = rng.random_range(self.length[0]..=self.length[1]);
        (0..length).map(|_| symbols[rng.random_range(0..symbols.len())]).collect()
    }

    fn check(&self) -> Result<(), Error> {
        let [low, high] = self.length;
        for length in self.length {
            within("length", length as u64, *LENGTH.start() as u32, *LENGTH.end() as u32)?;
        }
        if low > high || self.weight == 0 {
            return Err(Error::Recipe("texts: the length's range is upside down, or the weight is 0".into()));
        }
        match self.charset.symbols().any(|symbol| !self.without.contains(symbol)) {
            true => Ok(()),
            false => Err(Error::Empty("charset")),
        }
    }
}

/// A sum as sites write them: `3+8=?`, `12-7=`, `4×6=?`.
fn sum(most: u32, rng: &mut impl Rng) -> String {
    let operator = ['+', '+', '-', '-', '×', '*', 'x'][rng.random_range(0..7)];
    let (mut first, mut second) = (rng.random_range(0..=most), rng.random_range(0..=most));
    if operator == '-' && first < second {
        (first, second) = (second, first);
    }
    let end = ["=?", "=?", "=", ""][rng.random_range(0..4)];
    format!("{first}{operator}{second}{end}")
}

/// How the characters are set.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Letters {
    /// Pixels per em, as a share of the height.
    pub(super) size: Range,
    /// Size of each against the text's.
    #[serde(default = "unchanged")]
    pub(super) each: Range,
    /// Width of each against its natural one.
    #[serde(default = "unchanged")]
    pub(super) stretch: Range,
    /// Degrees that each is turned by.
    #[serde(default)]
    pub(super) tilt: Range,
    /// Degrees that the whole text is turned by.
    #[serde(default)]
    pub(super) slope: Range,
    /// How far each leans, as the tangent.
    #[serde(default)]
    pub(super) lean: Range,
    /// How far each is moved up or down.
    #[serde(default)]
    pub(super) rise: Range,
    /// What is added between two, in ems; below zero they touch.
    #[serde(default)]
    pub(super) spacing: Range,
    /// How likely each stands in a cell of its own, all as wide, in place of side by side.
    #[serde(default)]
    pub(super) cells: f32,
    /// Where in the room to spare the text starts: 0 at the left end, 0.5 in the middle.
    #[serde(default = "middle")]
    pub(super) start: Range,
    /// How they are inked, one of these.
    #[serde(default = "solid")]
    pub(super) ink: Vec<Ink>,
    /// Pixels of hollow outlines and of what makes characters bolder.
    #[serde(default = "thin")]
    pub(super) pen: Range,
    /// How likely they cast a shadow.
    #[serde(default)]
    pub(super) shadow: f32,
    /// How likely their edges are hard, without shades between ink and ground.
    #[serde(default)]
    pub(super) hard: f32,
    /// How opaque the ink is.
    #[serde(default = "unchanged")]
    pub(super) opacity: Range,
}

fn unchanged() -> Range {
    Range(1.0, 1.0)
}

fn middle() -> Range {
    Range(0.3, 0.7)
}

fn thin() -> Range {
    Range(1.0, 1.5)
}

fn solid() -> Vec<Ink> {
    vec![Ink::Solid]
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Ink {
    Solid,
    /// Made bolder by the pen.
    Bold,
    /// The outline alone.
    Hollow,
    /// Filled with one colour and drawn around with another.
    Framed,
}

/// Colours: what a channel may be, or what a colour is like.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Colours {
    pub(super) ground: Vec<Tone>,
    pub(super) ink: Vec<Tone>,
    /// How likely each character has a colour of its own.
    #[serde(default)]
    pub(super) each: f32,
    /// Fewest levels of luminance between ink and ground.
    #[serde(default = "legible")]
    pub(super) contrast: f32,
    /// How likely light and dark are exchanged in the end.
    #[serde(default)]
    pub(super) inverted: f32,
}

fn legible() -> f32 {
    50.0
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Tone {
    White,
    Black,
    /// Shades of grey, light, in the middle, and dark.
    LightGrey,
    MiddleGrey,
    DarkGrey,
    /// Each channel by itself, light, in the middle, dark, or anything.
    Light,
    Middle,
    Dark,
    Any,
    /// Nothing: the picture is transparent there, and readers see white.
    Transparent,
}

/// What the ground is painted with, one of these; nothing where there are none.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Ground {
    Plain,
    /// From one colour to another.
    Gradient,
    Stripes,
    Chequers,
    /// Fine grain.
    Grain,
    /// A photograph's clouds.
    Clouds,
}

/// Something drawn under or over the text.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Mark {
    pub(super) shape: Shape,
    /// How many.
    pub(super) count: Range,
    /// How likely there are any.
    #[serde(default = "certain")]
    pub(super) chance: f32,
    /// Pixels of lines, and the radius of dots in pixels.
    #[serde(default = "thin")]
    pub(super) pen: Range,
    /// Size, as a share of the height: of circles and letters, the distance of a grid's lines, the reach of a curve.
    #[serde(default = "half")]
    pub(super) size: Range,
    /// Over the text rather than under it.
    #[serde(default)]
    pub(super) over: bool,
    #[serde(default)]
    pub(super) ink: MarkInk,
    #[serde(default = "unchanged")]
    pub(super) opacity: Range,
}

fn certain() -> f32 {
    1.0
}

fn half() -> Range {
    Range(0.2, 0.6)
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Shape {
    /// From anywhere to anywhere.
    Lines,
    /// From the left side to the right one.
    Strikes,
    /// Bends of Bézier's from the left side to the right one.
    Curves,
    /// A sine across the whole width.
    Waves,
    Arcs,
    Circles,
    Dots,
    /// Upright and level lines at even distances.
    Grid,
    /// Small characters.
    Letters,
    Boxes,
}

/// The colour of a mark.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum MarkInk {
    /// The text's.
    #[default]
    Text,
    /// Of its own, from the tones of the ink.
    Own,
    /// Of its own, from all colours.
    Any,
    /// The ground's: it cuts what it goes over.
    Ground,
    /// Between ground and ink.
    Pale,
}

/// How the finished drawing is bent.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Warp {
    /// Reach of the waves that move rows sideways, and columns up and down.
    pub(super) across: Range,
    pub(super) down: Range,
    /// Their lengths, as shares of the height and of the width.
    pub(super) length: Range,
    /// How likely only the text is bent, and not what is drawn around it.
    pub(super) text_only: f32,
    /// How likely pixels are taken as they are rather than mixed.
    pub(super) nearest: f32,
}

impl Default for Warp {
    fn default() -> Self {
        let none = Range::default();
        Self { across: none, down: none, length: Range(1.0, 2.0), text_only: 0.0, nearest: 0.0 }
    }
}

/// What happens to the finished picture.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Finish {
    /// Radius of a blur in pixels.
    pub(super) blur: Range,
    /// Levels that each channel is off by.
    pub(super) noise: Range,
    /// Share of pixels that are set to any colour.
    pub(super) speckle: Range,
    /// How likely it is saved as JPEG.
    pub(super) jpeg: f32,
    /// Quality, where it is.
    pub(super) quality: Range,
    /// How likely there is a frame of a pixel around it.
    pub(super) frame: f32,
}

impl Default for Finish {
    fn default() -> Self {
        let none = Range::default();
        Self { blur: none, noise: none, speckle: none, jpeg: 0.3, quality: Range(60.0, 95.0), frame: 0.0 }
    }
}

impl Recipe {
    /// Reads and checks a file.
    pub(super) fn read(toml: &str) -> Result<Self, Error> {
        let recipe: Self = toml::from_str(toml).map_err(|error| Error::Recipe(error.to_string()))?;
        recipe.check()?;
        Ok(recipe)
    }

    fn check(&self) -> Result<(), Error> {
        for (what, empty) in [
            ("sizes", self.sizes.is_empty()),
            ("texts", self.texts.is_empty()),
            ("fonts", self.fonts.is_empty()),
            ("letters.ink", self.letters.ink.is_empty()),
            ("colours.ground", self.colours.ground.is_empty()),
            ("colours.ink", self.colours.ink.is_empty()),
        ] {
            if empty {
                return Err(Error::Empty(what));
            }
        }
        for &[width, height] in &self.sizes {
            within("width", width.into(), *SIDE.start(), *SIDE.end())?;
            within("height", height.into(), *SIDE.start(), *SIDE.end())?;
        }
        self.texts.iter().try_for_each(Text::check)?;
        for name in &self.fonts {
            if Kind::named(name).is_none() && fonts::named(name).is_none() {
                return Err(Error::Recipe(format!("fonts: there is no {name:?}")));
            }
        }
        let letters = &self.letters;
        letters.size.check("letters.size", 0.1, 2.0)?;
        letters.each.check("letters.each", 0.3, 3.0)?;
        letters.stretch.check("letters.stretch", 0.3, 3.0)?;
        letters.tilt.check("letters.tilt", -90.0, 90.0)?;
        letters.slope.check("letters.slope", -45.0, 45.0)?;
        letters.lean.check("letters.lean", -1.0, 1.0)?;
        letters.rise.check("letters.rise", -0.5, 0.5)?;
        letters.spacing.check("letters.spacing", -0.5, 3.0)?;
        letters.start.check("letters.start", 0.0, 1.0)?;
        letters.pen.check("letters.pen", 0.1, 10.0)?;
        letters.opacity.check("letters.opacity", 0.1, 1.0)?;
        for mark in &self.marks {
            mark.count.check("marks.count", 0.0, 2_000.0)?;
            mark.pen.check("marks.pen", 0.1, 20.0)?;
            mark.size.check("marks.size", 0.01, 4.0)?;
            mark.opacity.check("marks.opacity", 0.0, 1.0)?;
        }
        self.warp.across.check("warp.across", 0.0, 0.5)?;
        self.warp.down.check("warp.down", 0.0, 0.5)?;
        self.warp.length.check("warp.length", 0.1, 20.0)?;
        self.finish.blur.check("finish.blur", 0.0, 5.0)?;
        self.finish.noise.check("finish.noise", 0.0, 100.0)?;
        self.finish.speckle.check("finish.speckle", 0.0, 0.5)?;
        self.finish.quality.check("finish.quality", 1.0, 100.0)
    }
}
