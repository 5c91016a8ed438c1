"""From messages to wanted runs, as pure functions: whatever the order, repetition and rubbish."""

from __future__ import annotations

import json
import random
from itertools import pairwise
from typing import Any
from urllib.parse import quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_assets.arrival.cursor import Pending, UnreadableCursor, format_cursor, parse_cursor
from data_assets.arrival.events import LandedObject, read_message
from data_assets.arrival.plans import plan_runs
from data_assets.arrival.routes import Arrival, Layout, Refusal, route

DAYS = tuple(f"2013-01-{day:02}" for day in range(1, 32))
LAYOUT = Layout("landing", DAYS, frozenset({"flights"}), frozenset({"weather", "airlines"}))


def event(key: str, name: str = "ObjectCreated:Put", bucket: str = "landing", **described: Any) -> dict[str, Any]:
    return {
        "eventName": name,
        "eventTime": "2013-02-01T00:00:00.000Z",
        "s3": {"bucket": {"name": bucket}, "object": {"key": quote_plus(key), "eTag": "e1", **described}},
    }


def body(*records: dict[str, Any]) -> str:
    return json.dumps({"Records": list(records)})


def flights_on(day: int, identity: str = "e1") -> Arrival:
    return Arrival("flights", DAYS[day], f"flights/date={DAYS[day]}/flights.json", identity)


def whole(dataset: str, identity: str = "e1") -> Arrival:
    return Arrival(dataset, None, f"{dataset}/{dataset}.json", identity)


arrivals = st.lists(
    st.one_of(
        st.builds(flights_on, st.integers(0, 30), st.sampled_from(["e1", "e2"])),
        st.builds(whole, st.sampled_from(["weather", "airlines"])),
    ),
    min_size=1,
    max_size=60,
)


@given(arrivals, st.randoms(use_true_random=False))
def test_order_and_repetition_change_nothing(came: list[Arrival], shuffler: random.Random) -> None:
    again = came + shuffler.choices(came, k=len(came))
    shuffler.shuffle(again)
    assert plan_runs(again, LAYOUT) == plan_runs(came, LAYOUT)


@given(arrivals)
def test_every_arrival_is_in_exactly_one_run_and_no_other_day_is(came: list[Arrival]) -> None:
    planned = plan_runs(came, LAYOUT)
    taken = [arrival for group in planned.values() for arrival in group]
    assert len(taken) == len(set(taken)) and set(taken) == set(came)
    covered = [
        day for run in planned if run.days for day in DAYS[DAYS.index(run.days[0]) : DAYS.index(run.days[1]) + 1]
    ]
    assert sorted(covered) == sorted({arrival.day for arrival in came if arrival.day})


@given(arrivals)
def test_neighbouring_days_are_one_run(came: list[Arrival]) -> None:
    ranges = [run.days for run in plan_runs(came, LAYOUT) if run.days]
    for (_, end), (start, _) in pairwise(ranges):
        assert DAYS.index(start) > DAYS.index(end) + 1


@given(arrivals, st.data())
def test_another_write_of_a_file_is_another_run_key(came: list[Arrival], data: st.DataObject) -> None:
    changed = data.draw(st.sampled_from(came))
    rewritten = Arrival(changed.dataset, changed.day, changed.key, "e3")
    before = {key for run in plan_runs(came, LAYOUT) for key in [run.run_key]}
    after = {run.run_key: group for run, group in plan_runs([*came, rewritten], LAYOUT).items()}
    (key,) = [key for key, group in after.items() if rewritten in group]
    assert key not in before


def test_whole_datasets_go_with_the_first_range() -> None:
    first, second = plan_runs([flights_on(9), flights_on(0), flights_on(1), whole("weather")], LAYOUT)
    assert (first.days, first.datasets) == ((DAYS[0], DAYS[1]), {"flights", "weather"})
    assert (second.days, second.datasets) == ((DAYS[9], DAYS[9]), {"flights"})


def test_whole_datasets_alone_are_one_run_without_days() -> None:
    (run,) = plan_runs([whole("weather"), whole("airlines")], LAYOUT)
    assert (run.days, run.datasets) == (None, {"weather", "airlines"})
    assert run.run_key.startswith("airlines+weather ")


@given(st.text())
def test_any_text_is_read(text: str) -> None:
    reading = read_message(text)
    assert reading.problems or not reading.objects


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["Records", "eventName", "s3", "bucket", "name", "object", "key", "x"]), inner, max_size=4
        )
    ),
    max_leaves=20,
)


@given(_json)
def test_any_json_is_read(document: Any) -> None:
    assert read_message(json.dumps(document)).problems


@given(st.text(min_size=1))
def test_keys_are_decoded(key: str) -> None:
    (found,) = read_message(body(event(key))).objects
    assert found.key == key


@pytest.mark.parametrize("name", ["ObjectRemoved:Delete", "s3:ObjectRemoved:DeleteMarkerCreated"])
def test_removals_are_ignored(name: str) -> None:
    reading = read_message(body(event("flights/x.json", name)))
    assert (reading.objects, reading.problems) == ((), ())


def test_the_test_event_is_ignored() -> None:
    reading = read_message(json.dumps({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "landing"}))
    assert (reading.objects, reading.problems) == ((), ())


def test_one_bad_record_does_not_hide_the_good_one() -> None:
    reading = read_message(body(event("weather/weather.json"), {"eventName": "ObjectCreated:Put"}))
    assert [found.key for found in reading.objects] == ["weather/weather.json"]
    assert reading.problems == ("a record without 's3'",)


def test_two_writes_of_a_key_have_two_identities() -> None:
    one, two = (
        read_message(body(event("weather/weather.json", sequencer=sequencer))).objects[0] for sequencer in ("1", "2")
    )
    assert one.identity != two.identity


@pytest.mark.parametrize(
    ("key", "dataset", "day"),
    [
        ("flights/date=2013-01-05/flights.json", "flights", "2013-01-05"),
        ("flights/date=2013-01-05/part 2.json", "flights", "2013-01-05"),
        ("weather/date=2015-06-01/weather.json", "weather", None),
        ("weather/extra.json", "weather", None),
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
        ("flights/date=2013-01-05/", "not a .json file"),
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


def test_the_cursor_survives_its_text() -> None:
    pending = [Pending(("a", "b"), ("r1", "r2")), Pending(("c",), ("r3",))]
    assert parse_cursor(format_cursor(pending)) == pending
    assert parse_cursor(None) == parse_cursor("") == []


@pytest.mark.parametrize("text", ["{", "[1]", "7"])
def test_a_foreign_cursor_is_named(text: str) -> None:
    with pytest.raises(UnreadableCursor, match="reset it"):
        parse_cursor(text)
