"""The declarations in a snapshot, for another target: what was changed by hand is carried along. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lakehouse.targets import InvalidTarget, Target
from platform_assets.reconcile.diff import diff_states
from platform_assets.recovery.encoding import UnknownDeclaration, decode_resource
from platform_assets.recovery.snapshot import Entry, InvalidSnapshot, Snapshot
from platform_assets.recovery.translation import translate_state
from platform_assets.resource_types.model import Resource
from platform_assets.resource_types.value_diff import shorten_value

# What no snapshot brings, and who does.
NOT_BROUGHT: Mapping[str, str] = {
    "rows of tables, files of volumes": "bucket replication or deep clones bring them",
    "values of secrets": "they must be in the target's own Secrets Manager, under its names; apply copies them",
    "tokens and passwords": "they are made anew in the other workspace",
    "users that are not declared": "the identity provider syncs them to the other workspace",
    "runs, their output, query history": "they stay where they ran",
}


def list_catalogs(snapshot: Snapshot) -> tuple[str, ...]:
    """Return the logical names of its catalogs."""
    return tuple(one.name for one in snapshot.entries.values() if one.type == "catalog")


def require_recovers(target: Target, source: Target) -> None:
    """Refuse a target that does not stand in for the source, or would share its fate or its names.

    Raises:
        InvalidTarget: naming both.
    """
    if target.recovers is None:
        raise InvalidTarget(
            f"Target {target.name} recovers nothing: it lacks `recovers` in lakehouse/targets.py. Nothing was done"
        )
    if target.recovers != source.name:
        raise InvalidTarget(
            f"Target {target.name} recovers {target.recovers}, and the snapshot is of {source.name}. Nothing was done"
        )
    for name in ("region", "bucket_prefix"):
        if getattr(target, name) == getattr(source, name):
            raise InvalidTarget(
                f"Target {target.name}: {name} must be another than that of {source.name}, which it recovers, "
                f"got {getattr(target, name)!r}. Nothing was done"
            )


def restore_resources(snapshot: Snapshot) -> tuple[Resource, ...]:
    """Return the declarations, what they need first; on the source they declare just what was found.

    Raises:
        InvalidSnapshot: this code has no words for one of them, or declares it otherwise.
    """
    restored: dict[str, Resource] = {}
    for key, entry in snapshot.entries.items():
        try:
            one = decode_resource(entry.type, entry.name, entry.fields, restored)
        except UnknownDeclaration as error:
            raise InvalidSnapshot(f"{key} cannot be rebuilt by this code ({error}); {_use(snapshot)}") from error
        restored[key] = _carry(one, entry, snapshot)
        _require_same_meaning(restored[key], entry, snapshot)
    return tuple(restored.values())


def _require_same_meaning(resource: Resource, entry: Entry, snapshot: Snapshot) -> None:
    for name, found, declared in diff_states(resource.desired(snapshot.source), entry.state):
        raise InvalidSnapshot(
            f"{resource.key}: {name} is {shorten_value(found)} in the snapshot, and this code makes it "
            f"{shorten_value(declared)}; {_use(snapshot)}"
        )


def _use(snapshot: Snapshot) -> str:
    return f"rebuild with the code that made the snapshot, {snapshot.code}, or export anew. Nothing was done"


def _carry(resource: Resource, entry: Entry, snapshot: Snapshot) -> Resource:
    """Return the same resource whose state has the fields that were changed by hand, as they were found."""
    if not entry.carried:
        return resource
    kind: Any = type(resource)
    found = {name: entry.state[name] for name in entry.carried}
    catalogs = list_catalogs(snapshot)

    def desired(self: Any, target: Target) -> Mapping[str, Any]:
        return {**kind.desired(self, target), **translate_state(found, snapshot.source, target, catalogs)}

    carrying: Any = object.__new__(type(kind.__name__, (kind,), {"desired": desired, "__doc__": kind.__doc__}))
    carrying.__dict__.update(resource.__dict__)
    return carrying  # type: ignore[no-any-return]
