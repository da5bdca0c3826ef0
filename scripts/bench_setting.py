#!/usr/bin/env python3
"""One line that says what a figure was measured on: processor, system, versions, commit and models. What measures prints it
first; by hand it goes beside any other command: scripts/bench_setting.py"""

import json
import os
import pathlib
import platform
import re
import subprocess

ROOT = pathlib.Path(__file__).resolve().parent.parent


def said(*command: str) -> str:
    """The first line that a command prints."""
    try:
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()[0]
    except (OSError, subprocess.CalledProcessError, IndexError):
        return "unknown"


def processor() -> str:
    try:
        cpuinfo = pathlib.Path("/proc/cpuinfo").read_text()
    except OSError:
        return platform.processor() or platform.machine()
    name = re.search(r"^model name\s*: (.*)$", cpuinfo, re.MULTILINE)
    clock = re.search(r"^cpu MHz\s*: (\d+)", cpuinfo, re.MULTILINE)
    widest = next((flag for flag in ("avx512f", "avx2") if re.search(rf"\b{flag}\b", cpuinfo)), "no avx2")
    return f"{name[1] if name else platform.machine()} at {clock[1] if clock else 'unknown'} MHz now, {widest}"


def setting() -> str:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    cards = [json.loads((ROOT / f"models/weights/{name}.json").read_text()) for name in ("general", "lean")]
    parts = [
        f"{cores} cores of {processor()}",
        f"load {os.getloadavg()[0]:.1f}",
        f"{platform.system()} {platform.release()}",
        f"rustc {said('rustc', '--version').removeprefix('rustc ')}",
        f"Python {platform.python_version()}",
        f"commit {said('git', 'describe', '--always', '--dirty')}",
        "models " + " and ".join(f"{card['name']} {card['version']}" for card in cards),
    ]
    return "measured on " + "; ".join(parts)


if __name__ == "__main__":
    print(setting())
