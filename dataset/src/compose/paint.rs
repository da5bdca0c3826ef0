//! Outlines onto pixels: covered, blended, clipped.

use image::{Rgb, RgbImage};
use zeno::{Cap, Command, Join, Mask, Point, Scratch, Stroke};

use super::nib::Nib;
use crate::page::ground::mixed;

/// Pixels from the corner beyond which nothing is drawn.
const FAR: f32 = 5_000.0;
/// Coverage from which a pixel with hard edges is inked.
const HALF: u8 = 128;

/// Fills and strokes outlines, with memory kept from one to the next.
pub(crate) struct Painter {
    scratch: Scratch,
    hard: bool,
    /// What ink is laid on in.
    pub(super) pattern: Pattern,
    /// What the pen is, if it is not round.
    pub(super) nib: Option<Nib>,
}

/// Where how much of the ink is laid on.
#[derive(Debug, Clone, Copy)]
pub(super) enum Pattern {
    Even,
    /// Stripes across this direction, as many radians a pixel as it is long; between them there is this share of the ink.
    Stripes([f32; 2], f32),
    /// The same with dots, along both axes.
    Dots(f32, f32),
    /// From full to this share, over so many pixels along the rows.
    Shade(f32, f32),
}

impl Pattern {
    /// The share of the ink at a pixel.
    fn at(self, x: u32, y: u32) -> f32 {
        let (x, y) = (x as f32, y as f32);
        let lighter = |inked: bool, between: f32| if inked { 1.0 } else { between };
        match self {
            Self::Even => 1.0,
            Self::Stripes([dx, dy], between) => lighter((x * dx + y * dy).sin() > -0.2, between),
            Self::Dots(turns, between) => lighter((x * turns).sin() + (y * turns).sin() > -0.3, between),
            Self::Shade(least, width) => 1.0 - (1.0 - least) * (x / width).min(1.0),
        }
    }
}

impl Painter {
    /// `hard` leaves no shades between ink and ground.
    pub(crate) fn new(hard: bool) -> Self {
        Self { scratch: Scratch::new(), hard, pattern: Pattern::Even, nib: None }
    }

    /// Inks the inside of an outline.
    pub(crate) fn fill(&mut self, image: &mut RgbImage, outline: &[Command], colour: Rgb<u8>, opacity: f32) {
        // Where a curve turns back on itself, a round join of its parallel may lie at infinity.
        if !outline.iter().all(near) {
            return;
        }
        let (coverage, placement) = Mask::with_scratch(outline, &mut self.scratch).render();
        let coverage = match self.nib {
            Some(nib) => nib.worn(&coverage, placement.width as usize),
            None => coverage,
        };
        self.blend(image, &coverage, placement, colour, opacity);
    }

    /// Draws along a path with a round pen of so many pixels.
    pub(super) fn stroke(
        &mut self,
        image: &mut RgbImage,
        path: &[Command],
        pen: f32,
        colour: Rgb<u8>,
        opacity: f32,
    ) {
        let mut stroke = Stroke::new(pen);
        stroke.join(Join::Round).cap(Cap::Round);
        let mut outline = Vec::new();
        self.scratch.apply(path, stroke, None, &mut outline);
        self.fill(image, &outline, colour, opacity);
    }

    fn blend(
        &self,
        image: &mut RgbImage,
        coverage: &[u8],
        placement: zeno::Placement,
        colour: Rgb<u8>,
        opacity: f32,
    ) {
        let wide = placement.width as usize;
        if wide == 0 {
            return;
        }
        for (row, line) in coverage.chunks_exact(wide).enumerate() {
            let Ok(y) = u32::try_from(placement.top + row as i32) else { continue };
            if y >= image.height() {
                return;
            }
            for (column, &coverage) in line.iter().enumerate() {
                let coverage = if self.hard { if coverage >= HALF { 255 } else { 0 } } else { coverage };
                let Ok(x) = u32::try_from(placement.left + column as i32) else { continue };
                if coverage == 0 || x >= image.width() {
                    continue;
                }
                let pixel = image.get_pixel_mut(x, y);
                let share = f32::from(coverage) / 255.0 * opacity * self.pattern.at(x, y);
                *pixel = mixed(*pixel, colour, share);
            }
        }
    }
}

