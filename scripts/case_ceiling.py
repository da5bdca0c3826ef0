#!/usr/bin/env python3
"""How well the two letters of a pair such as V and v can be told apart as the Python library draws them.

  pip install torch==2.11.0 captcha==0.3 'pillow<10'
  scripts/case_ceiling.py [--pairs vV,xX,...] [--count N] [--epochs N] [--threads N] [--cache DIR]

The library scales each character to one size, so that a V and a v differ by little more than the weight of their strokes. For
each pair it draws N characters of either kind by the report's preset, each alone: without neighbours over it, without dots
and arc, not squeezed and not compressed. A classifier for this pair alone, larger than what a reader can spend on a character,
learns from five sixths of them and is asked about the rest. What it cannot tell, no reader of whole captchas can be expected to;
so the last lines say how many texts could be right at most if everything else were read without a mistake.
"""

import argparse
import multiprocessing
import pathlib
import random

import numpy as np
import torch
from captcha.image import ImageCaptcha, random_color
from torch import nn

# What a character is cut out to: the ink of one, turned and warped, is at most so large.
WIDTH, HEIGHT = 32, 48
# Symbols of the report's charset.
SYMBOLS = 59
BATCH = 128


def drawn(task: tuple[str, int]) -> np.ndarray:
    """One character alone, its ink in the middle: 0 is ground, 255 the darkest ink."""
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
    return frame


def characters(pair: str, count: int, cache: pathlib.Path, threads: int) -> tuple[torch.Tensor, torch.Tensor]:
    """`[2 * count, 1, HEIGHT, WIDTH]`, the two symbols in turn, and which of the two each is."""
    file = cache / f"{ord(pair[0])}-{ord(pair[1])}-{count}.npy"
    if not file.exists():
        tasks = [(symbol, seed) for seed in range(count) for symbol in pair]
        with multiprocessing.Pool(threads) as pool:
            np.save(file, np.stack(pool.map(drawn, tasks, chunksize=500)))
    images = torch.from_numpy(np.load(file)).unsqueeze(1).float() / 255
    return images, torch.arange(len(images)) % 2


def network() -> nn.Sequential:
    """Six convolutions, 19 million multiply-adds for a character: a reader has 25 for a whole picture."""

    def block(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
        convolution = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        return nn.Sequential(convolution, nn.BatchNorm2d(outputs), nn.ReLU())

    widths = [block(1, 24), block(24, 32, 2), block(32, 48), block(48, 64, 2), block(64, 96), block(96, 128, 2)]
    return nn.Sequential(*widths, nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Dropout(0.3), nn.Linear(128, 2))


def right(pair: str, count: int, epochs: int, cache: pathlib.Path, threads: int) -> tuple[int, int]:
    """How many of how many held-out characters a classifier tells, once it has learned from the others."""
    images, kinds = characters(pair, count, cache, threads)
    held_out = len(images) // 6
    learned = len(images) - held_out
    torch.manual_seed(0)
    model = network()
    optimizer = torch.optim.AdamW(model.parameters(), 2e-3, weight_decay=0.05)
    steps = learned // BATCH * epochs
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, steps)
    for _ in range(epochs):
        order = torch.randperm(learned)
        for start in range(0, learned - BATCH + 1, BATCH):
            chosen = order[start : start + BATCH]
            shift = (random.randint(-2, 2), random.randint(-2, 2))
            scores = model(torch.roll(images[chosen], shift, (2, 3)))
            loss = nn.functional.cross_entropy(scores, kinds[chosen])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    model.eval()
    with torch.no_grad():
        told = torch.cat([model(part).argmax(1) for part in images[learned:].split(512)])
    return int((told == kinds[learned:]).sum()), held_out


def interval(count: int, of: int) -> tuple[float, float]:
    """The 95% interval of a share (Wilson 1927)."""
    z, share = 1.96, count / of
    middle, spread = share + z * z / (2 * of), z * (share * (1 - share) / of + z * z / (4 * of * of)) ** 0.5
    return (middle - spread) / (1 + z * z / of), (middle + spread) / (1 + z * z / of)


def main() -> None:
    """Measures each pair and prints a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", default="vV,xX,zZ,uU,sS,cC,wW,lI", help="two symbols each, apart by commas")
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
        count, of = right(pair, options.count, options.epochs, options.cache, options.threads)
        low, high = interval(count, of)
        kept -= 2 / SYMBOLS * (1 - count / of)
        print(f"| {pair[0]} {pair[1]} | {count / of:.1%} ({low:.1%} to {high:.1%}) |", flush=True)
    for length in (4, 5, 6):
        print(f"\n{length} characters, all else read without a mistake: at most {kept**length:.1%} of texts", flush=True)


if __name__ == "__main__":
    main()
