"""Calls are paced: so many at once, then evenly, whoever asks, and below what the service allows in a second."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakehouse.serverless.pace import QUESTIONS, RUN_NOWS, SUBMITS, Pace, keep_below


@given(st.lists(st.floats(0, 2), min_size=1, max_size=60), st.integers(1, 5), st.floats(1, 50))
def test_no_window_sees_more_calls_than_the_bucket_holds_and_gains(
    gaps: list[float], at_once: int, per_second: float
) -> None:
    now = 0.0
    pace = Pace(per_second, at_once, lambda: now)
    calls: list[float] = []
    for gap in gaps:
        now += gap
        waited: list[float] = []
        pace.take(waited.append)
        calls.append(now + sum(waited))
    for first in range(len(calls)):
        for last in range(first, len(calls)):
            window = calls[last] - calls[first]
            assert last - first + 1 <= at_once + window * per_second + 1 + 1e-6


def test_who_comes_rarely_never_waits() -> None:
    now = 0.0
    pace, waited = Pace(10, 1, lambda: now), list[float]()
    for _ in range(5):
        now += 0.2
        pace.take(waited.append)
    assert waited == []


@pytest.mark.parametrize("limit", [SUBMITS, RUN_NOWS, QUESTIONS])
def test_no_second_sees_more_calls_than_the_limit(limit: int) -> None:
    now, calls = 0.0, list[float]()
    pace = keep_below(limit, lambda: now)
    for _ in range(5 * limit):
        waited: list[float] = []
        pace.take(waited.append)
        now += sum(waited)
        calls.append(now)
    assert max(sum(start <= call <= start + 1 for call in calls) for start in calls) <= 0.9 * limit
    assert len(calls) / now > limit / 2
