"""How a changed value reads: only the leaves that differ, each with its path, as `found -> declared`.

Statements of policies are named by their Sid, and shown whole. Of long lists it is said what comes and what goes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

_LONGEST = 200
_WIDTH = 120


def explain_values(path: str, before: Any, after: Any) -> tuple[str, ...]:
    """Return a line per leaf that differs; a value that is all new is one line."""
    lines = [line for leaf, old, new in find_leaves(path, before, after) for line in _say(leaf, old, new)]
    return tuple(lines) or (f"{path}: in another order",)


def minus(some: Iterable[str], others: Iterable[str]) -> list[str]:
    """Return what is in the first and not in the second, sorted."""
    return sorted(set(some) - set(others))


def find_leaves(path: str, before: Any, after: Any, of_policy: bool = False) -> Iterator[tuple[str, Any, Any]]:
    """Yield path, old and new value of each leaf that differs; a statement that is all new has leaves, too."""
    of_policy = of_policy or _is_policy(before) or _is_policy(after)
    old, new = _branches(before), _branches(after)
    if of_policy and before in (None, []):
        old, new = {}, _without_sid(new)
    if of_policy and after in (None, []):
        old, new = _without_sid(old), {}
    if old is None or new is None or not {*old, *new}:
        yield path, before, after
        return
    for name in (*new, *(name for name in old if name not in new)):
        if name not in old or name not in new or old[name] != new[name]:
            yield from find_leaves(f"{path}.{name}", old.get(name), new.get(name), of_policy)


def _is_policy(value: Any) -> bool:
    """Say whether it is an IAM policy or a statement of one."""
    return isinstance(value, Mapping) and ("Effect" in value or isinstance(value.get("Statement"), list))


def _without_sid(statement: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """Leave out what the path says already."""
    return {name: one for name, one in statement.items() if name != "Sid"} if statement else statement


def _say(path: str, old: Any, new: Any) -> Iterator[str]:
    if _is_long(old) or _is_long(new):
        parts = {"add": minus(new or (), old or ()), "remove": minus(old or (), new or ())}
        if any(parts.values()):
            for verb, named in parts.items():
                yield from (f"{path}: {verb} {line}" for line in _wrap(named))
            return
    yield f"{path}: {'' if old is None else f'{shorten_value(old)} -> '}{shorten_value(new)}"


def _is_long(value: Any) -> bool:
    """Say whether it is a list of texts that is too long for a line."""
    return isinstance(value, list) and all(isinstance(one, str) for one in value) and len(str(value)) > _WIDTH


def _wrap(texts: Iterable[str]) -> Iterator[str]:
    line = ""
    for text in map(shorten_value, texts):
        if line and len(line) + len(text) > _WIDTH:
            yield line
            line = ""
        line = f"{line}, {text}" if line else text
    if line:
        yield line


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
