//! The fonts that captchas are composed with, by kind and name. Written by `scripts/vendor_fonts.py`.

use super::fonts::{Embedded, Kind};

macro_rules! face {
    ($kind:ident, $name:literal, $file:literal) => {
        Embedded {
            kind: Kind::$kind,
            name: $name,
            bytes: include_bytes!(concat!("../../fonts/composed/", $file)),
        }
    };
}

/// All of them.
pub(super) const FACES: &[Embedded] = &[
    face!(Sans, "dejavu-sans", "dejavu-sans.ttf"),
    face!(Sans, "dejavu-sans-bold", "dejavu-sans-bold.ttf"),
    face!(Sans, "arimo", "arimo.ttf"),
    face!(Sans, "arimo-bold", "arimo-bold.ttf"),
    face!(Sans, "arimo-italic", "arimo-italic.ttf"),
    face!(Sans, "open-sans", "open-sans.ttf"),
    face!(Sans, "open-sans-bold", "open-sans-bold.ttf"),
    face!(Sans, "roboto", "roboto.ttf"),
    face!(Sans, "roboto-bold", "roboto-bold.ttf"),
    face!(Sans, "lato-bold", "lato-bold.ttf"),
    face!(Sans, "cantarell", "cantarell.otf"),
    face!(Sans, "carlito", "carlito.ttf"),
    face!(Sans, "cabin-bold", "cabin-bold.otf"),
    face!(Sans, "pt-sans", "pt-sans.ttf"),
    face!(Sans, "andika-bold", "andika-bold.ttf"),
    face!(Sans, "averia-sans-bold", "averia-sans-bold.ttf"),
    face!(Serif, "dejavu-serif-bold", "dejavu-serif-bold.ttf"),
    face!(Serif, "tinos", "tinos.ttf"),
    face!(Serif, "tinos-bold", "tinos-bold.ttf"),
    face!(Serif, "tinos-italic", "tinos-italic.ttf"),
    face!(Serif, "gentium", "gentium.ttf"),
    face!(Serif, "vollkorn-bold", "vollkorn-bold.ttf"),
    face!(Serif, "caladea-bold", "caladea-bold.ttf"),
    face!(Serif, "goudy", "goudy.otf"),
    face!(Serif, "averia-serif", "averia-serif.ttf"),
    face!(Mono, "dejavu-mono-bold", "dejavu-mono-bold.ttf"),
    face!(Mono, "cousine", "cousine.ttf"),
    face!(Mono, "cousine-bold", "cousine-bold.ttf"),
    face!(Mono, "inconsolata", "inconsolata.otf"),
    face!(Mono, "anonymous-bold", "anonymous-bold.ttf"),
    face!(Mono, "courier-prime-bold", "courier-prime-bold.otf"),
    face!(Mono, "mononoki", "mononoki.ttf"),
    face!(Mono, "ocr-a", "ocr-a.ttf"),
    face!(Mono, "ocr-b", "ocr-b.otf"),
    face!(Display, "comic-neue-bold", "comic-neue-bold.otf"),
    face!(Display, "comfortaa-bold", "comfortaa-bold.ttf"),
    face!(Display, "quicksand-bold", "quicksand-bold.ttf"),
    face!(Display, "yanone-bold", "yanone-bold.otf"),
    face!(Display, "play-bold", "play-bold.ttf"),
    face!(Display, "dosis-bold", "dosis-bold.otf"),
    face!(Display, "jura-bold", "jura-bold.otf"),
    face!(Display, "lobster", "lobster.otf"),
    face!(Display, "leckerli", "leckerli.ttf"),
    face!(Hand, "humor", "humor.ttf"),
    face!(Hand, "dkg", "dkg.ttf"),
    face!(Hand, "tomson", "tomson.ttf"),
    face!(Odd, "opiated", "opiated.ttf"),
    face!(Odd, "frizzed", "frizzed.ttf"),
    face!(Odd, "hillock", "hillock.ttf"),
    face!(Odd, "decrepit", "decrepit.ttf"),
    face!(Odd, "weathers", "weathers.ttf"),
    face!(Odd, "roughday", "roughday.ttf"),
    face!(Odd, "quarthck", "quarthck.ttf"),
    face!(Odd, "conduit", "conduit.ttf"),
];
