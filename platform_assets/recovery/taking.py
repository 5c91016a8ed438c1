"""Takes a snapshot: reads the estate as it is, with reconcile's readers. Changes nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import version
from typing import Any

from lakehouse.artifacts import digest_files
from lakehouse.wheels import ROOT
from platform_assets.declarations import RESOURCES
from platform_assets.reconcile.declared import index_resources, order_keys
from platform_assets.reconcile.diff import diff_states, find_reported
from platform_assets.reconcile.importing import NotReadable, rebuild_found, refuse_dependents
from platform_assets.reconcile.reading import read_world, require_open_door
from platform_assets.recovery.encoding import encode_fields
from platform_assets.recovery.snapshot import Entry, Snapshot
from platform_assets.resource_types.grants import Grants
from platform_assets.resource_types.model import Clients, Resource, State
from platform_assets.resource_types.workspace_object import EstateObject

_DECLARE = "is ours, and not declared; its type cannot be rebuilt from what is there: declare it"
_NOT_WHOLE = "No snapshot was made: it would not be whole."
_ROOMS = ("lakehouse", "platform_assets")


class EstateNotReadable(Exception):
    """Something of the estate cannot be read, so no snapshot of it would be whole; the message names it."""


def take_snapshot(clients: Clients, declared: Sequence[Resource] = RESOURCES) -> Snapshot:
    """Return the estate as it is: what carries its mark, and what is declared and there.

    What its type can rebuild is rebuilt from what is there, of other types the declaration is taken. Where that does
    not say what is there, since a hand changed it, the field is carried as it was found.

    Raises:
        EstateNotReadable: naming what cannot be read.
    """
    require_open_door(clients)
    try:
        rebuilt, refused = rebuild_found(clients)
    except NotReadable as error:
        raise EstateNotReadable(f"{_NOT_WHOLE}\n{error}") from error
    by_key = index_resources(declared)
    candidates = {**by_key, **{key: _complete(one, by_key.get(key)) for key, one in rebuilt.items()}}
    world = read_world(clients, list(candidates.values()), [one.identity for one in candidates.values()])
    if world.errors:
        raise EstateNotReadable("\n".join([_NOT_WHOLE, *world.errors.values()]))
    there = {key: candidates[key] for key in candidates if world.states[key] is not None}
    left_out = {key: reason for key, reason in refused.items() if key not in there}
    refuse_dependents(there, left_out)
    entries = {key: _describe(there[key], world.states[key] or {}, clients) for key in order_keys(list(there.values()))}
    left_out |= {one.key: _DECLARE for one in world.undeclared if one.references is None}
    for key, one in there.items():
        if told := list(_tell_left_out(one, world.states[key] or {}, clients)):
            left_out[key] = "; ".join(told)
    now = datetime.now(UTC).isoformat(timespec="seconds")
    host = str(clients.workspace.config.host)
    return Snapshot(now, describe_code(), host, clients.target, entries, dict(sorted(left_out.items())))


@cache
def describe_code() -> str:
    """Return the version of the code that declares and rebuilds, with a digest of it."""
    files = sorted(path for room in _ROOMS for path in (ROOT / room).rglob("*.py"))
    return f"{version('lakehouse')}+{digest_files(ROOT, files)}"


def _complete(rebuilt: Resource, declared: Resource | None) -> Resource:
    """Add what the world says nowhere: what a resource comes after, and who of those who may is a declared group."""
    if isinstance(rebuilt, Grants) and isinstance(declared, Grants):
        return replace(declared, to={**rebuilt.to, **declared.to})
    if isinstance(rebuilt, EstateObject) and isinstance(declared, EstateObject):
        rebuilt = replace(rebuilt, permissions={**rebuilt.permissions, **declared.permissions})
    return replace(rebuilt, after=declared.after) if declared and declared.after else rebuilt


def _describe(resource: Resource, found: State, clients: Clients) -> Entry:
    desired = resource.desired(clients.target)
    differing = {change.field for change in diff_states(desired, found)}
    carried = tuple(name for name in desired if name in differing - resource.kept_elsewhere)
    state = {name: found.get(name) if name in carried else value for name, value in desired.items()}
    return Entry(resource.type_name, resource.name, encode_fields(resource), _as_json(state), carried)


def _tell_left_out(resource: Resource, found: State, clients: Clients) -> Iterator[str]:
    yield from find_reported(found, resource.reported)
    for name, _, _ in diff_states(resource.desired(clients.target), found):
        if name in resource.kept_elsewhere:
            yield f"{name} is not as declared, and what it stands for is kept elsewhere: what is declared is rebuilt"


def _as_json(state: Mapping[str, Any]) -> dict[str, Any]:
    return json.loads(json.dumps(state))  # type: ignore[no-any-return]
