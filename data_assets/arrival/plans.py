"""Arrivals of one tick -> the runs that should follow: contiguous days are ONE run, whatever the order and repetition.

A run's launch costs seconds, so never a run per file or per day.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby

from data_assets.arrival.routes import Arrival, Layout


@dataclass(frozen=True)
class WantedRun:
    """A run over a range of days (None: over none), of the bronze tables of `datasets` and what depends on them."""

    run_key: str
    datasets: frozenset[str]
    days: tuple[str, str] | None


def plan_runs(arrivals: Iterable[Arrival], layout: Layout) -> dict[WantedRun, frozenset[Arrival]]:
    """Return the runs and the arrivals that each of them takes in, earliest days first.

    The whole data sets that came go with the first range, or alone when no day came.
    """
    unique = frozenset(arrivals)
    whole = frozenset(arrival for arrival in unique if arrival.day is None)
    groups = _contiguous(unique - whole, layout)
    if whole:
        groups = [groups[0] | whole, *groups[1:]] if groups else [whole]
    return {_want(group): group for group in groups}


def _contiguous(daily: frozenset[Arrival], layout: Layout) -> list[frozenset[Arrival]]:
    position = {day: number for number, day in enumerate(layout.days)}
    came = sorted({position[arrival.day] for arrival in daily if arrival.day is not None})
    # in a row of neighbours, position and rank grow alike
    rows = [{number for _, number in row} for _, row in groupby(enumerate(came), lambda pair: pair[1] - pair[0])]
    row_of = {number: index for index, row in enumerate(rows) for number in row}
    groups: list[set[Arrival]] = [set() for _ in rows]
    for arrival in daily:
        groups[row_of[position[arrival.day or ""]]].add(arrival)
    return [frozenset(group) for group in groups]


def _want(group: frozenset[Arrival]) -> WantedRun:
    days = sorted(arrival.day for arrival in group if arrival.day is not None)
    writes = sorted(f"{arrival.key} {arrival.identity}" for arrival in group)
    digest = hashlib.sha256("\n".join(writes).encode())
    datasets = frozenset(arrival.dataset for arrival in group)
    label = f"{days[0]}..{days[-1]}" if days else "+".join(sorted(datasets))
    return WantedRun(f"{label} {digest.hexdigest()[:16]}", datasets, (days[0], days[-1]) if days else None)
