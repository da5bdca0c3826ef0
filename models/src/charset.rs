//! The characters that a network can tell apart, in the order of its labels.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

/// Distinct characters in label order; label 0 is CTC's blank, so character `i` has label `i + 1`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Charset {
    characters: Vec<char>,
}

/// Why a text is no charset, or a label no part of one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CharsetError {
    /// Nothing to tell apart.
    #[error("a charset needs at least one character")]
    Empty,
    /// The same character twice would make two labels mean the same.
    #[error("the charset holds {0:?} twice")]
    Duplicate(char),
    /// A text holds something that the charset does not.
    #[error("{character:?} in {text:?} is not in the charset")]
    Foreign {
        /// The character.
        character: char,
        /// The text it was found in.
        text: String,
    },
}

impl Charset {
    /// From its characters, in label order.
    pub fn new(characters: &str) -> Result<Self, CharsetError> {
        let characters: Vec<char> = characters.chars().collect();
        if characters.is_empty() {
            return Err(CharsetError::Empty);
        }
        let mut seen = HashSet::new();
        if let Some(&twice) = characters.iter().find(|&&character| !seen.insert(character)) {
            return Err(CharsetError::Duplicate(twice));
        }
        Ok(Self { characters })
    }

    /// Digits, upper case, lower case: the 62 symbols in the order of the report's label formula.
    pub fn alphanumeric() -> Self {
        Self { characters: ('0'..='9').chain('A'..='Z').chain('a'..='z').collect() }
    }

    /// The 59 symbols that the report draws: without `0`, `O` and `o`, in the same order.
    pub fn unambiguous() -> Self {
        Self {
            characters: Self::alphanumeric()
                .characters
                .into_iter()
                .filter(|c| !matches!(c, '0' | 'O' | 'o'))
                .collect(),
        }
    }

    /// How many labels a network for this charset tells apart: its characters and the blank.
    pub fn labels(&self) -> usize {
        self.characters.len() + 1
    }

    /// The characters in label order.
    pub fn characters(&self) -> &[char] {
        &self.characters
    }

    /// The character of a label; `None` for the blank and for labels past the end.
    pub fn character(&self, label: usize) -> Option<char> {
        self.characters.get(label.checked_sub(1)?).copied()
    }

    /// The labels of a text.
    pub fn encode(&self, text: &str) -> Result<Vec<usize>, CharsetError> {
        text.chars()
            .map(|character| {
                self.characters
                    .iter()
                    .position(|&known| known == character)
                    .map(|index| index + 1)
                    .ok_or_else(|| CharsetError::Foreign { character, text: text.to_owned() })
            })
            .collect()
    }
}

impl TryFrom<String> for Charset {
    type Error = CharsetError;

    fn try_from(characters: String) -> Result<Self, Self::Error> {
        Self::new(&characters)
    }
}

impl From<Charset> for String {
    fn from(charset: Charset) -> Self {
        charset.characters.into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_report_orders_digits_upper_lower() {
        let full = Charset::alphanumeric();
        assert_eq!(full.characters().len(), 62);
        assert_eq!(
            (full.character(1), full.character(11), full.character(37)),
            (Some('0'), Some('A'), Some('a'))
        );
        assert_eq!((full.character(0), full.character(63)), (None, None));
        assert_eq!(Charset::unambiguous().characters().len(), 59);
        assert!(Charset::unambiguous().encode("O").is_err());
    }

    #[test]
    fn encoding_and_characters_are_inverse() {
        let charset = Charset::unambiguous();
        let text: String = charset.characters().iter().collect();
        let labels = charset.encode(&text).unwrap();
        let back: String = labels.into_iter().filter_map(|label| charset.character(label)).collect();
        assert_eq!(back, text);
    }

    #[test]
    fn doubled_and_empty_charsets_are_refused() {
        assert_eq!(Charset::new(""), Err(CharsetError::Empty));
        assert_eq!(Charset::new("abca"), Err(CharsetError::Duplicate('a')));
    }
}
