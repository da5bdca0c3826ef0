//! Captchas of many kinds, composed from ranges and choices that a small file gives for each style: the files are in
//! `dataset/styles`, the engine here. Where [`crate::Generator`] follows one library to the pixel, a composed style
//! follows the manner of a family of libraries, so that a reader meets what varies among them.

mod bend;
mod crossed;
mod distort;
mod faces;
mod finish;
pub(crate) mod fonts;
mod hand;
mod letters;
mod marks;
mod nib;
pub(crate) mod paint;
mod palette;
mod place;
mod randomized;
mod recipe;
mod skeleton;
mod styles;

use image::RgbImage;
use rand::{Rng, RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

use crate::draw::{Draw, Drawing, mix};
use crate::page::ground;
use crate::style::Error;
use bend::Bend;
pub(crate) use crossed::Crossed;
use distort::Distortion;
use fonts::Face;
use paint::Painter;
use palette::Palette;
use place::Inked;
pub(crate) use randomized::Randomized;
use recipe::{Ground, Recipe};
use styles::STYLES;

/// Draws images of one composed style.
pub(crate) struct Composer {
    recipe: Recipe,
    faces: Vec<&'static Face>,
    seed: u64,
    /// Parts the random numbers of this style from those of others.
    own: u64,
}

impl Composer {
    /// The style of this name.
    pub(crate) fn named(name: &str, seed: u64) -> Result<Self, Error> {
        let found = STYLES.iter().find(|(known, _)| *known == name);
        let (_, toml) = found.ok_or_else(|| Error::UnknownStyle(name.to_owned()))?;
        let recipe = Recipe::read(toml)?;
        let faces = recipe.fonts.iter().flat_map(|name| fonts::meant(name)).collect();
        let own = name.bytes().fold(0, |own, byte| mix(own ^ u64::from(byte)));
        Ok(Self { recipe, faces, seed, own })
    }

    /// All names.
    pub(crate) fn names() -> Vec<&'static str> {
        STYLES.iter().map(|(name, _)| *name).collect()
    }

    /// In whose manner it draws.
    pub(crate) fn about(&self) -> String {
        self.recipe.about.clone()
    }

    /// The text of a picture, and the random numbers that draw it.
    fn text(&self, index: u64) -> (String, Pcg64Mcg) {
        let mut rng = Pcg64Mcg::seed_from_u64(mix(mix(self.seed ^ self.own).wrapping_add(index)));
        (self.recipe.write(&mut rng), rng)
    }
}

fn paint_ground(grounds: &[Ground], image: &mut RgbImage, palette: &Palette, rng: &mut Pcg64Mcg) {
    let colours = [palette.ground, palette.other_ground];
    let ground = match one_of(grounds, rng) {
        None | Some(Ground::Plain) => ground::Ground::Plain(colours[0]),
        Some(Ground::Gradient) => ground::Ground::Gradient(colours[0], colours[1]),
        Some(ground @ (Ground::Stripes | Ground::Chequers)) => ground::Ground::Stripes {
            colours,
            period: rng.random_range(2..=12),
            both: matches!(ground, Ground::Chequers),
        },
        Some(Ground::Grain) => ground::Ground::Clouds {
            colours,
            cell: rng.random_range(1.0..3.0),
            coloured: rng.random_bool(0.5),
        },
        Some(Ground::Clouds) => {
            ground::Ground::Clouds { colours, cell: rng.random_range(6.0..50.0), coloured: true }
        }
    };
    ground.fill(image, rng);
}

impl Draw for Composer {
    fn drawing(&self, index: u64) -> Drawing {
        let (label, mut rng) = self.text(index);
        compose(&self.recipe, &self.faces, label, &mut rng)
    }

    fn label(&self, index: u64) -> String {
        self.text(index).0
    }

    fn seed(&self) -> u64 {
        self.seed
    }
}

