//! What is drawn beside the text to make it harder to part: lines, curves, dots, grids and small characters.

use image::RgbImage;
use rand::{Rng, RngExt};
use zeno::{Command, Point};

use super::fonts::{Face, SYMBOLS};
use super::paint::{Painter, moved};
use super::palette::Palette;
use super::recipe::{Mark, Shape};
use super::{happens, one_of};

/// Points by which a sine is drawn.
const SINE_POINTS: u32 = 40;
/// Turns of a scribble at most.
const SCRIBBLE_POINTS: usize = 18;
/// How far a circle's control points lie, as a share of its radius.
const ROUND: f32 = 0.552;

/// Draws all marks of one kind.
pub(super) fn draw(
    mark: &Mark,
    image: &mut RgbImage,
    painter: &mut Painter,
    palette: &Palette,
    faces: &[&Face],
    rng: &mut impl Rng,
) {
    if !happens(mark.chance, rng) {
        return;
    }
    let side = Point::new(image.width() as f32, image.height() as f32);
    if let Shape::Grid = mark.shape {
        let (pen, colour) = (mark.pen.take(rng), palette.mark(mark.ink, rng));
        let (dx, dy) = (mark.size.take(rng) * side.y, mark.size.take(rng) * side.y);
        painter.stroke(image, &grid(side, (dx, dy), rng), pen, colour, mark.opacity.take(rng));
        return;
    }
    for _ in 0..mark.count.count(rng) {
        let (pen, size) = (mark.pen.take(rng), mark.size.take(rng) * side.y);
        let (colour, opacity) = (palette.mark(mark.ink, rng), mark.opacity.take(rng));
        match mark.shape {
            Shape::Dots => painter.fill(image, &circle(anywhere(side, rng), pen), colour, opacity),
            Shape::Letters => {
                painter.fill(image, &letter(faces, anywhere(side, rng), size, rng), colour, opacity);
            }
            Shape::Blots => painter.fill(image, &blot(anywhere(side, rng), size, rng), colour, opacity),
            Shape::Bands => {
                let (from, to) = (rng.random_range(-0.1..1.0) * side.x, rng.random_range(0.05..0.4) * side.x);
                painter.fill(image, &area([from, 0.0, to, side.y]), colour, opacity);
            }
            shape => painter.stroke(image, &path(shape, side, size, rng), pen, colour, opacity),
        }
    }
}

/// A path that is drawn along with a pen.
fn path(shape: Shape, side: Point, size: f32, rng: &mut impl Rng) -> Vec<Command> {
    let height = |rng: &mut _| level(side.y, rng);
    let across = |from: f32, to: f32, rng: &mut _| {
        (Point::new(from * side.x, height(rng)), Point::new(to * side.x, height(rng)))
    };
    match shape {
        Shape::Strikes => {
            let (from, to) = (rng.random_range(-0.05..0.25), rng.random_range(0.75..1.05));
            let (from, to) = across(from, to, rng);
            vec![Command::MoveTo(from), Command::LineTo(to)]
        }
        Shape::Curves => {
            let (from, to) = (rng.random_range(-0.05..0.3), rng.random_range(0.7..1.05));
            let (from, to) = across(from, to, rng);
            let by = Point::new(rng.random_range(0.0..0.6) * side.x, height(rng));
            let and = Point::new(rng.random_range(0.4..1.0) * side.x, height(rng));
            match rng.random_bool(0.5) {
                true => vec![Command::MoveTo(from), Command::QuadTo(by, to)],
                false => vec![Command::MoveTo(from), Command::CurveTo(by, and, to)],
            }
        }
        Shape::Waves => {
            let (middle, reach) = (height(rng), size / 2.0);
            let turns = rng.random_range(0.5..3.0) * std::f32::consts::TAU;
            let phase = rng.random_range(0.0..std::f32::consts::TAU);
            let point = |part: u32| {
                let share = part as f32 / SINE_POINTS as f32;
                Point::new(share * side.x, middle + reach * (share * turns + phase).sin())
            };
            let first = std::iter::once(Command::MoveTo(point(0)));
            first.chain((1..=SINE_POINTS).map(|part| Command::LineTo(point(part)))).collect()
        }
        Shape::Circles => circle(anywhere(side, rng), size / 2.0),
        Shape::Arcs => {
            // Two neighbouring quarters of an ellipse, or one.
            let (centre, wide) = (anywhere(side, rng), rng.random_range(0.3..2.0));
            let quarters = 2 + rng.random_range(0..=1);
            let ellipse = circle(Point::new(0.0, 0.0), size);
            moved(&ellipse[..quarters], |at| Point::new(centre.x + at.x * wide, centre.y + at.y))
        }
        Shape::Boxes => {
            let (at, wide) = (anywhere(side, rng), size * rng.random_range(0.5..2.0));
            area([at.x, at.y, wide, size])
        }
        Shape::Hatching => {
            let (gap, slant) = (size.max(3.0), rng.random_range(-1.5..1.5) * side.y);
            let start = -slant.abs() + rng.random::<f32>() * gap;
            let lines = (0..).map(|line| start + line as f32 * gap).take_while(|&x| x < side.x + slant.abs());
            let ends = lines.map(|x| (Point::new(x, 0.0), Point::new(x + slant, side.y)));
            ends.flat_map(|(from, to)| [Command::MoveTo(from), Command::LineTo(to)]).collect()
        }
        Shape::Dashes => {
            let from = anywhere(side, rng);
            let (sine, cosine) = rng.random_range(0.0..std::f32::consts::TAU).sin_cos();
            let to = Point::new(from.x + size * cosine, from.y + size * sine);
            vec![Command::MoveTo(from), Command::LineTo(to)]
        }
        Shape::Scribbles => {
            let mut at = anywhere(side, rng);
            let step = |rng: &mut _| (RngExt::random::<f32>(rng) - 0.5) * 2.0 * size;
            let mut path = vec![Command::MoveTo(at)];
            for _ in 0..rng.random_range(6..=SCRIBBLE_POINTS) {
                let by = Point::new(at.x + step(rng), at.y + step(rng));
                at = Point::new((by.x + step(rng)).clamp(0.0, side.x), (by.y + step(rng)).clamp(0.0, side.y));
                path.push(Command::QuadTo(by, at));
            }
            path
        }
        Shape::Targets => {
            let (centre, rings) = (anywhere(side, rng), rng.random_range(2..=5));
            (1..=rings).flat_map(|ring| circle(centre, size * ring as f32 / rings as f32)).collect()
        }
        Shape::Lines | Shape::Dots | Shape::Letters | Shape::Grid | Shape::Blots | Shape::Bands => {
            vec![Command::MoveTo(anywhere(side, rng)), Command::LineTo(anywhere(side, rng))]
        }
    }
}

