//! The skeletons in `forms.txt`, read once: for each character the forms that it is written in.

use std::sync::LazyLock;

/// A place that a pen goes through, in sixteenths of a capital's height, up from the line.
#[derive(Debug, Clone, Copy)]
pub(super) struct Through {
    pub(super) x: f32,
    pub(super) y: f32,
    /// Whether it turns sharply there.
    pub(super) sharp: bool,
}

/// What the pen draws without being lifted.
pub(super) type Stroke = Vec<Through>;

/// One way of writing a character.
pub(super) struct Form {
    symbol: char,
    pub(super) strokes: Vec<Stroke>,
}

/// All forms. Those that ship can be read, as a test shows; a line that could not be would be left out.
static ALL: LazyLock<Vec<Form>> =
    LazyLock::new(|| include_str!("forms.txt").lines().filter_map(form).collect());

/// The forms of a character, at least one for each that captchas hold.
pub(super) fn of(symbol: char) -> Vec<&'static Form> {
    ALL.iter().filter(|form| form.symbol == symbol).collect()
}

/// Reads a line; nothing for a comment.
fn form(line: &str) -> Option<Form> {
    let (symbol, strokes) = line.split_once(' ')?;
    let strokes = strokes.split('/').map(stroke).collect::<Option<Vec<_>>>()?;
    Some(Form { symbol: symbol.chars().next()?, strokes })
}

fn stroke(points: &str) -> Option<Stroke> {
    let point = |point: &str| {
        let (place, sharp) = point.strip_suffix('*').map_or((point, false), |place| (place, true));
        let (x, y) = place.split_once(',')?;
        Some(Through { x: x.parse().ok()?, y: y.parse().ok()?, sharp })
    };
    points.split_whitespace().map(point).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compose::fonts::SYMBOLS;

    #[test]
    fn every_line_is_a_form_and_every_character_has_some() {
        let lines = include_str!("forms.txt").lines().filter(|line| !line.starts_with("# "));
        assert_eq!(ALL.len(), lines.count());
        for symbol in SYMBOLS.chars() {
            let least = if symbol.is_ascii_alphanumeric() { 3 } else { 1 };
            assert!(of(symbol).len() >= least, "{symbol}");
        }
        let points = || ALL.iter().flat_map(|form| &form.strokes);
        assert!(points().all(|stroke| stroke.len() >= 2));
        let inside = |at: &Through| (0.0..=14.0).contains(&at.x) && (-6.0..=16.5).contains(&at.y);
        assert!(points().flatten().all(inside));
    }
}
