#!/usr/bin/env python3
"""Brings the fonts that captchas are composed with into dataset/fonts/composed.

Each comes from a Debian or an npm package, cut down to the symbols that captchas are made of, and under a name of its
own, since most licences keep the original's name for the original. The packages' licences go beside them, with a table of
what came from where, and the list that the program embeds them by. Wants fonttools, Debian's apt-get, and npm.
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
    ("further", "aenigma", {name: f"{name}.ttf" for name in
                           ["ataxia", "clasict2", "elsewhe2", "entplain", "fullcomp", "lamebrai", "simplto2", "jeopardi"]}),
    ("further", "agave", {"agave-b": "agave-b-autohinted.ttf"}),
    ("further", "allerta", {"allerta-medium": "allerta_medium.otf"}),
    ("further", "apropal", {"apropal-bold": "Apropal-Bold.otf"}),
    ("further", "arapey", {"arapey-black": "Arapey-Black.otf"}),
    ("further", "b612", {"b6-bold": "B612-Bold.otf"}),
    ("further", "breip", {"breip": "Breip.ttf"}),
    ("further", "century-catalogue", {"century-catalogue": "Century-Catalogue.ttf"}),
    ("further", "cherrybomb", {"cherry-bomb": "CherryBomb-Regular.otf"}),
    ("further", "clear-sans", {"clear-sans-bold": "ClearSans-Bold.ttf"}),
    ("further", "cmu", {"cmu-bold-italic": "cmunbi.ttf"}),
    ("further", "dancingscript", {"dancing-script-bold": "DancingScript-Bold.otf"}),
    ("further", "dotgothic16", {"dot-gothic": "DotGothic16-Regular.ttf"}),
    ("further", "ebgaramond", {"ebgaramond-bold": "EBGaramond12-Bold.otf"}),
    ("further", "essays1743", {"essays1743-bold": "Essays1743-Bold.ttf"}),
    ("further", "fantasque-sans", {"fantasque-bold": "FantasqueSansMono-Bold.otf"}),
    ("further", "firacode", {"fira-code-bold": "FiraCode-Bold.ttf"}),
    ("further", "go", {"go-bold": "Go-Bold.ttf"}),
    ("further", "havana", {"havana": "Havana-Regular.otf"}),
    ("further", "hermit", {"hermit-bold": "Hermit-bold.otf"}),
    ("further", "inter", {"inter": "Inter-Regular.otf"}),
    ("further", "jetbrains-mono", {"jet-brains-mono-bold": "JetBrainsMono-Bold.ttf"}),
    ("further", "karla", {"karla-bold": "Karla-Bold.otf"}),
    ("further", "klaudia-berenika", {"klaudia-bold": "Klaudia-Bold.ttf"}),
    ("further", "league-mono", {"league-mono-bold": "LeagueMono-Bold.otf"}),
    ("further", "league-spartan", {"league-spartan-bold": "LeagueSpartan-Bold.otf"}),
    ("further", "lemonada", {"lemonada-bold": "Lemonada-Bold.otf"}),
    ("further", "manrope", {"manrope-bold": "Manrope-Bold.ttf"}),
    ("further", "monofur", {"monof55": "monof55.ttf"}),
    ("further", "monoid", {"monoid-bold": "Monoid-Bold.ttf"}),
    ("further", "national-park", {"national-park-heavy": "NationalPark-Heavy.otf"}),
    ("further", "okolaks", {"okolaks-bold": "okolaksBold.ttf"}),
    ("further", "oldstandard", {"old-standard-bold": "OldStandard-Bold.ttf"}),
    ("further", "opendin", {"osp-din": "OSP-DIN.ttf"}),
    ("further", "opendyslexic", {"open-dyslexic-bold": "OpenDyslexic-Bold.otf"}),
    ("further", "quattrocento", {"quattrocento": "Quattrocento-Regular.otf"}),
    ("further", "radisnoir", {"radis-sans-medium": "RadisSans-medium.otf"}),
    ("further", "reggae", {"reggae-one": "ReggaeOne-Regular.ttf"}),
    ("further", "roboto-slab", {"roboto-slab-bold": "RobotoSlab-Bold.otf"}),
    ("further", "rocknroll", {"rockn-roll-one": "RocknRollOne-Regular.ttf"}),
    ("further", "routed-gothic", {"routed-gothic": "routed-gothic.ttf"}),
    ("further", "sil-charis", {"charis-sil-bold": "CharisSIL-Bold.ttf"}),
    ("further", "smiley-sans", {"smiley-sans-oblique": "SmileySans-Oblique.ttf"}),
    ("further", "sora", {"sora-bold": "Sora-Bold.otf"}),
    ("further", "stick", {"stick": "Stick-Regular.ttf"}),
    ("further", "texgyre", {"texgyrebonum": "texgyrebonum-regular.otf"}),
    ("further", "tuffy", {"tuffy-bold": "Tuffy_Bold.ttf"}),
    ("further", "yrsa-rasa", {"rasa-bold": "Rasa-Bold.ttf"}),
    ("further", "yusei-magic", {"yusei-magic": "YuseiMagic-Regular.ttf"}),
    ("further", "roadgeek", {"roadgeek-bold": "RG2014B.ttf"}),
]

# Google's fonts, by the names of their npm packages, all of the kind "further": regular ones and bold ones, and regular ones
# that have their licence beside them in another package alone. Capitals in place of small letters are nowhere among them.
NPM = "@expo-google-fonts/"
OTHER_NPM = "@fontsource/"
REGULAR = """
    abel abril-fatface adamina adlam-display akaya-kanadaka akaya-telivigala alatsi aldrich alfa-slab-one allan
    angkor annie-use-your-telescope anton anybody architects-daughter archivo-black archivo-narrow arima arvo asul
    audiowide autour-one averia-libre b612-mono bad-script bagel-fat-one balthazar barlow-condensed bentham
    big-shoulders bigshot-one black-han-sans black-ops-one boogaloo borel bowlby-one candal cardo carter-one caudex
    caveat caveat-brush chango charm chelsea-market cherry-cream-soda chicle coming-soon concert-one contrail-one
    cookie corben cormorant-garamond courgette coustard covered-by-your-grace crete-round cute-font cutive-mono
    damion darumadrop-one david-libre dela-gothic-one delicious-handrawn delius devonshire dm-mono dm-serif-text
    do-hyeon dokdo eagle-lake emilys-candy federo fjalla-one fondamento fontdiner-swanky fragment-mono fruktur
    fugaz-one funnel-display gabarito galindo gamja-flower gloock gloria-hallelujah gluten gochi-hand grand-hotel
    grandstander grape-nuts gravitas-one grenze-gotisch gurajada hammersmith-one handjet hubballi iceberg iceland
    indie-flower instrument-serif istok-web italiana itim jaldi jaro jolly-lodger joti-one jua just-another-hand
    just-me-again-down-here kaisei-decol kalam kaushan-script kings lekton libertinus-serif-display
    libre-baskerville libre-caslon-text lilita-one limelight londrina-solid love-ya-like-a-sister ma-shan-zheng
    macondo maname marcellus marck-script margarine medievalsharp michroma milonga mochiy-pop-one modak
    modern-antiqua montserrat moul nanum-gothic-coding nanum-pen-script nerko-one neucha new-rocker niconne
    nothing-you-could-do noticia-text nova-mono nova-round offside oldenburg orbitron orelega-one oxanium
    oxygen-mono pacifico pangolin parisienne pathway-gothic-one patrick-hand paytone-one pirata-one playball
    playfair-display playpen-sans poetsen-one poiret-one ponomar poppins press-start-2p pt-mono pt-serif quantico
    questrial rakkas ranchers rancho reenie-beanie righteous risque russo-one saira-stencil-one sanchez sarina
    satisfy schoolbell sedgwick-ave shadows-into-light shadows-into-light-two share-tech-mono short-stack shrikhand
    single-day slackside-one smokum smythe sniglet snowburst-one sofadi-one sofia solitreo space-mono spectral
    squada-one sriracha stalinist-one sue-ellen-francisco suranna syne-mono tektur the-girl-next-door tilt-neon
    timmana titan-one tourney uncial-antiqua unna varela-round vt323 wallpoet work-sans xanh-mono yellowtail yomogi
    zcool-xiaowei zhi-mang-xing zilla-slab
