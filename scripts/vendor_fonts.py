#!/usr/bin/env python3
"""Brings the fonts that captchas are composed with into dataset/fonts/composed.

Each comes from a Debian package, cut down to the symbols that captchas are made of, and under a name of its own, since
most licences keep the original's name for the original. The packages' copyright files go beside them, with a table of
what came from where, and the list that the program embeds them by. Wants fonttools and Debian's apt-get.
"""

import glob
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from fontTools import subset
from fontTools.ttLib import TTFont

SYMBOLS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+-*×=?"
TREE = Path(__file__).resolve().parent.parent
FOLDER = TREE / "dataset/fonts/composed"
LIST = TREE / "dataset/src/compose/faces.rs"

# Kind of face, Debian package, and the fonts taken from it: our name and the file's.
FONTS = [
    ("sans", "dejavu-core", {"dejavu-sans": "DejaVuSans.ttf", "dejavu-sans-bold": "DejaVuSans-Bold.ttf"}),
    ("sans", "croscore", {"arimo": "Arimo-Regular.ttf", "arimo-bold": "Arimo-Bold.ttf", "arimo-italic": "Arimo-Italic.ttf"}),
    ("sans", "open-sans", {"open-sans": "OpenSans-Regular.ttf", "open-sans-bold": "OpenSans-Bold.ttf"}),
    ("sans", "roboto-unhinted", {"roboto": "Roboto-Regular.ttf", "roboto-bold": "Roboto-Bold.ttf"}),
    ("sans", "lato", {"lato-bold": "Lato-Bold.ttf"}),
    ("sans", "cantarell", {"cantarell": "Cantarell-Regular.otf"}),
    ("sans", "crosextra-carlito", {"carlito": "Carlito-Regular.ttf"}),
    ("sans", "cabin", {"cabin-bold": "Cabin-Bold.otf"}),
    ("sans", "paratype", {"pt-sans": "PTS55F.ttf"}),
    ("sans", "sil-andika", {"andika-bold": "Andika-Bold.ttf"}),
    ("sans", "averia-sans-gwf", {"averia-sans-bold": "AveriaSansGWF-Bold.ttf"}),
    ("serif", "dejavu-core", {"dejavu-serif-bold": "DejaVuSerif-Bold.ttf"}),
    ("serif", "croscore", {"tinos": "Tinos-Regular.ttf", "tinos-bold": "Tinos-Bold.ttf", "tinos-italic": "Tinos-Italic.ttf"}),
    ("serif", "sil-gentium-basic", {"gentium": "GenBasR.ttf"}),
    ("serif", "vollkorn", {"vollkorn-bold": "Vollkorn-Bold.ttf"}),
    ("serif", "crosextra-caladea", {"caladea-bold": "Caladea-Bold.ttf"}),
    ("serif", "goudybookletter", {"goudy": "GoudyBookletter1911.otf"}),
    ("serif", "averia-serif-gwf", {"averia-serif": "AveriaSerifGWF-Regular.ttf"}),
    ("mono", "dejavu-core", {"dejavu-mono-bold": "DejaVuSansMono-Bold.ttf"}),
    ("mono", "croscore", {"cousine": "Cousine-Regular.ttf", "cousine-bold": "Cousine-Bold.ttf"}),
    ("mono", "inconsolata", {"inconsolata": "Inconsolata.otf"}),
    ("mono", "anonymous-pro", {"anonymous-bold": "Anonymous Pro B.ttf"}),
    ("mono", "courier-prime", {"courier-prime-bold": "Courier Prime Bold.otf"}),
    ("mono", "mononoki", {"mononoki": "mononoki-Regular.ttf"}),
    ("mono", "ocr-a", {"ocr-a": "OCRA.ttf"}),
    ("mono", "ocr-b", {"ocr-b": "OCRB.otf"}),
    ("display", "comic-neue", {"comic-neue-bold": "ComicNeue-Bold.otf"}),
    ("display", "comfortaa", {"comfortaa-bold": "Comfortaa-Bold.ttf"}),
    ("display", "quicksand", {"quicksand-bold": "Quicksand-Bold.ttf"}),
    ("display", "yanone-kaffeesatz", {"yanone-bold": "YanoneKaffeesatz-Bold.otf"}),
    ("display", "play", {"play-bold": "Play-Bold.ttf"}),
    ("display", "dosis", {"dosis-bold": "Dosis-Bold.otf"}),
    ("display", "jura", {"jura-bold": "Jura-Bold.otf"}),
    ("display", "lobster", {"lobster": "lobster.otf"}),
    ("display", "leckerli-one", {"leckerli": "LeckerliOne-Regular.ttf"}),
    ("hand", "humor-sans", {"humor": "Humor-Sans.ttf"}),
    ("hand", "dkg-handwriting", {"dkg": "dkg.ttf"}),
    ("hand", "tomsontalks", {"tomson": "TomsonTalks.ttf"}),
    ("odd", "aenigma", {name: f"{name}.ttf" for name in
                        ["opiated", "frizzed", "hillock", "decrepit", "weathers", "roughday", "quarthck", "conduit"]}),
]


