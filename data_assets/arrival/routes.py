"""Where a landed object belongs. What its key says is decided in steps/_landing.py, where the readers ask, too."""

from __future__ import annotations

from dataclasses import dataclass

from data_assets.arrival.events import LandedObject
from data_assets.steps._landing import LandedKey, Marker, NoFile, read_key


@dataclass(frozen=True)
class Layout:
    """The landing bucket as the tables see it: data sets that are loaded day by day, and those loaded as a whole."""

    bucket: str
    days: tuple[str, ...]  # the partitions, in order
    daily: frozenset[str]
    whole: frozenset[str]

    @property
    def datasets(self) -> frozenset[str]:
        """All data sets."""
        return self.daily | self.whole


@dataclass(frozen=True)
class Arrival:
    """A write that reached a data set; `day` is the partition of a daily one."""

    dataset: str
    day: str | None
    key: str
    identity: str


@dataclass(frozen=True)
class Refusal:
    """Why an object belongs nowhere."""

    reason: str


def route(found: LandedObject, layout: Layout) -> Arrival | Refusal | None:
    """Return what the object means for the tables; None for a marker, which means nothing and is settled in silence."""
    if found.bucket != layout.bucket:
        return _refuse(found, f"the landing bucket is {layout.bucket}")
    key = read_key(found.key)
    if isinstance(key, Marker):
        return None
    dataset = found.key.split("/")[0]
    if dataset not in layout.datasets:
        return _refuse(found, f"no dataset {dataset!r}; there are {', '.join(sorted(layout.datasets))}")
    reason = key.reason if isinstance(key, NoFile) else _refuse_day(key, layout)
    if reason is not None:
        return _refuse(found, reason)
    day = key.day if isinstance(key, LandedKey) and dataset in layout.daily else None
    return Arrival(dataset, day, found.key, found.identity)


def _refuse(found: LandedObject, reason: str) -> Refusal:
    return Refusal(f"{found.bucket}/{found.key}: {reason}")


def _refuse_day(key: LandedKey, layout: Layout) -> str | None:
    if key.dataset not in layout.daily:
        return None
    if key.day is None:
        return f"{key.dataset} is loaded by day: its files stand in date=YYYY-MM-DD/"
    if key.day not in layout.days:
        return f"{key.day} is not among the partitions, {layout.days[0]} to {layout.days[-1]}"
    return None
