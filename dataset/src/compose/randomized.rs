//! Pictures of no style at all: what a style file would give as ranges is drawn anew for each picture, from spreads far wider
//! than any one library's. A reader that knows some libraries' manners well is easily lost among others'; one that has seen
//! everything vary takes the next manner for one more of the same (domain randomization: Tobin et al. 2017,
//! arXiv:1703.06907).

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

use super::recipe::{Charset, Colours, Finish, Ground, Ink, Letters, Range, Recipe, Text, Tone, Warp};
use super::skeleton::Hand;
use super::{compose, happens};
use crate::draw::{Draw, Drawing, mix};

mod chances;
mod clutter;
mod faces;

use chances::{around, either, one, size, up_to, weighted};
use faces::Fonts;

/// Parts the random numbers of these pictures from those of the styles.
const OWN: u64 = 0x7a4d_0301;

/// Symbols that captchas leave out, since people mistake them.
const LEFT_OUT: [&str; 4] = ["0Oo1lI", "0Oo1lIi", "0Oo1lIi2Z5S8B9gq", "0oO"];

/// How likely a written text is in a face of no font; in one of those that are read worst otherwise.
const OF_NO_FONT: f32 = 0.5;
/// How likely nothing is drawn beside a written text or done to it after: what is left to learn is its shapes.
const PLAIN: f32 = 0.2;

/// Symbols of which readers take one for another.
const ALIKE: [&str; 12] = [
    "0OoaecQD",
    "1lIitrfjJ7T",
    "NJHMWUuVvyY",
    "bhpnmkdq",
    "17TZYzJL",
    "gq9yajJ",
    "5S6G8B3s",
    "EFPRBK",
    "CGceOQ06",
    "4AHN9",
    "XKxkYH",
    "uvwnmUVW",
];

/// Draws pictures of which each has ranges of its own.
pub(crate) struct Randomized {
    fonts: Fonts,
    kind: Kind,
    seed: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// As the ranges have it.
    Any,
    /// With texts mostly of symbols that look alike.
    Alike,
    /// In faces of no font, or those that are read worst.
    Written,
}

impl Randomized {
    pub(crate) fn new(seed: u64) -> Self {
        Self { fonts: Fonts::all(), kind: Kind::Any, seed }
    }

    /// With texts mostly of symbols that look alike.
    pub(crate) fn alike(seed: u64) -> Self {
        Self { kind: Kind::Alike, ..Self::new(seed) }
    }

    /// In characters that a pen writes, of no font, or in the faces that are read worst.
    pub(crate) fn written(seed: u64) -> Self {
        Self { fonts: Fonts::hard(), kind: Kind::Written, seed }
    }

    /// The text of a picture, and the random numbers that draw it.
    fn text(&self, index: u64) -> (String, Pcg64Mcg) {
        let mut rng = Pcg64Mcg::seed_from_u64(mix(mix(self.seed ^ OWN).wrapping_add(index)));
        (text(self.kind == Kind::Alike, &mut rng).write(&mut rng), rng)
    }
}

impl Draw for Randomized {
    fn drawing(&self, index: u64) -> Drawing {
        let (label, mut rng) = self.text(index);
        let is_written = self.kind == Kind::Written;
        let of_no_font = is_written && happens(OF_NO_FONT, &mut rng);
        let face = of_no_font.then(|| Hand::random(&mut rng).face(&label, &mut rng));
        let faces = face.as_ref().map_or_else(|| self.fonts.some(&mut rng), |face| vec![face]);
        let mut recipe = recipe(label.chars().count(), &mut rng);
        if is_written && happens(PLAIN, &mut rng) {
            recipe = Recipe { marks: Vec::new(), warp: Warp::default(), finish: Finish::default(), ..recipe };
        }
        compose(&recipe, &faces, label, &mut rng)
    }

    fn label(&self, index: u64) -> String {
        self.text(index).0
    }

    fn seed(&self) -> u64 {
        self.seed
    }
}

fn text(alike: bool, rng: &mut Pcg64Mcg) -> Text {
    if !alike && rng.random_bool(0.05) {
        return Text::sum([9, 20, 50, 99][rng.random_range(0..4)]);
    }
    let charset = weighted(
        &[
            (26, Charset::Alphanumeric),
            (8, Charset::Letters),
            (17, Charset::Digits),
            (11, Charset::Lower),
            (11, Charset::Upper),
            (13, Charset::LowerDigits),
            (12, Charset::UpperDigits),
            (2, Charset::Hex),
        ],
        rng,
    );
    let whole = alike || matches!(charset, Charset::Digits | Charset::Hex) || rng.random_bool(0.5);
    let without = if whole { "" } else { LEFT_OUT[rng.random_range(0..LEFT_OUT.len())] };
    let length = weighted(&[(2, 1), (2, 2), (6, 3), (32, 4), (24, 5), (22, 6), (6, 7), (6, 8)], rng);
    if alike {
        let mut group = || ALIKE[rng.random_range(0..ALIKE.len())];
        return Text::mostly([group(), group()].concat(), charset, length);
    }
    Text::of(charset, without, length)
}

