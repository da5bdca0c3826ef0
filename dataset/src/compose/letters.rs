//! The text itself: characters set side by side or in cells, each with its size, turn and ink.

use std::{borrow::Cow, f32::consts::TAU};

use image::{Rgb, RgbImage};
use rand::{Rng, RngExt};
use zeno::{Command, Point};

use super::bend::Bend;
use super::fonts::{self, Face, Glyph};
use super::hand::{Tails, chipped, flowing};
use super::nib::Nib;
use super::paint::{Painter, Pattern, in_parts, moved};
use super::palette::Palette;
use super::place::Inked;
use super::recipe::{Ink, Letters};
use super::{happens, one_of};
use crate::page::ground::mixed;

/// Share of the width that a text may fill.
const FILLED: f32 = 0.97;
/// How much wider than its cell a character may be.
const OVER_CELL: f32 = 1.2;

/// Pixels of a rough outline's straight parts.
const ROUGH_PART: f32 = 4.0;

/// Share of a text's characters that have the tails of its hand.
const TAILED: f64 = 0.75;

/// What a style says of its text.
pub(super) struct Setting<'a> {
    pub(super) letters: &'a Letters,
    pub(super) mixed_fonts: f32,
    pub(super) faces: &'a [&'a Face],
}

/// A character on its line: horizontal places in pixels.
struct Placed<'a> {
    glyph: &'a Glyph,
    capital: f32,
    left: f32,
    size: f32,
    stretch: f32,
}

impl<'a> Setting<'a> {
    /// Draws a text over the middle of the picture and marks where it goes; `bend` bends the characters alone.
    #[allow(clippy::too_many_arguments, reason = "a picture, what it is drawn with, and what is kept of it")]
    pub(super) fn draw(
        &self,
        text: &str,
        image: &mut RgbImage,
        painter: &mut Painter,
        palette: &Palette,
        bend: Option<&Bend>,
        inked: &mut Inked,
        rng: &mut impl Rng,
    ) {
        let letters = self.letters;
        let (width, height) = (image.width() as f32, image.height() as f32);
        let placed = self.placed(text, width, height, rng);
        let ink = one_of(&letters.ink, rng).unwrap_or(Ink::Solid);
        let pen = letters.pen.take(rng);
        let opacity = letters.opacity.take(rng);
        let slope = letters.slope.take(rng).to_radians();
        let arc = if letters.arc.is_some() { letters.arc.take(rng) * height } else { 0.0 };
        let pattern = pattern(ink, width, rng);
        // As broad for all of them as for the largest.
        let nib = letters.nib.is_some().then(|| {
            let em = placed.iter().map(|placed| placed.size).fold(0.0, f32::max);
            Nib::random(letters.nib.take(rng) * em, letters.faint.take(rng), rng)
        });
        let tails = letters.tails.is_some().then(|| {
            let em = placed.iter().map(|placed| placed.size).fold(0.0, f32::max);
            (Tails::random(letters.tails.take(rng) * em, rng), em * rng.random_range(0.03..0.09))
        });
        let shadow = happens(letters.shadow, rng).then(|| {
            let (dx, dy) = (rng.random_range(1.0..3.0), rng.random_range(-2.0..3.0_f32));
            (if rng.random_bool(0.5) { dx } else { -dx }, dy, rng.random_range(0.3..0.6))
        });
        for Placed { glyph, capital, left, size, stretch } in placed {
            let ascent = capital * size;
            // A character stays in the picture as far as its height allows.
            let room = ((height - ascent) / 2.0 - 1.0).max(0.0);
            let rise = (letters.rise.take(rng) * height).clamp(-room, room);
            let (tilt, lean) = (letters.tilt.take(rng).to_radians(), letters.lean.take(rng));
            let middle = (glyph.advance / 2.0, -capital / 2.0);
            let across = left + glyph.advance * size * stretch / 2.0;
            // A parabola from end to end, its middle as far above the line as its ends are below, and its slope here.
            let share = across / width * 2.0 - 1.0;
            let fall = (arc * (share * share - 0.5)).clamp(-room, room);
            let tilt = tilt + (4.0 * arc * share / width).atan();
            let centre = (across, height / 2.0 + (rise + fall).clamp(-room, room));
            let rough = if letters.rough.is_some() { letters.rough.take(rng) * size } else { 0.0 };
            let own = own(&glyph.outline, letters, rng);
            let outline = moved(&own, |Point { x, y }| {
                let (x, y) = ((x - middle.0) * size * stretch, (y - middle.1) * size);
                let (x, y) = turned(x - lean * y, y, tilt);
                let (x, y) = turned(x + centre.0 - width / 2.0, y + centre.1 - height / 2.0, slope);
                Point::new(x + width / 2.0, y + height / 2.0)
            });
            let outline = if rough > 0.0 { roughened(&outline, rough, rng) } else { outline };
            let outline = match bend {
                Some(bend) => bend.outline(outline),
                None => outline,
            };
            inked.mark(&outline);
            let colour = palette.ink(rng);
            if let Some((dx, dy, share)) = shadow {
                let shade = mixed(palette.ground, colour, share);
                painter.fill(image, &moved(&outline, |at| Point::new(at.x + dx, at.y + dy)), shade, opacity);
            }
            (painter.pattern, painter.nib) = (pattern, nib);
            let other = if ink == Ink::Framed { palette.ink(rng) } else { colour };
            paint(image, painter, &outline, ink, pen, [colour, other], opacity);
            if let Some((tails, pen)) = tails.filter(|_| rng.random_bool(TAILED)) {
                let tail = tails.of(&outline, rng);
                inked.mark(&tail);
                painter.stroke(image, &tail, pen, colour, opacity);
            }
            (painter.pattern, painter.nib) = (Pattern::Even, None);
        }
    }

