"""Runs a day of traffic past the ScaledObject of k8s/base and past fleets that never change, and prints and plots both.

    .venv/bin/python k8s/simulate --plot docs/scaling.svg

Needs PyYAML, which scripts/test_tools.sh installs there. What was measured of a worker are arguments, with the figures of
k8s/README.md as defaults.
"""

import argparse
import pathlib
from dataclasses import replace

import yaml
from fleet import STEP, Outcome, Worker, simulate
from plot import plot
from rule import Autoscaler, ScaledObject
from traffic import DAY, day

HOUR = 3600
BURSTS = [(3 * HOUR, 3 * HOUR + 600), (14 * HOUR, 14 * HOUR + 600)]
MANIFEST = pathlib.Path(__file__).parent.parent / "base" / "scaled-objects.yaml"


def scaled_object(name: str) -> ScaledObject:
    documents = yaml.safe_load_all(MANIFEST.read_text())
    return next(ScaledObject.read(d) for d in documents if d["kind"] == "ScaledObject" and d["metadata"]["name"] == name)


def row(name: str, outcome: Outcome) -> str:
    night, noon = (outcome.worst_between(start, end + HOUR) for start, end in BURSTS)
    figures = [f"{outcome.p50:.1f}", f"{outcome.p99:.1f}", f"{night:.1f}", f"{noon:.1f}", f"{outcome.worst:.1f}"]
    return f"| {name} | {' | '.join(figures)} | {outcome.most} | {len(outcome.replicas)} | {outcome.pod_hours:.1f} |"


def from_zero(settings: ScaledObject, worker: Worker, rate: float) -> list[float]:
    """The worst wait of a burst at each second of the autoscaler's period: both controllers have clocks of their own."""
    worst = []
    for phase in range(15):
        jobs = [0.0] * round((60 + phase) / STEP) + [rate * STEP] * round(120 / STEP) + [0.0] * round(60 / STEP)
        worst.append(simulate(jobs, worker, Autoscaler(settings).decide).worst)
    return worst


def main() -> None:
    parser = argparse.ArgumentParser(prog="simulate", description="A day of traffic and KEDA's rule")
    parser.add_argument("--throughput", type=float, default=THROUGHPUT, help="jobs a second of one worker")
    parser.add_argument("--start", type=float, default=START, help="seconds from KEDA's decision to a worker's first job")
    parser.add_argument("--busiest", type=float, default=50, help="jobs a second at the busiest; the mean of the day is half")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--plot", type=pathlib.Path, help="where to write the picture (SVG)")
    arguments = parser.parse_args()

    worker = Worker(arguments.throughput, arguments.start)
    jobs = day(STEP, arguments.busiest, BURSTS, arguments.seed)
    settings = scaled_object("worker")
    length_only = replace(settings, triggers=tuple(t for t in settings.triggers if t.mode == "QueueLength"))
    scaled = simulate(jobs, worker, Autoscaler(settings).decide)

    print(f"{sum(jobs):,.0f} jobs; a worker reads {worker.throughput:g}/s and is there {worker.start:g} s after it is asked for\n")
    print("| workers | wait p50, s | p99 | worst after the burst at night | by day | worst | most workers | changes | pod-hours |")
    print("|---|---:|---:|---:|---:|---:|---:|---:|---:|")
    print(row("KEDA, from 0", scaled))
    print(row("KEDA, from 1", simulate(jobs, worker, Autoscaler(replace(settings, min_replicas=1)).decide)))
    print(row("KEDA, from 0, by queue length alone", simulate(jobs, worker, Autoscaler(length_only).decide)))
    peak = max(sum(jobs[i : i + 600]) for i in range(0, len(jobs), 600)) / 60
    enough = int(-(-peak // worker.throughput))
    for count in (enough, 1):
        print(row(f"always {count}", simulate(jobs, worker, lambda now, metrics, count=count: count)))
    waits = from_zero(settings, worker, 100 * arguments.busiest / 2)
    print(f"\nA burst that comes upon no worker: worst wait {min(waits):.1f} to {max(waits):.1f} s, as it falls between KEDA's looks")
    if arguments.plot:
        arguments.plot.write_text(plot(jobs, STEP, scaled, DAY))


# Measured, see k8s/README.md.
THROUGHPUT = 700.0
START = 3.0

if __name__ == "__main__":
    main()
