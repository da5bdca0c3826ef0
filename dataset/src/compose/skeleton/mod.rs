//! Faces of no font: skeletons of characters that a pen follows loosely, by a hand drawn anew for each picture. A reader that knows
//! some hundred fonts knows as many a's; here are as many as there are pictures. (Letters as a pen's path: Knuth,
//! "The METAFONTbook", 1986.)

mod forms;

use rand::{Rng, RngExt};
use zeno::{Cap, Command, Join, Point, Scratch, Stroke as Pen};

use super::fonts::{Face, Glyph};
use super::paint::moved;
use super::{happens, one_of};
use forms::{Form, Stroke, Through};

/// Ems that a capital is high.
const CAPITAL: f32 = 0.7;
/// Units of the skeletons that a capital is high, and a small letter.
const HIGH: f32 = 16.0;
const SMALL: f32 = 10.0;
/// Units that a stroke's end is moved by at most: as a share of what the pen has just drawn.
const MOST_CUT: f32 = 0.6;

/// How a picture's writer writes.
pub(super) struct Hand {
    /// Units that the pen is broad.
    pen: f32,
    cap: Cap,
    /// Units that places are off by, at most, on each axis.
    loose: f32,
    /// Units that strokes go on beyond their ends, on average; they stop short of them below zero.
    over: f32,
    /// Radians that they turn by then, at most.
    curl: f32,
    /// Small letters' height against the skeletons'.
    small: f32,
    turns: Turns,
    /// Units beside a character.
    beside: f32,
}

/// What becomes of the places where the pen turns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turns {
    AsTheyAre,
    AllSmooth,
    AllSharp,
}

impl Hand {
    pub(super) fn random(rng: &mut impl Rng) -> Self {
        Self {
            pen: rng.random_range(0.5..1.2) + 2.4 * small(rng),
            cap: [Cap::Round, Cap::Round, Cap::Butt, Cap::Square][rng.random_range(0..4)],
            loose: 3.0 * small(rng),
            over: if happens(0.5, rng) { rng.random_range(-1.5..2.5) } else { 0.0 },
            curl: rng.random_range(0.0..1.2),
            small: rng.random_range(0.8..1.2),
            turns: match rng.random_range(0..10) {
                0..6 => Turns::AsTheyAre,
                6..9 => Turns::AllSmooth,
                _ => Turns::AllSharp,
            },
            beside: rng.random_range(0.3..1.8),
        }
    }

    /// A face with the characters of a text, each in one of its forms.
    pub(super) fn face(&self, text: &str, rng: &mut impl Rng) -> Face {
        let mut scratch = Scratch::new();
        let mut glyphs = Vec::new();
        for symbol in text.chars() {
            if glyphs.iter().any(|(known, _)| *known == symbol) {
                continue;
            }
            if let Some(form) = one_of(&forms::of(symbol), rng) {
                glyphs.push((symbol, self.glyph(symbol, form, &mut scratch, rng)));
            }
        }
        Face::of(glyphs, CAPITAL)
    }

    fn glyph(&self, symbol: char, form: &Form, scratch: &mut Scratch, rng: &mut impl Rng) -> Glyph {
        let strokes: Vec<Stroke> =
            form.strokes.iter().map(|stroke| self.stroke(symbol, stroke, rng)).collect();
        let all = || strokes.iter().flatten();
        let left = all().map(|at| at.x).fold(f32::INFINITY, f32::min) - self.pen / 2.0 - self.beside;
        let right = all().map(|at| at.x).fold(f32::NEG_INFINITY, f32::max) + self.pen / 2.0 + self.beside;
        let mut pen = Pen::new(self.pen);
        pen.join(Join::Round).cap(self.cap);
        let mut outline = Vec::new();
        for stroke in &strokes {
            scratch.apply(smooth(stroke).as_slice(), pen, None, &mut outline);
        }
        let em = CAPITAL / HIGH;
        let outline = moved(&outline, |at| Point::new((at.x - left) * em, -at.y * em));
        Glyph { outline, advance: (right - left) * em }
    }

