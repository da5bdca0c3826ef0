//! What a composed style is: the ranges and choices that its file gives.
//!
//! Lengths are shares of the picture's height unless they say pixels, so that one file serves several sizes.

mod check;
mod range;
mod text;

use rand::{Rng, RngExt};
use serde::Deserialize;

use range::Range;
use text::Text;

/// A composed style's file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::compose) struct Recipe {
    /// In whose manner it is drawn.
    pub(in crate::compose) about: String,
    /// Widths and heights in pixels, one of which is taken.
    pub(in crate::compose) sizes: Vec<[u32; 2]>,
    /// What is written, one of these.
    pub(in crate::compose) texts: Vec<Text>,
    /// Faces or kinds of faces, one of which is taken.
    pub(in crate::compose) fonts: Vec<String>,
    /// How likely each character has a face of its own.
    #[serde(default)]
    pub(in crate::compose) mixed_fonts: f32,
    pub(in crate::compose) letters: Letters,
    pub(in crate::compose) colours: Colours,
    #[serde(default)]
    pub(in crate::compose) ground: Vec<Ground>,
    #[serde(default)]
    pub(in crate::compose) marks: Vec<Mark>,
    #[serde(default)]
    pub(in crate::compose) warp: Warp,
    #[serde(default)]
    pub(in crate::compose) finish: Finish,
}

impl Recipe {
    /// What a picture says.
    pub(in crate::compose) fn write(&self, rng: &mut impl Rng) -> String {
        let mut place = rng.random_range(0..self.texts.iter().map(|text| text.weight).sum());
        let text = self.texts.iter().find(|text| {
            let here = place < text.weight;
            place = place.saturating_sub(text.weight);
            here
        });
        text.map_or_else(String::new, |text| text.write(rng))
    }
}

/// How the characters are set.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::compose) struct Letters {
    /// Pixels per em, as a share of the height.
    pub(in crate::compose) size: Range,
    /// Size of each against the text's.
    #[serde(default = "unchanged")]
    pub(in crate::compose) each: Range,
    /// Width of each against its natural one.
    #[serde(default = "unchanged")]
    pub(in crate::compose) stretch: Range,
    /// Degrees that each is turned by.
    #[serde(default)]
    pub(in crate::compose) tilt: Range,
    /// Degrees that the whole text is turned by.
    #[serde(default)]
    pub(in crate::compose) slope: Range,
    /// How far each leans, as the tangent.
    #[serde(default)]
    pub(in crate::compose) lean: Range,
    /// How far each is moved up or down.
    #[serde(default)]
    pub(in crate::compose) rise: Range,
    /// What is added between two, in ems; below zero they touch.
    #[serde(default)]
    pub(in crate::compose) spacing: Range,
    /// How likely each stands in a cell of its own, all as wide, in place of side by side.
    #[serde(default)]
    pub(in crate::compose) cells: f32,
    /// Where in the room to spare the text starts: 0 at the left end, 0.5 in the middle.
    #[serde(default = "middle")]
    pub(in crate::compose) start: Range,
    /// How they are inked, one of these.
    #[serde(default = "solid")]
    pub(in crate::compose) ink: Vec<Ink>,
    /// Pixels of hollow outlines and of what makes characters bolder.
    #[serde(default = "thin")]
    pub(in crate::compose) pen: Range,
    /// How likely they cast a shadow.
    #[serde(default)]
    pub(in crate::compose) shadow: f32,
    /// How likely their edges are hard, without shades between ink and ground.
    #[serde(default)]
    pub(in crate::compose) hard: f32,
    /// How opaque the ink is.
    #[serde(default = "unchanged")]
    pub(in crate::compose) opacity: Range,
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
pub(in crate::compose) enum Ink {
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
pub(in crate::compose) struct Colours {
    pub(in crate::compose) ground: Vec<Tone>,
    pub(in crate::compose) ink: Vec<Tone>,
    /// How likely each character has a colour of its own.
    #[serde(default)]
    pub(in crate::compose) each: f32,
    /// Fewest levels of luminance between ink and ground.
    #[serde(default = "legible")]
    pub(in crate::compose) contrast: f32,
    /// How likely light and dark are exchanged in the end.
    #[serde(default)]
    pub(in crate::compose) inverted: f32,
}

fn legible() -> f32 {
    50.0
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(in crate::compose) enum Tone {
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
pub(in crate::compose) enum Ground {
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
pub(in crate::compose) struct Mark {
    pub(in crate::compose) shape: Shape,
    /// How many.
    pub(in crate::compose) count: Range,
    /// How likely there are any.
    #[serde(default = "certain")]
    pub(in crate::compose) chance: f32,
    /// Pixels of lines, and the radius of dots in pixels.
    #[serde(default = "thin")]
    pub(in crate::compose) pen: Range,
    /// Size, as a share of the height: of circles and letters, the distance of a grid's lines, the reach of a curve.
    #[serde(default = "half")]
    pub(in crate::compose) size: Range,
    /// Over the text rather than under it.
    #[serde(default)]
    pub(in crate::compose) over: bool,
    #[serde(default)]
    pub(in crate::compose) ink: MarkInk,
    #[serde(default = "unchanged")]
    pub(in crate::compose) opacity: Range,
}

fn certain() -> f32 {
    1.0
}

fn half() -> Range {
    Range(0.2, 0.6)
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(in crate::compose) enum Shape {
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
pub(in crate::compose) enum MarkInk {
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
pub(in crate::compose) struct Warp {
    /// Reach of the waves that move rows sideways, and columns up and down.
    pub(in crate::compose) across: Range,
    pub(in crate::compose) down: Range,
    /// Their lengths, as shares of the height and of the width.
    pub(in crate::compose) length: Range,
    /// How likely only the text is bent, and not what is drawn around it.
    pub(in crate::compose) text_only: f32,
    /// How likely pixels are taken as they are rather than mixed.
    pub(in crate::compose) nearest: f32,
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
pub(in crate::compose) struct Finish {
    /// Radius of a blur in pixels.
    pub(in crate::compose) blur: Range,
    /// Levels that each channel is off by.
    pub(in crate::compose) noise: Range,
    /// Share of pixels that are set to any colour.
    pub(in crate::compose) speckle: Range,
    /// How likely it is saved as JPEG.
    pub(in crate::compose) jpeg: f32,
    /// Quality, where it is.
    pub(in crate::compose) quality: Range,
    /// How likely there is a frame of a pixel around it.
    pub(in crate::compose) frame: f32,
}

impl Default for Finish {
    fn default() -> Self {
        let none = Range::default();
        Self { blur: none, noise: none, speckle: none, jpeg: 0.3, quality: Range(60.0, 95.0), frame: 0.0 }
    }
}
