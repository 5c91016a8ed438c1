"""The difference between a declared and a real state: small, pure, in the order of the declaration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from platform_assets.resource_types.model import State


class Change(NamedTuple):
    """A field that is not as declared; `before` None where the world has none."""

    field: str
    before: Any
    after: Any


def diff_states(desired: State, actual: State) -> tuple[Change, ...]:
    """Return the declared fields that differ. What is not declared is not looked at."""
    return tuple(Change(name, actual.get(name), value) for name, value in desired.items() if actual.get(name) != value)


def find_reported(actual: State | None, reported: Mapping[str, str]) -> tuple[str, ...]:
    """Return what is only shown, as sentences."""
    found = actual or {}
    return tuple(f"{name} {found[name]}: {reason}" for name, reason in reported.items() if name in found)
