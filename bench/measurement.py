"""Paired timing of ours and a peer, and the record `build/bench/NAME.json` of it."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

Work = Callable[[], object]


@dataclass(frozen=True)
class Measurement:
    """`ours` and `peer` are medians in `unit`; `noise` is (max - min) / median of the ratio, run by run."""

    name: str
    ours: float
    peer: float | None
    ratio: float | None
    unit: str
    runs: int
    noise: float
    command: str
    note: str = ""

    def write(self, directory: Path) -> Path:
        """Write the record as NAME.json and return its path."""
        directory.mkdir(parents=True, exist_ok=True)
        path = directory / f"{self.name}.json"
        path.write_text(json.dumps(asdict(self), indent=2) + "\n")
        return path


def time_seconds(work: Work) -> float:
    """Run once and return its seconds."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def compare(name: str, ours: Work, peer: Work, runs: int, note: str = "") -> Measurement:
    """Run ours and peer in turn `runs` times after one warm-up of each; quote medians, so drift hits both."""
    for warm_up in (ours, peer):
        warm_up()
    return compare_values(name, "s", partial(time_seconds, ours), partial(time_seconds, peer), runs, note)


def compare_values(
    name: str, unit: str, ours: Callable[[], float], peer: Callable[[], float], runs: int, note: str = ""
) -> Measurement:
    """Take ours and the peer's value in turn `runs` times."""
    return compare_pairs(name, unit, [(ours(), peer()) for _ in range(runs)], name, note)


def compare_pairs(
    name: str, unit: str, pairs: Sequence[tuple[float, float]], comparison: str, note: str
) -> Measurement:
    """Compare ours and the peer's values that `python -m bench <comparison>` took in turn."""
    ratios = [mine / theirs for mine, theirs in pairs]
    return Measurement(
        name=name,
        ours=round(statistics.median(mine for mine, _ in pairs), 3),
        peer=round(statistics.median(theirs for _, theirs in pairs), 3),
        ratio=round(statistics.median(ratios), 3),
        unit=unit,
        runs=len(pairs),
        noise=spread(ratios),
        command=f"python -m bench {comparison}",
        note=note,
    )


def measure_alone(name: str, work: Work, runs: int, note: str) -> Measurement:
    """Time what has no peer here; the note says why."""
    work()
    seconds = [time_seconds(work) for _ in range(runs)]
    median = round(statistics.median(seconds), 3)
    return Measurement(name, median, None, None, "s", runs, spread(seconds), f"python -m bench {name}", note)


def spread(values: list[float]) -> float:
    """Return (max - min) / median."""
    return round((max(values) - min(values)) / statistics.median(values), 3)
