"""Volumes. https://docs.databricks.com/api/workspace/volumes"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from lakehouse.names import physical_name
from lakehouse.targets import Target
from platform_assets.resource_types.model import Clients, Resource, State
from platform_assets.resource_types.ownership import is_own_comment, mark_comment
from platform_assets.resource_types.schema import Schema
from platform_assets.resource_types.sdk_errors import unless_missing


@dataclass(frozen=True)
class Volume(Resource):
    """A volume: managed, or with `bucket` external over the whole bucket."""

    bucket: str | None = None
    purpose: str = ""

    type_name = "volume"
    group = "platform_catalog"
    holds_data = True
    fixed = {
        "type": "a volume is managed or external for life",
        "storage_location": "an external volume stays where it was put",
    }

    @property
    def dependencies(self) -> tuple[str, ...]:
        """The schema, and the location that covers an external volume."""
        schema = self.name.rpartition(".")[0].replace(".", "/")
        location = (f"external_location/{self.bucket}",) if self.bucket else ()
        return (f"schema/{schema}", *location, *self.after)

    def physical_name(self, target: Target) -> str:
        """Return the volume's full name."""
        return physical_name(target, self.name)

    def desired(self, target: Target) -> State:
        """Type, place and comment; where a managed one lies is Unity Catalog's business."""
        comment = mark_comment(target, self.purpose)
        if self.bucket is None:
            return {"type": "MANAGED", "comment": comment}
        return {"type": "EXTERNAL", "storage_location": f"s3://{target.bucket(self.bucket)}", "comment": comment}

    def read(self, clients: Clients) -> State | None:
        """Read."""
        found = unless_missing(lambda: clients.workspace.volumes.read(self.physical_name(clients.target)))
        if found is None:
            return None
        state: dict[str, Any] = {"type": found.volume_type.value if found.volume_type else None}
        if state["type"] == "EXTERNAL":
            state["storage_location"] = (found.storage_location or "").rstrip("/")
        return {**state, "comment": found.comment}

    def create(self, clients: Clients, desired: State) -> None:
        """Create."""
        from databricks.sdk.service.catalog import VolumeType

        catalog, schema, name = self.physical_name(clients.target).split(".")
        clients.workspace.volumes.create(
            catalog,
            schema,
            name,
            VolumeType(desired["type"]),
            comment=desired["comment"],
            storage_location=desired.get("storage_location"),
        )

    def update(self, clients: Clients, desired: State, before: State) -> None:
        """Update."""
        clients.workspace.volumes.update(self.physical_name(clients.target), comment=desired["comment"])

    def delete(self, clients: Clients) -> None:
        """Delete; a managed volume's files go with it."""
        unless_missing(lambda: clients.workspace.volumes.delete(self.physical_name(clients.target)))

    @classmethod
    def find_owned(cls, clients: Clients) -> Iterator[Volume]:
        """List, once per schema of ours."""
        for schema in Schema.find_owned(clients):
            catalog, name = schema.physical_name(clients.target).split(".")
            for found in clients.workspace.volumes.list(catalog, name):
                if is_own_comment(found.comment, clients.target):
                    yield cls(f"{schema.name}.{found.name}")