""".split()
BOLD = """
    baloo-2 bitter courier-prime exo-2 fredoka gaegu josefin-sans josefin-slab kanit lobster-two mali merienda
    merriweather nunito oleo-script oswald pixelify-sans pt-sans-narrow raleway rokkitt teko unifrakturcook
""".split()

OTHER_REGULAR = """
    abeezee alike alkatra allerta-stencil amarante amita asimovian atma averia-gruesa-libre bahianita belanosima
    bellota-text berkshire-swash beth-ellen bitcount-single bona-nova bruno-ace calligraffitti cause chela-one
    chilanka clicker-script cossette-titre crafty-girls croissant-one dangrek days-one dekko della-respira dhurjati
    diplomata east-sea-dokdo electrolize emblema-one erica-one esteban expletus-sans farsan federant francois-one
    freckle-face freehand fuzzy-bubbles gabriela geostar-fill give-you-glory goldman gorditas habibi handlee
    happy-monkey hi-melody huninn iansui inika irish-grover judson junge kavivanar kdam-thmor-pro kelly-slab
    kirang-haerang kotta-one lakki-reddy lily-script-one linden-hill liter liu-jian-mao-cao long-cang
    loved-by-the-king lugrasimo lunasima lxgw-marker-gothic maiden-orange mallanna mansalva marmelad mclaren
    medula-one metamorphous mogra monomakh monomaniac-one montez mooli mynerve nanum-brush-script norican oregano
    orienta over-the-rainbow overlock padauk passion-one pattaya peralta piedra pochaevsk poly pompiere prosto-one
    protest-riot quando quintessential radley red-rose redressed revalia rochester ropa-sans rosarivo sahitya salsa
    sansita-swashed scope-one share-tech sigmar slabo-27px slackey spicy-rice spinnaker spirax stardos-stencil
    stint-ultra-condensed stint-ultra-expanded stoke sumana sunshiney swanky-and-moo-moo tillana vampiro-one
    varela vibur viga voces waiting-for-the-sunrise yesteryear zeyada