    /// A stroke as this hand has it.
    fn stroke(&self, symbol: char, stroke: &Stroke, rng: &mut impl Rng) -> Stroke {
        let mut stroke: Stroke = stroke
            .iter()
            .map(|at| Through {
                x: at.x + self.off(rng),
                y: if symbol.is_ascii_lowercase() { self.height(at.y) } else { at.y } + self.off(rng),
                sharp: match self.turns {
                    Turns::AsTheyAre => at.sharp,
                    Turns::AllSmooth => false,
                    Turns::AllSharp => true,
                },
            })
            .collect();
        for _ in 0..2 {
            self.end(&mut stroke, rng);
            stroke.reverse();
        }
        stroke
    }

    fn off(&self, rng: &mut impl Rng) -> f32 {
        self.loose * (2.0 * rng.random::<f32>() - 1.0)
    }

    /// Where a small letter's height comes to lie: what is above an x ends where it did.
    fn height(&self, y: f32) -> f32 {
        let small = SMALL * self.small;
        if y <= SMALL { y * self.small } else { small + (y - SMALL) * (HIGH - small) / (HIGH - SMALL) }
    }

    /// Lets a stroke go on beyond its last place, or stop before it.
    fn end(&self, stroke: &mut Stroke, rng: &mut impl Rng) {
        let by = self.over * rng.random_range(0.3..1.7);
        let turn = rng.random_range(-1.0..1.0) * self.curl;
        let [.., before, last] = stroke.as_mut_slice() else { return };
        let (x, y) = (last.x - before.x, last.y - before.y);
        let length = x.hypot(y);
        // The dot of an i stays one.
        if self.over == 0.0 || length < 1.5 {
            return;
        }
        if by < 0.0 {
            let kept = 1.0 + (by / length).max(-MOST_CUT);
            (last.x, last.y) = (before.x + x * kept, before.y + y * kept);
            return;
        }
        let (sine, cosine) = turn.sin_cos();
        let (x, y) = (x / length * by, y / length * by);
        let on =
            Through { x: last.x + x * cosine - y * sine, y: last.y + x * sine + y * cosine, sharp: false };
        stroke.push(on);
    }
}

/// A share, more often small than large.
fn small(rng: &mut impl Rng) -> f32 {
    rng.random::<f32>() * rng.random::<f32>()
}

