//! Glyph coverage masks of the built-in font, hinted and rasterised as FreeType does it for Pillow.

use skrifa::instance::{LocationRef, Size};
use skrifa::outline::{DrawSettings, HintingInstance, HintingOptions, OutlinePen};
use skrifa::{FontRef, MetadataProvider};
use zeno::{Command, Mask, Placement, Point};

use crate::style::Error;

/// DroidSansMono, the library's only built-in font (Apache-2.0; the licence lies beside the file).
const DROID_SANS_MONO: &[u8] = include_bytes!("../fonts/DroidSansMono.ttf");

/// Canvas margins to the left of a character that the library draws from: 0 to 4 pixels.
pub(crate) const LEFT_MARGINS: i32 = 5;

/// The built-in font at one size.
pub(crate) struct Face {
    font: FontRef<'static>,
    hinting: HintingInstance,
    size: Size,
    /// Pixels from the top of a line to the baseline.
    ascender: i32,
}

/// Ink of a glyph, cropped to its bounding box: `width * height` bytes of coverage, 255 for a pixel wholly inside.
#[derive(Debug, Clone)]
pub(crate) struct Ink {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) coverage: Vec<u8>,
}

/// A character ready to be drawn.
#[derive(Debug, Clone)]
pub(crate) struct Glyph {
    /// Right edge of the text box at the origin.
    pub(crate) width: u32,
    /// Bottom edge of the text box, counted from the top of the line.
    pub(crate) height: u32,
    /// The ink for each left margin; a single entry when the margin makes no difference. A glyph that reaches left of
    /// the origin loses those columns when the margin is smaller than its reach.
    inks: Vec<Ink>,
}

impl Glyph {
    pub(crate) fn ink(&self, left_margin: usize) -> &Ink {
        &self.inks[left_margin.min(self.inks.len() - 1)]
    }

    /// The text box as version 0.7.1 takes it: right and bottom edge of a box that begins at (1, 1), and no allowance
    /// for ink left of the origin.
    pub(crate) fn boxed_from_one_one(self) -> Self {
        let reach = self.inks.len() as u32 - 1;
        Self { width: self.width + 1 - reach, height: self.height + 1, ..self }
    }
}

impl Face {
    pub(crate) fn new(pixels: u32) -> Result<Self, Error> {
        let broken = |error: &dyn std::fmt::Display| Error::Font(error.to_string());
        let font = FontRef::new(DROID_SANS_MONO).map_err(|e| broken(&e))?;
        let size = Size::new(pixels as f32);
        let hinting = HintingInstance::new(
            &font.outline_glyphs(),
            size,
            LocationRef::default(),
            HintingOptions::default(),
        )
        .map_err(|e| broken(&e))?;
        // As FreeType does it, up to whole pixels.
        let ascender = font.metrics(size, LocationRef::default()).ascent.ceil() as i32;
        Ok(Self { font, hinting, size, ascender })
    }

    /// Width and height of a blank's text box: a space advances but has no ink below the line's top.
    pub(crate) fn blank(&self) -> (u32, u32) {
        (self.advance(' ').max(0) as u32, self.ascender as u32)
    }

    /// The glyph of `symbol`, or an error if the font has none or an empty one.
    pub(crate) fn glyph(&self, symbol: char) -> Result<Glyph, Error> {
        let undrawable = || Error::Undrawable(symbol);
        let (whole, placement) = self.rasterise(symbol)?;
        let (ink, (left, top)) = whole.cropped(0).ok_or_else(undrawable)?;
        let left = placement.left + left as i32;
        let bottom = self.ascender + placement.top + (top + ink.height) as i32;
        let right = (left + ink.width as i32).max(self.advance(symbol));
        let inks = (0..LEFT_MARGINS)
            .take((-left).clamp(0, LEFT_MARGINS - 1) as usize)
            .map(|margin| ink.cropped((-left - margin) as usize).map(|(ink, _)| ink))
            .collect::<Option<Vec<_>>>()
            .ok_or_else(undrawable)?;
        let inks = inks.into_iter().chain([ink]).collect();
        Ok(Glyph { width: (right - left.min(0)) as u32, height: bottom.max(1) as u32, inks })
    }

    /// Coverage of a glyph, and where its upper left corner lies relative to the origin on the baseline.
    fn rasterise(&self, symbol: char) -> Result<(Ink, Placement), Error> {
        let undrawable = || Error::Undrawable(symbol);
        let id = self.font.charmap().map(symbol).ok_or_else(undrawable)?;
        let outline = self.font.outline_glyphs().get(id).ok_or_else(undrawable)?;
        let mut path = Path::default();
        outline
            .draw(DrawSettings::hinted(&self.hinting, false), &mut path)
            .map_err(|e| Error::Font(format!("{symbol:?}: {e}")))?;
        let (coverage, placement) = Mask::new(path.commands.as_slice()).render();
        Ok((Ink { width: placement.width as usize, height: placement.height as usize, coverage }, placement))
    }

    /// Pen advance in whole pixels, from the unhinted metrics as text layout does it.
    fn advance(&self, symbol: char) -> i32 {
        let id = self.font.charmap().map(symbol).unwrap_or_default();
        let metrics = self.font.glyph_metrics(self.size, LocationRef::default());
        metrics.advance_width(id).unwrap_or(0.0).round() as i32
    }
}

