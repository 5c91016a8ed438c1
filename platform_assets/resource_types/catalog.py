"""Catalogs. https://docs.databricks.com/api/workspace/catalogs"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from lakehouse.grammar.texts import control_problems
from lakehouse.names import RESOURCE_TYPES
from lakehouse.targets import Target
from platform_assets.grammar.aws import place_problems
from platform_assets.grammar.unity_catalog import name_problems
from platform_assets.resource_types.catalog_bindings import (
    change_bindings,
    describe_bindings,
    explain_bindings,
    find_hidden,
    name_workspaces,
    read_bindings,
)
from platform_assets.resource_types.listing import Listing
from platform_assets.resource_types.model import Clients, Resource, State, refuse
from platform_assets.resource_types.ownership import mark_labels, own_labels
from platform_assets.resource_types.rebuilding import Rebuilding
from platform_assets.resource_types.sdk_errors import unless_missing
from platform_assets.resource_types.storage_places import require_folder

if TYPE_CHECKING:
    from databricks.sdk.service.catalog import CatalogInfo

_OPEN, _ISOLATED = "OPEN", "ISOLATED"
_OF_ISOLATION = {"isolation_mode", "bindings"}


@dataclass(frozen=True)
class Catalog(Resource):
    """A catalog whose managed tables and volumes lie in one folder of a bucket, catalogs/<name> if none is declared.

    One that is `isolated` is open to the target's own workspace, and to those of other targets that it is `read_by` or
    `written_by`, whoever is granted what.
    """

    location: str = "lake"
    folder: str | None = None
    isolated: bool = False
    read_by: tuple[str, ...] = ()
    written_by: tuple[str, ...] = ()
    purpose: str = ""

    type_name = "catalog"
    mark_field = "properties"
    references = {"location": "external_location"}
    group = "platform_catalog"
    folds_case = True
    holds_data = True
    fixed = {"storage_root": "where managed data lies is decided when the catalog is made"}

    def __post_init__(self) -> None:
        require_folder(self.key, self._folder)
        if (self.read_by or self.written_by) and not self.isolated:
            raise refuse(self.key, f"{self.key} names workspaces that may use it, but is not isolated: all may")

    def find_problems(self, target: Target) -> Iterator[str]:
        """Its name and folder."""
        yield from name_problems(self.name, "catalog", self.physical_name(target))
        if self.name in RESOURCE_TYPES:
            yield f"a catalog cannot be called like the resource type {self.name}: take another name"
        yield from place_problems(self.location, self._folder)
        yield from control_problems("its purpose", self.purpose)

    @property
    def _folder(self) -> str:
        return f"catalogs/{self.name.lower()}" if self.folder is None else self.folder

    @property
    def dependencies(self) -> tuple[str, ...]:
        """The external location that covers its storage."""
        return (f"external_location/{self.location}", *self.after)

    def physical_name(self, target: Target) -> str:
        """Return the catalog's name."""
        return target.catalog(self.name)

    def desired(self, target: Target) -> State:
        """Storage, comment, mark, isolation mode, and of an isolated one its bindings."""
        state: dict[str, Any] = {
            "storage_root": f"s3://{target.bucket(self.location)}/{self._folder}",
            "comment": self.purpose,
            "properties": mark_labels(target),
            "isolation_mode": _ISOLATED if self.isolated else _OPEN,
        }
        if self.isolated:
            state["bindings"] = describe_bindings(target, self.key, self.read_by, self.written_by)
        return state

    def read(self, clients: Clients) -> State | None:
        """Get, and the bindings of an isolated one."""
        found = self.find_answer(clients)
        return None if found is None else _read_state(clients, found)

    def find_answer(self, clients: Clients) -> CatalogInfo | None:
        """Get."""
        return unless_missing(lambda: clients.workspace.catalogs.get(self.physical_name(clients.target)))

    def find_hidden(self, clients: Clients) -> str | None:
        """Ask for its bindings, which its owner sees from any workspace."""
        return find_hidden(clients, "catalog", self.physical_name(clients.target))

    def container(self, target: Target) -> str:
        """The metastore."""
        return ""

    @classmethod
    def list_states(cls, clients: Clients, container: str) -> Iterator[tuple[str, State]]:
        """List, and the bindings of isolated ones."""
        for found in clients.workspace.catalogs.list(max_results=0):
            yield found.name or "", _read_state(clients, found)

    def create(self, clients: Clients, desired: State) -> None:
        """Create, which makes it open; then isolate it."""
        clients.workspace.catalogs.create(
            self.physical_name(clients.target),
            storage_root=desired["storage_root"],
            comment=desired["comment"],
            properties=dict(desired["properties"]),
        )
        if self.isolated:
            self._isolate(clients, desired, {"isolation_mode": _OPEN, "bindings": {}})

    def update(self, clients: Clients, desired: State, before: State) -> None:
        """Update; the properties as a whole, so those of others are read first."""
        api, name = clients.workspace.catalogs, self.physical_name(clients.target)
        properties = None
        if "properties" in before:
            properties = {**(api.get(name).properties or {}), **desired["properties"]}
        if before.keys() - _OF_ISOLATION:
            api.update(name, comment=desired["comment"], properties=properties)
        self._isolate(clients, desired, before)

    def _isolate(self, clients: Clients, desired: State, before: State) -> None:
        """Bindings before the mode: who isolates first has closed it to this workspace."""
        from databricks.sdk.service.catalog import CatalogIsolationMode

        name = self.physical_name(clients.target)
        if "bindings" in before:
            change_bindings(clients, name, desired["bindings"], before["bindings"])
        if "isolation_mode" in before:
            clients.workspace.catalogs.update(name, isolation_mode=CatalogIsolationMode(desired["isolation_mode"]))

    def explain_change(self, name: str, before: Any, after: Any) -> tuple[str, ...]:
        """Return a line for each workspace that is bound or released."""
        if name == "bindings":
            return tuple(explain_bindings(before, after))
        return super().explain_change(name, before, after)

    def delete(self, clients: Clients) -> None:
        """Delete; refused while it holds schemas."""
        unless_missing(lambda: clients.workspace.catalogs.delete(self.physical_name(clients.target)))

    def rebuild(self, state: State, rebuilding: Rebuilding) -> Catalog:
        """Its place says bucket and folder, its bindings which targets' workspaces share it."""
        location, folder = rebuilding.split_url(state["storage_root"])
        read_by, written_by = name_workspaces(rebuilding.target, state.get("bindings") or {})
        isolated = state["isolation_mode"] == _ISOLATED
        return replace(
            self,
            location=location,
            folder=None if folder == f"catalogs/{self.name.lower()}" else folder,
            isolated=isolated,
            read_by=read_by,
            written_by=written_by,
            purpose=state["comment"],
        )

    @classmethod
    def find_owned(cls, listing: Listing) -> Iterator[Catalog]:
        """Those with our properties."""
        target = listing.clients.target
        for name, state in listing.states(cls, "").items():
            if state["properties"] == mark_labels(target):
                yield cls(name.removeprefix(target.catalog_prefix))


def _read_state(clients: Clients, found: CatalogInfo) -> State:
    mode = found.isolation_mode.value if found.isolation_mode else _OPEN
    bindings = {"bindings": read_bindings(clients, str(found.name))} if mode == _ISOLATED else {}
    return {
        "isolation_mode": mode,
        **bindings,
        "storage_root": (found.storage_root or "").rstrip("/"),
        "comment": found.comment or "",
        "properties": own_labels(found.properties),
    }
