"""A day of jobs: nobody at night, people by day, and a burst of a hundred times the usual."""

import math
import random

DAY = 86_400


def rate(now: float, busiest: float, burst: float, bursts: list[tuple[float, float]]) -> float:
    """Jobs a second that are submitted at this second of the day.

    From seven to eleven in the evening a hill that is `busiest` high; else nothing, but for a lone job every half hour.
    A burst is as high as `burst` says and lasts from one second to another.
    """
    if any(start <= now < end for start, end in bursts):
        return burst
    hour = now / 3600
    if 7 <= hour < 23:
        return busiest * math.sin(math.pi * (hour - 7) / 16) ** 2
    return 0.0


def day(step: float, busiest: float, bursts: list[tuple[float, float]], seed: int) -> list[float]:
    """Jobs submitted in each step, drawn around that rate."""
    draw = random.Random(seed)
    jobs = []
    for index in range(round(DAY / step)):
        now = index * step
        mean = rate(now, busiest, 100 * busiest / 2, bursts) * step
        if mean > 30:  # as good as Poisson's
            count = max(0, round(draw.gauss(mean, math.sqrt(mean))))
        else:
            count, left = 0, math.exp(-mean)
            product = draw.random()
            while product > left:
                count += 1
                product *= draw.random()
        jobs.append(float(count))
    for lone in range(0, DAY, 1800):
        if rate(lone, busiest, 0, []) == 0:
            jobs[round(lone / step)] += 1
    return jobs
