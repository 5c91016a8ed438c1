"""Schemas. https://docs.databricks.com/api/workspace/schemas"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from lakehouse.grammar.texts import control_problems
from lakehouse.names import physical_name
from lakehouse.targets import Target
from platform_assets.grammar.unity_catalog import name_problems
from platform_assets.resource_types.catalog import Catalog
from platform_assets.resource_types.listing import Listing
from platform_assets.resource_types.model import Clients, Resource, State
from platform_assets.resource_types.ownership import mark_labels, own_labels
from platform_assets.resource_types.rebuilding import Rebuilding
from platform_assets.resource_types.sdk_errors import unless_missing

if TYPE_CHECKING:
    from databricks.sdk.service.catalog import SchemaInfo


@dataclass(frozen=True)
class Schema(Resource):
    """A schema: one layer of a domain."""

    purpose: str = ""

    type_name = "schema"
    mark_field = "properties"
    references = {}
    group = "platform_catalog"
    folds_case = True
    holds_data = True

    def find_problems(self, target: Target) -> Iterator[str]:
        """Its name."""
        yield from name_problems(self.name, "catalog.schema", self.physical_name(target))
        yield from control_problems("its purpose", self.purpose)

    @property
    def dependencies(self) -> tuple[str, ...]:
        """The catalog."""
        return (f"catalog/{self.name.split('.')[0]}", *self.after)

    def physical_name(self, target: Target) -> str:
        """Return the schema's full name."""
        return physical_name(target, self.name)

    def desired(self, target: Target) -> State:
        """Comment and mark."""
        return {"comment": self.purpose, "properties": mark_labels(target)}

    def read(self, clients: Clients) -> State | None:
        """Get."""
        found = self.find_answer(clients)
        return None if found is None else _as_state(found)

    def find_answer(self, clients: Clients) -> SchemaInfo | None:
        """Get."""
        return unless_missing(lambda: clients.workspace.schemas.get(self.physical_name(clients.target)))

    def container(self, target: Target) -> str:
        """The catalog."""
        return self.physical_name(target).split(".")[0]

    @classmethod
    def list_states(cls, clients: Clients, container: str) -> Iterator[tuple[str, State]]:
        """List."""
        for found in clients.workspace.schemas.list(container, max_results=0):
            yield f"{container}.{found.name}", _as_state(found)

    def create(self, clients: Clients, desired: State) -> None:
        """Create."""
        catalog, name = self.physical_name(clients.target).split(".")
        clients.workspace.schemas.create(
            name, catalog, comment=desired["comment"], properties=dict(desired["properties"])
        )

    def update(self, clients: Clients, desired: State, before: State) -> None:
        """Update; the properties as a whole, so those of others are read first."""
        api, name = clients.workspace.schemas, self.physical_name(clients.target)
        properties = None
        if "properties" in before:
            properties = {**(api.get(name).properties or {}), **desired["properties"]}
        api.update(name, comment=desired["comment"], properties=properties)

    def delete(self, clients: Clients) -> None:
        """Delete; refused while it holds tables or volumes."""
        unless_missing(lambda: clients.workspace.schemas.delete(self.physical_name(clients.target)))

    def rebuild(self, state: State, rebuilding: Rebuilding) -> Schema:
        """Its comment is all there is."""
        return replace(self, purpose=state["comment"])

    @classmethod
    def find_owned(cls, listing: Listing) -> Iterator[Schema]:
        """Those with our properties, in catalogs of ours."""
        target = listing.clients.target
        for catalog in Catalog.find_owned(listing):
            for name, state in listing.states(cls, catalog.physical_name(target)).items():
                if state["properties"] == mark_labels(target):
                    yield cls(f"{catalog.name}.{name.rpartition('.')[2]}")


def _as_state(found: SchemaInfo) -> State:
    return {"comment": found.comment or "", "properties": own_labels(found.properties)}