/// Draws a text by a recipe, in some of the faces.
fn compose(recipe: &Recipe, faces: &[&Face], label: String, rng: &mut Pcg64Mcg) -> Drawing {
    let (width, height) = recipe.size(rng);
    let palette = Palette::random(&recipe.colours, rng);
    let mut image = RgbImage::new(width, height);
    paint_ground(&recipe.ground, &mut image, &palette, rng);
    let bend = Bend::random(&recipe.warp, (width, height), rng);
    let text_only = happens(recipe.warp.text_only, rng);
    let distortion = Distortion::random(&recipe.warp, (width, height), rng);
    let distorted = |image: RgbImage, rng: &mut Pcg64Mcg| match &distortion {
        Some(distortion) => distortion.pixels(&image, palette.ground, happens(recipe.warp.nearest, rng)),
        None => image,
    };
    let mut painter = Painter::new(happens(recipe.letters.hard, rng));
    for mark in recipe.marks.iter().filter(|mark| !mark.over) {
        marks::draw(mark, &mut image, &mut painter, &palette, faces, rng);
    }
    let set = letters::Setting { letters: &recipe.letters, mixed_fonts: recipe.mixed_fonts, faces };
    let mut inked = Inked::new((width, height));
    set.draw(&label, &mut image, &mut painter, &palette, text_only.then_some(&bend), &mut inked, rng);
    let place = inked.place(|x, y| {
        let (x, y) = distortion.as_ref().map_or((x, y), |distortion| distortion.point(x, y));
        if text_only { (x, y) } else { bend.point(x, y) }
    });
    if text_only {
        image = distorted(image, rng);
    }
    for mark in recipe.marks.iter().filter(|mark| mark.over) {
        marks::draw(mark, &mut image, &mut painter, &palette, faces, rng);
    }
    if !text_only {
        image = bend.pixels(image, palette.ground, happens(recipe.warp.nearest, rng));
        image = distorted(image, rng);
    }
    let encoding = finish::finish(&recipe.finish, &palette, &mut image, rng);
    Drawing { label, image, place: place.map(|edge| edge as f64), encoding }
}

/// Whether something of this likelihood happens.
fn happens(chance: f32, rng: &mut impl Rng) -> bool {
    rng.random::<f32>() < chance
}

/// One of several; none of none.
fn one_of<T: Copy>(all: &[T], rng: &mut impl Rng) -> Option<T> {
    (!all.is_empty()).then(|| all[rng.random_range(0..all.len())])
}

/// Writes a line of letters and digits in black, its baseline starting at a point; what no face has leaves a gap.
pub(crate) fn write_line(image: &mut RgbImage, text: &str, (mut left, baseline): (f32, f32), size: f32) {
    let Some(face) = fonts::named("dejavu-sans") else { return };
    let mut painter = Painter::new(false);
    for symbol in text.chars() {
        let Some(glyph) = face.glyph(symbol) else {
            left += size / 2.0;
            continue;
        };
        let outline =
            paint::moved(&glyph.outline, |at| zeno::Point::new(left + at.x * size, baseline + at.y * size));
        painter.fill(image, &outline, image::Rgb([0; 3]), 1.0);
        left += glyph.advance * size;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A style in which nothing is left to chance but what is put in the place of `{}`.
    const PLAIN: &str = r#"
        about = "plain"
        sizes = [[120, 40]]
        texts = [{ charset = "digits", length = [5, 5] }]
        fonts = ["dejavu-sans"]
        letters = { size = 0.8, start = 0.5 {letters} }
        colours = { ground = ["white"], ink = ["black"] }
        marks = [{marks}]
        warp = { length = 1.0 {warp} }
        finish = { jpeg = 0.0 {finish} }
    "#;

    fn drawn(part: &str, setting: &str) -> RgbImage {
        let mut toml = PLAIN.replace(&format!("{{{part}}}"), setting);
        for other in ["letters", "marks", "warp", "finish"] {
            toml = toml.replace(&format!("{{{other}}}"), "");
        }
        let recipe = Recipe::read(&toml).unwrap();
        let faces = fonts::meant("dejavu-sans");
        compose(&recipe, &faces, "38125".into(), &mut Pcg64Mcg::seed_from_u64(4)).image
    }

    #[test]
    fn whatever_a_file_asks_for_is_seen() {
        let plain = drawn("", "");
        let shapes = ["hatching", "dashes", "scribbles", "targets", "blots", "bands"]
            .map(|shape| ("marks", format!("{{ shape = \"{shape}\", count = 2, over = true }}")));
        let others = [
            ("letters", ", ink = [\"striped\"]"),
            ("letters", ", ink = [\"dotted\"]"),
            ("letters", ", ink = [\"shaded\"]"),
            ("letters", ", arc = 0.2"),
            ("letters", ", rough = 0.04"),
            ("letters", ", nib = 0.08, faint = 0.3"),
            ("letters", ", flow = 0.08"),
            ("letters", ", loose = 0.05"),
            ("letters", ", chipped = 0.2"),
            ("letters", ", tails = 0.3"),
            ("warp", ", ragged = 0.1"),
            ("warp", ", turn = 8, text_only = 1.0"),
            ("finish", ", coarse = 2"),
            ("finish", ", levels = 2"),
            ("finish", ", fade = 0.5"),
            ("finish", ", torn = 3"),
            ("finish", ", exchanged = 1.0"),
        ];
        let all = shapes.into_iter().chain(others.map(|(part, setting)| (part, setting.to_owned())));
        let mut seen = vec![plain];
        for (part, setting) in all {
            let image = drawn(part, &setting);
            assert!(!seen.contains(&image), "{setting}");
            seen.push(image);
        }
    }
}
