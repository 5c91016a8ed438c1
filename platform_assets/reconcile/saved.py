"""A plan in a file: what `plan --out` writes and `apply FILE` holds against the world of its own moment.

Nothing in the file is carried out. It says what was shown; applying plans anew and refuses what differs. What the
plan itself has done meanwhile is no difference, so that an apply that was killed goes on.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from platform_assets.reconcile.plan import Action, Plan, Prune, Step
from platform_assets.resource_types.model import Clients, Resource
from platform_assets.resource_types.value_diff import shorten_value

VERSION = 1
_FORMAT = "lakehouse plan"
_ANEW = "make it anew with `lakehouse plan --out`"


class InvalidPlanFile(Exception):
    """The file is no plan that can be read; the message says why."""


class PlanOutdated(Exception):
    """What the plan was made from has changed since; the message names each resource and field."""


@dataclass(frozen=True)
class SavedStep:
    """What was shown of a resource: digests of its declaration (empty: undeclared) and of what was found."""

    action: str
    declared: str
    found: str
    before: Mapping[str, Any]


@dataclass(frozen=True)
class SavedPlan:
    """A plan's file. `place` says which workspace and account it is of."""

    place: Mapping[str, str]
    selection: tuple[str, ...] | None
    prune: Prune
    steps: Mapping[str, SavedStep]


def describe_place(clients: Clients) -> dict[str, str]:
    """Return what tells one estate from all others."""
    target = clients.target
    return {
        "target": target.name,
        "workspace": str(clients.workspace.config.host),
        "aws_account": target.aws_account,
        "region": target.region,
        "estate": target.bucket_prefix,
        "catalog_prefix": target.catalog_prefix,
    }


def save_plan(
    path: Path, plan: Plan, clients: Clients, selection: Sequence[str] | None, prune: Prune, declared: Collection[str]
) -> None:
    """Write the plan's file, readable by its owner only; it is there as a whole or not at all.

    Raises:
        InvalidPlanFile: nothing can be written there.
    """
    content = {
        "format": _FORMAT,
        "version": VERSION,
        "place": describe_place(clients),
        "selection": None if selection is None else list(selection),
        "prune": {"enabled": prune.enabled, "data_loss": sorted(prune.data_loss)},
        "steps": {step.key: asdict(_save_step(step, clients, step.key in declared)) for step in plan.steps},
    }
    text = json.dumps({**content, "digest": _digest(content)}, indent=2)
    try:
        with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
            file.write(f"{text}\n")
        os.replace(file.name, path)
    except OSError as error:
        raise InvalidPlanFile(f"{path} cannot be written: {error.strerror}") from error


def read_plan(path: Path) -> SavedPlan:
    """Return the plan of a file.

    Raises:
        InvalidPlanFile: there is none, it is damaged or cut off, or of another version.
    """
    try:
        content = json.loads(path.read_text())
    except OSError as error:
        raise InvalidPlanFile(f"{path} cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise InvalidPlanFile(f"{path} is no plan, or damaged or cut off ({error}): {_ANEW}") from error
    if not isinstance(content, dict) or content.get("format") != _FORMAT:
        raise InvalidPlanFile(f"{path} is no plan of lakehouse: {_ANEW}")
    if content.get("version") != VERSION:
        raise InvalidPlanFile(f"{path} has version {content.get('version')!r}, this is version {VERSION}: {_ANEW}")
    if content.pop("digest", None) != _digest(content):
        raise InvalidPlanFile(f"{path} was damaged or changed since it was written: {_ANEW}")
    return SavedPlan(
        content["place"],
        None if content["selection"] is None else tuple(content["selection"]),
        Prune(content["prune"]["enabled"], frozenset(content["prune"]["data_loss"])),
        {key: SavedStep(**step) for key, step in content["steps"].items()},
    )


def require_same_place(saved: SavedPlan, clients: Clients) -> None:
    """Refuse a plan of another target or workspace.

    Raises:
        PlanOutdated: naming what differs.
    """
    here = describe_place(clients)
    there = {name: saved.place.get(name) for name in here}
    if differs := [f"{name} {there[name]!r}, here {here[name]!r}" for name in here if there[name] != here[name]]:
        raise PlanOutdated(f"The plan is of another place: {'; '.join(differs)}")


def require_same_declarations(saved: SavedPlan, resources: Iterable[Resource], clients: Clients) -> None:
    """Refuse a plan whose declarations are not today's.

    Raises:
        PlanOutdated: naming each resource.
    """
    today = {resource.key: _digest_declaration(resource, clients) for resource in resources}
    then = {key: step.declared for key, step in saved.steps.items() if step.declared}
    changed = [f"{key}: declared since" for key in today if key not in then]
    changed += [f"{key}: no longer declared" for key in then if key not in today]
    changed += [f"{key}: declared differently" for key in today if key in then and then[key] != today[key]]
    if changed:
        raise PlanOutdated(_refuse("The declarations changed since the plan was made", changed))


def require_same_world(saved: SavedPlan, plan: Plan) -> None:
    """Refuse when the world is neither as the plan saw it nor as the plan makes it.

    Raises:
        PlanOutdated: naming resource, field, what was seen and what is there.
    """
    steps = {step.key: step for step in plan.steps}
    moved = [line for key, step in steps.items() for line in _list_moves(saved.steps.get(key), step)]
    if moved:
        raise PlanOutdated(_refuse("The world moved since the plan was made", moved))


def _list_moves(then: SavedStep | None, now: Step) -> Iterator[str]:
    if then is None:
        yield f"{now.key}: was not there, and is ours and not declared"
    elif then.found == _digest(now.found) and then.action == now.action.value:
        return
    elif then.action == Action.LATER.value and now.action is not Action.BLOCKED:
        return  # shown as something to be read when it can be
    elif Action.BLOCKED.value in (then.action, now.action.value) or now.action is Action.LATER:
        if then.action != now.action.value:
            yield f"{now.key}: {then.action} -> {now.action.value} ({'; '.join(now.notes) or 'it can be read now'})"
    elif now.found is None and then.action in (Action.NONE.value, Action.UPDATE.value):
        yield f"{now.key}: there -> not there"
    else:
        yield from _list_moved_fields(then, now)


def _list_moved_fields(then: SavedStep, now: Step) -> Iterator[str]:
    """A field that is as declared has moved only if the plan would not have brought it there, which it would."""
    for name, found, wanted in now.changes:
        seen = then.before.get(name) if name in then.before or then.action == Action.CREATE.value else wanted
        if (seen or None) != (found or None):  # the empty value of a field that was just made is none
            yield f"{now.key}: {name}: {shorten_value(seen)} -> {shorten_value(found)}"


def _save_step(step: Step, clients: Clients, is_declared: bool) -> SavedStep:
    declared = _digest_declaration(step.resource, clients) if is_declared else ""
    before = {change.field: change.before for change in step.changes}
    return SavedStep(step.action.value, declared, _digest(step.found), before)


def _digest_declaration(resource: Resource, clients: Clients) -> str:
    name, desired = resource.physical_name(clients.target), resource.desired(clients.target)
    return _digest([name, desired, resource.dependencies])


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def _refuse(what: str, lines: Sequence[str]) -> str:
    return "\n".join([f"{what}; nothing was done, {_ANEW}:", *(f"  {line}" for line in lines)])
