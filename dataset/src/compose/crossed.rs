//! Pictures whose parts come from any of the composed styles: the text of one, the letters of another, the lines of a third.
//! A reader that learns from the styles alone learns what goes with what in them; captchas that no one here drew go by
//! other rules. (Domain randomisation: Tobin et al. 2017.)

use rand::{Rng, RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

use super::recipe::Recipe;
use super::{Composer, compose};
use crate::draw::{Draw, Drawing, mix};
use crate::style::Error;

/// Parts the random numbers of these pictures from those of the styles.
const OWN: u64 = 0xc055_ed00;

/// Draws pictures of which each part comes from one of several styles.
pub(crate) struct Crossed {
    styles: Vec<Composer>,
    seed: u64,
}

impl Crossed {
    /// From all styles but some.
    pub(crate) fn new(without: &[&str], seed: u64) -> Result<Self, Error> {
        let names = Composer::names().into_iter().filter(|name| !without.contains(name));
        let styles = names.map(|name| Composer::named(name, seed)).collect::<Result<Vec<_>, _>>()?;
        if styles.is_empty() {
            return Err(Error::Empty("styles to cross"));
        }
        Ok(Self { styles, seed })
    }

    fn any(&self, rng: &mut impl Rng) -> &Composer {
        &self.styles[rng.random_range(0..self.styles.len())]
    }

    /// The text of a picture, the style that gives it, and the random numbers that draw it.
    fn text(&self, index: u64) -> (String, &Composer, Pcg64Mcg) {
        let mut rng = Pcg64Mcg::seed_from_u64(mix(mix(self.seed ^ OWN).wrapping_add(index)));
        let from = self.any(&mut rng);
        (from.recipe.write(&mut rng), from, rng)
    }
}

impl Draw for Crossed {
    fn drawing(&self, index: u64) -> Drawing {
        let (label, text, mut rng) = self.text(index);
        let faces = &self.any(&mut rng).faces;
        let mut from = || &self.any(&mut rng).recipe;
        let recipe = Recipe {
            mixed_fonts: from().mixed_fonts,
            letters: from().letters.clone(),
            colours: from().colours.clone(),
            ground: from().ground.clone(),
            marks: from().marks.clone(),
            warp: from().warp.clone(),
            finish: from().finish.clone(),
            // A text and the room that it needs belong together.
            ..text.recipe.clone()
        };
        compose(&recipe, faces, label, &mut rng)
    }

    fn label(&self, index: u64) -> String {
        self.text(index).0
    }

    fn seed(&self) -> u64 {
        self.seed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_gives_no_part() {
        let others: Vec<&str> = Composer::names().into_iter().filter(|name| *name != "sums").collect();
        let crossed = Crossed::new(&others, 1).unwrap();
        assert!((0..50).all(|index| crossed.label(index).chars().any(|symbol| symbol.is_ascii_digit())));
        assert!((0..50).all(|index| crossed.label(index).contains(['+', '-', '×', '*', 'x'])));
        assert!(Crossed::new(&Composer::names(), 1).is_err());
    }

    #[test]
    fn a_number_gives_one_picture_and_its_label() {
        let crossed = Crossed::new(&[], 7).unwrap();
        for index in 0..200 {
            let drawing = crossed.drawing(index);
            assert_eq!(drawing.label, crossed.label(index));
            assert_eq!(drawing.image, crossed.drawing(index).image);
        }
        assert_ne!(crossed.drawing(1).image, Crossed::new(&[], 8).unwrap().drawing(1).image);
    }
}
