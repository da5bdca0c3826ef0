//! How a style sets and inks its characters.

use serde::Deserialize;

use super::range::{Range, thin, unchanged};

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
    /// How far the ends of the line lie below its middle; each character is turned along with it.
    #[serde(default)]
    pub(in crate::compose) arc: Range,
    /// Ems that the points of outlines are off by.
    #[serde(default)]
    pub(in crate::compose) rough: Range,
    /// Ems that the points which a face draws its shapes by are off by, curves and corners with them.
    #[serde(default)]
    pub(in crate::compose) loose: Range,
    /// How many of these points are lost, as a share.
    #[serde(default)]
    pub(in crate::compose) chipped: Range,
    /// Ems that shapes flow off their face's, smoothly, each character anew.
    #[serde(default)]
    pub(in crate::compose) flow: Range,
    /// Ems that tails are long at most, which most characters of a text have then.
    #[serde(default)]
    pub(in crate::compose) tails: Range,
    /// Ems that strokes of one direction lose of their width, the direction drawn anew for each text.
    #[serde(default)]
    pub(in crate::compose) nib: Range,
    /// How much of the ink stays where they lose it.
    #[serde(default)]
    pub(in crate::compose) faint: Range,
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

fn middle() -> Range {
    Range::of(0.3, 0.7)
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
    /// Filled with stripes, with dots, or from full to faint across the picture.
    Striped,
    Dotted,
    Shaded,
}
