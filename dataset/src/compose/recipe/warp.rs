//! How a style bends what it has drawn.

use serde::Deserialize;

use super::range::Range;

/// How the finished drawing is bent.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(in crate::compose) struct Warp {
    /// Reach of the waves that move rows sideways, and columns up and down.
    pub(in crate::compose) across: Range,
    pub(in crate::compose) down: Range,
    /// Their lengths, as shares of the height and of the width.
    pub(in crate::compose) length: Range,
    /// Degrees that the whole is turned by.
    pub(in crate::compose) turn: Range,
    /// How much nearer one side is seen than the other, as a share.
    pub(in crate::compose) perspective: Range,
    /// Radians that the middle is turned by against the edges.
    pub(in crate::compose) swirl: Range,
    /// How far the middle is blown up, or drawn in where it is below zero; the exponent of ImageMagick's `implode`.
    pub(in crate::compose) bulge: Range,
    /// How far points are off that lie some way from one another.
    pub(in crate::compose) ragged: Range,
    /// How likely what is drawn over the text is not bent with it; the waves then leave what lies under it, too.
    pub(in crate::compose) text_only: f32,
    /// How likely pixels are taken as they are rather than mixed.
    pub(in crate::compose) nearest: f32,
}

impl Default for Warp {
    fn default() -> Self {
        let none = Range::default();
        Self {
            across: none,
            down: none,
            length: Range::of(1.0, 2.0),
            turn: none,
            perspective: none,
            swirl: none,
            bulge: none,
            ragged: none,
            text_only: 0.0,
            nearest: 0.0,
        }
    }
}
