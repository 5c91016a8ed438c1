"""Export, rebuild, drill: what the command line, Dagster and tests call."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from lakehouse.targets import Target
from platform_assets.declarations import RESOURCES
from platform_assets.estate import carry_out, plan_estate
from platform_assets.reconcile.apply import ApplyReport, OnProgress, Status, tell_nobody
from platform_assets.reconcile.plan import Plan
from platform_assets.recovery.proof import Proof, prove_equal
from platform_assets.recovery.restoring import require_recovers, restore_resources
from platform_assets.recovery.snapshot import Snapshot, SnapshotChanges
from platform_assets.recovery.store import SnapshotStore
from platform_assets.recovery.taking import take_snapshot
from platform_assets.resource_types.model import Clients, Resource
from platform_assets.resource_types.sdk_errors import name_error

_BY_SQL = {"table", "view", "function"}

BringUp = Callable[[bool], None]  # told whether the estate needs SQL
OnPhase = Callable[[str, float], None]


@dataclass(frozen=True)
class Export:
    """What became of an export: the version that says what is there, and whether it is a new one."""

    snapshot: Snapshot
    number: int
    place: str
    is_new: bool
    changes: SnapshotChanges


@dataclass
class Drill:
    """What a drill did: seconds by phase, what was exported and applied, whether the estates are equal."""

    export: Export | None = None
    seconds: dict[str, float] = field(default_factory=dict)
    report: ApplyReport = field(default_factory=lambda: ApplyReport(()))
    proof: Proof | None = None

    @property
    def passed(self) -> bool:
        """Whether all was rebuilt, and both estates are equal."""
        return self.proof is not None and self.proof.equal and not self.report.failures


def export_estate(target: Target, dry_run: bool = False, declared: Sequence[Resource] = RESOURCES) -> Export:
    """Take a snapshot of the estate, and write it as a new version unless the latest says the same.

    Raises:
        EstateNotReadable: it would not be whole.
        NoRecoveryBucket: there is nowhere to write it.
    """
    clients = Clients(target)
    snapshot, store = take_snapshot(clients, declared), SnapshotStore(clients, target.bucket_prefix)
    number, is_new, changes = store.compare(snapshot) if dry_run else store.put(snapshot)
    return Export(snapshot, number, store.place(number), is_new, changes)


def plan_rebuild(snapshot: Snapshot, target: Target) -> Plan:
    """Return what makes the snapshot's estate on a target that recovers its source.

    Raises:
        InvalidTarget: the target is for something else.
        InvalidSnapshot: this code cannot rebuild it.
    """
    require_recovers(target, snapshot.source)
    return plan_estate(target, resources=restore_resources(snapshot), find_undeclared=True)


def run_drill(
    source: Target,
    target: Target,
    bring_up: BringUp,
    on_phase: OnPhase = lambda _name, _seconds: None,
    on_progress: OnProgress = tell_nobody,
    declared: Sequence[Resource] = RESOURCES,
) -> Drill:
    """Export, bring the other workspace up, rebuild there, prove both equal; each phase is timed."""
    require_recovers(target, source)
    drill = Drill()

    @contextmanager
    def phase(name: str) -> Iterator[None]:
        start = time.monotonic()
        yield
        drill.seconds[name] = round(time.monotonic() - start, 2)
        on_phase(name, drill.seconds[name])

    with phase("export"):
        drill.export = export_estate(source, declared=declared)
    snapshot = drill.export.snapshot
    with phase("bring_up"):
        bring_up(bool(_BY_SQL & {one.type for one in snapshot.entries.values()}))
    with phase("plan"):
        stored = SnapshotStore(Clients(source), source.bucket_prefix).read(drill.export.number)
        plan = plan_rebuild(stored, target)
    with phase("apply"):
        drill.report = carry_out(target, plan, on_progress)
    with phase("prove"):
        drill.proof = prove_equal(stored, Clients(source), Clients(target))
    return drill


def remove_created(report: ApplyReport, target: Target) -> dict[str, str]:
    """Delete what an apply has created, dependents first; return by key why something stays."""
    clients, left = Clients(target), {}
    created = [one.step.resource for one in report.results if one.status is Status.CREATED]
    for resource in reversed(created):
        try:
            resource.delete(clients)
        except Exception as error:  # noqa: BLE001 - told to the caller; the others go on
            left[resource.key] = name_error(resource, target, error)
    return left
