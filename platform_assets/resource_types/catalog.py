"""Catalogs and schemas. https://docs.databricks.com/api/workspace/catalogs and .../schemas"""

from __future__ import annotations

from dataclasses import dataclass

from lakehouse.names import physical_name
from lakehouse.targets import Target
from platform_assets.resource_types.model import Clients, Resource, State, unless_missing

_PLACED = {"storage_root": "where managed data lies is decided when the catalog is made"}


@dataclass(frozen=True)
class Catalog(Resource):
    """A catalog whose managed tables and volumes lie in one folder of a bucket."""

    location: str = "lake"
    folder: str = "managed"
    purpose: str = ""

    type_name = "catalog"
    group = "platform_catalog"
    holds_data = True
    fixed = _PLACED

    @property
    def dependencies(self) -> tuple[str, ...]:
        """The external location that covers its storage."""
        return (f"external_location/{self.location}", *self.after)

    def physical_name(self, target: Target) -> str:
        """Return the catalog's name."""
        return target.catalog(self.name)

    def desired(self, target: Target) -> State:
        """Storage and comment."""
        root = f"s3://{target.bucket(self.location)}/{self.folder}"
        return {"storage_root": root, "comment": self.purpose, "properties": {"managed_by": "lakehouse"}}

    def read(self, clients: Clients) -> State | None:
        """Get."""
        found = unless_missing(lambda: clients.workspace.catalogs.get(self.physical_name(clients.target)))
        if found is None:
            return None
        properties = {key: value for key, value in (found.properties or {}).items() if key == "managed_by"}
        return {"storage_root": found.storage_root, "comment": found.comment, "properties": properties}

    def create(self, clients: Clients, desired: State) -> None:
        """Create."""
        clients.workspace.catalogs.create(
            self.physical_name(clients.target),
            storage_root=desired["storage_root"],
            comment=desired["comment"],
            properties=dict(desired["properties"]),
        )

    def update(self, clients: Clients, desired: State, changed: frozenset[str]) -> None:
        """Update."""
        clients.workspace.catalogs.update(
            self.physical_name(clients.target), comment=desired["comment"], properties=dict(desired["properties"])
        )

    def delete(self, clients: Clients) -> None:
        """Delete; refused while it holds schemas."""
        unless_missing(lambda: clients.workspace.catalogs.delete(self.physical_name(clients.target)))


@dataclass(frozen=True)
class Schema(Resource):
    """A schema: one layer of a domain."""

    purpose: str = ""

    type_name = "schema"
    group = "platform_catalog"
    holds_data = True

    @property
    def dependencies(self) -> tuple[str, ...]:
        """The catalog."""
        return (f"catalog/{self.name.split('.')[0]}", *self.after)

    def physical_name(self, target: Target) -> str:
        """Return the schema's full name."""
        return physical_name(target, self.name)

    def desired(self, target: Target) -> State:
        """Comment and mark."""
        return {"comment": self.purpose, "properties": {"managed_by": "lakehouse"}}

    def read(self, clients: Clients) -> State | None:
        """Get."""
        found = unless_missing(lambda: clients.workspace.schemas.get(self.physical_name(clients.target)))
        if found is None:
            return None
        properties = {key: value for key, value in (found.properties or {}).items() if key == "managed_by"}
        return {"comment": found.comment, "properties": properties}

    def create(self, clients: Clients, desired: State) -> None:
        """Create."""
        catalog, name = self.physical_name(clients.target).split(".")
        clients.workspace.schemas.create(
            name, catalog, comment=desired["comment"], properties=dict(desired["properties"])
        )

    def update(self, clients: Clients, desired: State, changed: frozenset[str]) -> None:
        """Update."""
        clients.workspace.schemas.update(
            self.physical_name(clients.target), comment=desired["comment"], properties=dict(desired["properties"])
        )

    def delete(self, clients: Clients) -> None:
        """Delete; refused while it holds tables or volumes."""
        unless_missing(lambda: clients.workspace.schemas.delete(self.physical_name(clients.target)))