    /// The characters from left to right; made smaller together where the picture is too narrow for them.
    fn placed(&self, text: &str, width: f32, height: f32, rng: &mut impl Rng) -> Vec<Placed<'a>> {
        let letters = self.letters;
        let able: Vec<&'a Face> = self.faces.iter().copied().filter(|face| face.has(text)).collect();
        let face = |rng: &mut _| one_of(&able, rng).or_else(|| fonts::named("dejavu-sans"));
        let (common, mixed) = (face(rng), happens(self.mixed_fonts, rng));
        let size = letters.size.take(rng) * height;
        let spacing = letters.spacing.take(rng) * size;
        let mut placed: Vec<Placed<'a>> = text
            .chars()
            .filter_map(|symbol| {
                let face = if mixed { face(rng) } else { common }?;
                let (size, stretch) = (size * letters.each.take(rng), letters.stretch.take(rng));
                Some(Placed { glyph: face.glyph(symbol)?, capital: face.capital, left: 0.0, size, stretch })
            })
            .collect();
        let wide = |placed: &Placed<'_>| placed.glyph.advance * placed.size * placed.stretch;
        let room = width * FILLED;
        if happens(letters.cells, rng) {
            let cell = room / placed.len().max(1) as f32;
            let most = placed.iter().map(wide).fold(1.0, f32::max);
            let shrink = (cell * OVER_CELL / most).min(1.0);
            for (number, placed) in placed.iter_mut().enumerate() {
                placed.size *= shrink;
                let spare = cell - wide(placed);
                let jitter = letters.start.take(rng);
                placed.left = width * (1.0 - FILLED) / 2.0 + number as f32 * cell + spare * jitter;
            }
            return placed;
        }
        let gaps = placed.len().saturating_sub(1) as f32;
        let whole = (placed.iter().map(wide).sum::<f32>() + spacing * gaps).max(1.0);
        let shrink = (room / whole).min(1.0);
        let spare = width - whole * shrink;
        let mut left = (letters.start.take(rng) * spare).clamp(0.0, spare.max(0.0));
        for placed in &mut placed {
            placed.size *= shrink;
            placed.left = left;
            left += wide(placed) + spacing * shrink;
        }
        placed
    }
}

fn paint(
    image: &mut RgbImage,
    painter: &mut Painter,
    outline: &[Command],
    ink: Ink,
    pen: f32,
    [colour, other]: [Rgb<u8>; 2],
    opacity: f32,
) {
    if ink != Ink::Hollow {
        painter.fill(image, outline, other, opacity);
    }
    if matches!(ink, Ink::Bold | Ink::Hollow | Ink::Framed) {
        painter.stroke(image, outline, pen, colour, opacity);
    }
}

/// What an ink is laid on in.
fn pattern(ink: Ink, width: f32, rng: &mut impl Rng) -> Pattern {
    let mut turns = || TAU / rng.random_range(2.5..7.0);
    match ink {
        Ink::Striped => {
            let turns = turns();
            let (sine, cosine) = rng.random_range(0.0..TAU).sin_cos();
            Pattern::Stripes([turns * cosine, turns * sine], rng.random_range(0.0..0.5))
        }
        Ink::Dotted => Pattern::Dots(turns(), rng.random_range(0.0..0.5)),
        Ink::Shaded => Pattern::Shade(rng.random_range(0.35..0.8), width),
        Ink::Solid | Ink::Bold | Ink::Hollow | Ink::Framed => Pattern::Even,
    }
}

/// The shape that one character has of its face's.
fn own<'a>(outline: &'a [Command], letters: &Letters, rng: &mut impl Rng) -> Cow<'a, [Command]> {
    let mut own = Cow::Borrowed(outline);
    if letters.chipped.is_some() {
        own = Cow::Owned(chipped(&own, letters.chipped.take(rng), rng));
    }
    if letters.loose.is_some() {
        let most = letters.loose.take(rng);
        own = Cow::Owned(moved(&own, |at| off(at, most, rng)));
    }
    if letters.flow.is_some() {
        own = Cow::Owned(flowing(&own, letters.flow.take(rng), rng));
    }
    own
}

/// An outline whose lines are in parts and each of its points a little off.
fn roughened(outline: &[Command], most: f32, rng: &mut impl Rng) -> Vec<Command> {
    moved(&in_parts(outline, ROUGH_PART), |at| off(at, most, rng))
}

/// Anywhere at most so far from a point on each axis.
fn off(at: Point, most: f32, rng: &mut impl Rng) -> Point {
    let mut by = || (rng.random::<f32>() - 0.5) * 2.0 * most;
    Point::new(at.x + by(), at.y + by())
}

/// Turned around the origin, clockwise on the screen.
fn turned(x: f32, y: f32, angle: f32) -> (f32, f32) {
    let (sine, cosine) = angle.sin_cos();
    (x * cosine - y * sine, x * sine + y * cosine)
}
