"""The plan: what would be done to which resource, in the order it would be done. Pure and frozen.

What is shown is what runs: explain and apply walk the same steps.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import NamedTuple

from lakehouse.targets import Target
from platform_assets.reconcile.declared import index_resources, order_keys
from platform_assets.reconcile.diff import Change, diff_states, find_reported
from platform_assets.resource_types.model import Resource, State
from platform_assets.resource_types.ownership import why_not_ours

# As the name of a folder, and where its role is said anyway, it stays.
_ID = re.compile(r"(?<![\w/:-])[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?![\w/-]| is the )")


class NotPrunable(Exception):
    """It cannot be said what of the estate is undeclared; the message names the types and why."""


class Action(Enum):
    """What a step does. BLOCKED: nothing can be done, and the step's notes say why.

    LATER: it cannot be read before what it depends on is mended, which the plan does; then it is read and mended.
    """

    NONE = "none"
    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    BLOCKED = "blocked"
    LATER = "later"


@dataclass(frozen=True)
class World:
    """What was found: states by key (None: not there), why a resource could not be read, what is ours undeclared."""

    states: Mapping[str, State | None]
    errors: Mapping[str, str] = field(default_factory=dict)
    undeclared: Sequence[Resource] = ()
    unknown: Sequence[str] = ()  # types of which it cannot be said what is ours


@dataclass(frozen=True)
class Prune:
    """Which undeclared resources may be deleted: none, or all but those with data that `data_loss` does not name."""

    enabled: bool = False
    data_loss: Collection[str] = ()


class Changer(NamedTuple):
    """Who changed a resource by hand, when (in UTC), and what the audit log calls it."""

    principal: str
    time: str
    action: str

    def __str__(self) -> str:
        return f"changed by {self.principal} at {self.time} ({self.action})"


@dataclass(frozen=True)
class Step:
    """One resource's part of the plan; `found` is its state in the world, `notes` are for people."""

    resource: Resource
    action: Action
    changes: tuple[Change, ...] = ()
    notes: tuple[str, ...] = ()
    found: State | None = None
    changed_by: Changer | None = None  # where somebody asked for it (changers.py)
    roles: Mapping[str, str] = field(default_factory=dict)  # the target's roles, by the ids of their principals

    @property
    def key(self) -> str:
        """The resource's key."""
        return self.resource.key

    def name_roles(self, text: str) -> str:
        """Return a text for people: ids of principals, which mean nothing to them, give way to roles."""
        return _ID.sub(lambda found: self.roles.get(found[0], found[0]), text)


@dataclass(frozen=True)
class Plan:
    """All steps: dependencies first, then deletes, dependents first. `undeclared`: ours, not declared, left alone."""

    steps: tuple[Step, ...]
    undeclared: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()  # types of which it cannot be said what is ours
    remark: str = ""  # what could not be told beside the steps

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


def plan_changes(resources: Sequence[Resource], target: Target, world: World, prune: Prune = Prune()) -> Plan:
    """Return what makes the world as declared on the target.

    Raises:
        NotPrunable: something is to be pruned, and not all that is ours can be listed.
    """
    by_key = index_resources(resources)
    steps: list[Step] = []
    moving: set[str] = set()  # what is changed, and what depends on it
    for key in order_keys(resources):
        resource = by_key[key]
        waits_for = sorted(moving.intersection(resource.dependencies))
        step = _plan_later(resource, world, waits_for) or plan_step(resource, target, world)
        if waits_for or step.action in (Action.CREATE, Action.UPDATE):
            moving.add(key)
        steps.append(step)
    if not prune.enabled:
        return Plan(tuple(steps), tuple(resource.key for resource in world.undeclared), tuple(world.unknown))
    if world.unknown:
        raise NotPrunable("\n".join(["Nothing is pruned, since not all that is ours can be listed:", *world.unknown]))
    return Plan((*steps, *(_plan_delete(resource, prune) for resource in world.undeclared)))


def _plan_later(resource: Resource, world: World, waits_for: Sequence[str]) -> Step | None:
    if resource.key not in world.errors or not waits_for:
        return None
    note = f"cannot be read before {', '.join(waits_for)}: {world.errors[resource.key]}"
    return Step(resource, Action.LATER, notes=(note,))


def plan_step(resource: Resource, target: Target, world: World) -> Step:
    """Return what makes one resource as declared, whatever the others are."""
    roles = {principal: role for role, principal in target.principals.items()}
    return replace(_judge(resource, target, world), roles=roles)


def _judge(resource: Resource, target: Target, world: World) -> Step:
    if resource.key in world.errors:
        return Step(resource, Action.BLOCKED, notes=(f"cannot be read: {world.errors[resource.key]}",))
    desired, actual = resource.desired(target), world.states[resource.key]
    notes = find_reported(actual, resource.reported)
    changes = diff_states(desired, actual or {})
    if actual is None:
        return Step(resource, Action.CREATE, changes, notes)
    reasons = tuple(reason for change in changes for reason in resource.refuse_change(*change))
    if not_ours := why_not_ours(resource, actual, target):  # what it is like is its owner's business
        return Step(resource, Action.BLOCKED, (), (not_ours, *reasons), actual)
    if reasons:
        return Step(resource, Action.BLOCKED, changes, reasons + notes, actual)
    return Step(resource, Action.UPDATE if changes else Action.NONE, changes, notes, actual)


def _plan_delete(resource: Resource, prune: Prune) -> Step:
    if resource.holds_data and resource.key not in prune.data_loss:
        note = f"may hold data: to delete it, name it with --allow-data-loss {resource.key}"
        return Step(resource, Action.BLOCKED, notes=(note,))
    return Step(resource, Action.DELETE, notes=("ours, and no longer declared",))
