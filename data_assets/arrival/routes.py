"""Where a landed object belongs: its key is `<dataset>/<file>.json` or `<dataset>/date=YYYY-MM-DD/<file>.json`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

from data_assets.arrival.events import LandedObject

_DAY = re.compile(r"date=(\d{4}-\d{2}-\d{2})")


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


def route(found: LandedObject, layout: Layout) -> Arrival | Refusal:
    """Return what the object means for the tables."""
    parts = found.key.split("/")
    dataset, folders = parts[0], parts[1:-1]
    reason = _refuse(found, layout, dataset, folders, parts[-1])
    if reason is not None:
        return Refusal(f"{found.bucket}/{found.key}: {reason}")
    day = _day_of(folders[0]) if folders and dataset in layout.daily else None
    return Arrival(dataset, day, found.key, found.identity)


def _refuse(found: LandedObject, layout: Layout, dataset: str, folders: list[str], file: str) -> str | None:
    if found.bucket != layout.bucket:
        return f"the landing bucket is {layout.bucket}"
    if dataset not in layout.datasets:
        return f"no dataset {dataset!r}; there are {', '.join(sorted(layout.datasets))}"
    if not file.endswith(".json") or file == ".json":
        return "not a .json file"
    return _refuse_folders(layout, dataset, folders)


def _refuse_folders(layout: Layout, dataset: str, folders: list[str]) -> str | None:
    if not folders and dataset in layout.daily:
        return f"{dataset} is loaded by day: its files stand in date=YYYY-MM-DD/"
    if len(folders) > 1:
        return "files stand in the dataset's folder or in one date=YYYY-MM-DD/"
    day = _day_of(folders[0]) if folders else ""
    if day is None:
        return f"{folders[0]!r} is no date=YYYY-MM-DD"
    if dataset in layout.daily and day not in layout.days:
        return f"{day} is not among the partitions, {layout.days[0]} to {layout.days[-1]}"
    return None


def _day_of(folder: str) -> str | None:
    found = _DAY.fullmatch(folder)
    try:
        return date.fromisoformat(found[1]).isoformat() if found else None
    except ValueError:
        return None
