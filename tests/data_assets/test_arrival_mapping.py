"""From messages to wanted runs, as pure functions: whatever the order, repetition and rubbish."""

from __future__ import annotations

import random
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from data_assets.arrival.plans import plan_runs
from data_assets.arrival.routes import Arrival, Layout

DAYS = tuple(f"2013-01-{day:02}" for day in range(1, 32))
LAYOUT = Layout("landing", DAYS, frozenset({"flights"}), frozenset({"weather", "airlines"}))


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
