"""Volumes. https://docs.databricks.com/api/workspace/volumes"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from lakehouse.targets import Target
from platform_assets.resource_types.listing import Listing
from platform_assets.resource_types.model import Clients, State
from platform_assets.resource_types.ownership import is_own_comment, mark_comment, unmark_comment
from platform_assets.resource_types.rebuilding import NotExpressible, Rebuilding
from platform_assets.resource_types.schema_object import SchemaObject
from platform_assets.resource_types.sdk_errors import unless_missing

if TYPE_CHECKING:
    from databricks.sdk.service.catalog import VolumeInfo

_HOLDS_FILES = "[holds declared files]"  # the one thing a list of volumes shows that we may write


@dataclass(frozen=True)
class Volume(SchemaObject):
    """A volume: managed, or with `bucket` external over the whole bucket; with `files` declared ones may be in it."""

    bucket: str | None = None
    purpose: str = ""
    files: bool = False

    type_name = "volume"
    mark_field = "comment"
    references = {"bucket": "s3_bucket"}
    holds_data = True
    fixed = {
        "type": "a volume is managed or external for life",
        "storage_location": "an external volume stays where it was put",
    }

    def find_problems(self, target: Target) -> Iterator[str]:
        """Its name, and what its comment ends in."""
        yield from super().find_problems(target)
        if self.purpose.rstrip().endswith(_HOLDS_FILES):
            yield f"its purpose ends in {_HOLDS_FILES}, the sign of declared files: say files=True"

    @property
    def dependencies(self) -> tuple[str, ...]:
        """The schema, and the location that covers an external volume."""
        location = (f"external_location/{self.bucket}",) if self.bucket else ()
        return (self.schema_key, *location, *self.after)

    def desired(self, target: Target) -> State:
        """Type, place and comment; where a managed one lies is Unity Catalog's business."""
        comment = mark_comment(target, f"{self.purpose} {_HOLDS_FILES if self.files else ''}".strip())
        if self.bucket is None:
            return {"type": "MANAGED", "comment": comment}
        return {"type": "EXTERNAL", "storage_location": f"s3://{target.bucket(self.bucket)}", "comment": comment}

    def read(self, clients: Clients) -> State | None:
        """Read."""
        found = self.find_answer(clients)
        return None if found is None else _as_state(found)

    def find_answer(self, clients: Clients) -> VolumeInfo | None:
        """Get."""
        return unless_missing(lambda: clients.workspace.volumes.read(self.physical_name(clients.target)))

    @classmethod
    def list_states(cls, clients: Clients, container: str) -> Iterator[tuple[str, State]]:
        """List."""
        for found in clients.workspace.volumes.list(*container.split("."), max_results=0):
            yield f"{container}.{found.name}", _as_state(found)

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

    def rebuild(self, state: State, rebuilding: Rebuilding) -> Volume:
        """An external one is over a whole bucket."""
        text = unmark_comment(rebuilding.target, state["comment"])
        one = replace(self, purpose=text.removesuffix(_HOLDS_FILES).rstrip(), files=text.endswith(_HOLDS_FILES))
        if state["type"] == "MANAGED":
            return one
        bucket, path = rebuilding.split_url(state["storage_location"])
        if path:
            raise NotExpressible(f"it is over the folder {path} of a bucket; declared volumes are over whole buckets")
        return replace(one, bucket=bucket)

    @classmethod
    def find_owned(cls, listing: Listing) -> Iterator[Volume]:
        """Those with our comment, in schemas of ours."""
        target = listing.clients.target
        return cls.find_in_schemas(listing, lambda state: is_own_comment(state["comment"], target))

    @classmethod
    def find_with_files(cls, listing: Listing) -> Iterator[Volume]:
        """Those of ours in which files may be declared."""
        mark = mark_comment(listing.clients.target, _HOLDS_FILES)
        found = cls.find_in_schemas(listing, lambda state: (state["comment"] or "").endswith(mark))
        return (replace(one, files=True) for one in found)


def _as_state(found: VolumeInfo) -> State:
    state: dict[str, Any] = {"type": found.volume_type.value if found.volume_type else None}
    if state["type"] == "EXTERNAL":
        state["storage_location"] = (found.storage_location or "").rstrip("/")
    return {**state, "comment": found.comment}
