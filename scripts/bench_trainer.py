"""Training images per second: the trainer, which draws its images, against PyTorch, which is fed by the Python library
that the images are like, or is given them ready and draws nothing.

All train `lean-residual`, the serving network with plain kernels, with the same batch, optimizer and precision, in turns on the same machine in one run:
  scripts/bench_trainer.py [--rounds 3] [--steps 100] [--batch 128] [--trainer target/release/byecaptcha-trainer]
Needs the Python packages torch 2.11.0, for the CPU or for CUDA, captcha 0.3 and Pillow below 10, in the Python that runs it.
"""

import argparse
import io
import json
import os
import pathlib
import random
import statistics
import string
import subprocess
import tempfile
import time

import numpy
import torch
from bench_setting import setting
from captcha.image import ImageCaptcha
from PIL import Image
from torch import nn
from torch.utils.data import DataLoader, IterableDataset

CONFIG = """
name = "bench"
network = "lean-residual"
seed = 1
batch = {batch}
steps = {steps}
precision = "bfloat16"
evaluate_every = 1000000
checkpoint_every = 1000000
[[data]]
style = "hku"
parts = 1
[schedule]
peak = 1e-3
warmup = 100
cooldown = 100
"""


def convolution(channels: int, out: int, kernel: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels, out, kernel, stride, kernel // 2, bias=False), nn.BatchNorm2d(out), nn.ReLU()
    )


class Lean(nn.Module):
    """models/src/networks/lean_residual.rs, layer by layer."""

    def __init__(self, labels: int = 60) -> None:
        super().__init__()
        self.backbone = nn.Sequential(
            convolution(1, 16, 5, 2),
            convolution(16, 24, 3),
            nn.MaxPool2d((2, 2)),
            convolution(24, 48, 3),
            nn.MaxPool2d((2, 1)),
            convolution(48, 64, 3),
            nn.MaxPool2d((2, 1)),
        )
        # Without its last ReLU, which comes after the sum.
        self.pair = nn.Sequential(convolution(64, 48, 3), *convolution(48, 64, 3)[:2])
        self.narrow = nn.Linear(192, 64)
        self.blstm = nn.LSTM(64, 64, bidirectional=True)
        self.classify = nn.Linear(128, labels)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        with torch.autocast(images.device.type, torch.bfloat16):
            features = self.backbone(images)
            features = torch.relu(self.pair(features) + features)
        sequence = features.float().permute(3, 0, 1, 2).flatten(2)
        context, _ = self.blstm(self.narrow(sequence))
        return self.classify(context).log_softmax(-1)


SYMBOLS = [symbol for symbol in string.digits + string.ascii_letters if symbol not in "0Oo"]


class Drawn(IterableDataset):
    """Batches that the Python library draws, saves as JPEG and reads back: what preset hku is like."""

    def __init__(self, batch: int) -> None:
        self.batch = batch

    def __iter__(self):
        captcha = ImageCaptcha(width=128, height=48, font_sizes=[40])
        while True:
            texts = [random.choices(SYMBOLS, k=random.randint(4, 6)) for _ in range(self.batch)]
            files = [captcha.generate("".join(text), format="jpeg") for text in texts]
            grey = [numpy.asarray(Image.open(io.BytesIO(file.getvalue())).convert("L")) for file in files]
            images = torch.from_numpy(numpy.stack(grey)).float()[:, None]
            images = (images - images.mean((2, 3), keepdim=True)) / images.std((2, 3), keepdim=True)
            labels = [SYMBOLS.index(symbol) + 1 for text in texts for symbol in text]
            yield images, torch.tensor(labels), torch.tensor([len(text) for text in texts])


def ready(batch: int):
    """Batches of noise, made before the clock starts."""
    images = [torch.randn(batch, 1, 48, 128) for _ in range(8)]
    labels, lengths = torch.randint(1, 60, (batch * 5,)), torch.full((batch,), 5)
    while True:
        for image in images:
            yield image, labels, lengths


def pytorch(steps: int, batches, device: str) -> float:
    """Images per second on such batches."""
    torch.manual_seed(1)
    model = Lean().to(device, memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, betas=(0.9, 0.99))
    since, seen = time.perf_counter(), 0
    for step in range(steps + 10):
        if step == 10:
            since, seen = time.perf_counter(), 0
        images, labels, label_lengths = next(batches)
        seen += len(images)
        images = images.to(device, memory_format=torch.channels_last)
        lengths = torch.full((len(images),), 32)
        loss = nn.functional.ctc_loss(
            model(images), labels.to(device), lengths, label_lengths, zero_infinity=True
        )
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 2.0)
        optimizer.step()
        loss.item()
    return seen / (time.perf_counter() - since)


def loader(batch: int):
    """The Python library on as many processes as there are cores, as PyTorch's users do it."""
    torch.multiprocessing.set_sharing_strategy("file_system")
    return iter(DataLoader(Drawn(batch), batch_size=None, num_workers=os.cpu_count()))


def trainer(program: str, steps: int, batch: int) -> float:
    """Images per second as the trainer logs them for its last steps, drawing included."""
    with tempfile.TemporaryDirectory() as folder:
        config = pathlib.Path(folder) / "bench.toml"
        # The log has a line every hundred steps; the first hundred are for warming up.
        config.write_text(CONFIG.format(batch=batch, steps=100 + max(steps // 100, 1) * 100))
        run = [program, "train", "--config", str(config), "--folder", f"{folder}/run"]
        subprocess.run(run, check=True, capture_output=True)
        lines = (pathlib.Path(folder) / "run/log.jsonl").read_text().splitlines()
        return statistics.mean(json.loads(line)["images_per_second"] for line in lines[1:])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--trainer", default="target/release/byecaptcha-trainer")
    arguments = parser.parse_args()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    print(f"{setting()}; torch {torch.__version__} on {torch.cuda.get_device_name() if device == 'cuda' else 'cpu'}", flush=True)
    ours, drawn, given = [], [], []
    for round_ in range(arguments.rounds):
        ours.append(trainer(arguments.trainer, arguments.steps, arguments.batch))
        drawn.append(pytorch(arguments.steps, loader(arguments.batch), device))
        given.append(pytorch(arguments.steps, ready(arguments.batch), device))
        print(
            f"round {round_ + 1}: trainer {ours[-1]:.0f} images/s with drawing, PyTorch {drawn[-1]:.0f} with the Python "
            f"library's drawing and {given[-1]:.0f} without any"
        )
    times = [statistics.median(ours) / statistics.median(theirs) for theirs in (drawn, given)]
    print(
        f"medians on {device}, batch {arguments.batch}: the trainer does {times[0]:.2f} times what PyTorch does with "
        f"drawing, {times[1]:.2f} times what it does without"
    )


if __name__ == "__main__":
    main()
