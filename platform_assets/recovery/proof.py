"""Whether two estates are equal: both are read again, and compared field by field under the second's names."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from platform_assets.estate import plan_estate
from platform_assets.recovery.restoring import list_catalogs, restore_resources
from platform_assets.recovery.snapshot import Snapshot
from platform_assets.recovery.taking import take_snapshot
from platform_assets.recovery.translation import translate_state
from platform_assets.resource_types.model import Clients
from platform_assets.resource_types.value_diff import find_leaves, shorten_value

_THERE, _MISSING = "there", "not there"


@dataclass(frozen=True)
class Difference:
    """A field that differs, under the second estate's names."""

    key: str
    field: str
    primary: Any
    recovered: Any

    def __str__(self) -> str:
        return f"{self.key}: {self.field}: {shorten_value(self.primary)} -> {shorten_value(self.recovered)}"


@dataclass(frozen=True)
class Proof:
    """What was compared, and what differs; `pending` are keys of plans of the snapshot that are not empty."""

    resources: int
    fields: int
    differences: tuple[Difference, ...]
    pending: tuple[str, ...]

    @property
    def equal(self) -> bool:
        """Whether the estates are equal, and nothing is left to do on either."""
        return not self.differences and not self.pending


def prove_equal(snapshot: Snapshot, primary: Clients, recovered: Clients) -> Proof:
    """Read both estates again and compare them with each other, and each with the snapshot's plan."""
    resources = restore_resources(snapshot)
    here = take_snapshot(primary, resources)
    there = take_snapshot(recovered, resources)
    pending = [
        f"{clients.target.name}: {key}"
        for clients in (primary, recovered)
        for plan in (plan_estate(clients.target, resources=resources, find_undeclared=True),)
        for key in (*(step.key for step in plan.changed), *plan.undeclared)
    ]
    differences = tuple(compare_estates(here, there))
    return Proof(len(here.entries), sum(len(one.state) for one in here.entries.values()), differences, tuple(pending))


def compare_estates(primary: Snapshot, recovered: Snapshot) -> Iterator[Difference]:
    """Yield what differs once the primary's identifiers are the recovered's."""
    catalogs = list_catalogs(primary)
    for key in dict.fromkeys([*primary.entries, *recovered.entries]):
        here, there = primary.entries.get(key), recovered.entries.get(key)
        if here is None or there is None:
            yield Difference(key, "resource", *(_MISSING if one is None else _THERE for one in (here, there)))
            continue
        wanted = translate_state(here.state, primary.source, recovered.source, catalogs)
        for name in dict.fromkeys([*wanted, *there.state]):
            if wanted.get(name) != there.state.get(name):
                leaves = find_leaves(name, wanted.get(name), there.state.get(name))
                yield from (Difference(key, *leaf) for leaf in leaves)
