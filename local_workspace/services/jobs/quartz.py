"""Quartz cron expressions, strictly: what is no Quartz is refused, and when a schedule fires next. Pure.

Syntax: https://www.quartz-scheduler.org/documentation/quartz-2.3.0/tutorials/crontrigger.html
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import product
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_MONTH_NUMBERS = {name: number for number, name in enumerate(_MONTHS, 1)}
_DAY_NUMBERS = {name: number for number, name in enumerate(_DAYS, 1)}
FIRST_YEAR, LAST_YEAR = 1970, 2099

IsDay = Callable[[date], bool]


class InvalidSchedule(Exception):
    """No Quartz expression, or no time zone; the message names the field."""


@dataclass(frozen=True)
class _Field:
    name: str
    first: int
    last: int
    names: dict[str, int]
    wraps: bool = True  # FRI-MON, 22-2

    def number(self, text: str) -> int:
        number = self.names.get(text) or (int(text) if re.fullmatch(r"[0-9]{1,4}", text) else -1)
        if not self.first <= number <= self.last:
            raise InvalidSchedule(f"{self.name}: {text!r} is not from {self.first} to {self.last}")
        return number


_SECONDS, _MINUTES = _Field("seconds", 0, 59, {}), _Field("minutes", 0, 59, {})
_HOURS, _DAY_OF_MONTH = _Field("hours", 0, 23, {}), _Field("day of month", 1, 31, {})
_MONTH, _DAY_OF_WEEK = _Field("month", 1, 12, _MONTH_NUMBERS), _Field("day of week", 1, 7, _DAY_NUMBERS)
_YEAR = _Field("year", FIRST_YEAR, LAST_YEAR, {}, wraps=False)


@dataclass(frozen=True)
class QuartzSchedule:
    """A parsed expression in its time zone."""

    seconds: tuple[int, ...]
    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    is_day: IsDay
    months: frozenset[int]
    years: frozenset[int]
    zone: ZoneInfo

    def next_after(self, instant: datetime) -> datetime | None:
        """Return the first time after the instant at which it fires, in UTC; None if it never does again.

        A local time that a change of the clocks leaves out does not fire, one that comes twice fires the first time.
        """
        start = instant.astimezone(self.zone)
        for day in self._days_from(start.date()):
            earliest = start.hour - 1 if day == start.date() else 0
            hours = [hour for hour in self.hours if hour >= earliest]
            for hour, minute, second in product(hours, self.minutes, self.seconds):
                local = datetime.combine(day, time(hour, minute, second), self.zone)
                moment = local.astimezone(UTC)
                exists = moment.astimezone(self.zone).replace(tzinfo=None) == local.replace(tzinfo=None)
                if exists and moment > instant:
                    return moment
        return None

    def _days_from(self, day: date) -> Iterator[date]:
        while day.year <= LAST_YEAR:
            if day.year in self.years and day.month in self.months and self.is_day(day):
                yield day
            day += timedelta(1)


def parse_schedule(expression: str, timezone_id: str) -> QuartzSchedule:
    """Parse an expression of six fields, or seven with the year.

    Raises:
        InvalidSchedule: naming the field and what is wrong with it.
    """
    fields = expression.upper().split()
    if len(fields) not in (6, 7):
        raise InvalidSchedule(f"{len(fields)} fields; Quartz has seconds, minutes, hours, day of month, month, day of "
                              "week and optionally year")  # fmt: skip
    seconds, minutes, hours, of_month, month, of_week, year = (*fields, "*")[:7]
    if (of_month == "?") == (of_week == "?"):
        raise InvalidSchedule("exactly one of day of month and day of week must be '?'")
    is_day = _parse_days(of_month, _month_day) if of_week == "?" else _parse_days(of_week, _week_day)
    return QuartzSchedule(
        seconds=_parse_numbers(_SECONDS, seconds),
        minutes=_parse_numbers(_MINUTES, minutes),
        hours=_parse_numbers(_HOURS, hours),
        is_day=is_day,
        months=frozenset(_parse_numbers(_MONTH, month)),
        years=frozenset(_parse_numbers(_YEAR, year)),
        zone=_parse_zone(timezone_id),
    )


def _parse_zone(timezone_id: str) -> ZoneInfo:
    try:
        return ZoneInfo(timezone_id)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise InvalidSchedule(
            f"time zone: {timezone_id!r} is none; they are called like Europe/Berlin or UTC"
        ) from None


def _parse_numbers(field: _Field, text: str) -> tuple[int, ...]:
    return tuple(sorted({number for part in text.split(",") for number in _expand(field, part)}))


def _expand(field: _Field, part: str) -> list[int]:
    """Return the numbers of `*`, `a`, `a-b`, each with or without `/step`."""
    span, slash, step_text = part.partition("/")
    first_text, dash, last_text = span.partition("-")
    if span in ("*", "") and (span or slash):
        first, last = field.first, field.last
    else:
        first = field.number(first_text)
        last = field.number(last_text) if dash else (field.last if slash else first)
    step = _parse_step(field, step_text) if slash else 1
    if first > last and not field.wraps:
        raise InvalidSchedule(f"{field.name}: {part!r} ends before it starts")
    size = field.last - field.first + 1
    length = last - first if first <= last else last - first + size
    return [(first - field.first + offset) % size + field.first for offset in range(0, length + 1, step)]


def _parse_step(field: _Field, text: str) -> int:
    most = field.last - field.first + 1
    if not re.fullmatch(r"[0-9]{1,4}", text) or not 1 <= int(text) <= most:
        raise InvalidSchedule(f"{field.name}: the step {text!r} is not from 1 to {most}")
    return int(text)


def _parse_days(text: str, parse: Callable[[str], IsDay]) -> IsDay:
    rules = [parse(part) for part in text.split(",")]
    return lambda day: any(rule(day) for rule in rules)


def _month_day(part: str) -> IsDay:
    """Return what tells the days of `L`, `L-3`, `LW`, `15W` or of numbers."""
    if match := re.fullmatch(r"L(?:-([0-9]{1,2}))?(W?)", part):
        before = int(match[1] or 0)
        if before > 30:
            raise InvalidSchedule(f"day of month: {part!r} is more than 30 days before the last")
        return lambda day: day == _seek(day, _last_of(day) - before, bool(match[2]))
    if part.endswith("W"):
        number = _DAY_OF_MONTH.number(part[:-1])
        return lambda day: number <= _last_of(day) and day == _seek(day, number, True)
    numbers = _expand(_DAY_OF_MONTH, part)
    return lambda day: day.day in numbers


def _week_day(part: str) -> IsDay:
    """Return what tells the days of `6L` (the last Friday), `6#3` (the third) or of numbers; `L` alone is Saturday."""
    if part == "L":
        return lambda day: _week_number(day) == 7
    if match := re.fullmatch(r"(\w+)#([1-5])", part):
        number, nth = _DAY_OF_WEEK.number(match[1]), int(match[2])
        return lambda day: _week_number(day) == number and (day.day - 1) // 7 + 1 == nth
    if part.endswith("L"):
        last = _DAY_OF_WEEK.number(part[:-1])
        return lambda day: _week_number(day) == last and day.day + 7 > _last_of(day)
    numbers = _expand(_DAY_OF_WEEK, part)
    return lambda day: _week_number(day) in numbers


def _seek(day: date, number: int, to_weekday: bool) -> date | None:
    """Return that day of the month, or the weekday nearest to it in the same month."""
    if number < 1:
        return None
    wanted = day.replace(day=number)
    if not to_weekday or wanted.weekday() < 5:
        return wanted
    step = -1 if wanted.weekday() == 5 else 1
    if not 1 <= wanted.day + step <= _last_of(day):
        step *= -2
    return wanted + timedelta(step)


def _last_of(day: date) -> int:
    return monthrange(day.year, day.month)[1]


def _week_number(day: date) -> int:
    return day.isoweekday() % 7 + 1  # Quartz counts from Sunday, which is 1
