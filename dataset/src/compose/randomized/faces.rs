//! Which faces randomized pictures are set in: all that there are, or those that are read worst.

use rand::RngExt;
use rand_pcg::Pcg64Mcg;

use crate::compose::fonts::{self, Face};

/// Faces of which the general model's tenth version misread more than a quarter of 40 plain pictures each, mostly hands.
const HARD: [&str; 49] = [
    "bahianita",
    "beth-ellen",
    "borel",
    "breip",
    "calligraffitti",
    "cherry-bomb",
    "clicker-script",
    "cookie",
    "crafty-girls",
    "devonshire",
    "diplomata",
    "erica-one",
    "freehand",
    "geostar-fill",
    "give-you-glory",
    "gochi-hand",
    "grand-hotel",
    "grenze-gotisch",
    "havana",
    "jeopardi",
    "kings",
    "limelight",
    "liu-jian-mao-cao",
    "long-cang",
    "ma-shan-zheng",
    "montez",
    "niconne",
    "norican",
    "okolaks-bold",
    "over-the-rainbow",
    "pacifico",
    "pixelify-sans",
    "reenie-beanie",
    "rochester",
    "sarina",
    "slackside-one",
    "smokum",
    "sofia",
    "spirax",
    "stick",
    "swanky-and-moo-moo",
    "the-girl-next-door",
    "uncial-antiqua",
    "unifrakturcook",
    "vibur",
    "waiting-for-the-sunrise",
    "yesteryear",
    "zeyada",
    "zhi-mang-xing",
];
/// The faces of some fonts.
pub(super) struct Fonts(Vec<&'static Face>);

impl Fonts {
    pub(super) fn all() -> Self {
        Self(fonts::all().collect())
    }

    /// Those that are read worst.
    pub(super) fn hard() -> Self {
        Self(HARD.iter().filter_map(|name| fonts::named(name)).collect())
    }

    /// Those of one picture.
    pub(super) fn some(&self, rng: &mut Pcg64Mcg) -> Vec<&'static Face> {
        let count = rng.random_range(1..=5);
        (0..count).map(|_| self.0[rng.random_range(0..self.0.len())]).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_hard_face_is_known() {
        assert_eq!(Fonts::hard().0.len(), HARD.len());
    }
}
