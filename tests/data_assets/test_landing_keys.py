"""Which keys are files, of which data set and day: the same for the router and for Spark."""

from __future__ import annotations

import re
from datetime import date
from urllib.parse import quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from data_assets.arrival.events import LandedObject
from data_assets.arrival.routes import Arrival, Layout, Refusal, route
from data_assets.steps._landing import LandedKey, describe_files, read_key, relative_path

DAYS = tuple(f"2013-01-{day:02}" for day in range(1, 32))
LAYOUT = Layout("landing", DAYS, frozenset({"flights"}), frozenset({"weather", "airlines"}))


@pytest.mark.parametrize(
    ("key", "dataset", "day"),
    [
        ("flights/date=2013-01-05/flights.json", "flights", "2013-01-05"),
        ("flights/date=2013-01-05/part 2.json", "flights", "2013-01-05"),
        ("weather/date=2015-06-01/weather.json", "weather", None),
        ("weather/extra.json", "weather", None),
        ("weather/a\nb #?%*{[+\\é.json", "weather", None),
        ("airlines/airlines.json", "airlines", None),
    ],
)
def test_a_key_finds_its_dataset(key: str, dataset: str, day: str | None) -> None:
    arrival = route(LandedObject("landing", key, "e1"), LAYOUT)
    assert isinstance(arrival, Arrival)
    assert (arrival.dataset, arrival.day) == (dataset, day)


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        ("hotels/date=2013-01-05/hotels.json", "no dataset 'hotels'; there are airlines, flights, weather"),
        ("flights.json", "no dataset 'flights.json'"),
        ("flights/flights.json", "flights is loaded by day"),
        ("flights/date=2014-01-05/flights.json", "2014-01-05 is not among the partitions, 2013-01-01 to 2013-01-31"),
        ("flights/date=2013-02-31/flights.json", "'date=2013-02-31' is no date=YYYY-MM-DD"),
        ("weather/2013-01-05/weather.json", "'2013-01-05' is no date=YYYY-MM-DD"),
        ("flights/date=2013-01-05/flights.csv", "not a .json file"),
        ("flights/date=2013-01-05/flights.json.gz", "not a .json file: compressed files are not read"),
        ("flights/date=2013-01-05/_part-1.json", "'_part-1.json' is hidden: Spark reads no file"),
        ("airlines/.part-2.json", "'.part-2.json' is hidden"),
        ("airlines/.json", "'.json' is hidden"),
        ("flights/date=2013-01-05/hour=05/stray.json", "files stand in the dataset's folder"),
        ("airlines//a.json", "'' is no date=YYYY-MM-DD"),
        ("airlines/../a.json", "'..' is no date=YYYY-MM-DD"),
        ("weather/date=２０１３-01-05/a.json", "'date=２０１３-01-05' is no date=YYYY-MM-DD"),
        ("flights/date=2013-01-05/deep/flights.json", "files stand in the dataset's folder"),
        ("", "no dataset ''"),
    ],
)
def test_a_key_that_belongs_nowhere_says_why(key: str, reason: str) -> None:
    refusal = route(LandedObject("landing", key, "e1"), LAYOUT)
    assert isinstance(refusal, Refusal)
    assert refusal.reason.startswith(f"landing/{key}: {reason}")


def test_another_bucket_is_refused() -> None:
    refusal = route(LandedObject("other", "airlines/airlines.json", "e1"), LAYOUT)
    assert isinstance(refusal, Refusal) and "the landing bucket is landing" in refusal.reason


@given(st.dates())
def test_every_day_is_a_folder(day: date) -> None:
    assert read_key(f"x/date={day}/f.json") == LandedKey("x", str(day))


@given(st.from_regex(r"[0-9]{4}-[0-1][0-9]-[0-3][0-9]", fullmatch=True))
@example("0000-01-01")
@example("1900-02-29")
def test_what_is_no_day_is_no_folder(text: str) -> None:
    try:
        expected: str | None = date.fromisoformat(text).isoformat()
    except ValueError:
        expected = None
    found = read_key(f"x/date={text}/f.json")
    assert (found.day if isinstance(found, LandedKey) else None) == expected


_parts = st.sampled_from(["a", "_a", ".a", "a=b", "", "date=2013-01-05", "date=2013-02-30", "hour=05", "é ÷%#?*"])
_keys = st.builds(
    lambda folders, name, end: "/".join([*folders, name + end]),
    st.lists(_parts | st.text(st.characters(exclude_categories=["Cs"]), max_size=4), max_size=3),
    _parts | st.text(st.characters(exclude_categories=["Cs"]), max_size=4),
    st.sampled_from([".json", ".json", ".JSON", ".json.gz", ".csv", ".json\n", "/"]),
)


@given(_keys)
def test_spark_is_told_the_same_of_every_path(rest: str) -> None:
    """Of the paths that there are in a folder: an empty part of a key is no folder of a file system."""
    key = f"weather/{rest}"
    if "//" in key:
        return
    landing = "/Volumes/c/bronze/landing/weather"
    path = "dbfs:" + quote(f"{landing}/{rest}", safe="/=:@!$&'()*+,;~")
    assert bool(re.fullmatch(describe_files(landing), path)) == isinstance(read_key(key), LandedKey)
    if "/./" not in f"/{key}/" and not key.endswith("/"):
        assert relative_path(path, landing) == rest