/// A path through the places of a stroke, a straight line between two sharp ones: a Catmull-Rom spline ("A class of local
/// interpolating splines", 1974) of each part without a sharp turn within.
fn smooth(stroke: &Stroke) -> Vec<Command> {
    let at = |number: usize| Point::new(stroke[number].x, stroke[number].y);
    let last = stroke.len() - 1;
    // A loop that ends where it began goes on smoothly there.
    let closed = last > 2 && (at(last) - at(0)).length() < 0.5 && !stroke[0].sharp;
    // A third of the way that the pen goes on at a place.
    let way = |number: usize| {
        let (before, after) = match number {
            0 if closed => (last - 1, 1),
            _ if number == last && closed => (number - 1, 1),
            _ => (number.saturating_sub(1), (number + 1).min(last)),
        };
        (at(after) - at(before)) * (1.0 / 6.0)
    };
    let mut path = vec![Command::MoveTo(at(0))];
    for number in 0..last {
        let (from, to) = (at(number), at(number + 1));
        let out = if stroke[number].sharp { (to - from) * (1.0 / 3.0) } else { way(number) };
        let into = if stroke[number + 1].sharp { (to - from) * (1.0 / 3.0) } else { way(number + 1) };
        path.push(Command::CurveTo(from + out, to - into, to));
    }
    path
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_pcg::Pcg64Mcg;

    use super::*;
    use crate::compose::fonts::SYMBOLS;

    /// A hand that keeps to the skeletons.
    fn school() -> Hand {
        let turns = Turns::AsTheyAre;
        Hand { pen: 1.0, cap: Cap::Butt, loose: 0.0, over: 0.0, curl: 0.0, small: 1.0, turns, beside: 1.0 }
    }

    fn through(places: &[(f32, f32)]) -> Stroke {
        places.iter().map(|&(x, y)| Through { x, y, sharp: false }).collect()
    }

    /// How far an outline reaches: left, top, right, bottom.
    fn reach(outline: &[Command]) -> [f32; 4] {
        let mut reach = [f32::INFINITY, f32::INFINITY, f32::NEG_INFINITY, f32::NEG_INFINITY];
        moved(outline, |at| {
            let [left, top, right, bottom] = reach;
            reach = [left.min(at.x), top.min(at.y), right.max(at.x), bottom.max(at.y)];
            at
        });
        reach
    }

    #[test]
    fn any_hand_writes_every_character_within_its_place() {
        for seed in 0..200 {
            let mut rng = Pcg64Mcg::seed_from_u64(seed);
            let face = Hand::random(&mut rng).face(SYMBOLS, &mut rng);
            for symbol in SYMBOLS.chars() {
                let glyph = face.glyph(symbol).unwrap();
                let [left, top, right, bottom] = reach(&glyph.outline);
                // Curves may leave the places that they go through by a little.
                assert!(left > -0.2 && right < glyph.advance + 0.2, "{symbol} of {seed}: {left} {right}");
                assert!(top > -1.1 && bottom < 0.7, "{symbol} of {seed}: {top} {bottom}");
                assert!((0.05..1.3).contains(&glyph.advance), "{symbol} of {seed}: {}", glyph.advance);
            }
            assert!(!face.has("ä") && face.has(SYMBOLS));
        }
    }

    #[test]
    fn a_capital_is_as_high_as_its_face_says_and_small_letters_as_the_hand_has_them() {
        let mut rng = Pcg64Mcg::seed_from_u64(1);
        let low = Hand { small: 0.8, ..school() };
        let face = low.face("Hzd", &mut rng);
        let top = |symbol| -reach(&face.glyph(symbol).unwrap().outline)[1] / CAPITAL * HIGH;
        assert!((15.4..16.6).contains(&top('H')), "{}", top('H'));
        assert!((7.4..9.2).contains(&top('z')), "{}", top('z'));
        assert!((15.4..17.0).contains(&top('d')), "{}", top('d'));
    }

    #[test]
    fn no_two_hands_write_a_character_alike() {
        let mut rng = Pcg64Mcg::seed_from_u64(2);
        let mut outline =
            || Hand::random(&mut rng).face("aa", &mut rng).glyph('a').map(|glyph| glyph.outline.clone());
        let all: Vec<_> = (0..20).map(|_| outline().unwrap()).collect();
        assert!(all.iter().enumerate().all(|(number, one)| !all[..number].contains(one)));
    }

    #[test]
    fn strokes_go_on_beyond_their_ends_or_stop_short_but_dots_stay() {
        let mut rng = Pcg64Mcg::seed_from_u64(3);
        let line = through(&[(0.0, 0.0), (0.0, 10.0)]);
        let mut span = |over| {
            let stroke = Hand { over, ..school() }.stroke('H', &line, &mut rng);
            (stroke[0].y - stroke[stroke.len() - 1].y).abs()
        };
        assert!(span(2.0) > 11.0 && span(-1.5) < 9.5 && span(0.0) == 10.0);
        let dot = through(&[(2.0, 13.7), (2.0, 14.0)]);
        assert_eq!(Hand { over: 2.0, ..school() }.stroke('i', &dot, &mut rng).len(), 2);
    }

    #[test]
    fn a_path_goes_through_its_places_and_turns_sharply_where_told() {
        let mut stroke = through(&[(0.0, 0.0), (5.0, 10.0), (10.0, 0.0)]);
        let ends = |path: &[Command]| {
            let end = |command: &Command| match *command {
                Command::MoveTo(to) | Command::CurveTo(_, _, to) => to,
                _ => unreachable!("a spline has curves alone"),
            };
            path.iter().map(end).collect::<Vec<_>>()
        };
        let places = [Point::new(0.0, 0.0), Point::new(5.0, 10.0), Point::new(10.0, 0.0)];
        assert_eq!(ends(&smooth(&stroke)), places);
        let Command::CurveTo(_, into, _) = smooth(&stroke)[1] else { unreachable!() };
        assert_eq!(into.y, 10.0, "it turns over the top");
        stroke[1].sharp = true;
        let Command::CurveTo(_, into, _) = smooth(&stroke)[1] else { unreachable!() };
        assert!((into - Point::new(10.0 / 3.0, 20.0 / 3.0)).length() < 0.01, "{into:?}");
    }
}
