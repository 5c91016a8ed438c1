"""How a changed value reads: only the leaves that differ, each with its path. Statements are named by their Sid."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

_LONGEST = 200


def explain_values(path: str, before: Any, after: Any) -> tuple[str, ...]:
    """Return a line per leaf that differs; a value that is all new is one line."""
    return tuple(_list_leaves(path, before, after)) or (f"{path}: in another order",)


def _list_leaves(path: str, before: Any, after: Any) -> Iterator[str]:
    old, new = _branches(before), _branches(after)
    if old is None or new is None:
        yield f"{path}: {'' if before is None else f'{_shorten(before)} -> '}{_shorten(after)}"
        return
    for name in (*new, *(name for name in old if name not in new)):
        if name not in old or name not in new or old[name] != new[name]:
            yield from _list_leaves(f"{path}.{name}", old.get(name), new.get(name))


def _branches(value: Any) -> Mapping[str, Any] | None:
    if isinstance(value, Mapping):
        return value
    if isinstance(value, list) and value and all(isinstance(one, Mapping) for one in value):
        return {str(one.get("Sid", number)): one for number, one in enumerate(value)}
    return None


def _shorten(value: Any) -> str:
    if value is None:
        return "nothing"
    plain = isinstance(value, str) and value != "" and value.isprintable()  # a line break could forge a line
    text = value if plain else json.dumps(value, sort_keys=True)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
