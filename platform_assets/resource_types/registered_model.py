"""Registered models. https://docs.databricks.com/api/workspace/registeredmodels"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from lakehouse.targets import Target
from platform_assets.resource_types.listing import Listing
from platform_assets.resource_types.model import Clients, State
from platform_assets.resource_types.ownership import is_own_comment, mark_comment, unmark_comment
from platform_assets.resource_types.rebuilding import Rebuilding
from platform_assets.resource_types.schema_object import SchemaObject
from platform_assets.resource_types.sdk_errors import unless_missing

if TYPE_CHECKING:
    from databricks.sdk.service.catalog import RegisteredModelInfo


@dataclass(frozen=True)
class RegisteredModel(SchemaObject):
    """A registered model. Its versions and aliases are made by whoever trains it, in managed storage of the schema."""

    purpose: str = ""

    type_name = "registered_model"
    mark_field = "comment"
    references = {}
    holds_data = True

    @property
    def dependencies(self) -> tuple[str, ...]:
        """The schema."""
        return (self.schema_key, *self.after)

    def desired(self, target: Target) -> State:
        """The comment with the mark."""
        return {"comment": mark_comment(target, self.purpose)}

    def read(self, clients: Clients) -> State | None:
        """Get."""
        found = self.find_answer(clients)
        return None if found is None else _as_state(found)

    def find_answer(self, clients: Clients) -> RegisteredModelInfo | None:
        """Get."""
        return unless_missing(lambda: clients.workspace.registered_models.get(self.physical_name(clients.target)))

    @classmethod
    def list_states(cls, clients: Clients, container: str) -> Iterator[tuple[str, State]]:
        """List."""
        catalog, schema = container.split(".")
        api = clients.workspace.registered_models
        for found in api.list(catalog_name=catalog, schema_name=schema, max_results=0):
            yield f"{container}.{found.name}", _as_state(found)

    def create(self, clients: Clients, desired: State) -> None:
        """Create."""
        catalog, schema, name = self.physical_name(clients.target).split(".")
        clients.workspace.registered_models.create(catalog, schema, name, comment=desired["comment"])

    def update(self, clients: Clients, desired: State, before: State) -> None:
        """Update."""
        clients.workspace.registered_models.update(self.physical_name(clients.target), comment=desired["comment"])

    def delete(self, clients: Clients) -> None:
        """Delete; all versions go with it."""
        unless_missing(lambda: clients.workspace.registered_models.delete(self.physical_name(clients.target)))

    def rebuild(self, state: State, rebuilding: Rebuilding) -> RegisteredModel:
        """What it is for; versions are nothing of the estate's."""
        return replace(self, purpose=unmark_comment(rebuilding.target, state["comment"]))

    @classmethod
    def find_owned(cls, listing: Listing) -> Iterator[RegisteredModel]:
        """Those with our comment, in schemas of ours."""
        target = listing.clients.target
        return cls.find_in_schemas(listing, lambda state: is_own_comment(state["comment"], target))


def _as_state(found: RegisteredModelInfo) -> State:
    return {"comment": found.comment or ""}
