"""Values of policies: wildcards (* any text, ? one character) and variables such as ${aws:username}."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

Context = Mapping[str, "str | Sequence[str]"]  # condition keys in lower case; several values for a set
_VARIABLE = re.compile(r"\$\{([^}]*)\}")
_LITERALS = ("*", "?", "$")


def matches_pattern(pattern: str, value: str, context: Context | None = None, ignore_case: bool = False) -> bool:
    """Say whether a value fits; a variable stands for its plain text, one that is not known fits nothing."""
    regex = _translate(pattern, context or {}) if "${" in pattern else _translate_plain(pattern)
    return "\0" not in regex and _compile(regex, ignore_case).fullmatch(value) is not None


def matches_arn(pattern: str, value: str, context: Context | None = None) -> bool:
    """Match two ARNs part by part: a wildcard does not reach over a colon, but in the last part."""
    patterns, values = pattern.split(":", 5), value.split(":", 5)
    if pattern == "*":
        return True
    same = len(patterns) == len(values) == 6
    return same and all(matches_pattern(one, part, context) for one, part in zip(patterns, values, strict=True))


def substitute_variables(text: str, context: Context) -> str | None:
    """Return the text with its variables replaced, None when one of them is not known."""
    found = [_look_up(name, context) for name in _VARIABLE.findall(text)]
    if None in found:
        return None
    values = iter(found)
    return _VARIABLE.sub(lambda _: str(next(values)), text)


def as_list(value: Any) -> list[Any]:
    """Return a list as it is, anything else as a list of one."""
    return list(value) if isinstance(value, list | tuple) else [value]


def _translate(pattern: str, context: Context) -> str:
    texts, names = _VARIABLE.split(pattern)[::2], _VARIABLE.findall(pattern)
    parts = [re.escape(text).replace(r"\*", ".*").replace(r"\?", ".") for text in texts]
    for number, name in enumerate(names):
        value = _look_up(name, context)
        parts[number] += "\0" if value is None else re.escape(value)
    return "".join(parts)


@lru_cache(4096)
def _translate_plain(pattern: str) -> str:
    return _translate(pattern, {})


def _look_up(name: str, context: Context) -> str | None:
    key, _, default = name.partition(",")
    if key in _LITERALS:
        return key
    value = context.get(key.strip().lower())
    if isinstance(value, str):
        return value
    return default.strip().strip("'") if default else None


@lru_cache(4096)
def _compile(regex: str, ignore_case: bool) -> re.Pattern[str]:
    return re.compile(regex, re.DOTALL | (re.IGNORECASE if ignore_case else 0))
