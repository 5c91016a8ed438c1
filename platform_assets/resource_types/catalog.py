"""Catalogs. https://docs.databricks.com/api/workspace/catalogs"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lakehouse.targets import Target
from platform_assets.resource_types.listing import Listing
from platform_assets.resource_types.model import Clients, Resource, State
from platform_assets.resource_types.ownership import mark_labels, own_labels
from platform_assets.resource_types.sdk_errors import unless_missing

if TYPE_CHECKING:
    from databricks.sdk.service.catalog import CatalogInfo


@dataclass(frozen=True)
class Catalog(Resource):
    """A catalog whose managed tables and volumes lie in one folder of a bucket."""

    location: str = "lake"
    folder: str = "managed"
    purpose: str = ""

    type_name = "catalog"
    group = "platform_catalog"
    folds_case = True
    holds_data = True
    fixed = {"storage_root": "where managed data lies is decided when the catalog is made"}

    @property
    def dependencies(self) -> tuple[str, ...]:
        """The external location that covers its storage."""
        return (f"external_location/{self.location}", *self.after)

    def physical_name(self, target: Target) -> str:
        """Return the catalog's name."""
        return target.catalog(self.name)

    def desired(self, target: Target) -> State:
        """Storage, comment, mark."""
        root = f"s3://{target.bucket(self.location)}/{self.folder}"
        return {"storage_root": root, "comment": self.purpose, "properties": mark_labels(target)}

    def read(self, clients: Clients) -> State | None:
        """Get."""
        found = unless_missing(lambda: clients.workspace.catalogs.get(self.physical_name(clients.target)))
        return None if found is None else _as_state(found)

    def container(self, target: Target) -> str:
        """The metastore."""
        return ""

    @classmethod
    def list_states(cls, clients: Clients, container: str) -> Iterator[tuple[str, State]]:
        """List."""
        for found in clients.workspace.catalogs.list(max_results=0):
            yield found.name or "", _as_state(found)

    def create(self, clients: Clients, desired: State) -> None:
        """Create."""
        clients.workspace.catalogs.create(
            self.physical_name(clients.target),
            storage_root=desired["storage_root"],
            comment=desired["comment"],
            properties=dict(desired["properties"]),
        )

    def update(self, clients: Clients, desired: State, before: State) -> None:
        """Update; the properties as a whole, so those of others are read first."""
        api, name = clients.workspace.catalogs, self.physical_name(clients.target)
        properties = None
        if "properties" in before:
            properties = {**(api.get(name).properties or {}), **desired["properties"]}
        api.update(name, comment=desired["comment"], properties=properties)

    def delete(self, clients: Clients) -> None:
        """Delete; refused while it holds schemas."""
        unless_missing(lambda: clients.workspace.catalogs.delete(self.physical_name(clients.target)))

    @classmethod
    def find_owned(cls, listing: Listing) -> Iterator[Catalog]:
        """Those with our properties."""
        target = listing.clients.target
        for name, state in listing.states(cls, "").items():
            if state["properties"] == mark_labels(target):
                yield cls(name.removeprefix(target.catalog_prefix))


def _as_state(found: CatalogInfo) -> State:
    return {
        "storage_root": (found.storage_root or "").rstrip("/"),
        "comment": found.comment or "",
        "properties": own_labels(found.properties),
    }
