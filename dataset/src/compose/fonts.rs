//! The faces that captchas are composed with: their outlines, read once for the whole program.

use std::sync::LazyLock;

use skrifa::instance::{LocationRef, Size};
use skrifa::outline::DrawSettings;
use skrifa::{FontRef, MetadataProvider};
use zeno::Command;

use super::faces::FACES;
use crate::font::Path;
use crate::style::Error;

/// Every symbol that a composed captcha may hold.
pub(super) const SYMBOLS: &str = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz+-*×=?";

/// A font file in the program.
pub(super) struct Embedded {
    pub(super) kind: Kind,
    pub(super) name: &'static str,
    pub(super) bytes: &'static [u8],
}

/// Kinds of faces, which styles name in place of single ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Sans,
    Serif,
    Mono,
    Display,
    Hand,
    Odd,
    /// Of all kinds, for randomized pictures alone.
    Further,
}

impl Kind {
    pub(super) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "sans" => Self::Sans,
            "serif" => Self::Serif,
            "mono" => Self::Mono,
            "display" => Self::Display,
            "hand" => Self::Hand,
            "odd" => Self::Odd,
            "further" => Self::Further,
            _ => return None,
        })
    }
}

/// One character of a face, in ems, y downwards, its origin on the baseline.
pub(crate) struct Glyph {
    pub(crate) outline: Vec<Command>,
    pub(crate) advance: f32,
}

/// A face with all its glyphs, in the order of [`SYMBOLS`]; none for a sign of sums that it lacks.
pub(crate) struct Face {
    glyphs: Vec<Option<Glyph>>,
    /// Height of `H` in ems.
    pub(crate) capital: f32,
}

impl Face {
    fn read(bytes: &'static [u8]) -> Result<Self, Error> {
        let font = FontRef::new(bytes).map_err(|error| Error::Font(error.to_string()))?;
        let metrics = font.glyph_metrics(Size::new(1.0), LocationRef::default());
        let glyph = |symbol| {
            let id = font.charmap().map(symbol)?;
            let mut path = Path::default();
            let settings = DrawSettings::unhinted(Size::new(1.0), LocationRef::default());
            font.outline_glyphs().get(id)?.draw(settings, &mut path).ok()?;
            Some(Glyph { outline: path.commands, advance: metrics.advance_width(id)? })
        };
        let glyphs = SYMBOLS.chars().map(glyph).collect();
        let capital =
            font.metrics(Size::new(1.0), LocationRef::default()).cap_height.filter(|&height| height > 0.3);
        Ok(Self { glyphs, capital: capital.unwrap_or(0.7) })
    }

    /// Of these characters alone, their capitals so high.
    pub(super) fn of(drawn: Vec<(char, Glyph)>, capital: f32) -> Self {
        let mut glyphs: Vec<_> = SYMBOLS.chars().map(|_| None).collect();
        for (symbol, glyph) in drawn {
            if let Some(place) = SYMBOLS.chars().position(|known| known == symbol) {
                glyphs[place] = Some(glyph);
            }
        }
        Self { glyphs, capital }
    }

    /// The character's outline, if the face has it.
    pub(crate) fn glyph(&self, symbol: char) -> Option<&Glyph> {
        self.glyphs[SYMBOLS.chars().position(|known| known == symbol)?].as_ref()
    }

    pub(super) fn has(&self, text: &str) -> bool {
        text.chars().all(|symbol| self.glyph(symbol).is_some())
    }
}

/// A face with its kind and name.
pub(super) struct Named {
    kind: Kind,
    name: &'static str,
    pub(super) face: Face,
}

/// All faces. Those that ship can be read, as a test shows; one that could not be would be left out.
static ALL: LazyLock<Vec<Named>> = LazyLock::new(|| {
    FACES
        .iter()
        .filter_map(|&Embedded { kind, name, bytes }| {
            Some(Named { kind, name, face: Face::read(bytes).ok()? })
        })
        .collect()
});

/// The face of this name.
pub(super) fn named(name: &str) -> Option<&'static Face> {
    ALL.iter().find(|known| known.name == name).map(|known| &known.face)
}

/// Every face.
pub(super) fn all() -> impl Iterator<Item = &'static Face> {
    ALL.iter().map(|known| &known.face)
}

/// The faces that a name or the name of a kind stands for.
pub(crate) fn meant(name: &str) -> Vec<&'static Face> {
    let kind = Kind::named(name);
    ALL.iter()
        .filter(|known| known.name == name || Some(known.kind) == kind)
        .map(|known| &known.face)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_face_that_ships_has_all_letters_and_digits() {
        assert_eq!(ALL.len(), FACES.len());
        for Named { name, face, .. } in ALL.iter() {
            assert!(face.has(&SYMBOLS[..62]), "{name}");
            for symbol in SYMBOLS[..62].chars() {
                let glyph = face.glyph(symbol).unwrap();
                assert!(glyph.outline.len() > 3 && glyph.advance > 0.05, "{symbol:?} of {name}");
            }
        }
    }

    #[test]
    fn every_kind_has_faces_and_most_can_write_sums() {
        for kind in ["sans", "serif", "mono", "display", "hand", "odd", "further"] {
            assert!(meant(kind).len() >= 3, "{kind}");
        }
        assert!(meant("sans").iter().all(|face| face.has("3+8×5-7=?")));
        assert!(meant("serifs").is_empty() && named("dejavu-sans").is_some());
    }
}
