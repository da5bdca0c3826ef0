//! What a style does to the finished picture.

use serde::Deserialize;

use super::range::Range;

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
    /// Pixels that are made one, in either direction.
    pub(in crate::compose) coarse: Range,
    /// Levels that each channel has left.
    pub(in crate::compose) levels: Range,
    /// Share of the contrast that is lost.
    pub(in crate::compose) fade: Range,
    /// Pixels that each row is moved by.
    pub(in crate::compose) torn: Range,
    /// How likely light and dark are exchanged in a part of it.
    pub(in crate::compose) exchanged: f32,
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
        Self {
            blur: none,
            noise: none,
            speckle: none,
            coarse: none,
            levels: none,
            fade: none,
            torn: none,
            exchanged: 0.0,
            jpeg: 0.3,
            quality: Range::of(60.0, 95.0),
            frame: 0.0,
        }
    }
}
