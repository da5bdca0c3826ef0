//! A style file is read and checked whole before anything is drawn.

use super::{Recipe, Text};
use crate::compose::fonts::{self, Kind};
use crate::style::{Error, SIDE, within};

impl Recipe {
    /// Reads and checks a file.
    pub(in crate::compose) fn read(toml: &str) -> Result<Self, Error> {
        let recipe: Self = toml::from_str(toml).map_err(|error| Error::Recipe(error.to_string()))?;
        recipe.check()?;
        Ok(recipe)
    }

    fn check(&self) -> Result<(), Error> {
        for (what, empty) in [
            ("sizes", self.sizes.is_empty()),
            ("texts", self.texts.is_empty()),
            ("fonts", self.fonts.is_empty()),
            ("letters.ink", self.letters.ink.is_empty()),
            ("colours.ground", self.colours.ground.is_empty()),
            ("colours.ink", self.colours.ink.is_empty()),
        ] {
            if empty {
                return Err(Error::Empty(what));
            }
        }
        for &[width, height] in &self.sizes {
            within("width", width.into(), *SIDE.start(), *SIDE.end())?;
            within("height", height.into(), *SIDE.start(), *SIDE.end())?;
        }
        self.texts.iter().try_for_each(Text::check)?;
        let (letters, colours, finish) = (&self.letters, &self.colours, &self.finish);
        let chances = [
            ("mixed_fonts", self.mixed_fonts),
            ("letters.cells", letters.cells),
            ("letters.shadow", letters.shadow),
            ("letters.hard", letters.hard),
            ("colours.each", colours.each),
            ("colours.inverted", colours.inverted),
            ("warp.text_only", self.warp.text_only),
            ("warp.nearest", self.warp.nearest),
            ("finish.exchanged", finish.exchanged),
            ("finish.jpeg", finish.jpeg),
            ("finish.frame", finish.frame),
        ];
        let of_marks = self.marks.iter().map(|mark| ("marks.chance", mark.chance));
        for (what, chance) in chances.into_iter().chain(of_marks) {
            if !(0.0..=1.0).contains(&chance) {
                return Err(Error::Recipe(format!("{what}: {chance} is no chance from 0 to 1")));
            }
        }
        for name in &self.fonts {
            if Kind::named(name).is_none() && fonts::named(name).is_none() {
                return Err(Error::Recipe(format!("fonts: there is no {name:?}")));
            }
        }
        letters.size.check("letters.size", 0.1, 2.0)?;
        letters.each.check("letters.each", 0.3, 3.0)?;
        letters.stretch.check("letters.stretch", 0.3, 3.0)?;
        letters.tilt.check("letters.tilt", -90.0, 90.0)?;
        letters.slope.check("letters.slope", -45.0, 45.0)?;
        letters.lean.check("letters.lean", -1.0, 1.0)?;
        letters.rise.check("letters.rise", -0.5, 0.5)?;
        letters.arc.check("letters.arc", -0.5, 0.5)?;
        letters.rough.check("letters.rough", 0.0, 0.2)?;
        letters.loose.check("letters.loose", 0.0, 0.2)?;
        letters.chipped.check("letters.chipped", 0.0, 0.5)?;
        letters.flow.check("letters.flow", 0.0, 0.3)?;
        letters.tails.check("letters.tails", 0.0, 1.0)?;
        letters.nib.check("letters.nib", 0.0, 0.3)?;
        letters.faint.check("letters.faint", 0.0, 1.0)?;
        letters.spacing.check("letters.spacing", -0.5, 3.0)?;
        letters.start.check("letters.start", 0.0, 1.0)?;
        letters.pen.check("letters.pen", 0.1, 10.0)?;
        letters.opacity.check("letters.opacity", 0.1, 1.0)?;
        for mark in &self.marks {
            mark.count.check("marks.count", 0.0, 2_000.0)?;
            mark.pen.check("marks.pen", 0.1, 20.0)?;
            mark.size.check("marks.size", 0.01, 4.0)?;
            mark.opacity.check("marks.opacity", 0.0, 1.0)?;
        }
        self.warp.across.check("warp.across", 0.0, 0.5)?;
        self.warp.down.check("warp.down", 0.0, 0.5)?;
        self.warp.length.check("warp.length", 0.1, 20.0)?;
        self.warp.turn.check("warp.turn", -90.0, 90.0)?;
        self.warp.perspective.check("warp.perspective", -0.5, 0.5)?;
        self.warp.swirl.check("warp.swirl", -3.0, 3.0)?;
        self.warp.bulge.check("warp.bulge", -1.0, 1.0)?;
        self.warp.ragged.check("warp.ragged", 0.0, 0.5)?;
        finish.blur.check("finish.blur", 0.0, 5.0)?;
        finish.noise.check("finish.noise", 0.0, 100.0)?;
        finish.speckle.check("finish.speckle", 0.0, 0.5)?;
        finish.coarse.check("finish.coarse", 0.0, 8.0)?;
        finish.levels.check("finish.levels", 0.0, 256.0)?;
        finish.fade.check("finish.fade", 0.0, 0.9)?;
        finish.torn.check("finish.torn", 0.0, 20.0)?;
        finish.quality.check("finish.quality", 1.0, 100.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOUND: &str = r#"
        about = "one"
        sizes = [[120, 40]]
        texts = [{ length = [4, 6] }]
        fonts = ["sans"]
        letters = { size = 0.8, cells = 0.5 }
        colours = { ground = ["white"], ink = ["dark"] }
        marks = [{ shape = "lines", count = 2, chance = 0.5 }]
    "#;

    #[test]
    fn a_file_that_is_not_sound_is_refused_by_what_is_wrong() {
        Recipe::read(SOUND).unwrap();
        for (from, to, what) in [
            ("cells = 0.5", "cells = 1.5", "letters.cells"),
            ("chance = 0.5", "chance = -0.5", "marks.chance"),
            ("size = 0.8", "size = 20", "letters.size"),
            ("size = 0.8", "size = [0.8, 0.6]", "letters.size"),
            ("[120, 40]", "[120, 4000]", "height"),
            ("\"sans\"", "\"nonsense\"", "nonsense"),
            ("[4, 6]", "[6, 4]", "upside down"),
            ("[\"dark\"]", "[]", "colours.ink"),
            ("about", "abuot", "abuot"),
        ] {
            let error = Recipe::read(&SOUND.replace(from, to)).err().map(|error| error.to_string());
            assert!(error.as_ref().is_some_and(|error| error.contains(what)), "{to}: {error:?}");
        }
    }
}
