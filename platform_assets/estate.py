"""The estate on a target: read it, plan it, apply it. What the command line, Dagster and tests call."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

from lakehouse.targets import Target
from platform_assets.declarations import RESOURCES
from platform_assets.reconcile.apply import ApplyReport, OnProgress, apply_plan, tell_nobody
from platform_assets.reconcile.changers import name_changers
from platform_assets.reconcile.declared import add_needed, index_resources, require_declared
from platform_assets.reconcile.plan import Plan, Prune, plan_changes
from platform_assets.reconcile.reading import read_world
from platform_assets.reconcile.saved import (
    read_plan,
    require_same_declarations,
    require_same_place,
    require_same_world,
    save_plan,
)
from platform_assets.resource_types.model import Clients, Resource

KEEP_ALL = Prune()


class UnknownResource(Exception):
    """A selection names what is not declared; the message lists what is."""


def select_resources(
    selection: Collection[str] | None = None, resources: Sequence[Resource] = RESOURCES
) -> list[Resource]:
    """Return the declared resources whose key is in the selection or starts with an entry and a slash; None: all.

    An entry with a plus in front, as in `+schema/flights`, selects all that they need as well.

    Raises:
        UnknownResource: an entry matches nothing.
    """
    if selection is None:
        return list(resources)
    by_key = index_resources(resources)
    below = _index_starts(by_key)
    chosen: set[str] = set()
    for entry in selection:
        found = below.get(entry.removeprefix("+").rstrip("/"))
        if not found:
            raise UnknownResource(f"Nothing declared is called {entry!r}; declared are: {', '.join(by_key)}")
        chosen |= add_needed(found, by_key) if entry.startswith("+") else found
    return [resource for resource in resources if resource.key in chosen]


def _index_starts(keys: Iterable[str]) -> dict[str, set[str]]:
    """Return for each key, and each start of a key before a slash, the keys that begin so."""
    below: defaultdict[str, set[str]] = defaultdict(set)
    for key in keys:
        parts = key.split("/")
        for count in range(1, len(parts) + 1):
            below["/".join(parts[:count])].add(key)
    return dict(below)


def plan_estate(
    target: Target,
    selection: Collection[str] | None = None,
    prune: Prune = KEEP_ALL,
    resources: Sequence[Resource] = RESOURCES,
    find_undeclared: bool = False,
) -> Plan:
    """Return what would have to be done. What is ours and undeclared is looked for when all is planned and asked for.

    Raises:
        UnknownResource: the selection names what is not declared.
    """
    require_declared(resources, target)
    chosen, whole = select_resources(selection, resources), selection is None
    look_for_more = whole and (find_undeclared or prune.enabled)
    world = read_world(Clients(target), chosen, [one.identity for one in resources] if look_for_more else None)
    return plan_changes(chosen, target, world, prune)


def name_drift_makers(target: Target, plan: Plan) -> Plan:
    """Return the plan with who changed what by hand and when, as far as the audit log tells."""
    return name_changers(Clients(target), plan)


def apply_estate(
    target: Target,
    selection: Collection[str] | None = None,
    on_progress: OnProgress = tell_nobody,
    prune: Prune = KEEP_ALL,
    resources: Sequence[Resource] = RESOURCES,
) -> ApplyReport:
    """Plan and do; the report says what became of each resource.

    Raises:
        UnknownResource: the selection names what is not declared.
    """
    return carry_out(target, plan_estate(target, selection, prune, resources), on_progress)


def carry_out(target: Target, plan: Plan, on_progress: OnProgress = tell_nobody) -> ApplyReport:
    """Do what a plan says."""
    return apply_plan(plan, Clients(target), on_progress)


def write_plan(
    target: Target,
    plan: Plan,
    path: Path,
    selection: Sequence[str] | None = None,
    prune: Prune = KEEP_ALL,
    resources: Sequence[Resource] = RESOURCES,
) -> None:
    """Write a plan that was made with this selection and pruning to a file.

    Raises:
        InvalidPlanFile: nothing can be written there.
    """
    save_plan(path, plan, Clients(target), selection, prune, index_resources(resources))


def renew_plan(target: Target, path: Path, resources: Sequence[Resource] = RESOURCES) -> Plan:
    """Return the plan of a file, made anew and found to do nothing that the file does not show.

    Raises:
        InvalidPlanFile: the file holds no plan that can be read.
        PlanOutdated: place, declarations or world are not those of the file; each difference is named.
        UnknownResource: what the plan selects is no longer declared.
    """
    require_declared(resources, target)
    saved, clients = read_plan(path), Clients(target)
    require_same_place(saved, clients)
    require_same_declarations(saved, select_resources(saved.selection, resources), clients)
    plan = plan_estate(target, saved.selection, saved.prune, resources, find_undeclared=True)
    require_same_world(saved, plan)
    return plan
