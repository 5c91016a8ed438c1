"""Rules of a set of declarations: no key twice, nothing undeclared needed, no circles. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter

from platform_assets.resource_types.model import Resource


class InvalidEstate(Exception):
    """The declarations contradict each other; the message names them."""


def index_resources(resources: Iterable[Resource]) -> dict[str, Resource]:
    """Return the resources by key.

    Raises:
        InvalidEstate: a key is declared twice.
    """
    by_key: dict[str, Resource] = {}
    identities: dict[str, str] = {}
    for resource in resources:
        if (same := identities.setdefault(resource.identity, resource.key)) != resource.key:
            raise InvalidEstate(f"{resource.key} and {same} are one to the service")
        if resource.key in by_key:
            raise InvalidEstate(f"{resource.key} is declared twice")
        by_key[resource.key] = resource
    return by_key


def order_keys(resources: Sequence[Resource]) -> list[str]:
    """Return the keys, dependencies first; what does not depend on each other in the order of declaration.

    Raises:
        InvalidEstate: the dependencies go round in a circle.
    """
    keys = {resource.key for resource in resources}
    graph = {resource.key: [key for key in resource.dependencies if key in keys] for resource in resources}
    try:
        return list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        raise InvalidEstate(f"The declarations depend on each other: {' -> '.join(error.args[1])}") from None


def add_needed(keys: Collection[str], resources: Mapping[str, Resource]) -> set[str]:
    """Return the keys and those of everything that they need, directly or not."""
    needed, waiting = set(keys), list(keys)
    while waiting:
        new = set(resources[waiting.pop()].dependencies) - needed
        needed |= new
        waiting += new
    return needed


def require_declared(resources: Sequence[Resource]) -> None:
    """Refuse an estate in which something depends on what nobody declares, or that has circles.

    Raises:
        InvalidEstate: naming both.
    """
    keys = index_resources(resources)
    for resource in resources:
        for dependency in resource.dependencies:
            if dependency not in keys:
                raise InvalidEstate(f"{resource.key} needs {dependency}, which is not declared")
    order_keys(resources)