def unpacked(package: str, folder: Path) -> tuple[Path, str]:
    """The files of a Debian package, and its version."""
    place = folder / package
    place.mkdir(exist_ok=True)
    if not (place / "files").exists():
        subprocess.run(["apt-get", "download", "-qq", f"fonts-{package}"], cwd=place, check=True)
        [archive] = place.glob("*.deb")
        subprocess.run(["dpkg", "-x", archive, place / "files"], check=True)
    [archive] = place.glob("*.deb")
    return place / "files", archive.name.split("_")[1].replace("%3a", ":")


def cut_down(source: Path, target: Path, name: str) -> str:
    """Writes the font with our symbols and our name; gives the name that it had."""
    font = TTFont(source)
    was = font["name"].getDebugName(4) or source.stem
    options = subset.Options(hinting=False, layout_features=[], name_IDs=[1, 2, 4, 6], notdef_outline=False)
    cutter = subset.Subsetter(options)
    missing = set(map(ord, SYMBOLS)) - set(font.getBestCmap())
    if missing & set(map(ord, SYMBOLS[:62])):
        sys.exit(f"{source.name} lacks letters or digits: {sorted(map(chr, missing))}")
    cutter.populate(text=SYMBOLS)
    cutter.subset(font)
    ours = f"Composed {name}"
    for record in list(font["name"].names):
        text = {1: ours, 2: "Regular", 4: ours, 6: ours.replace(" ", "-")}.get(record.nameID)
        font["name"].setName(text, record.nameID, record.platformID, record.platEncID, record.langID)
    if "CFF " in font:
        cff = font["CFF "].cff
        cff.fontNames = [ours.replace(" ", "-")]
        for key in ("FullName", "FamilyName", "Notice", "Copyright"):
            cff.topDictIndex[0].rawDict.pop(key, None)
    font.save(target)
    return was


def main() -> None:
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    rows, faces = [], []
    with tempfile.TemporaryDirectory() as temporary:
        for kind, package, fonts in FONTS:
            files, version = unpacked(package, Path(temporary))
            shutil.copy(files / f"usr/share/doc/fonts-{package}/copyright", FOLDER / f"LICENSE-{package}.txt")
            for name, pattern in fonts.items():
                [source, *_] = sorted(Path(path) for path in glob.glob(f"{files}/usr/share/fonts/**/{pattern}", recursive=True))
                target = FOLDER / (name + source.suffix.lower())
                was = cut_down(source, target, name)
                rows.append(f"| `{target.name}` | {was} | fonts-{package} {version} | `LICENSE-{package}.txt` |")
                faces.append(f'    face!({kind}, "{name}", "{target.name}"),')
    FOLDER.joinpath("README.md").write_text(
        "# Fonts that captchas are composed with\n\n"
        "Cut down to letters, digits and the signs of sums, and renamed, by `scripts/vendor_fonts.py`; otherwise as their\n"
        "makers drew them.\n\n| file | made from | Debian package | licence |\n|---|---|---|---|\n"
        + "\n".join(rows) + "\n", encoding="utf-8")
    LIST.write_text(
        "//! The fonts that captchas are composed with, by kind and name. Written by `scripts/vendor_fonts.py`.\n\n"
        "use super::fonts::{Embedded, Kind};\n\n"
        "macro_rules! face {\n    ($kind:ident, $name:literal, $file:literal) => {\n"
        '        Embedded { kind: Kind::$kind, name: $name, bytes: include_bytes!(concat!("../../fonts/composed/", $file)) }\n'
        "    };\n}\n\n/// All of them.\n"
        "pub(super) const FACES: &[Embedded] = &[\n"
        + "\n".join(face.replace(f"face!({kind}", f"face!({kind.capitalize()}") for face in faces for kind in [face.split("(")[1].split(",")[0]])
        + "\n];\n", encoding="utf-8")
    print(f"{len(faces)} fonts, {sum(file.stat().st_size for file in FOLDER.iterdir()) // 1024} KiB in {FOLDER}")


if __name__ == "__main__":
    main()
