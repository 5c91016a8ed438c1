"""Places of storage that may not lie in one another: Unity Catalog refuses the second of two such. Pure.

https://docs.databricks.com/aws/en/connect/unity-catalog/cloud-storage/external-locations
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from lakehouse.targets import Target
from platform_assets.resource_types.model import Resource

# What has a place of its own, and the field of its state that says where.
_PLACES = {"catalog": "storage_root", "volume": "storage_location", "table": "storage_location"}
_LOCATIONS = {"external_location": "url"}


def find_overlaps(resources: Sequence[Resource], target: Target) -> Iterator[str]:
    """Yield what lies in the place of another: locations among themselves; catalogs, external volumes and tables."""
    for kinds in (_LOCATIONS, _PLACES):
        yield from _compare(list(_list_places(resources, target, kinds)))


def _list_places(
    resources: Iterable[Resource], target: Target, kinds: dict[str, str]
) -> Iterator[tuple[str, Resource]]:
    for one in resources:
        if one.type_name in kinds and (url := one.desired(target).get(kinds[one.type_name])):
            yield f"{str(url).rstrip('/')}/", one


def _compare(places: list[tuple[str, Resource]]) -> Iterator[str]:
    """Once sorted, what lies in a place comes right after it."""
    outer: tuple[str, Resource] | None = None
    for url, one in sorted(places, key=lambda place: (place[0], place[1].key)):
        if outer is not None and url.startswith(outer[0]):
            yield (
                f"{one.key}: its storage {url} lies in that of {outer[1].key}, {outer[0]}: "
                f"declare another folder or bucket (declared at {one.declared_at})"
            )
        else:
            outer = (url, one)
