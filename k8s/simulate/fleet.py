"""Workers on one queue through a day: what waits, for how long, and what the workers cost.

The queue is first come, first served, and jobs count as a fluid: in each step every worker that has started takes its
share. That is exact to a step, which is a tenth of a second, and a worker takes far more than one job in it.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field

STEP = 0.1


@dataclass(frozen=True)
class Worker:
    """What was measured of one."""

    throughput: float  # jobs a second
    start: float  # seconds from the decision to the first job taken
    latency: float = 0.004  # seconds that a job alone is unacknowledged


@dataclass
class Outcome:
    """A day's figures. Waits are from submission to the worker, in seconds."""

    jobs: float
    p50: float
    p99: float
    worst: float
    worst_at: float
    pod_hours: float
    most: int
    replicas: list[tuple[float, int]] = field(repr=False)  # at each change
    waits: list[tuple[float, float]] = field(repr=False)  # (submitted, wait) of the first job in each step

    def worst_between(self, start: float, end: float) -> float:
        return max((wait for at, wait in self.waits if start <= at < end), default=0.0)


def simulate(jobs: list[float], worker: Worker, decide) -> Outcome:
    """`decide(now, metrics)` says how many workers there are to be; they are there `start` seconds later, and leave at
    once, since a worker that stops gives back what it has not begun."""
    arrived, served = [0.0], [0.0]
    fleet: list[float] = []  # when each worker is ready
    draw = random.Random(0)
    pod_seconds, most, changes = 0.0, 0, []
    for index, new in enumerate(jobs):
        now = index * STEP
        # As RabbitMQ's management reports it: over five seconds.
        published = (arrived[-1] - arrived[max(0, len(arrived) - 1 - round(5 / STEP))]) / 5
        # What is being read counts as well: a whole job now and then where little comes.
        held = new / STEP * worker.latency
        held = int(held) + (draw.random() < held % 1)
        waiting = arrived[-1] - served[-1] + held
        wanted = decide(now, {"QueueLength": waiting, "MessageRate": published})
        if wanted != len(fleet):
            changes.append((now, wanted))
            del fleet[wanted:]
            fleet += [now + worker.start] * (wanted - len(fleet))
        most = max(most, len(fleet))
        pod_seconds += len(fleet) * STEP
        ready = sum(at <= now for at in fleet)
        arrived.append(arrived[-1] + new)
        served.append(min(arrived[-1], served[-1] + ready * worker.throughput * STEP))
    return _summary(arrived, served, pod_seconds, most, changes)


def _summary(arrived, served, pod_seconds, most, changes) -> Outcome:
    weighted, waits, end = [], [], 0
    for index in range(1, len(arrived)):
        count = arrived[index] - arrived[index - 1]
        if count == 0:
            continue
        while end < len(served) - 1 and served[end] < arrived[index] - 1e-6:
            end += 1
        # Within the step in which it came it did not wait: a batch takes milliseconds.
        wait = max(0, end - index) * STEP
        weighted.append((wait, count))
        waits.append((index * STEP, wait))
    weighted.sort()
    total = sum(count for _, count in weighted)

    def quantile(share: float) -> float:
        seen = 0.0
        for wait, count in weighted:
            seen += count
            if seen >= share * total:
                return wait
        return weighted[-1][0]

    worst_at, worst = max(waits, key=lambda pair: pair[1])
    return Outcome(total, quantile(0.5), quantile(0.99), worst, worst_at, pod_seconds / 3600, most, changes, waits)
