"""The plan: what would be done to which resource, in the order it would be done. Pure and frozen.

What is shown is what runs: explain and apply walk the same steps.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from graphlib import CycleError, TopologicalSorter

from platform_assets.reconcile.diff import Change, diff_states, find_reported
from platform_assets.resource_types.model import Resource, State


class Action(Enum):
    """What a step does. BLOCKED: the difference is in a field that cannot be changed."""

    NONE = "none"
    CREATE = "create"
    UPDATE = "update"
    BLOCKED = "blocked"


class InvalidEstate(Exception):
    """The declarations contradict each other; the message names them."""


@dataclass(frozen=True)
class Step:
    """One resource's part of the plan; `notes` are for people."""

    key: str
    action: Action
    changes: tuple[Change, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Plan:
    """All steps, dependencies first."""

    steps: tuple[Step, ...]

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to do."""
        return not self.changed

    @property
    def changed(self) -> tuple[Step, ...]:
        """The steps that do something, or that cannot."""
        return tuple(step for step in self.steps if step.action is not Action.NONE)

    def count(self, action: Action) -> int:
        """Return how many steps have the action."""
        return sum(step.action is action for step in self.steps)


def plan_changes(
    resources: Sequence[Resource], desired: Mapping[str, State], actual: Mapping[str, State | None]
) -> Plan:
    """Return what makes the actual states the desired ones."""
    by_key = index_resources(resources)
    return Plan(tuple(_plan_step(by_key[key], desired[key], actual[key]) for key in order_keys(resources)))


def index_resources(resources: Iterable[Resource]) -> dict[str, Resource]:
    """Return the resources by key.

    Raises:
        InvalidEstate: a key is declared twice.
    """
    by_key: dict[str, Resource] = {}
    for resource in resources:
        if resource.key in by_key:
            raise InvalidEstate(f"{resource.key} is declared twice")
        by_key[resource.key] = resource
    return by_key


def order_keys(resources: Sequence[Resource]) -> list[str]:
    """Return the keys, dependencies first.

    Raises:
        InvalidEstate: the dependencies go round in a circle.
    """
    keys = {resource.key for resource in resources}
    graph = {resource.key: set(resource.dependencies) & keys for resource in resources}
    try:
        return list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        raise InvalidEstate(f"The declarations depend on each other: {' -> '.join(error.args[1])}") from None


def require_declared(resources: Sequence[Resource]) -> None:
    """Refuse an estate in which something depends on what nobody declares.

    Raises:
        InvalidEstate: naming both.
    """
    keys = index_resources(resources)
    for resource in resources:
        for dependency in resource.dependencies:
            if dependency not in keys:
                raise InvalidEstate(f"{resource.key} needs {dependency}, which is not declared")


def _plan_step(resource: Resource, desired: State, actual: State | None) -> Step:
    notes = find_reported(actual, resource.reported)
    if actual is None:
        return Step(resource.key, Action.CREATE, diff_states(desired, {}), notes)
    changes = diff_states(desired, actual)
    blocked = [change.field for change in changes if change.field in resource.fixed]
    if blocked:
        reasons = tuple(f"{name} cannot be changed: {resource.fixed[name]}" for name in blocked)
        return Step(resource.key, Action.BLOCKED, changes, reasons + notes)
    return Step(resource.key, Action.UPDATE if changes else Action.NONE, changes, notes)