/// A style for a text of so many characters.
fn recipe(length: usize, rng: &mut Pcg64Mcg) -> Recipe {
    let [low, high] =
        weighted(&[(4, [24, 32]), (14, [32, 48]), (14, [48, 72]), (5, [72, 120]), (1, [120, 200])], rng);
    let height = rng.random_range(low..high);
    // Some pictures leave much room around their texts, and some are higher than texts need.
    let aspect = weighted(&[(4, [0.25, 0.45]), (16, [0.42, 0.95])], rng);
    let aspect = (rng.random_range(aspect[0]..aspect[1]) * length as f32).clamp(1.2, 5.5);
    Recipe {
        about: String::new(),
        sizes: vec![[((height as f32 * aspect) as u32).clamp(40, 400), height]],
        texts: Vec::new(),
        fonts: Vec::new(),
        mixed_fonts: if rng.random_bool(0.25) { 1.0 } else { 0.0 },
        letters: letters(height as f32, rng),
        colours: colours(rng),
        ground: vec![weighted(
            &[
                (50, Ground::Plain),
                (14, Ground::Gradient),
                (8, Ground::Stripes),
                (4, Ground::Chequers),
                (10, Ground::Grain),
                (14, Ground::Clouds),
            ],
            rng,
        )],
        marks: clutter::marks(height as f32, rng),
        warp: warp(rng),
        finish: finish(height as f32, rng),
    }
}

fn letters(height: f32, rng: &mut Pcg64Mcg) -> Letters {
    let (smaller, larger) = (size(0.3, rng), size(0.3, rng));
    let wide = rng.random_range(0.75..1.3);
    let wider = size(0.3, rng);
    let gap = weighted(&[(15, (0.0, 0.12)), (9, (-0.15, 0.0)), (2, (-0.35, -0.1)), (6, (0.1, 0.7))], rng);
    let gap = rng.random_range(gap.0..gap.1);
    let start = rng.random::<f32>();
    let em = weighted(&[(3, (0.28, 0.5)), (17, (0.45, 1.15))], rng);
    let em = rng.random_range(em.0..em.1);
    Letters {
        size: Range::only(em),
        each: Range::of(1.0 - smaller, 1.0 + larger),
        stretch: Range::of(wide - wider, wide + wider),
        tilt: around(0.65, 50.0, rng),
        slope: either(0.2, 12.0, rng),
        lean: around(0.3, 0.6, rng),
        rise: around(0.6, 0.3, rng),
        arc: either(0.12, 0.35, rng),
        rough: up_to(0.15, 0.06, rng),
        loose: one(0.15, 0.01..0.06, rng),
        chipped: one(0.12, 0.02..0.12, rng),
        flow: one(0.35, 0.02..0.12, rng),
        tails: one(0.15, 0.15..0.45, rng),
        nib: one(0.42, 0.03..0.15, rng),
        faint: Range::only(0.05 + size(0.6, rng)),
        spacing: Range::of(gap, gap + size(0.15, rng)),
        cells: if rng.random_bool(0.3) { 1.0 } else { 0.0 },
        start: Range::of(start * rng.random::<f32>(), start.max(0.5)),
        ink: vec![weighted(
            &[
                (56, Ink::Solid),
                (12, Ink::Bold),
                (12, Ink::Hollow),
                (8, Ink::Framed),
                (4, Ink::Striped),
                (3, Ink::Dotted),
                (5, Ink::Shaded),
            ],
            rng,
        )],
        pen: Range::only(rng.random_range(0.015..0.06) * height + 0.4),
        shadow: if rng.random_bool(0.12) { 1.0 } else { 0.0 },
        hard: if rng.random_bool(0.15) { 1.0 } else { 0.0 },
        opacity: if rng.random_bool(0.15) { Range::of(0.5, 1.0) } else { Range::only(1.0) },
    }
}

fn colours(rng: &mut Pcg64Mcg) -> Colours {
    let ground = weighted(
        &[
            (32, Tone::White),
            (20, Tone::Light),
            (10, Tone::LightGrey),
            (9, Tone::Any),
            (8, Tone::Middle),
            (2, Tone::MiddleGrey),
            (8, Tone::Dark),
            (4, Tone::DarkGrey),
            (5, Tone::Black),
            (2, Tone::Transparent),
        ],
        rng,
    );
    let ink = weighted(
        &[
            (34, Tone::Dark),
            (14, Tone::Black),
            (28, Tone::Any),
            (12, Tone::Middle),
            (4, Tone::DarkGrey),
            (4, Tone::Light),
            (4, Tone::White),
        ],
        rng,
    );
    let contrast = weighted(&[(17, (35.0, 90.0)), (3, (22.0, 35.0))], rng);
    Colours {
        ground: vec![ground],
        ink: vec![ink],
        each: if rng.random_bool(0.35) { 1.0 } else { 0.0 },
        contrast: rng.random_range(contrast.0..contrast.1),
        inverted: if rng.random_bool(0.05) { 1.0 } else { 0.0 },
    }
}