fn anywhere(side: Point, rng: &mut impl Rng) -> Point {
    Point::new(rng.random::<f32>() * side.x, rng.random::<f32>() * side.y)
}

fn level(height: f32, rng: &mut impl Rng) -> f32 {
    rng.random_range(0.05..0.95) * height
}

/// Left, top, width and height as an outline.
fn area([left, top, wide, high]: [f32; 4]) -> Vec<Command> {
    let corner = |x: f32, y: f32| Point::new(left + x, top + y);
    let [b, c, d] = [corner(wide, 0.0), corner(wide, high), corner(0.0, high)].map(Command::LineTo);
    vec![Command::MoveTo(corner(0.0, 0.0)), b, c, d, Command::Close]
}

/// A polygon of a few corners, each at a distance of its own.
fn blot(centre: Point, size: f32, rng: &mut impl Rng) -> Vec<Command> {
    let corners = rng.random_range(3..=8);
    let mut outline: Vec<Command> = (0..corners)
        .map(|corner| {
            let (sine, cosine) = (corner as f32 / corners as f32 * std::f32::consts::TAU).sin_cos();
            let far = size * rng.random_range(0.4..1.0);
            Point::new(centre.x + far * cosine, centre.y + far * sine)
        })
        .enumerate()
        .map(|(corner, at)| if corner == 0 { Command::MoveTo(at) } else { Command::LineTo(at) })
        .collect();
    outline.push(Command::Close);
    outline
}

fn circle(centre: Point, radius: f32) -> Vec<Command> {
    let at = |x: f32, y: f32| Point::new(centre.x + x * radius, centre.y + y * radius);
    vec![
        Command::MoveTo(at(1.0, 0.0)),
        Command::CurveTo(at(1.0, ROUND), at(ROUND, 1.0), at(0.0, 1.0)),
        Command::CurveTo(at(-ROUND, 1.0), at(-1.0, ROUND), at(-1.0, 0.0)),
        Command::CurveTo(at(-1.0, -ROUND), at(-ROUND, -1.0), at(0.0, -1.0)),
        Command::CurveTo(at(ROUND, -1.0), at(1.0, -ROUND), at(1.0, 0.0)),
        Command::Close,
    ]
}

/// Lines at even distances, `dx` and `dy` pixels apart, a little out of the upright or not.
fn grid(side: Point, (dx, dy): (f32, f32), rng: &mut impl Rng) -> Vec<Command> {
    let (dx, dy) = (dx.max(3.0), dy.max(3.0));
    let slant = if rng.random_bool(0.5) { 0.0 } else { rng.random_range(-0.3..0.3) };
    let (start_x, start_y) = (rng.random::<f32>() * dx, rng.random::<f32>() * dy);
    let upright = (0..).map(|line| start_x + line as f32 * dx).take_while(|&x| x < side.x);
    let level = (0..).map(|line| start_y + line as f32 * dy).take_while(|&y| y < side.y);
    let upright = upright.map(|x| (Point::new(x, 0.0), Point::new(x + slant * side.y, side.y)));
    let level = level.map(|y| (Point::new(0.0, y), Point::new(side.x, y + slant * side.y)));
    upright.chain(level).flat_map(|(from, to)| [Command::MoveTo(from), Command::LineTo(to)]).collect()
}

/// A small character of any of the faces, turned anyhow.
fn letter(faces: &[&Face], at: Point, size: f32, rng: &mut impl Rng) -> Vec<Command> {
    // Letters and digits alone: a face need not have the signs of sums.
    let number = rng.random_range(0..62);
    let symbol = SYMBOLS.chars().nth(number).unwrap_or('0');
    let Some(glyph) = one_of(faces, rng).and_then(|face| face.glyph(symbol)) else { return Vec::new() };
    let (sine, cosine) = rng.random_range(-1.0..1.0_f32).sin_cos();
    moved(&glyph.outline, |Point { x, y }| {
        Point::new(at.x + (x * cosine - y * sine) * size, at.y + (x * sine + y * cosine) * size)
    })
}
