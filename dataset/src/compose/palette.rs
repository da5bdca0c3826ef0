//! Colours of one picture: a ground, and inks that stand out against it.

use image::Rgb;
use rand::Rng;

use super::recipe::{Colours, MarkInk, Tone};
use super::{happens, one_of};
use crate::page::ground::{colour, mixed};

/// Tries for an ink that stands out, before black or white is taken.
const TRIES: usize = 40;

/// The colours of one picture.
pub(super) struct Palette {
    pub(super) ground: Rgb<u8>,
    /// The second colour of a ground that has two.
    pub(super) other_ground: Rgb<u8>,
    ink: Rgb<u8>,
    each: bool,
    tones: Vec<Tone>,
    contrast: f32,
    pub(super) transparent: bool,
    pub(super) inverted: bool,
}

impl Palette {
    pub(super) fn random(colours: &Colours, rng: &mut impl Rng) -> Self {
        let tone = one_of(&colours.ground, rng).unwrap_or(Tone::White);
        let transparent = tone == Tone::Transparent;
        let mut palette = Self {
            ground: random(tone, rng),
            other_ground: random(tone, rng),
            ink: Rgb([0; 3]),
            each: happens(colours.each, rng),
            // One of them for the whole picture, so that its inks belong together.
            tones: one_of(&colours.ink, rng).into_iter().collect(),
            contrast: colours.contrast,
            transparent,
            inverted: !transparent && happens(colours.inverted, rng),
        };
        palette.ink = palette.own(rng);
        palette
    }

    /// The ink of the next character.
    pub(super) fn ink(&self, rng: &mut impl Rng) -> Rgb<u8> {
        if self.each { self.own(rng) } else { self.ink }
    }

    /// The ink of the next mark.
    pub(super) fn mark(&self, ink: MarkInk, rng: &mut impl Rng) -> Rgb<u8> {
        match ink {
            MarkInk::Text => self.ink,
            MarkInk::Own => self.own(rng),
            MarkInk::Any => colour(0..=255, rng),
            MarkInk::Ground => self.ground,
            MarkInk::Pale => mixed(self.ground, self.own(rng), 0.35),
        }
    }

    /// A colour that stands out against the ground.
    fn own(&self, rng: &mut impl Rng) -> Rgb<u8> {
        let grounds = [self.ground, self.other_ground].map(luminance);
        let stands_out =
            |ink: Rgb<u8>| grounds.iter().all(|ground| (luminance(ink) - ground).abs() >= self.contrast);
        for _ in 0..TRIES {
            let ink = random(one_of(&self.tones, rng).unwrap_or(Tone::Dark), rng);
            if stands_out(ink) {
                return ink;
            }
        }
        if grounds[0] + grounds[1] > 255.0 { Rgb([0; 3]) } else { Rgb([255; 3]) }
    }
}

fn random(tone: Tone, rng: &mut impl Rng) -> Rgb<u8> {
    let mut grey = |range| Rgb([colour(range, rng).0[0]; 3]);
    match tone {
        Tone::White | Tone::Transparent => Rgb([255; 3]),
        Tone::Black => Rgb([0; 3]),
        Tone::LightGrey => grey(200..=255),
        Tone::MiddleGrey => grey(90..=190),
        Tone::DarkGrey => grey(0..=90),
        Tone::Light => colour(190..=255, rng),
        Tone::Middle => colour(60..=200, rng),
        Tone::Dark => colour(0..=130, rng),
        Tone::Any => colour(0..=255, rng),
    }
}

/// ITU-R 601 luminance, 0 to 255.
pub(super) fn luminance(Rgb([red, green, blue]): Rgb<u8>) -> f32 {
    0.299 * f32::from(red) + 0.587 * f32::from(green) + 0.114 * f32::from(blue)
}
