//! The composed styles as their users meet them: repeatable, of the sizes and texts that their files give, as a reader sees
//! them and as files, and legible.
#![allow(clippy::unwrap_used, missing_docs, reason = "a test may panic")]

use std::collections::HashSet;

use byecaptcha_dataset::{Draw, Drawing, Encoding, composed, open, sheet::sheet, styles};
use image::RgbImage;

/// Pictures looked at of each style.
const EACH: u64 = 60;

fn all() -> impl Iterator<Item = (&'static str, Box<dyn Draw>)> {
    composed().into_iter().map(|name| (name, open(name, 11).unwrap()))
}

#[test]
fn a_number_names_one_picture_and_a_seed_other_ones() {
    for (name, style) in all() {
        let (again, other) = (open(name, 11).unwrap(), open(name, 12).unwrap());
        let same = style.encoded(5);
        assert_eq!(same, again.encoded(5), "{name}");
        assert_ne!(same.1, other.encoded(5).1, "{name}");
        assert_ne!(same.1, style.encoded(6).1, "{name}");
        assert_eq!(style.label(5), same.0, "{name}");
    }
}

#[test]
fn styles_do_not_share_their_chances() {
    let texts: HashSet<String> = all().map(|(_, style)| style.label(3)).collect();
    assert!(texts.len() > composed().len() * 3 / 4, "{texts:?}");
}

#[test]
fn files_say_what_a_reader_sees() {
    for (name, style) in all() {
        for index in 0..EACH {
            let (label, file, extension) = style.encoded(index);
            let Drawing { encoding, .. } = style.drawing(index);
            assert_eq!(extension, encoding.extension());
            let decoded = image::load_from_memory(&file).unwrap();
            let sample = style.sample(index);
            assert_eq!(label, sample.label);
            let seen = match encoding {
                Encoding::TransparentPng => on_white(&decoded.into_rgba8()),
                _ => decoded.into_rgb8(),
            };
            assert_eq!(seen.dimensions(), sample.image.dimensions());
            let worst = seen.iter().zip(sample.image.iter()).map(|(a, b)| a.abs_diff(*b)).max().unwrap();
            // Colour under much transparency is rounded.
            assert!(worst <= 2, "{name} {index}: off by {worst}");
        }
    }
}

fn on_white(picture: &image::RgbaImage) -> RgbImage {
    RgbImage::from_fn(picture.width(), picture.height(), |x, y| {
        let [red, green, blue, alpha] = picture.get_pixel(x, y).0.map(u32::from);
        image::Rgb([red, green, blue].map(|value| ((value * alpha + 255 * (255 - alpha) + 127) / 255) as u8))
    })
}

#[test]
fn together_they_have_every_symbol_length_and_shape_that_readers_are_to_know() {
    let (mut symbols, mut lengths, mut sizes) = (HashSet::new(), HashSet::new(), HashSet::new());
    for (_, style) in all() {
        for index in 0..400 {
            let label = style.label(index);
            lengths.insert(label.chars().count());
            symbols.extend(label.chars());
        }
        sizes.extend((0..30).map(|index| style.sample(index).image.dimensions()));
    }
    let expected: HashSet<char> =
        ('0'..='9').chain('a'..='z').chain('A'..='Z').chain("+-*×=?".chars()).collect();
    assert_eq!(symbols, expected);
    assert!((1..=8).all(|length| lengths.contains(&length)), "{lengths:?}");
    assert!(sizes.contains(&(80, 30)) && sizes.contains(&(300, 100)) && sizes.len() > 20, "{sizes:?}");
}

#[test]
fn a_text_of_lower_case_letters_is_one() {
    let style = open("plain-blue", 4).unwrap();
    let lower = (0..300)
        .filter(|&index| style.label(index).chars().all(|symbol| symbol.is_ascii_lowercase()))
        .count();
    assert!((150..300).contains(&lower), "three of five texts and more: {lower}");
}

/// Something is written in every picture: pixels differ from the ground by what a reader can see.
#[test]
fn pictures_are_not_blank() {
    for (name, style) in all() {
        for index in 0..EACH {
            let image = style.sample(index).image;
            let levels: Vec<u8> = image::imageops::grayscale(&image).into_raw();
            let (least, most) = (levels.iter().min().unwrap(), levels.iter().max().unwrap());
            assert!(most - least >= 20, "{name} {index}: {least} to {most}");
        }
    }
}

#[test]
fn names_are_listed_and_others_are_refused_by_name() {
    let listed = styles().unwrap();
    // The presets, crossed and randomized ones, look-alikes and written ones beside the composed.
    assert!(listed.len() == composed().len() + 8 && listed.iter().all(|(_, about)| about.len() > 10));
    assert!(listed.iter().all(|(name, _)| open(name, 0).is_ok()));
    let error = open("nonsense", 0).err().unwrap().to_string();
    assert!(error.contains("nonsense"), "{error}");
}

#[test]
fn a_sheet_holds_every_style_it_is_asked_for() {
    let one = sheet(&["hku"], 2, 0).unwrap();
    let two = sheet(&["hku", "crowded"], 2, 0).unwrap();
    assert!(two.height() > one.height() + 60 && two.width() >= one.width());
    assert!(sheet(&[], 2, 0).is_err() && sheet(&["hku"], 0, 0).is_err() && sheet(&["no"], 2, 0).is_err());
}