fn warp(rng: &mut Pcg64Mcg) -> Warp {
    let length = rng.random_range(0.3..2.5);
    Warp {
        across: up_to(0.35, 0.2, rng),
        down: up_to(0.35, 0.2, rng),
        length: Range::of(length, length * rng.random_range(1.0..2.0)),
        turn: either(0.12, 14.0, rng),
        perspective: either(0.1, 0.3, rng),
        swirl: either(0.08, 0.8, rng),
        bulge: either(0.12, 0.45, rng),
        ragged: one(0.12, 0.02..0.14, rng),
        text_only: if rng.random_bool(0.4) { 1.0 } else { 0.0 },
        nearest: if rng.random_bool(0.3) { 1.0 } else { 0.0 },
    }
}

fn finish(height: f32, rng: &mut Pcg64Mcg) -> Finish {
    let quality = rng.random_range(25.0..96.0);
    Finish {
        blur: one(0.25, 0.2..0.02 * height + 0.3, rng),
        noise: up_to(0.3, 80.0, rng),
        speckle: up_to(0.15, 0.2, rng),
        coarse: one(0.1, 1.2..height / 26.0 + 0.6, rng),
        levels: one(0.06, 4.0..10.0, rng),
        fade: one(0.12, 0.1..0.65, rng),
        torn: one(0.04, 0.5..0.05 * height, rng),
        exchanged: if rng.random_bool(0.03) { 1.0 } else { 0.0 },
        jpeg: 0.4,
        quality: Range::only(quality),
        frame: if rng.random_bool(0.12) { 1.0 } else { 0.0 },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_gives_one_picture_and_its_label() {
        let randomized = Randomized::new(7);
        for index in 0..300 {
            let drawing = randomized.drawing(index);
            assert_eq!(drawing.label, randomized.label(index));
            assert_eq!(drawing.image, randomized.drawing(index).image);
        }
        assert_ne!(randomized.drawing(1).image, Randomized::new(8).drawing(1).image);
    }

    #[test]
    fn texts_of_look_alikes_have_more_of_them() {
        let zeros = |randomized: Randomized| {
            let texts: Vec<String> = (0..2_000).map(|index| randomized.label(index)).collect();
            let count = |text: &String| text.chars().filter(|symbol| "0oO".contains(*symbol)).count();
            texts.iter().map(count).sum::<usize>() as f64
                / texts.iter().map(String::len).sum::<usize>() as f64
        };
        let [even, alike] = [Randomized::new(1), Randomized::alike(1)].map(zeros);
        assert!(alike > 1.4 * even, "{alike} {even}");
        let lengths = |randomized: Randomized| (0..500).map(move |index| randomized.label(index).len());
        assert!(lengths(Randomized::alike(2)).all(|length| (1..=8).contains(&length)));
    }

    #[test]
    fn written_texts_are_those_of_the_other_pictures_in_other_faces() {
        let [any, written] = [Randomized::new(4), Randomized::written(4)];
        for index in 0..100 {
            assert_eq!(any.label(index), written.label(index));
            assert_ne!(any.drawing(index).image, written.drawing(index).image);
            assert_eq!(written.drawing(index).image, written.drawing(index).image);
        }
    }

    #[test]
    fn hands_and_nibs_vary() {
        let mut rng = Pcg64Mcg::seed_from_u64(3);
        let letters: Vec<Letters> = (0..1_000).map(|_| recipe(5, &mut rng).letters).collect();
        let has = |of: &dyn Fn(&Letters) -> bool| letters.iter().filter(|letters| of(letters)).count();
        let [nibs, flows, tails] = [
            has(&|letters| letters.nib.is_some()),
            has(&|letters| letters.flow.is_some()),
            has(&|letters| letters.tails.is_some()),
        ];
        assert!((350..500).contains(&nibs), "{nibs}");
        assert!((300..400).contains(&flows), "{flows}");
        assert!((100..200).contains(&tails), "{tails}");
    }

    #[test]
    fn texts_sizes_and_colours_vary_widely() {
        let randomized = Randomized::new(1);
        let drawings: Vec<Drawing> = (0..600).map(|index| randomized.drawing(index)).collect();
        let has = |of: &dyn Fn(&Drawing) -> bool| drawings.iter().filter(|drawing| of(drawing)).count();
        for length in 1..=8 {
            assert!(has(&|drawing| drawing.label.len() == length) > 0, "{length}");
        }
        assert!(has(&|drawing| drawing.image.height() < 32) > 20);
        assert!(has(&|drawing| drawing.image.height() > 90) > 20);
        assert!(has(&|drawing| drawing.label.contains('=')) > 5);
        let dark = |drawing: &Drawing| {
            drawing.image.iter().map(|&value| f32::from(value)).sum::<f32>()
                < 100.0 * drawing.image.len() as f32
        };
        assert!(has(&dark) > 60);
    }
}
