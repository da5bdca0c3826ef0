//! Labelled pictures and what the network makes of them: how probable its text is, without limits and with them, and
//! whether the text is right.

use anyhow::Result;
use byecaptcha_models::{PreparedImage, ReadingOptions, Recognizer, calibration::BetaMap};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use serde::{Deserialize, Serialize};

use crate::evaluate::{self, Picture};

/// What is known of a text beforehand, each in its turn.
pub(super) const LIMITS: [&str; 4] = ["none", "length", "charset", "length and charset"];

/// The probability of a text, 0 to 1, and whether it is the right one.
pub(super) type Answer = (f64, bool);

/// What was read, parted by the model that read it.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(super) struct Answers {
    /// With the network's own probabilities.
    pub(super) own: Vec<Answer>,
    /// By the special model, whose confidences its own card has seen to.
    pub(super) special: Vec<Answer>,
}

impl Answers {
    pub(super) fn extend(&mut self, others: &Self) {
        self.own.extend_from_slice(&others.own);
        self.special.extend_from_slice(&others.special);
    }

    pub(super) fn len(&self) -> usize {
        self.own.len() + self.special.len()
    }

    /// All of them, before the map.
    pub(super) fn before(&self) -> Vec<Answer> {
        [&self.own[..], &self.special[..]].concat()
    }

    /// All of them, with what the map makes of those that it is for.
    pub(super) fn after(&self, map: &BetaMap) -> Vec<Answer> {
        let own = self.own.iter().map(|&(probability, right)| (map.apply(probability), right));
        own.chain(self.special.iter().copied()).collect()
    }
}

/// What was read from one set of pictures.
#[derive(Default)]
pub(super) struct Readings {
    /// Those to fit on, without limits.
    pub(super) fitted: Answers,
    /// Those to measure on, by [`LIMITS`].
    pub(super) held_out: [Answers; LIMITS.len()],
}

/// Reads pictures; every second one is to be fitted on, or none.
pub(super) fn read(
    recognizer: &mut Recognizer,
    mut pictures: impl Iterator<Item = Result<Picture>>,
    fitted: bool,
) -> Result<Readings> {
    let (mut readings, mut index) = (Readings::default(), 0);
    loop {
        let batch = next(recognizer, &mut pictures, &mut index)?;
        if batch.is_empty() {
            return Ok(readings);
        }
        let (fit, measure): (Vec<_>, Vec<_>) =
            batch.into_iter().partition(|(index, ..)| fitted && index.is_multiple_of(2));
        readings.fitted.extend(&answers(recognizer, &fit, LIMITS[0])?);
        for (limits, answered) in LIMITS.iter().zip(&mut readings.held_out) {
            answered.extend(&answers(recognizer, &measure, limits)?);
        }
    }
}

/// Reads pictures without limits.
pub(super) fn unlimited(
    recognizer: &mut Recognizer,
    mut pictures: impl Iterator<Item = Result<Picture>>,
) -> Result<Answers> {
    let (mut all, mut index) = (Answers::default(), 0);
    loop {
        let batch = next(recognizer, &mut pictures, &mut index)?;
        if batch.is_empty() {
            return Ok(all);
        }
        all.extend(&answers(recognizer, &batch, LIMITS[0])?);
    }
}

/// A labelled picture with its number, prepared.
type Numbered = (u64, String, PreparedImage);

/// The next pictures that go through the engine at once; none at the end.
fn next(
    recognizer: &Recognizer,
    pictures: &mut impl Iterator<Item = Result<Picture>>,
    index: &mut u64,
) -> Result<Vec<Numbered>> {
    let batch = evaluate::next(recognizer, pictures)?.into_iter().map(|(picture, prepared)| {
        *index += 1;
        (*index - 1, picture.text, prepared)
    });
    Ok(batch.collect())
}

fn answers(recognizer: &mut Recognizer, pictures: &[Numbered], limits: &str) -> Result<Answers> {
    let known = recognizer.card().charset.characters();
    let options: Vec<_> =
        pictures.iter().map(|(index, label, _)| options(limits, label, known, *index)).collect();
    let images: Vec<_> = pictures.iter().map(|(.., image)| image.clone()).collect();
    let readings = recognizer.recognize_with(&images, &options)?;
    let mut answers = Answers::default();
    for (place, reading) in readings.into_iter().enumerate() {
        let part = match recognizer.hands_on(&images[place], &options[place]) {
            true => &mut answers.special,
            false => &mut answers.own,
        };
        part.push((f64::from(reading.confidence), reading.text == pictures[place].1));
    }
    Ok(answers)
}

/// What a caller would ask for who knows so much: the text's length; that half of the letters and digits which it does not
/// hold cannot be in it, and no sign of a sum that it does not hold.
fn options(limits: &str, label: &str, known: &[char], index: u64) -> ReadingOptions {
    let mut options = ReadingOptions::default();
    if limits.contains("length") {
        let length = Some(label.chars().count());
        (options.min_length, options.max_length) = (length, length);
    }
    if limits.contains("charset") {
        let mut random = Pcg64Mcg::seed_from_u64(index);
        let kept = known.iter().filter(|&&character| {
            let asked = random.random::<bool>() && character.is_alphanumeric();
            asked || label.contains(character)
        });
        options.charset = Some(kept.collect());
    }
    options
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_that_cannot_be_read_is_named() {
        let mut recognizer = Recognizer::embedded().unwrap();
        let broken =
            || Picture { name: "DIR/abc_num9.png".into(), text: "abc".into(), file: b"no picture".to_vec() };
        let error = read(&mut recognizer, std::iter::once(Ok(broken())), true).map(drop).unwrap_err();
        assert!(format!("{error:#}").contains("DIR/abc_num9.png: "), "{error:#}");
    }

    #[test]
    fn limits_are_those_of_somebody_who_knows() {
        let known: Vec<char> = ('a'..='z').chain(['+', '?']).collect();
        let asked = |limits| options(limits, "qq", &known, 3);
        assert_eq!(asked(LIMITS[0]), ReadingOptions::default());
        assert_eq!((asked(LIMITS[1]).min_length, asked(LIMITS[1]).max_length), (Some(2), Some(2)));
        assert_eq!((asked(LIMITS[1]).charset, asked(LIMITS[2]).min_length), (None, None));
        let charset = asked(LIMITS[3]).charset.unwrap();
        assert!(charset.contains('q') && (5..22).contains(&charset.len()), "{charset}");
        assert!(!charset.contains('+') && options("charset", "q+", &known, 3).charset.unwrap().contains('+'));
    }

    #[test]
    fn the_map_is_for_what_the_network_itself_has_read() {
        let map = BetaMap { a: 1.0, b: 1.0, c: 1.0 };
        let answers = Answers { own: vec![(0.5, true)], special: vec![(0.5, false)] };
        let after = answers.after(&map);
        assert!(after[0].0 > 0.7 && after[1] == (0.5, false) && answers.before()[0] == (0.5, true));
    }

    #[test]
    fn halves_are_apart_and_nothing_is_lost() {
        let mut recognizer = Recognizer::embedded().unwrap().uncalibrated();
        let mut counts = |fitted| {
            let pictures = evaluate::drawn(&["hku"], 7, 1).unwrap();
            let read = read(&mut recognizer, pictures, fitted).unwrap();
            (read.fitted.len(), read.held_out.map(|answers| answers.len()))
        };
        assert_eq!((counts(true), counts(false)), ((4, [3; 4]), (0, [7; 4])));
    }
}
