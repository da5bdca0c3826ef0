//! What a style draws under and over its text.

use serde::Deserialize;

use super::range::{Range, thin, unchanged};

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
    /// Size, as a share of the height: of circles, letters and blots, the distance of a grid's or a hatching's lines, the
    /// reach of a curve or a scribble's turn, the length of a dash.
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
    Range::of(0.2, 0.6)
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
    /// Lines side by side at one slant.
    Hatching,
    /// Short strokes.
    Dashes,
    /// A pen that wanders.
    Scribbles,
    /// Circles within one another.
    Targets,
    /// Filled polygons.
    Blots,
    /// Upright bands from top to bottom, filled.
    Bands,
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
