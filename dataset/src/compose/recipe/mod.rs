//! What a composed style is: the ranges and choices that its file gives.
//!
//! Lengths are shares of the picture's height unless they say pixels, so that one file serves several sizes.

mod check;
mod finish;
mod letters;
mod marks;
mod range;
mod text;
mod warp;

use rand::{Rng, RngExt};
use serde::Deserialize;

pub(super) use finish::Finish;
pub(super) use letters::{Ink, Letters};
pub(super) use marks::{Mark, MarkInk, Shape};
pub(super) use range::Range;
pub(super) use text::{Charset, Text};
pub(super) use warp::Warp;

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
    /// How wide and high a picture is.
    pub(in crate::compose) fn size(&self, rng: &mut impl Rng) -> (u32, u32) {
        let [width, height] = self.sizes[rng.random_range(0..self.sizes.len())];
        (width, height)
    }

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
