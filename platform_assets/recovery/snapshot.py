"""A snapshot of an estate: what was declared there, as found, with digests. What it is written as, and read from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

from lakehouse.targets import InvalidTarget, Target

FORMAT = 1
_KIND = "lakehouse estate snapshot"
# What the states of resources depend on: enough to say in them what another target calls otherwise.
_NAMES = (
    *("name", "region", "aws_account", "databricks_account", "bucket_prefix", "catalog_prefix"),
    *("principals", "bucket_principals", "workspace_ids", "environment_version"),
)


class InvalidSnapshot(Exception):
    """A snapshot that is not there, cannot be read, or is not for this; the message says what to do."""


@dataclass(frozen=True)
class Entry:
    """A resource as it was found: the declaration that says so, and its state.

    `carried` are fields of the state that the declaration does not say so: they were changed by hand.
    """

    type: str
    name: str
    fields: Mapping[str, Any]
    state: Mapping[str, Any]
    carried: Sequence[str] = ()

    @cached_property
    def digest(self) -> str:
        """The SHA-256 of all of it."""
        return _digest(asdict(self))


@dataclass(frozen=True)
class Snapshot:
    """An estate at a moment. `entries` by key, what they need first; `left_out`: what is not in it, with the reason."""

    made_at: str
    code: str
    workspace: str
    source: Target
    entries: Mapping[str, Entry]
    left_out: Mapping[str, str]

    @cached_property
    def content(self) -> str:
        """The SHA-256 of the estate, whenever and by whatever code it was found so."""
        digests = {key: one.digest for key, one in self.entries.items()}
        return _digest([_describe_source(self.source), dict(sorted(digests.items())), dict(self.left_out)])


@dataclass(frozen=True)
class SnapshotChanges:
    """Keys that differ between two snapshots."""

    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()


def compare_snapshots(before: Snapshot | None, after: Snapshot) -> SnapshotChanges:
    """Return what is new, other and gone; without one before, all is new."""
    old = before.entries if before else {}
    return SnapshotChanges(
        tuple(key for key in after.entries if key not in old),
        tuple(key for key, one in after.entries.items() if key in old and old[key].digest != one.digest),
        tuple(key for key in old if key not in after.entries),
    )


def write_snapshot(snapshot: Snapshot) -> str:
    """Return the snapshot's text: JSON that says what it is, with its own digest."""
    content = {
        "kind": _KIND,
        "format": FORMAT,
        "made_at": snapshot.made_at,
        "code": snapshot.code,
        "workspace": snapshot.workspace,
        "source": _describe_source(snapshot.source),
        "content": snapshot.content,
        "resources": {key: {**asdict(one), "digest": one.digest} for key, one in snapshot.entries.items()},
        "left_out": dict(snapshot.left_out),
    }
    return json.dumps({**content, "digest": _digest(content)}, indent=1)


def read_snapshot(text: str, where: str) -> Snapshot:
    """Return the snapshot of a text.

    Raises:
        InvalidSnapshot: it is none, damaged, or of a format that this code does not know.
    """
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidSnapshot(f"{where} is damaged or cut off ({error}): take another version") from error
    if not isinstance(content, dict) or content.get("kind") != _KIND:
        raise InvalidSnapshot(f"{where} is no snapshot that `lakehouse export` wrote")
    if content.get("format") != FORMAT:
        raise InvalidSnapshot(
            f"{where} has format {content.get('format')!r}, this code reads {FORMAT}: use the code that made it, "
            f"{content.get('code')}, or a newer one"
        )
    if content.pop("digest", None) != _digest(content):
        raise InvalidSnapshot(f"{where} was changed since it was written (its digest is another): take another version")
    return _build(content, where)


def _build(content: Mapping[str, Any], where: str) -> Snapshot:
    try:
        source = {**content["source"], "bucket_principals": tuple(content["source"]["bucket_principals"])}
        resources = {key: dict(one) for key, one in content["resources"].items()}
        digests = {key: one.pop("digest") for key, one in resources.items()}
        entries = {key: Entry(**{**one, "carried": tuple(one["carried"])}) for key, one in resources.items()}
        said = {name: content[name] for name in ("made_at", "code", "workspace", "left_out")}
        snapshot = Snapshot(source=Target(**source), entries=entries, **said)
    except (KeyError, TypeError, AttributeError, InvalidTarget) as error:
        raise InvalidSnapshot(f"{where} lacks what a snapshot has ({error}): take another version") from error
    if wrong := [key for key, one in entries.items() if one.digest != digests[key]]:
        raise InvalidSnapshot(f"{where}: the digest of {wrong[0]} is another: take another version")
    return snapshot


def _describe_source(target: Target) -> dict[str, Any]:
    found = {name: getattr(target, name) for name in _NAMES}
    return json.loads(json.dumps({**found, "principals": dict(target.principals)}))  # type: ignore[no-any-return]


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
