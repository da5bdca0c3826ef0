//! Labelled pictures and what the network makes of them: how probable its text is, without limits and with them, and
//! whether the text is right.

use std::path::Path;

use anyhow::Result;
use byecaptcha_dataset::{composed, open};
use byecaptcha_models::{ReadingOptions, Recognizer};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

use crate::{
    config::COMPOSED,
    evaluate::{self, Labelled},
};

/// Pictures that go through the engine at once.
const BATCH: usize = 32;

/// What is known of a text beforehand, each in its turn.
pub(super) const LIMITS: [&str; 4] = ["none", "length", "charset", "length and charset"];

/// The probability of a text, 0 to 1, and whether it is the right one.
pub(super) type Answer = (f64, bool);

/// What was read from one set of pictures.
#[derive(Default)]
pub(super) struct Readings {
    /// Those to fit on, without limits.
    pub(super) fitted: Vec<Answer>,
    /// Those to measure on, by [`LIMITS`].
    pub(super) held_out: [Vec<Answer>; LIMITS.len()],
}

/// So many fresh pictures of a style, or of all composed styles in turn.
pub(super) fn drawn(
    style: &str,
    count: u64,
    seed: u64,
) -> Result<impl Iterator<Item = Result<Labelled>> + use<>> {
    let names = if style == COMPOSED { composed() } else { vec![style] };
    let styles = names.into_iter().map(|name| open(name, seed)).collect::<Result<Vec<_>, _>>()?;
    Ok((0..count).map(move |index| {
        // Two after one another of each style: every second picture is fitted on.
        let style = &styles[(index / 2 % styles.len() as u64) as usize];
        let (label, picture, _) = style.encoded(index);
        Ok((label, picture))
    }))
}

/// The labelled pictures of a folder.
pub(super) fn of_folder(folder: &Path) -> Result<impl Iterator<Item = Result<Labelled>> + use<>> {
    Ok(evaluate::folder(folder)?.into_iter().map(|file| evaluate::read(&file)))
}

/// Reads pictures; every second one is to be fitted on, or none.
pub(super) fn read(
    recognizer: &mut Recognizer,
    pictures: impl Iterator<Item = Result<Labelled>>,
    fitted: bool,
) -> Result<Readings> {
    let mut readings = Readings::default();
    let mut pictures = pictures.peekable();
    let (mut batch, mut index) = (Vec::new(), 0_u64);
    while pictures.peek().is_some() {
        batch.clear();
        for picture in pictures.by_ref().take(BATCH) {
            let (label, bytes) = picture?;
            batch.push((index, label, recognizer.prepare(&bytes)?));
            index += 1;
        }
        let (fit, measure): (Vec<_>, Vec<_>) =
            batch.drain(..).partition(|(index, ..)| fitted && index.is_multiple_of(2));
        readings.fitted.extend(answers(recognizer, &fit, LIMITS[0])?);
        for (limits, answered) in LIMITS.iter().zip(&mut readings.held_out) {
            answered.extend(answers(recognizer, &measure, limits)?);
        }
    }
    Ok(readings)
}

fn answers(
    recognizer: &mut Recognizer,
    pictures: &[(u64, String, byecaptcha_models::PreparedImage)],
    limits: &str,
) -> Result<Vec<Answer>> {
    let known = recognizer.card().charset.characters();
    let options: Vec<_> =
        pictures.iter().map(|(index, label, _)| options(limits, label, known, *index)).collect();
    let images: Vec<_> = pictures.iter().map(|(.., image)| image.clone()).collect();
    let readings = recognizer.recognize_with(&images, &options)?;
    let answer = |((_, label, _), reading): (&(u64, String, _), byecaptcha_models::Reading)| {
        (f64::from(reading.confidence), reading.text == *label)
    };
    Ok(pictures.iter().zip(readings).map(answer).collect())
}

/// What a caller would ask for who knows so much: the text's length; that half of what it does not hold cannot be in it.
fn options(limits: &str, label: &str, known: &[char], index: u64) -> ReadingOptions {
    let mut options = ReadingOptions::default();
    if limits.contains("length") {
        let length = Some(label.chars().count());
        (options.min_length, options.max_length) = (length, length);
    }
    if limits.contains("charset") {
        let mut random = Pcg64Mcg::seed_from_u64(index);
        let kept = known.iter().filter(|&&character| random.random::<bool>() || label.contains(character));
        options.charset = Some(kept.collect());
    }
    options
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_those_of_somebody_who_knows() {
        let known: Vec<char> = ('a'..='z').collect();
        let asked = |limits| options(limits, "qq", &known, 3);
        assert_eq!(asked(LIMITS[0]), ReadingOptions::default());
        assert_eq!((asked(LIMITS[1]).min_length, asked(LIMITS[1]).max_length), (Some(2), Some(2)));
        assert_eq!((asked(LIMITS[1]).charset, asked(LIMITS[2]).min_length), (None, None));
        let charset = asked(LIMITS[3]).charset.unwrap();
        assert!(charset.contains('q') && (5..22).contains(&charset.len()), "{charset}");
    }

    #[test]
    fn halves_are_apart_and_nothing_is_lost() {
        let mut recognizer = Recognizer::embedded().unwrap().uncalibrated();
        let mut counts = |fitted| {
            let read = read(&mut recognizer, drawn("hku", 7, 1).unwrap(), fitted).unwrap();
            (read.fitted.len(), read.held_out.map(|answers| answers.len()))
        };
        assert_eq!((counts(true), counts(false)), ((4, [3; 4]), (0, [7; 4])));
    }
}
