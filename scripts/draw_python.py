#!/usr/bin/env python3
"""Labelled pictures by the Python library itself, version 0.3, as the report's preset has them: what readers are measured on.

  pip install captcha==0.3 'pillow<10'
  scripts/draw_python.py OUT [--count N] [--lengths 4,5,6] [--seed N]

Files are named TEXT_numN.jpg. The lengths come in turn; each text is of the report's 59 symbols.
"""

import argparse
import pathlib
import random
import string

from captcha.image import ImageCaptcha

SYMBOLS = sorted(set(string.ascii_letters + string.digits) - set("Oo0"))


def main() -> None:
    """Draws as many as were asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--count", type=int, default=6_000)
    parser.add_argument("--lengths", default="4,5,6")
    parser.add_argument("--seed", type=int, default=99)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    random.seed(options.seed)
    lengths = [int(length) for length in options.lengths.split(",")]
    library = ImageCaptcha(width=128, height=48, font_sizes=[40])
    for number in range(options.count):
        text = "".join(random.choice(SYMBOLS) for _ in range(lengths[number % len(lengths)]))
        library.generate_image(text).save(options.out / f"{text}_num{number}.jpg")


if __name__ == "__main__":
    main()
