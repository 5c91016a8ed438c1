"""Lengths, characters and choices, in the words of an error."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_NAMES = {" ": "a blank", "\t": "a tab", "\n": "a line break", "`": "a backtick"}


def show_characters(characters: Iterable[str]) -> str:
    """Return characters as a reader sees them: blanks by name, control characters by number."""
    return ", ".join(dict.fromkeys(_NAMES.get(one) or (one if one.isprintable() else repr(one)) for one in characters))


def length_problems(what: str, text: str, most: int, fewest: int = 1) -> Iterator[str]:
    """Yield why a text is too short or too long, in characters."""
    if not fewest <= len(text) <= most:
        yield f"{what} has {fewest} to {most} characters, not {len(text)}"


def byte_problems(what: str, text: str, most: int) -> Iterator[str]:
    """Yield why a text is too long, in bytes of UTF-8."""
    if (size := len(text.encode())) > most:
        yield f"{what} has at most {most} bytes, not {size}"


def pattern_problems(what: str, text: str, pattern: str, words: str) -> Iterator[str]:
    """Yield why a text does not match a pattern as a whole; `words` say the pattern."""
    if not re.fullmatch(pattern, text, re.ASCII):
        yield f"{what} is {words}, not {text[:80]!r}"


def range_problems(what: str, number: int, fewest: int, most: int) -> Iterator[str]:
    """Yield why a number is out of its range."""
    if not fewest <= number <= most:
        yield f"{what} is {fewest} to {most}, not {number}"


def choice_problems(what: str, value: str, choices: Collection[str]) -> Iterator[str]:
    """Yield why a value is none of the choices, with the one that was probably meant."""
    if value in choices:
        return
    near = difflib.get_close_matches(value.lower(), {one.lower(): one for one in choices}, n=1)
    hint = next((f"; did you mean {one}?" for one in choices if near and one.lower() == near[0]), "")
    yield f"{what} is one of {', '.join(sorted(choices))}, not {value!r}{hint}"


def control_problems(what: str, text: str, allowed: str = "\n\t") -> Iterator[str]:
    """Yield why a text holds control characters, but for those that are allowed."""
    if odd := [one for one in _CONTROL.findall(text) if one not in allowed]:
        yield f"{what} holds the control character {show_characters(odd)}: leave it out"


def json_problems(what: str, value: Any) -> Iterator[str]:
    """Yield why a value, however nested, can stand in no request: half a character, a number that JSON has not."""
    if isinstance(value, Mapping):
        value = [*value, *value.values()]
    if isinstance(value, list | tuple):
        for one in value:
            yield from json_problems(what, one)
    elif isinstance(value, float) and not math.isfinite(value):
        yield f"{what} holds {value}, which is no number of JSON: write another"
    elif isinstance(value, str) and any("\ud800" <= one <= "\udfff" for one in value):
        yield f"{what} holds half of a character, in {value[:80]!a}: write it whole, or leave it out"