impl Ink {
    /// Without its first `skip` columns, cropped to what is not blank; with the offset of the crop. `None` if nothing
    /// is left.
    fn cropped(&self, skip: usize) -> Option<(Self, (usize, usize))> {
        let inked = |x: usize, y: usize| self.coverage[y * self.width + x] > 0;
        let columns = || (skip..self.width).filter(|&x| (0..self.height).any(|y| inked(x, y)));
        let rows = || (0..self.height).filter(|&y| (skip..self.width).any(|x| inked(x, y)));
        let (left, right) = (columns().next()?, columns().next_back()?);
        let (top, bottom) = (rows().next()?, rows().next_back()?);
        let coverage = (top..=bottom)
            .flat_map(|y| &self.coverage[y * self.width + left..=y * self.width + right])
            .copied()
            .collect();
        Some((Self { width: right + 1 - left, height: bottom + 1 - top, coverage }, (left, top)))
    }
}

/// Collects an outline with the y axis pointing down.
#[derive(Default)]
pub(crate) struct Path {
    pub(crate) commands: Vec<Command>,
}

impl OutlinePen for Path {
    fn move_to(&mut self, x: f32, y: f32) {
        self.commands.push(Command::MoveTo(Point::new(x, -y)));
    }

    fn line_to(&mut self, x: f32, y: f32) {
        self.commands.push(Command::LineTo(Point::new(x, -y)));
    }

    fn quad_to(&mut self, cx: f32, cy: f32, x: f32, y: f32) {
        self.commands.push(Command::QuadTo(Point::new(cx, -cy), Point::new(x, -y)));
    }

    fn curve_to(&mut self, ax: f32, ay: f32, bx: f32, by: f32, x: f32, y: f32) {
        self.commands.push(Command::CurveTo(Point::new(ax, -ay), Point::new(bx, -by), Point::new(x, -y)));
    }

    fn close(&mut self) {
        self.commands.push(Command::Close);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures;

    const CELL: (i32, i32) = (32, 56);
    const ORIGIN: i32 = 4;

    #[test]
    fn text_boxes_are_pillows_at_every_preset_size() {
        for [size, symbol, width, height] in fixtures::rows(include_str!("../tests/fixtures/glyphs.csv")) {
            let face = Face::new(size.parse().unwrap()).unwrap();
            let symbol = symbol.chars().next().unwrap();
            let ours = match symbol {
                ' ' => face.blank(),
                _ => face.glyph(symbol).map(|glyph| (glyph.width, glyph.height)).unwrap(),
            };
            assert_eq!(ours, (width.parse().unwrap(), height.parse().unwrap()), "{symbol:?} at {size}");
        }
    }

    #[test]
    fn glyph_masks_are_pillows() {
        let sheet = fixtures::image(include_bytes!("../tests/fixtures/glyphs.png"));
        let face = Face::new(40).unwrap();
        let symbols = fixtures::rows::<4>(include_str!("../tests/fixtures/glyphs.csv"))
            .filter(|row| row[0] == "40" && row[1] != " ")
            .map(|row| row[1].chars().next().unwrap());
        let mut total = 0.0;
        let mut count = 0.0;
        for (cell, symbol) in symbols.enumerate() {
            let (path, placement) = face.rasterise(symbol).unwrap();
            let mut worst = 0;
            let mut ours = [i32::MAX, i32::MAX, 0, 0];
            let mut theirs = ours;
            for y in 0..CELL.1 {
                for x in 0..CELL.0 {
                    let column = x - ORIGIN - placement.left;
                    let row = y - face.ascender - placement.top;
                    let inside =
                        (0..path.width as i32).contains(&column) && (0..path.height as i32).contains(&row);
                    let here =
                        if inside { path.coverage[row as usize * path.width + column as usize] } else { 0 };
                    let there = sheet.get_pixel((cell as i32 * CELL.0 + x) as u32, y as u32)[0];
                    for (value, area) in [(here, &mut ours), (there, &mut theirs)] {
                        if value > 0 {
                            *area = [area[0].min(x), area[1].min(y), area[2].max(x), area[3].max(y)];
                        }
                    }
                    worst = worst.max(here.abs_diff(there));
                    total += f64::from(here.abs_diff(there));
                    count += f64::from(u8::from(here > 0 || there > 0));
                }
            }
            assert_eq!(ours, theirs, "ink box of {symbol:?}");
            assert!(worst <= 3, "{symbol:?} is off by {worst} of 255 somewhere");
        }
        assert!(total / count < 1.0, "mean difference of inked pixels is {} of 255", total / count);
    }

    #[test]
    fn letters_and_digits_are_drawable_and_others_are_refused_by_name() {
        let face = Face::new(40).unwrap();
        for symbol in ('a'..='z').chain('A'..='Z').chain('0'..='9') {
            assert!(face.glyph(symbol).is_ok(), "{symbol:?}");
        }
        for symbol in [' ', '\u{10ffff}', '\u{4e00}'] {
            let error = face.glyph(symbol).unwrap_err().to_string();
            assert!(error.contains(&format!("{symbol:?}")), "{error}");
        }
    }

    #[test]
    fn a_glyph_reaching_left_of_the_origin_is_cut_only_without_margin() {
        let glyph = Face::new(40).unwrap().glyph('w').unwrap();
        assert_eq!(glyph.ink(0).width + 1, glyph.ink(1).width);
        assert_eq!(glyph.ink(1).width, glyph.ink(4).width);
    }
}
