//! What a hand makes of a face: shapes that have lost points, or flow smoothly off it (Simard et al. 2003, "Best Practices for Convolutional Neural
//! Networks Applied to Visual Document Analysis", bend pixels so; here it is outlines), and tails where strokes go on.

use std::{array, f32::consts::TAU};

use rand::{Rng, RngExt};
use zeno::{Command, Point};

use super::happens;
use super::paint::{in_parts, moved};

/// Waves that a shape flows along, on each axis.
const WAVES: usize = 2;
/// Straight parts of a flowing outline, in ems.
const PART: f32 = 0.1;
/// Radians that a tail is off its text's direction by, at most.
const ASTRAY: f32 = 0.5;

/// A wave over the plane: the turns by em across and down, where it begins, and how far it moves.
struct Wave {
    turns: [f32; 2],
    phase: f32,
    reach: f32,
}

impl Wave {
    fn random(most: f32, rng: &mut impl Rng) -> Self {
        let (sine, cosine) = rng.random_range(0.0..TAU).sin_cos();
        let turns = TAU * rng.random_range(0.4..1.4);
        let (phase, reach) = (rng.random_range(0.0..TAU), most * rng.random_range(0.3..1.0));
        Self { turns: [turns * cosine, turns * sine], phase, reach }
    }

    fn at(&self, at: Point) -> f32 {
        self.reach * (at.x * self.turns[0] + at.y * self.turns[1] + self.phase).sin()
    }
}

/// An outline in ems whose points are moved along smooth waves about as long as the em, by `most` at most on each axis.
pub(super) fn flowing(outline: &[Command], most: f32, rng: &mut impl Rng) -> Vec<Command> {
    let mut waves = || -> [Wave; WAVES] { array::from_fn(|_| Wave::random(most / WAVES as f32, rng)) };
    let (across, down) = (waves(), waves());
    let by = |waves: &[Wave], at| waves.iter().map(|wave| wave.at(at)).sum::<f32>();
    moved(&in_parts(outline, PART), |at| Point::new(at.x + by(&across, at), at.y + by(&down, at)))
}

/// An outline without a share of its points: what led to them and on from them is cut short.
pub(super) fn chipped(outline: &[Command], share: f32, rng: &mut impl Rng) -> Vec<Command> {
    let kept =
        |command: &&Command| matches!(command, Command::MoveTo(_) | Command::Close) || !happens(share, rng);
    outline.iter().filter(kept).copied().collect()
}

/// Strokes that go on beyond the characters of a text, all from the same side and about the same way.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tails {
    /// The way to where they begin: at the character's farthest point.
    side: f32,
    /// The way that they go.
    way: f32,
    /// How far the middle is off the straight line, as a share of the length.
    bend: f32,
    /// Pixels.
    length: f32,
}

impl Tails {
    /// Of so many pixels, to any side.
    pub(super) fn random(length: f32, rng: &mut impl Rng) -> Self {
        let side = rng.random_range(0.0..TAU);
        Self { side, way: side + rng.random_range(-1.8..1.8), bend: rng.random_range(-0.6..0.6), length }
    }

    /// The path of a character's tail; empty where it has none.
    pub(super) fn of(&self, outline: &[Command], rng: &mut impl Rng) -> Vec<Command> {
        let (down, across) = self.side.sin_cos();
        let ends = outline.iter().filter_map(|command| match command {
            Command::MoveTo(at)
            | Command::LineTo(at)
            | Command::QuadTo(_, at)
            | Command::CurveTo(_, _, at) => Some(*at),
            Command::Close => None,
        });
        let far = |at: &Point| at.x * across + at.y * down;
        let Some(from) = ends.max_by(|a, b| far(a).total_cmp(&far(b))) else { return Vec::new() };
        let (sine, cosine) = (self.way + rng.random_range(-ASTRAY..ASTRAY)).sin_cos();
        let length = self.length * rng.random_range(0.5..1.0);
        let at = |along: f32, beside: f32| {
            let (along, beside) = (along * length, beside * length);
            Point::new(from.x + cosine * along - sine * beside, from.y + sine * along + cosine * beside)
        };
        vec![Command::MoveTo(from), Command::QuadTo(at(0.5, self.bend), at(1.0, 0.0))]
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_pcg::Pcg64Mcg;

    use super::*;

    /// An em across.
    fn square() -> Vec<Command> {
        let corner = |x: f32, y: f32| Point::new(x, y);
        vec![
            Command::MoveTo(corner(0.0, 0.0)),
            Command::LineTo(corner(1.0, 0.0)),
            Command::LineTo(corner(1.0, 1.0)),
            Command::LineTo(corner(0.0, 1.0)),
            Command::Close,
        ]
    }

    fn points(path: &[Command]) -> Vec<Point> {
        let mut points = Vec::new();
        moved(path, |at| {
            points.push(at);
            at
        });
        points
    }

    #[test]
    fn a_flowing_shape_stays_near_its_own_and_smooth() {
        let mut rng = Pcg64Mcg::seed_from_u64(1);
        let still = points(&in_parts(&square(), PART));
        let mut farthest: f32 = 0.0;
        for _ in 0..50 {
            let flowing = points(&flowing(&square(), 0.15, &mut rng));
            let off: Vec<Point> = still.iter().zip(&flowing).map(|(a, b)| *b - *a).collect();
            farthest = off.iter().map(|off| off.x.abs().max(off.y.abs())).fold(farthest, f32::max);
            let jump = off.windows(2).map(|pair| (pair[1] - pair[0]).length()).fold(0.0, f32::max);
            assert!(jump < 0.15, "{jump}");
        }
        assert!((0.08..=0.15).contains(&farthest), "{farthest}");
    }

    #[test]
    fn a_chipped_shape_has_lost_some_of_its_points() {
        let mut rng = Pcg64Mcg::seed_from_u64(3);
        let fine = in_parts(&square(), 0.05);
        let left = chipped(&fine, 0.25, &mut rng);
        assert!((50..70).contains(&left.len()) && fine.len() == 82, "{} of {}", left.len(), fine.len());
        assert!(left.iter().all(|command| fine.contains(command)));
        assert_eq!(chipped(&square(), 1.0, &mut rng), [square()[0], Command::Close]);
    }

    #[test]
    fn a_tail_goes_on_from_the_farthest_point() {
        let mut rng = Pcg64Mcg::seed_from_u64(2);
        // To the right and a little down.
        let tails = Tails { side: 0.3, way: 0.0, bend: 0.2, length: 0.4 };
        let tail = points(&tails.of(&square(), &mut rng));
        assert_eq!(tail[0], Point::new(1.0, 1.0));
        assert!(tail[2].x > 1.15 && (tail[2] - tail[0]).length() <= 0.4, "{tail:?}");
        assert!(tails.of(&[], &mut rng).is_empty());
    }
}
