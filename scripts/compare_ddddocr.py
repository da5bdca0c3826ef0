#!/usr/bin/env python3
"""How ByeCaptcha and ddddocr, the popular pretrained reader, read the same pictures: a Markdown table.

  pip install ddddocr                                       # 1.6.1 was measured, with Python 3.11
  scripts/compare_ddddocr.py [--count N] [--seed N] [--styles A,B] [--folder DIR ...]

Draws N pictures of each composed style by byecaptcha-dataset, and reads these and the labelled folders (TEXT_numN.jpg).
Whole texts right; case is ignored as well, since ddddocr returns most letters in lower case. One reading each, as both come:
no charset is asked for and nothing is tuned. ddddocr has two models, the default one and `beta`; the better one of each row
counts. Build first: `cargo build --release --workspace --exclude byecaptcha-trainer`.
"""

import argparse
import json
import pathlib
import subprocess
import tempfile

import ddddocr

PROGRAMS = pathlib.Path(__file__).resolve().parent.parent / "target/release"


def text_of(file: pathlib.Path) -> str:
    """The text that a file is named after."""
    return file.stem.rsplit("_num", 1)[0]


def shares(files: list[pathlib.Path], texts: list[str]) -> tuple[float, float]:
    """The shares of texts that are right, case counted and ignored."""
    pairs = [(text_of(file), text) for file, text in zip(files, texts, strict=True)]
    exact = sum(truth == text for truth, text in pairs)
    ignoring_case = sum(truth.lower() == text.lower() for truth, text in pairs)
    return exact / len(pairs), ignoring_case / len(pairs)


def by_byecaptcha(folder: pathlib.Path) -> tuple[float, float]:
    """Reads a folder with the default model."""
    lines = subprocess.run(
        [PROGRAMS / "byecaptcha", "recognize", "--format", "jsonl", folder], check=True, capture_output=True
    ).stdout.splitlines()
    read = [json.loads(line) for line in lines]
    return shares([pathlib.Path(row["file"]) for row in read], [row["text"] for row in read])


def by_ddddocr(folder: pathlib.Path, models: list) -> tuple[float, float]:
    """Reads a folder with the model that reads it better."""
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    read = [shares(files, [model.classification(file.read_bytes()) for file in files]) for model in models]
    return max(read, key=lambda both: both[1])


def drawn(style: str, count: int, seed: int, folder: pathlib.Path) -> pathlib.Path:
    """A folder of pictures of one style."""
    program = [PROGRAMS / "byecaptcha-dataset", "generate", "--style", style]
    subprocess.run([*program, "--count", str(count), "--seed", str(seed), "--out", folder / style], check=True,
                   capture_output=True)
    return folder / style


def composed() -> list[str]:
    """The names of the composed styles: those whose files lie in dataset/styles."""
    return sorted(file.stem for file in (PROGRAMS.parent.parent / "dataset/styles").glob("*.toml"))


def main() -> None:
    """Draws, reads and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1_000_003)
    parser.add_argument("--styles", default=",".join(composed()))
    parser.add_argument("--folder", type=pathlib.Path, nargs="*", default=[])
    options = parser.parse_args()
    models = [ddddocr.DdddOcr(show_ad=False), ddddocr.DdddOcr(beta=True, show_ad=False)]
    print("| pictures | ByeCaptcha, right (ignoring case) | ddddocr |\n|---|---|---|")
    sums = [0.0] * 4
    with tempfile.TemporaryDirectory() as folder:
        sets = [(style, None) for style in options.styles.split(",") if style]
        sets += [(given.name, given) for given in options.folder]
        for name, given in sets:
            pictures = given or drawn(name, options.count, options.seed, pathlib.Path(folder))
            row = [*by_byecaptcha(pictures), *by_ddddocr(pictures, models)]
            print("| {} | {:.1%} ({:.1%}) | {:.1%} ({:.1%}) |".format(name, *row), flush=True)
            sums = [total + share for total, share in zip(sums, row, strict=True)]
    print("| mean | {:.1%} ({:.1%}) | {:.1%} ({:.1%}) |".format(*[total / len(sets) for total in sums]))


if __name__ == "__main__":
    main()
