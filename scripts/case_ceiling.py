#!/usr/bin/env python3
"""How well the two letters of a pair such as V and v can be told apart as the Python library draws them.

  pip install torch==2.11.0 captcha==0.3 'pillow<10'
  scripts/case_ceiling.py [--pairs vV,xX,...] [--in-texts [--pictures DIR]] [--count N] [--epochs N] [--threads N] [--cache DIR]

The library scales each character to one size, so that a V and a v differ by little more than the weight of their strokes. For
each pair it draws N characters of either kind by the report's preset. Each is alone: without neighbours over it, without dots
and arc, not squeezed and not compressed; or, with `--in-texts`, each is one of six in a whole picture, of which the classifier
gets what is around it, and is told where it stands. A classifier for this pair alone, larger than what a reader can spend on a
character, learns from five sixths of them and is asked about the rest. The last lines say how many texts would be right if a
reader told this pair as well, and misread nothing else. It is no bound: a reader that learned from more may tell more.
"""

import argparse
import functools
import io
import multiprocessing
import pathlib
import random
import string
import unittest.mock

import numpy as np
import torch
from captcha.image import ImageCaptcha, random_color
from PIL import Image
from torch import nn

# What a character is cut out to: the ink of one, turned and warped, is at most so large.
WIDTH, HEIGHT = 32, 48
# The report's charset.
SYMBOLS = sorted(set(string.ascii_letters + string.digits) - set("Oo0"))
# A picture and its texts in the report.
PICTURE, LENGTH = 128, 6
BATCH = 128
# Whole pictures that are kept of each pair, at most.
PICTURES = 2_000


def alone(task: tuple[str, int]) -> np.ndarray:
    """`[1, HEIGHT, WIDTH]`: one character alone, its ink in the middle; 0 is ground, 255 the darkest ink."""
    symbol, seed = task
    random.seed(f"{symbol} {seed}")
    library = ImageCaptcha(width=96, height=HEIGHT, font_sizes=[40])
    ground, ink = random_color(238, 255), random_color(10, 200, random.randint(220, 255))
    grey = np.asarray(library.create_captcha_image(symbol, ink, ground).convert("L"), dtype=np.int16)
    level = int(np.bincount(grey.ravel()).argmax())
    depth = np.clip(level - grey, 0, None)
    rows, columns = np.nonzero(depth.max(axis=1) > 8)[0], np.nonzero(depth.max(axis=0) > 8)[0]
    frame = np.zeros((HEIGHT, WIDTH), dtype=np.uint8)
    cut = depth[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1][:HEIGHT, :WIDTH] * 255 // depth.max()
    top, left = (HEIGHT - cut.shape[0]) // 2, (WIDTH - cut.shape[1]) // 2
    frame[top : top + cut.shape[0], left : left + cut.shape[1]] = cut
    return frame[None]


def captcha(pair: str, symbol: str, seed: int) -> tuple[str, bytes, tuple[float, float]]:
    """A whole picture that holds this symbol once and its twin never: the text, the JPEG file, and from where to where in the
    picture's columns the character's image reaches."""
    random.seed(f"{symbol} {seed} in a text")
    others = [each for each in SYMBOLS if each not in pair]
    place = random.randrange(LENGTH)
    text = "".join(symbol if each == place else random.choice(others) for each in range(LENGTH))
    pasted, widths = [], []
    paste = Image.Image.paste

    def pasting(image: Image.Image, part: Image.Image, box: tuple[int, int], mask: Image.Image) -> None:
        # What stands for a space has no ink.
        if part.getbbox():
            pasted.append((box[0], box[0] + part.width))
            widths.append(image.width)
        paste(image, part, box, mask)

    library = ImageCaptcha(width=PICTURE, height=HEIGHT, font_sizes=[40])
    with unittest.mock.patch.object(Image.Image, "paste", pasting):
        image = library.generate_image(text)
    assert len(pasted) == LENGTH, text
    file = io.BytesIO()
    image.save(file, "JPEG")
    left, right = (side * PICTURE / widths[place] for side in pasted[place])
    return text, file.getvalue(), (left, right)


