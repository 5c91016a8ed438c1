"""Which edges the graph draws: those that no other edge implies. What an apply waits for is all of `dependencies`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache

from platform_assets.resource_types.model import Resource


def draw_edges(resources: Sequence[Resource]) -> dict[str, tuple[str, ...]]:
    """Return for each resource the keys that it needs directly, without those that it needs by way of another."""
    needs = {one.key: frozenset(one.dependencies) for one in resources}
    implied = _find_implied(needs)
    return {
        one.key: tuple(
            key
            for key in dict.fromkeys(one.dependencies)
            if not any(key in implied(other) for other in needs[one.key] - {key})
            and not any(key == schema or key in implied(schema) for schema in _schemas_read(one))
        )
        for one in resources
    }


def find_last(resources: Sequence[Resource]) -> list[str]:
    """Return the keys that no other resource needs: what needs these needs all."""
    needed = {key for one in resources for key in one.dependencies}
    return [one.key for one in resources if one.key not in needed]


def _schemas_read(resource: Resource) -> list[str]:
    """A table of the data layer lies in its schema; the edge to the table says so."""
    return [f"schema/{name.catalog}/{name.schema}" for name in resource.tables_read]


def _find_implied(needs: Mapping[str, Iterable[str]]) -> Callable[[str], frozenset[str]]:
    """Return what tells all that a resource needs, by way of others too; declarations have no circles."""

    @cache
    def search(key: str) -> frozenset[str]:
        direct = frozenset(needs.get(key, ()))
        return direct.union(*(search(one) for one in direct))

    return search
