"""Quartz expressions: when they fire, in which time zone, and what is no Quartz."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from local_workspace.services.jobs.quartz import InvalidSchedule, parse_schedule

START = datetime(2026, 1, 30, 12, 0, 30, tzinfo=UTC)  # a Friday


def fire(expression: str, zone: str = "UTC", after: datetime = START, times: int = 2) -> list[str]:
    schedule, found = parse_schedule(expression, zone), []
    for _ in range(times):
        moment = schedule.next_after(after)
        if moment is None:
            break
        found.append(moment.strftime("%Y-%m-%d %H:%M:%S"))
        after = moment
    return found


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("0 0 5 * * ?", ["2026-01-31 05:00:00", "2026-02-01 05:00:00"]),
        ("*/20 * * * * ?", ["2026-01-30 12:00:40", "2026-01-30 12:01:00"]),
        ("30 0 12 ? * *", ["2026-01-31 12:00:30", "2026-02-01 12:00:30"]),
        ("0 0/25 12-13 * * ?", ["2026-01-30 12:25:00", "2026-01-30 12:50:00"]),
        ("0 0 22-1/3 * * ?", ["2026-01-30 22:00:00", "2026-01-31 01:00:00"]),
        ("0 0 0 ? * MON-FRI", ["2026-02-02 00:00:00", "2026-02-03 00:00:00"]),
        ("0 0 0 ? * sat-mon", ["2026-01-31 00:00:00", "2026-02-01 00:00:00"]),
        ("0 0 0 ? * 1", ["2026-02-01 00:00:00", "2026-02-08 00:00:00"]),
        ("0 0 0 L * ?", ["2026-01-31 00:00:00", "2026-02-28 00:00:00"]),
        ("0 0 0 L-3 * ?", ["2026-02-25 00:00:00", "2026-03-28 00:00:00"]),
        ("0 0 0 LW * ?", ["2026-02-27 00:00:00", "2026-03-31 00:00:00"]),
        ("0 0 0 1W * ?", ["2026-02-02 00:00:00", "2026-03-02 00:00:00"]),
        ("0 0 0 31W * ?", ["2026-03-31 00:00:00", "2026-05-29 00:00:00"]),
        ("0 0 0 1,15 JAN,JUN ?", ["2026-06-01 00:00:00", "2026-06-15 00:00:00"]),
        ("0 0 0 ? * 6L", ["2026-02-27 00:00:00", "2026-03-27 00:00:00"]),
        ("0 0 0 ? * FRI#5", ["2026-05-29 00:00:00", "2026-07-31 00:00:00"]),
        ("0 0 0 29 2 ?", ["2028-02-29 00:00:00", "2032-02-29 00:00:00"]),
        ("0 0 0 1 1 ? 2030-2031", ["2030-01-01 00:00:00", "2031-01-01 00:00:00"]),
        ("0 0 0 1 1 ? 2020", []),
    ],
)
def test_it_fires_when_quartz_does(expression: str, expected: list[str]) -> None:
    assert fire(expression) == expected


def test_a_local_time_is_that_of_its_zone_in_summer_and_winter() -> None:
    before = datetime(2026, 3, 28, 0, 0, tzinfo=UTC)
    assert fire("0 0 5 * * ?", "Europe/Berlin", before) == ["2026-03-28 04:00:00", "2026-03-29 03:00:00"]


def test_a_time_that_the_clocks_leave_out_does_not_fire_and_one_twice_there_fires_once() -> None:
    spring, autumn = datetime(2026, 3, 28, 12, tzinfo=UTC), datetime(2026, 10, 24, 12, tzinfo=UTC)
    assert fire("0 30 2 * * ?", "Europe/Berlin", spring, 1) == ["2026-03-30 00:30:00"]
    assert fire("0 30 2 * * ?", "Europe/Berlin", autumn) == ["2026-10-25 00:30:00", "2026-10-26 01:30:00"]


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("0 5 * * *", "5 fields"),
        ("0 0 5 * * ? 2026 9", "8 fields"),
        ("0 0 5 * * *", "exactly one of day of month and day of week"),
        ("0 0 5 ? * ?", "exactly one of day of month and day of week"),
        ("60 0 5 * * ?", "seconds: '60' is not from 0 to 59"),
        ("0 0 24 * * ?", "hours: '24' is not from 0 to 23"),
        ("0 0 5 0 * ?", "day of month: '0' is not from 1 to 31"),
        ("0 0 5 * FOO ?", "month: 'FOO'"),
        ("0 0 5 ? * 8", "day of week: '8'"),
        ("0 0 5 ? * 6#6", "day of week: '6#6'"),
        ("0 0 5 L-31 * ?", "day of month: 'L-31'"),
        ("0 0/0 5 * * ?", "minutes: the step '0'"),
        ("0 , 5 * * ?", "minutes: ''"),
        ("0 ? 5 * * ?", "minutes: '?'"),
        ("0 -5 5 * * ?", "minutes: ''"),
        ("0 0 5 * * ? 2031-2030", "year: '2031-2030' ends before it starts"),
        ("@daily", "1 fields"),
    ],
)
def test_what_is_no_quartz_is_refused(expression: str, message: str) -> None:
    with pytest.raises(InvalidSchedule, match=message.replace("?", r"\?")):
        parse_schedule(expression, "UTC")


@pytest.mark.parametrize("zone", ["Mars/Olympus", "", "../../etc/passwd", "+02:00"])
def test_what_is_no_time_zone_is_refused(zone: str) -> None:
    with pytest.raises(InvalidSchedule, match="time zone"):
        parse_schedule("0 0 5 * * ?", zone)
