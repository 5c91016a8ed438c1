"""The estate on a target: read it, plan it, apply it. What the command line, Dagster and tests call."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor

from lakehouse.targets import Target
from platform_assets.declarations import RESOURCES
from platform_assets.reconcile.apply import ApplyReport, Tell, apply_plan
from platform_assets.reconcile.plan import Plan, index_resources, plan_changes, require_declared
from platform_assets.resource_types.model import Clients, Resource, State


class UnknownResource(Exception):
    """A selection names what is not declared; the message lists what is near."""


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
    chosen: dict[str, Resource] = {}
    for entry in selection:
        found = {key: one for key, one in by_key.items() if key == entry or key.startswith(entry.rstrip("/") + "/")}
        if not found:
            raise UnknownResource(f"Nothing declared is called {entry!r}; declared are: {', '.join(by_key)}")
        chosen |= found
    return [resource for resource in resources if resource.key in chosen]


def read_estate(clients: Clients, resources: Sequence[Resource]) -> dict[str, State | None]:
    """Return the real state of each resource by key, None where there is none."""
    with ThreadPoolExecutor(clients.target.parallel_calls, "read") as threads:
        states = threads.map(lambda resource: _read(resource, clients), resources)
        return {resource.key: state for resource, state in zip(resources, states, strict=True)}


def plan_estate(target: Target, selection: Collection[str] | None = None) -> Plan:
    """Return what would have to be done."""
    resources = select_resources(selection)
    return _plan(Clients(target), resources)


def apply_estate(
    target: Target, selection: Collection[str] | None = None, tell: Tell = lambda _result: None
) -> ApplyReport:
    """Plan and do; the report says what became of each resource."""
    clients, resources = Clients(target), select_resources(selection)
    return apply_plan(_plan(clients, resources), resources, clients, tell)


def _plan(clients: Clients, resources: Sequence[Resource]) -> Plan:
    desired = {resource.key: resource.desired(clients.target) for resource in resources}
    return plan_changes(resources, desired, read_estate(clients, resources))


def _read(resource: Resource, clients: Clients) -> State | None:
    try:
        return resource.read(clients)
    except Exception as error:
        error.add_note(f"while reading {resource.key} ({resource.physical_name(clients.target)})")
        raise
