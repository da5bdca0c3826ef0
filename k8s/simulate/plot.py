"""The day as a picture: jobs a second, workers and waits above one another, and the burst at night enlarged. SVG by hand,
since two dozen lines need no library."""

from fleet import Outcome

WIDTH, PANEL, LEFT, TOP, GAP = 850, 110, 70, 42, 34
INK, FAINT = "#1f2933", "#d5dae0"
COLOURS = {"jobs a second": "#2f6fb0", "workers": "#c2571a", "wait, seconds": "#4b8b3b"}


def plot(jobs: list[float], step: float, outcome: Outcome, day: float) -> str:
    """Two columns: the whole day, and from half a minute before the night's burst to two minutes after its beginning."""
    burst = 3 * 3600
    columns = [(0.0, day, 480, "the day", 3600.0, "h"), (burst - 30.0, burst + 120.0, 200, "the burst at night", 1.0, "s")]
    parts, left = [], LEFT
    for start, end, width, title, unit, unit_name in columns:
        parts.append(text(left, 18, title, weight="bold"))
        bins = width
        series = {
            "jobs a second": rates(jobs, step, start, end, bins),
            "workers": steps(outcome.replicas, start, end),
            "wait, seconds": peaks(outcome.waits, start, end, bins),
        }
        for row, (name, points) in enumerate(series.items()):
            top = TOP + row * (PANEL + GAP)
            most = max((value for _, value in points), default=0) or 1
            parts.append(f'<rect x="{left}" y="{top}" width="{width}" height="{PANEL}" fill="none" stroke="{FAINT}"/>')
            parts.append(text(left - 4, top + 9, f"{most:,.0f}", anchor="end"))
            parts.append(text(left - 4, top + PANEL, "0", anchor="end"))
            parts.append(text(left, top - 5, name, colour=COLOURS[name]))
            place = [
                f"{left + (at - start) / (end - start) * width:.1f},{top + PANEL - value / most * (PANEL - 4):.1f}"
                for at, value in points
            ]
            parts.append(f'<polyline points="{" ".join(place)}" fill="none" stroke="{COLOURS[name]}" stroke-width="1.4"/>')
        bottom = TOP + 3 * PANEL + 2 * GAP + 14
        origin = start if unit > 1 else burst
        marks = 4 if unit > 1 else 5
        for mark in range(marks + 1):
            words = f"{(start + mark * (end - start) / marks - origin) / unit:.0f} {unit_name}"
            parts.append(text(left + mark * width / marks, bottom, words, anchor="middle"))
        left += width + 75
    height = TOP + 3 * PANEL + 2 * GAP + 24
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
        f'font-family="sans-serif" font-size="11"><rect width="100%" height="100%" fill="white"/>\n'
        + "\n".join(parts)
        + "\n</svg>\n"
    )


def text(x: float, y: float, words: str, anchor: str = "start", colour: str = INK, weight: str = "normal") -> str:
    return f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}" fill="{colour}" font-weight="{weight}">{words}</text>'


def rates(jobs: list[float], step: float, start: float, end: float, bins: int) -> list[tuple[float, float]]:
    """The mean rate in each bin."""
    length = (end - start) / bins
    edges = [round((start + index * length) / step) for index in range(bins + 1)]
    return [(a * step, sum(jobs[a:b]) / ((b - a) * step)) for a, b in zip(edges, edges[1:]) if b > a]


def steps(changes: list[tuple[float, int]], start: float, end: float) -> list[tuple[float, float]]:
    """A line that jumps at each change."""
    value, points = 0, []
    for at, count in changes:
        if at < start:
            value = count
        elif at < end:
            points += [(at, value), (at, count)]
            value = count
    before = next((count for at, count in reversed(changes) if at < start), 0)
    return [(start, before), *points, (end, value)]


def peaks(waits: list[tuple[float, float]], start: float, end: float, bins: int) -> list[tuple[float, float]]:
    """The longest wait in each bin, 0 where nobody came."""
    worst = [0.0] * bins
    for at, wait in waits:
        if start <= at < end:
            index = int((at - start) / (end - start) * bins)
            worst[index] = max(worst[index], wait)
    return [(start + (index + 0.5) * (end - start) / bins, wait) for index, wait in enumerate(worst)]
