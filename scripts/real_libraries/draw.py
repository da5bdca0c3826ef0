#!/usr/bin/env python3
"""Has captcha libraries that sites use draw labelled pictures, TEXT_numN.png, in OUT/LIBRARY: to see what is read of
captchas that nothing here drew. Nothing that ships is trained on these.

Each library has its own defaults but for the sizes, lengths and grades given here; where it wants a font, DejaVu Sans. Wants the Python packages of
requirements.txt beside this, the Node packages of package.json, PHP with Gregwar's library, and Perl's two modules;
`prepare.sh` installs them. A library that is missing is an error that names it.
"""

import argparse
import io
import random
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
FONT = "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf"
LETTERS_DIGITS = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnpqrstuvwxyz23456789"


def text(generator: random.Random, symbols: str = LETTERS_DIGITS, lengths: tuple[int, ...] = (4, 5, 6)) -> str:
    return "".join(generator.choice(symbols) for _ in range(generator.choice(lengths)))


def opened(file: bytes):
    from PIL import Image

    return Image.open(io.BytesIO(file)).convert("RGB")


def claptcha(generator: random.Random):
    from claptcha import Claptcha

    said, picture = Claptcha(text(generator), FONT, noise=0.2).image
    return said, picture


def django(generator: random.Random):
    """django-simple-captcha's own view, with a store in memory in place of its table."""
    from types import SimpleNamespace

    import django as framework
    from django.conf import settings

    if not settings.configured:
        settings.configure(INSTALLED_APPS=["captcha"], USE_TZ=True)
        framework.setup()
    from captcha import views
    from captcha.helpers import random_char_challenge

    challenge, response = random_char_challenge()
    store = SimpleNamespace(challenge=challenge, response=response)
    return challenge, opened(views._captcha_image(store, 1).content)


def multicolour(generator: random.Random):
    from multicolorcaptcha import CaptchaGenerator

    drawn = CaptchaGenerator(1).gen_captcha_image(difficult_level=generator.randint(0, 2), multicolor=True)
    return drawn.characters, drawn.image


def gvcode(_: random.Random):
    from gvcode import VFCode

    drawn = VFCode(width=200, height=80)
    drawn.generate_mix(5)
    return drawn.code, opened(drawn.get_img_bytes())


PYTHON = {"claptcha": claptcha, "django-simple-captcha": django, "multicolorcaptcha": multicolour, "gvcode": gvcode}
NODE = ["svg-captcha", "svg-captcha-colour", "ppfun-captcha", "trek-captcha", "captchapng"]
OTHERS = {
    "gregwar": ["php", "gregwar.php"],
    "authen-captcha": ["perl", "authen.pl"],
    "gd-securityimage": ["perl", "securityimage.pl"],
    "captcha-crate": ["cargo", "run", "--release", "--quiet", "--manifest-path", "crates/Cargo.toml", "--", "captcha"],
    "captcha-rs-crate": ["cargo", "run", "--release", "--quiet", "--manifest-path", "crates/Cargo.toml", "--", "captcha-rs"],
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--only", choices=[*PYTHON, *NODE, *OTHERS])
    arguments = parser.parse_args()
    out = arguments.out.resolve()
    failed = []
    for name in [arguments.only] if arguments.only else [*PYTHON, *NODE, *OTHERS]:
        folder = out / name
        folder.mkdir(parents=True, exist_ok=True)
        try:
            if name in PYTHON:
                generator = random.Random(name)
                random.seed(name)
                for number in range(arguments.count):
                    said, picture = PYTHON[name](generator)
                    picture.save(folder / f"{said}_num{number}.png")
            else:
                command = ["node", "draw.js", name] if name in NODE else OTHERS[name]
                subprocess.run([*command, str(folder), str(arguments.count)], cwd=HERE, check=True)
        except Exception as error:  # One library's failure is told and the others go on.
            failed.append(f"{name}: {error!r}")
            continue
        print(name, len(list(folder.iterdir())), flush=True)
    if failed:
        sys.exit("\n".join(failed))


if __name__ == "__main__":
    main()