/// Whether all points of a command are anywhere near a picture.
fn near(command: &Command) -> bool {
    let near = |point: &Point| point.x.abs() < FAR && point.y.abs() < FAR;
    match command {
        Command::MoveTo(to) | Command::LineTo(to) => near(to),
        Command::QuadTo(by, to) => near(by) && near(to),
        Command::CurveTo(by, and, to) => near(by) && near(and) && near(to),
        Command::Close => true,
    }
}

/// An outline with each of its points moved.
pub(crate) fn moved(outline: &[Command], mut map: impl FnMut(Point) -> Point) -> Vec<Command> {
    outline
        .iter()
        .map(|&command| match command {
            Command::MoveTo(to) => Command::MoveTo(map(to)),
            Command::LineTo(to) => Command::LineTo(map(to)),
            Command::QuadTo(by, to) => Command::QuadTo(map(by), map(to)),
            Command::CurveTo(by, and, to) => Command::CurveTo(map(by), map(and), map(to)),
            Command::Close => Command::Close,
        })
        .collect()
}

/// The same with its straight lines in parts, so that they can be bent.
pub(super) fn in_parts(outline: &[Command], longest: f32) -> Vec<Command> {
    let mut parts = Vec::with_capacity(outline.len() * 2);
    let (mut at, mut start) = (Point::new(0.0, 0.0), Point::new(0.0, 0.0));
    let line = |parts: &mut Vec<Command>, from: Point, to: Point| {
        let (dx, dy) = (to.x - from.x, to.y - from.y);
        let count = (dx.hypot(dy) / longest).ceil().clamp(1.0, 64.0);
        for part in 1..=count as u32 {
            let share = part as f32 / count;
            parts.push(Command::LineTo(Point::new(from.x + dx * share, from.y + dy * share)));
        }
    };
    for &command in outline {
        match command {
            Command::LineTo(to) => line(&mut parts, at, to),
            Command::Close => {
                line(&mut parts, at, start);
                parts.push(command);
            }
            _ => parts.push(command),
        }
        at = match command {
            Command::MoveTo(to) => {
                start = to;
                to
            }
            Command::LineTo(to) | Command::QuadTo(_, to) | Command::CurveTo(_, _, to) => to,
            Command::Close => start,
        };
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn square(from: f32, to: f32) -> Vec<Command> {
        let [a, b, c, d] = [(from, from), (to, from), (to, to), (from, to)].map(|(x, y)| Point::new(x, y));
        vec![Command::MoveTo(a), Command::LineTo(b), Command::LineTo(c), Command::LineTo(d), Command::Close]
    }

    #[test]
    fn ink_covers_what_is_inside_and_is_clipped() {
        let mut image = RgbImage::from_pixel(10, 10, Rgb([255; 3]));
        let mut painter = Painter::new(false);
        painter.fill(&mut image, &square(-5.0, 2.5), Rgb([0; 3]), 1.0);
        painter.fill(&mut image, &square(8.0, 40.0), Rgb([100; 3]), 0.5);
        assert_eq!(
            (image.get_pixel(0, 0).0[0], image.get_pixel(4, 4).0[0], image.get_pixel(9, 9).0[0]),
            (0, 255, 178)
        );
        let edge = image.get_pixel(2, 0).0[0];
        assert!((100..156).contains(&edge), "half covered: {edge}");
        Painter::new(true).fill(&mut image, &square(4.0, 6.4), Rgb([0; 3]), 1.0);
        assert_eq!((image.get_pixel(5, 5).0[0], image.get_pixel(6, 6).0[0]), (0, 255));
    }

    #[test]
    fn what_lies_at_infinity_is_not_drawn() {
        let mut image = RgbImage::from_pixel(10, 10, Rgb([255; 3]));
        let mut painter = Painter::new(false);
        for far in [f32::NAN, f32::INFINITY, 1e30] {
            let path = [Command::MoveTo(Point::new(2.0, 2.0)), Command::LineTo(Point::new(far, 5.0))];
            painter.stroke(&mut image, &path, 2.0, Rgb([0; 3]), 1.0);
            painter.fill(&mut image, &path, Rgb([0; 3]), 1.0);
        }
        assert!(image.pixels().all(|pixel| pixel.0 == [255; 3]));
    }

    #[test]
    fn lines_in_parts_end_where_they_did() {
        let parts = in_parts(&square(0.0, 10.0), 3.0);
        let lines = parts.iter().filter(|part| matches!(part, Command::LineTo(_))).count();
        assert_eq!(lines, 16);
        let whole = Mask::new(square(0.0, 10.0).as_slice()).render().0;
        assert_eq!(Mask::new(parts.as_slice()).render().0, whole);
    }
}