def in_text(pair: str, task: tuple[str, int]) -> np.ndarray:
    """`[2, HEIGHT, WIDTH]`: what is around one character of a picture, as before, and the columns in which it lies."""
    _, file, (left, right) = captcha(pair, *task)
    grey = np.asarray(Image.open(io.BytesIO(file)).convert("L"), dtype=np.int16)
    level = int(np.bincount(grey.ravel()).argmax())
    depth = np.clip(level - grey, 0, None)
    columns = np.arange(PICTURE)
    inside = np.where((columns + 0.5 > left) & (columns + 0.5 < right), 255, 0)
    whole = np.stack([depth * 255 // depth.max(), np.broadcast_to(inside, depth.shape)]).astype(np.uint8)
    start = round((left + right) / 2) - WIDTH // 2 + WIDTH
    return np.pad(whole, ((0, 0), (0, 0), (WIDTH, WIDTH)))[:, :, start : start + WIDTH]


def characters(pair: str, options: argparse.Namespace) -> tuple[torch.Tensor, torch.Tensor]:
    """`[2 * count, 1 or 2, HEIGHT, WIDTH]`, the two symbols in turn, and which of the two each is."""
    kind = "-in-texts" if options.in_texts else ""
    file = options.cache / f"{ord(pair[0])}-{ord(pair[1])}-{options.count}{kind}.npy"
    if not file.exists():
        tasks = [(symbol, seed) for seed in range(options.count) for symbol in pair]
        drawn = functools.partial(in_text, pair) if options.in_texts else alone
        with multiprocessing.Pool(options.threads) as pool:
            np.save(file, np.stack(pool.map(drawn, tasks, chunksize=500)))
    images = torch.from_numpy(np.load(file))
    return images, torch.arange(len(images)) % 2


def network(channels: int) -> nn.Sequential:
    """Six convolutions, 19 million multiply-adds for a character: a reader has 25 for a whole picture."""

    def block(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
        convolution = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        return nn.Sequential(convolution, nn.BatchNorm2d(outputs), nn.ReLU())

    widths = [block(channels, 24), block(24, 32, 2), block(32, 48), block(48, 64, 2), block(64, 96), block(96, 128, 2)]
    return nn.Sequential(*widths, nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Dropout(0.3), nn.Linear(128, 2))


def right(pair: str, options: argparse.Namespace) -> tuple[int, int]:
    """How many of how many held-out characters a classifier tells, once it has learned from the others."""
    images, kinds = characters(pair, options)
    held_out = len(images) // 6
    learned = len(images) - held_out
    torch.manual_seed(0)
    model = network(images.shape[1])
    optimizer = torch.optim.AdamW(model.parameters(), 2e-3, weight_decay=0.05)
    steps = learned // BATCH * options.epochs
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, steps)
    for _ in range(options.epochs):
        order = torch.randperm(learned)
        for start in range(0, learned - BATCH + 1, BATCH):
            chosen = order[start : start + BATCH]
            shift = (random.randint(-2, 2), random.randint(-2, 2))
            scores = model(torch.roll(images[chosen], shift, (2, 3)).float() / 255)
            loss = nn.functional.cross_entropy(scores, kinds[chosen])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    model.eval()
    with torch.no_grad():
        told = torch.cat([model(part.float() / 255).argmax(1) for part in images[learned:].split(512)])
    return int((told == kinds[learned:]).sum()), held_out


def keep(pair: str, options: argparse.Namespace) -> None:
    """Writes pictures of which no character was learned from, for a reader to be asked about."""
    options.pictures.mkdir(parents=True, exist_ok=True)
    # The last sixth is held out.
    for seed in range(options.count - min(PICTURES // 2, options.count // 6), options.count):
        for symbol in pair:
            text, file, _ = captcha(pair, symbol, seed)
            (options.pictures / f"{text}_num{seed}.jpg").write_bytes(file)


def interval(count: int, of: int) -> tuple[float, float]:
    """The 95% interval of a share (Wilson 1927)."""
    z, share = 1.96, count / of
    middle, spread = share + z * z / (2 * of), z * (share * (1 - share) / of + z * z / (4 * of * of)) ** 0.5
    return (middle - spread) / (1 + z * z / of), (middle + spread) / (1 + z * z / of)


def main() -> None:
    """Measures each pair and prints a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", default="vV,xX,zZ,uU,sS,cC,wW,lI", help="two symbols each, apart by commas")
    parser.add_argument("--in-texts", action="store_true", help="in whole pictures of six characters")
    parser.add_argument("--pictures", type=pathlib.Path, help="where held-out pictures of each pair go, 2,000 at most")
    parser.add_argument("--count", type=int, default=12_000, help="characters drawn of each symbol")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--threads", type=int, default=multiprocessing.cpu_count())
    parser.add_argument("--cache", type=pathlib.Path, default=pathlib.Path("runs/case-ceiling"))
    options = parser.parse_args()
    options.cache.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(options.threads)
    print("| pair | told apart, 95% interval |\n|---|---|", flush=True)
    kept = 1.0
    for pair in options.pairs.split(","):
        count, of = right(pair, options)
        if options.pictures:
            keep(pair, options)
        low, high = interval(count, of)
        kept -= 2 / len(SYMBOLS) * (1 - count / of)
        print(f"| {pair[0]} {pair[1]} | {count / of:.1%} ({low:.1%} to {high:.1%}) |", flush=True)
    for length in (4, 5, 6):
        print(f"\n{length} characters, these told as well and nothing else misread: {kept**length:.1%} of texts", flush=True)


if __name__ == "__main__":
    main()
