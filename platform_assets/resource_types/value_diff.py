"""How a changed value reads: only the leaves that differ, each with its path. Statements are named by their Sid."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

_LONGEST = 200


def explain_values(path: str, before: Any, after: Any) -> tuple[str, ...]:
    """Return a line per leaf that differs; a value that is all new is one line."""
    lines = [
        f"{leaf}: {'' if old is None else f'{shorten_value(old)} -> '}{shorten_value(new)}"
        for leaf, old, new in find_leaves(path, before, after)
    ]
    return tuple(lines) or (f"{path}: in another order",)


def minus(some: Iterable[str], others: Iterable[str]) -> list[str]:
    """Return what is in the first and not in the second, sorted."""
    return sorted(set(some) - set(others))


def find_leaves(path: str, before: Any, after: Any) -> Iterator[tuple[str, Any, Any]]:
    """Yield path, old and new value of each leaf that differs."""
    old, new = _branches(before), _branches(after)
    if old is None or new is None:
        yield path, before, after
        return
    for name in (*new, *(name for name in old if name not in new)):
        if name not in old or name not in new or old[name] != new[name]:
            yield from find_leaves(f"{path}.{name}", old.get(name), new.get(name))


def _branches(value: Any) -> Mapping[str, Any] | None:
    if isinstance(value, Mapping):
        return value
    if isinstance(value, list) and value and all(isinstance(one, Mapping) for one in value):
        return {str(one.get("Sid", number)): one for number, one in enumerate(value)}
    return None


def shorten_value(value: Any) -> str:
    """Return a value as it stands in a line, cut when it is long."""
    if value is None:
        return "nothing"
    plain = isinstance(value, str) and value != "" and value.isprintable()  # a line break could forge a line
    text = value if plain else json.dumps(value, sort_keys=True)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
