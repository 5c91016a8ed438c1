"""The estate on a target: read it, plan it, apply it. What the command line, Dagster and tests call."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from lakehouse.targets import Target
from platform_assets.declarations import RESOURCES
from platform_assets.reconcile.apply import ApplyReport, OnProgress, apply_plan, tell_nobody
from platform_assets.reconcile.declared import index_resources, require_declared
from platform_assets.reconcile.plan import Plan, Prune, plan_changes
from platform_assets.reconcile.reading import read_world
from platform_assets.resource_types.model import Clients, Resource

KEEP_ALL = Prune()


class UnknownResource(Exception):
    """A selection names what is not declared; the message lists what is."""


def select_resources(
    selection: Collection[str] | None = None, resources: Sequence[Resource] = RESOURCES
) -> list[Resource]:
    """Return the declared resources whose key is in the selection or starts with an entry and a slash; None: all.

    Raises:
        UnknownResource: an entry matches nothing.
    """
    require_declared(resources)
    if selection is None:
        return list(resources)
    by_key = index_resources(resources)
    chosen: set[str] = set()
    for entry in selection:
        found = {key for key in by_key if f"{key}/".startswith(f"{entry.rstrip('/')}/")}
        if not found:
            raise UnknownResource(f"Nothing declared is called {entry!r}; declared are: {', '.join(by_key)}")
        chosen |= found
    return [resource for resource in resources if resource.key in chosen]


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
    chosen, whole = select_resources(selection, resources), selection is None
    look_for_more = whole and (find_undeclared or prune.enabled)
    world = read_world(Clients(target), chosen, [one.key for one in resources] if look_for_more else None)
    return plan_changes(chosen, target, world, prune)


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