""".split()


def unpacked(package: str, folder: Path) -> tuple[Path, str]:
    """The files of a Debian package, and its version."""
    place = folder / package
    place.mkdir(exist_ok=True)
    if not list(place.glob("*.deb")):
        subprocess.run(["apt-get", "download", "-qq", f"fonts-{package}"], cwd=place, check=True)
    [archive] = place.glob("*.deb")
    if not (place / "files").exists():
        subprocess.run(["dpkg", "-x", archive, place / "files"], check=True)
    return place / "files", archive.name.split("_")[1].replace("%3a", ":")


def from_npm(scope: str, family: str, weight: str, folder: Path) -> tuple[Path, str, str]:
    """A family's font file, its licence, and the package's version."""
    place = folder / family
    place.mkdir(exist_ok=True)
    if not list(place.glob("*.tgz")):
        subprocess.run(["npm", "pack", "--silent", scope + family], cwd=place, check=True, stdout=subprocess.DEVNULL)
    [archive] = place.glob("*.tgz")
    shutil.unpack_archive(archive, place)
    [source] = [*place.glob(f"package/{weight}/*_{weight}.ttf"), *place.glob(f"package/files/{family}-{weight}.woff")]
    # Of two, `LICENSE` is that of the package's own code.
    licence = max(place.glob("package/LICENSE*"))
    return source, licence.read_text("utf-8"), archive.stem.rsplit("-", 1)[1]


def cut_down(source: Path, target: Path, name: str) -> str:
    """Writes the font with our symbols and our name; gives the name that it had."""
    font = TTFont(source)
    font.flavor = None
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
        place = (record.nameID, record.platformID, record.platEncID, record.langID)
        if text := {1: ours, 2: "Regular", 4: ours, 6: ours.replace(" ", "-")}.get(record.nameID):
            font["name"].setName(text, *place)
        else:
            font["name"].removeNames(*place)
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
        # Packages may be kept from one time to the next, in a folder that is named.
        kept = Path(sys.argv[1] if len(sys.argv) > 1 else temporary)
        for kind, package, fonts in FONTS:
            files, version = unpacked(package, kept)
            shutil.copy(files / f"usr/share/doc/fonts-{package}/copyright", FOLDER / f"LICENSE-{package}.txt")
            for name, pattern in fonts.items():
                [source, *_] = sorted(Path(path) for path in glob.glob(f"{files}/usr/share/**/{pattern}", recursive=True))
                target = FOLDER / (name + source.suffix.lower())
                was = cut_down(source, target, name)
                rows.append(f"| `{target.name}` | {was} | fonts-{package} {version} | `LICENSE-{package}.txt` |")
                faces.append(f'    face!({kind}, "{name}", "{target.name}"),')
        notices, licence = [], ""
        for scope, weight, families in (
            (NPM, "400Regular", REGULAR),
            (NPM, "700Bold", BOLD),
            (OTHER_NPM, "latin-400-normal", OTHER_REGULAR),
        ):
            for family in families:
                source, text, version = from_npm(scope, family, weight, kept)
                beside = "../LICENSE-APACHE-2.0.txt"
                if "Apache License" not in text:
                    beside = "LICENSE-google-fonts.txt"
                    notice, _, licence = text.partition("This Font Software is licensed under")
                    notices.append(" ".join(notice.split()))
                target = FOLDER / f"{family}.ttf"
                was = cut_down(source, target, family)
                rows.append(f"| `{target.name}` | {was} | {scope}{family} {version} | `{beside}` |")
                faces.append(f'    face!(further, "{family}", "{target.name}"),')
    FOLDER.joinpath("LICENSE-google-fonts.txt").write_text(
        "\n".join(notices) + "\n\nThis Font Software is licensed under" + licence, encoding="utf-8")
    FOLDER.joinpath("README.md").write_text(
        "# Fonts that captchas are composed with\n\n"
        "Cut down to letters, digits and the signs of sums, and renamed, by `scripts/vendor_fonts.py`; otherwise as their\n"
        "makers drew them.\n\n| file | made from | Debian or npm package | licence |\n|---|---|---|---|\n"
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
