//! What a composed style writes: texts of a charset, or sums.

use rand::{Rng, RngExt};
use serde::Deserialize;

use crate::compose::happens;
use crate::style::{Error, LENGTH, within};

/// How likely a character is one of the symbols that a text is often of.
const OFTEN: f32 = 0.7;

/// What is written.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::compose) struct Text {
    /// Symbols.
    #[serde(default)]
    charset: Charset,
    /// Symbols of the charset that do not occur.
    #[serde(default)]
    without: String,
    /// Symbols that most of a text is of, where the charset has two of them or more.
    #[serde(default)]
    often: String,
    /// Fewest and most characters.
    #[serde(default = "four_to_six")]
    length: [usize; 2],
    /// The largest operand, where a sum is asked for in place of a text.
    #[serde(default)]
    sum: Option<u32>,
    /// How often, among the others.
    #[serde(default = "one")]
    pub(in crate::compose) weight: u32,
}

fn one() -> u32 {
    1
}

fn four_to_six() -> [usize; 2] {
    [4, 6]
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(in crate::compose) enum Charset {
    #[default]
    Alphanumeric,
    Letters,
    Digits,
    Lower,
    Upper,
    LowerDigits,
    UpperDigits,
    Hex,
}

impl Charset {
    fn symbols(self) -> impl Iterator<Item = char> {
        let (digits, upper, lower) = ('0'..='9', 'A'..='Z', 'a'..='z');
        let part =
            |taken: bool, range: std::ops::RangeInclusive<char>| taken.then_some(range).into_iter().flatten();
        let hex = matches!(self, Self::Hex);
        part(!matches!(self, Self::Letters | Self::Lower | Self::Upper), digits)
            .chain(part(
                hex || matches!(self, Self::Alphanumeric | Self::Letters | Self::Upper | Self::UpperDigits),
                if hex { 'A'..='F' } else { upper },
            ))
            .chain(part(
                matches!(self, Self::Alphanumeric | Self::Letters | Self::Lower | Self::LowerDigits),
                lower,
            ))
    }
}

impl Text {
    /// So many symbols of a charset, but for some.
    pub(in crate::compose) fn of(charset: Charset, without: &str, length: usize) -> Self {
        let (without, often) = (without.to_owned(), String::new());
        Self { charset, without, often, length: [length; 2], sum: None, weight: 1 }
    }

    /// So many symbols of a charset, most of them of a few.
    pub(in crate::compose) fn mostly(often: String, charset: Charset, length: usize) -> Self {
        Self { often, ..Self::of(charset, "", length) }
    }

    /// A sum of numbers up to one.
    pub(in crate::compose) fn sum(most: u32) -> Self {
        Self { sum: Some(most), ..Self::of(Charset::Digits, "", 1) }
    }

    /// A text, each symbol equally likely but for those that it is often of.
    pub(in crate::compose) fn write(&self, rng: &mut impl Rng) -> String {
        if let Some(most) = self.sum {
            return sum(most, rng);
        }
        let symbols: Vec<char> =
            self.charset.symbols().filter(|&symbol| !self.without.contains(symbol)).collect();
        let often: Vec<char> =
            symbols.iter().copied().filter(|&symbol| self.often.contains(symbol)).collect();
        let length = rng.random_range(self.length[0]..=self.length[1]);
        let mut symbol = || {
            let of = if often.len() > 1 && happens(OFTEN, rng) { &often } else { &symbols };
            of[rng.random_range(0..of.len())]
        };
        (0..length).map(|_| symbol()).collect()
    }

    pub(super) fn check(&self) -> Result<(), Error> {
        let [low, high] = self.length;
        for length in self.length {
            within("length", length as u64, *LENGTH.start() as u32, *LENGTH.end() as u32)?;
        }
        if low > high || self.weight == 0 {
            return Err(Error::Recipe("texts: the length's range is upside down, or the weight is 0".into()));
        }
        match self.charset.symbols().any(|symbol| !self.without.contains(symbol)) {
            true => Ok(()),
            false => Err(Error::Empty("charset")),
        }
    }
}

/// A sum as sites write them: `3+8=?`, `12-7=`, `4×6=?`.
fn sum(most: u32, rng: &mut impl Rng) -> String {
    let operator = ['+', '+', '-', '-', '×', '*', 'x'][rng.random_range(0..7)];
    let (mut first, mut second) = (rng.random_range(0..=most), rng.random_range(0..=most));
    if operator == '-' && first < second {
        (first, second) = (second, first);
    }
    let end = ["=?", "=?", "=", ""][rng.random_range(0..4)];
    format!("{first}{operator}{second}{end}")
}
