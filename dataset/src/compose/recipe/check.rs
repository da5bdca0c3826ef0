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
        for name in &self.fonts {
            if Kind::named(name).is_none() && fonts::named(name).is_none() {
                return Err(Error::Recipe(format!("fonts: there is no {name:?}")));
            }
        }
        let letters = &self.letters;
        letters.size.check("letters.size", 0.1, 2.0)?;
        letters.each.check("letters.each", 0.3, 3.0)?;
        letters.stretch.check("letters.stretch", 0.3, 3.0)?;
        letters.tilt.check("letters.tilt", -90.0, 90.0)?;
        letters.slope.check("letters.slope", -45.0, 45.0)?;
        letters.lean.check("letters.lean", -1.0, 1.0)?;
        letters.rise.check("letters.rise", -0.5, 0.5)?;
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
        self.finish.blur.check("finish.blur", 0.0, 5.0)?;
        self.finish.noise.check("finish.noise", 0.0, 100.0)?;
        self.finish.speckle.check("finish.speckle", 0.0, 0.5)?;
        self.finish.quality.check("finish.quality", 1.0, 100.0)
    }
}
