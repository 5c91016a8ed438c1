"""Quartz schedules and time zones.

https://www.quartz-scheduler.org/documentation/quartz-2.3.0/tutorials/crontrigger.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_MONTH_NAMES = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_MONTHS = {name: number for number, name in enumerate(_MONTH_NAMES, 1)}
_DAYS = {name: number for number, name in enumerate(("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"), 1)}
_FIELDS: tuple[tuple[str, int, int, dict[str, int]], ...] = (
    ("seconds", 0, 59, {}),
    ("minutes", 0, 59, {}),
    ("hours", 0, 23, {}),
    ("day of month", 1, 31, {}),
    ("month", 1, 12, _MONTHS),
    ("day of week", 1, 7, _DAYS),
    ("year", 1970, 2099, {}),
)
_DAY_OF_MONTH, _DAY_OF_WEEK, _YEAR = 3, 5, 6
_SPAN = re.compile(r"(?:(?P<all>\*|(?=/))|(?P<first>\w+)(?:-(?P<last>\w+))?)(?:/(?P<step>\d{1,4}))?", re.ASCII)


def schedule_problems(expression: str, timezone: str) -> Iterator[str]:
    """Yield why an expression is no Quartz schedule, and why a time zone is none."""
    fields = expression.upper().split()
    if len(fields) not in (6, 7):
        yield f"its schedule has {len(fields)} fields; Quartz has six, such as 0 0 6 * * ? for six in the morning"
        return
    if (fields[_DAY_OF_MONTH] == "?") == (fields[_DAY_OF_WEEK] == "?"):
        yield "its schedule says ? for exactly one of day of month (the fourth field) and day of week (the sixth)"
        return
    for number, text in enumerate(fields):
        if text != "?" or number not in (_DAY_OF_MONTH, _DAY_OF_WEEK):
            for part in text.split(","):
                if not _is_part(number, part):
                    yield f"its schedule has {part[:40]!r} as {_FIELDS[number][0]}, which is none in Quartz"
    yield from zone_problems(timezone)


def zone_problems(timezone: str) -> Iterator[str]:
    """Yield why a text is no time zone."""
    try:
        ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        yield f"its timezone {timezone[:80]!r} is none; they are called like Europe/Berlin or UTC"


def _is_part(number: int, part: str) -> bool:
    if number == _DAY_OF_MONTH and (special := _is_special_day(part)) is not None:
        return special
    if number == _DAY_OF_WEEK and (match := re.fullmatch(r"(\w*)L|(\w+)#[1-5]", part, re.ASCII)):
        named = match[1] or match[2]
        return not named or _number(number, named) is not None
    return _is_span(number, part)


def _is_special_day(part: str) -> bool | None:
    if match := re.fullmatch(r"L(?:-([0-9]{1,2}))?W?", part):
        return int(match[1] or 0) <= 30
    if part.endswith("W"):
        return _number(_DAY_OF_MONTH, part[:-1]) is not None
    return None


def _is_span(number: int, part: str) -> bool:
    match = _SPAN.fullmatch(part)
    if match is None:
        return False
    _, first, last, _ = _FIELDS[number]
    step, texts = match["step"], [match[name] for name in ("first", "last") if match[name] is not None]
    ends = [end for text in texts if (end := _number(number, text)) is not None]
    if len(ends) < len(texts) or (step is not None and not 1 <= int(step) <= last - first + 1):
        return False
    return number != _YEAR or ends == sorted(ends)  # years alone do not go round


def _number(number: int, text: str) -> int | None:
    _, first, last, names = _FIELDS[number]
    value = names.get(text, int(text) if re.fullmatch(r"[0-9]{1,4}", text) else -1)
    return value if first <= value <= last else None
