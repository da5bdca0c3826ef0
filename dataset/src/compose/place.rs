//! Where the text of a picture stands, from the outlines of its characters: what a reader has to see of it.

use zeno::Command;

use super::paint::in_parts;

/// Side of the squares that outlines are marked in, in pixels.
const CELL: usize = 2;
/// Straight parts of an outline are at most so many pixels long, so that none passes a square unmarked.
const PART: f32 = 2.0;
/// Room left on each side of a text, as a share of its height.
const ROOM: f32 = 0.25;

/// Squares of a picture that the outlines of its characters pass through.
pub(super) struct Inked {
    cells: Vec<bool>,
    width: u32,
    height: u32,
}

impl Inked {
    /// Of a picture so large, and nothing in it yet.
    pub(super) fn new((width, height): (u32, u32)) -> Self {
        let cells = vec![false; columns(width) * columns(height)];
        Self { cells, width, height }
    }

    /// Marks where an outline goes, as far as it is in the picture.
    pub(super) fn mark(&mut self, outline: &[Command]) {
        for command in in_parts(outline, PART) {
            let (Command::MoveTo(at)
            | Command::LineTo(at)
            | Command::QuadTo(_, at)
            | Command::CurveTo(_, _, at)) = command
            else {
                continue;
            };
            if let Some(cell) = self.cell(at.x, at.y) {
                self.cells[cell] = true;
            }
        }
    }

    /// The box of what was marked, with some room around it, in pixels: left, top, and the first column and row beyond it.
    /// `from` says where in the picture as it was drawn a pixel of the finished one comes from. The whole where nothing of the
    /// text is left.
    pub(super) fn place(&self, from: impl Fn(f32, f32) -> (f32, f32)) -> [i64; 4] {
        let whole = [0, 0, i64::from(self.width), i64::from(self.height)];
        let inked = |x: u32, y: u32| {
            let (x, y) = from(x as f32, y as f32);
            self.cell(x, y).is_some_and(|cell| self.cells[cell])
        };
        let mut found: Option<[u32; 4]> = None;
        for y in (0..self.height).step_by(CELL) {
            for x in (0..self.width).step_by(CELL) {
                if inked(x, y) {
                    let [left, top, right, bottom] = found.unwrap_or([x, y, x, y]);
                    found = Some([left.min(x), top.min(y), right.max(x), bottom.max(y)]);
                }
            }
        }
        let Some([left, top, right, bottom]) = found.map(|found| found.map(i64::from)) else { return whole };
        let (right, bottom) = (right + CELL as i64, bottom + CELL as i64);
        let room = ((bottom - top) as f32 * ROOM).round() as i64;
        [
            (left - room).max(0),
            (top - room).max(0),
            (right + room).min(whole[2]),
            (bottom + room).min(whole[3]),
        ]
    }

    fn cell(&self, x: f32, y: f32) -> Option<usize> {
        let inside = (0.0..self.width as f32).contains(&x) && (0.0..self.height as f32).contains(&y);
        inside.then(|| y as usize / CELL * columns(self.width) + x as usize / CELL)
    }
}

fn columns(side: u32) -> usize {
    (side as usize).div_ceil(CELL)
}

#[cfg(test)]
mod tests {
    use zeno::Point;

    use super::*;

    fn square(left: f32, top: f32, side: f32) -> Vec<Command> {
        let at = |x: f32, y: f32| Point::new(left + x * side, top + y * side);
        let corners = [at(1.0, 0.0), at(1.0, 1.0), at(0.0, 1.0)];
        let lines = corners.into_iter().map(Command::LineTo);
        std::iter::once(Command::MoveTo(at(0.0, 0.0))).chain(lines).chain([Command::Close]).collect()
    }

    #[test]
    fn the_box_of_all_characters_has_some_room_and_stays_in_the_picture() {
        let mut inked = Inked::new((120, 60));
        assert_eq!(inked.place(|x, y| (x, y)), [0, 0, 120, 60]);
        inked.mark(&square(40.0, 20.0, 18.0));
        assert_eq!(inked.place(|x, y| (x, y)), [35, 15, 65, 45]);
        // Ten pixels to the left and sixteen up: what ends there began here.
        assert_eq!(inked.place(|x, y| (x + 10.0, y + 16.0)), [25, 0, 55, 29]);
        inked.mark(&square(100.0, 30.0, 40.0));
        assert_eq!(inked.place(|x, y| (x, y))[2..], [120, 60]);
    }
}
