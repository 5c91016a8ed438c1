"""What queries, alerts and dashboards have in common: folder, warehouse, permissions, the trash.

What is deleted goes to the trash, where nothing is found by its name: it is made anew, and restored by hand only.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from lakehouse.object_permissions import read_granted
from lakehouse.targets import Target
from lakehouse.warehouses import find_warehouse
from platform_assets.resource_types.listing import Listing
from platform_assets.resource_types.model import Clients, Resource, State
from platform_assets.resource_types.object_levels import describe_levels, permit, rebuild_levels
from platform_assets.resource_types.rebuilding import NotExpressible, Rebuilding
from platform_assets.resource_types.sdk_errors import unless_missing
from platform_assets.resource_types.sql_warehouse import SqlWarehouse
from platform_assets.resource_types.workspace_object import EstateObject, ensure_folder, estate_folder


@dataclass(frozen=True)
class Found:
    """One that is there and not in the trash: its id, its path as names make it, what the API says of it."""

    identity: str
    path: str
    answer: Any


@dataclass(frozen=True)
class SavedObject(EstateObject):
    """One in the estate's folder; its name is what people read, with the declared folder that it lies in before it.

    `warehouse`: what runs it, the target's own if none is declared. `permissions`: CAN_READ, CAN_RUN, CAN_EDIT or
    CAN_MANAGE. Some get an ending in the workspace that their name here has not.
    """

    warehouse: SqlWarehouse | None = field(default=None, kw_only=True)

    group = "platform_insights"

    @property
    def title(self) -> str:
        """The name without its folder."""
        return self.name.rpartition("/")[2]

    @property
    def needs(self) -> tuple[str, ...]:
        """Keys of what its definition names."""
        return ()

    @property
    def dependencies(self) -> tuple[str, ...]:
        """The folder, declared groups, the warehouse, what its definition names."""
        return (*super().dependencies, *([self.warehouse.key] if self.warehouse else []), *self.needs)

    def desired(self, target: Target) -> State:
        """What it says, the name of its warehouse, who may do what."""
        warehouse = self.warehouse_name(target)
        return {**self.desired_settings(target), "warehouse": warehouse, "permissions": self.levels(target)}

    def read(self, clients: Clients) -> State | None:
        """List, since there is no get by name; then its permissions, but for who made it, who always manages it."""
        found = self.find(clients)
        if found is None:
            return None
        maker, wanted = clients.target.principals["deployer"], self.levels(clients.target)
        granted = read_granted(clients.workspace, self.permissions_type, found.identity)
        if maker not in wanted:
            granted.pop(maker, None)
        names = {str(one.id): str(one.name) for one in clients.workspace.warehouses.list()}
        return {
            **self.read_settings(clients, found, names),
            "warehouse": names.get(found.answer.warehouse_id, found.answer.warehouse_id),
            **describe_levels(granted, wanted),
        }

    def find_answer(self, clients: Clients) -> Any:
        """Return what the API says of the one at its path."""
        found = self.find(clients)
        return found.answer if found else None

    def rebuild_base(self, state: State, rebuilding: Rebuilding) -> dict[str, Any]:
        """Return the fields of who may do what, and of the warehouse.

        Raises:
            NotExpressible: the warehouse is neither the target's nor one of ours.
        """
        named = state["warehouse"]
        warehouse = rebuilding.find("sql_warehouse", named)
        if warehouse is None and named != rebuilding.target.warehouse:
            raise NotExpressible(f"its warehouse {named} is neither the target's own nor one of this estate's")
        return {"permissions": rebuild_levels(rebuilding, state), "warehouse": warehouse}

    def create(self, clients: Clients, desired: State) -> None:
        """Make the folder if there is none; create, then the permissions."""
        folder = self.physical_name(clients.target).rpartition("/")[0]
        ensure_folder(clients, folder)
        identity = self.make(clients, folder, desired)
        permit(clients.workspace, self.permissions_type, identity, desired["permissions"])

    def update(self, clients: Clients, desired: State, before: State) -> None:
        """Change the settings that differ; permissions are added."""
        found = self.find(clients)
        if found is None:
            return
        if names := [name for name in before if name != "permissions"]:
            self.change(clients, found, desired, names)
        if "permissions" in before:
            permit(clients.workspace, self.permissions_type, found.identity, desired["permissions"])

    def delete(self, clients: Clients) -> None:
        """Move it to the trash."""
        found = self.find(clients)
        if found is not None:
            unless_missing(lambda: self.trash(clients, found.identity))

    @classmethod
    def find_owned(cls, listing: Listing) -> Iterable[Resource]:
        """List those in the estate's folder, which is their mark."""
        folder = f"{estate_folder(listing.clients.target)}/"
        for found in listing.once((cls, "owned"), lambda: list(cls.list_found(listing.clients))):
            if found.path.startswith(folder):
                yield cls(found.path.removeprefix(folder))

    @abstractmethod
    def desired_settings(self, target: Target) -> dict[str, Any]:
        """Return what the declaration says under the API's names, but the warehouse."""

    @classmethod
    def list_found(cls, clients: Clients, title: str | None = None) -> Iterator[Found]:
        """Yield those that have the title; without one, all that may be this estate's."""
        raise NotImplementedError(f"{cls.__name__} is found by its path")

    @abstractmethod
    def read_settings(self, clients: Clients, found: Found, warehouses: Mapping[str, str]) -> dict[str, Any]:
        """Return the same of one that is there; `warehouses` are names by id."""

    @abstractmethod
    def make(self, clients: Clients, folder: str, desired: State) -> str:
        """Create one in a folder and return its id."""

    @abstractmethod
    def change(self, clients: Clients, found: Found, desired: State, names: list[str]) -> None:
        """Change the named fields of the state to what is desired."""

    @abstractmethod
    def trash(self, clients: Clients, identity: str) -> None:
        """Move one to the trash."""

    def warehouse_name(self, target: Target) -> str:
        """Return the name of its warehouse."""
        return self.warehouse.physical_name(target) if self.warehouse else target.warehouse

    def warehouse_id(self, clients: Clients, desired: State) -> str:
        """Return the id of its warehouse.

        Raises:
            NoSuchWarehouse: there is none of that name.
        """
        return find_warehouse(clients.workspace, desired["warehouse"])

    def find(self, clients: Clients) -> Found | None:
        """Return the one at its path, None when there is none or it is in the trash."""
        path = self.physical_name(clients.target)
        return next((one for one in self.list_found(clients, self.title) if one.path == path), None)


def tree_path(path: str | None) -> str:
    """Return a path of the workspace as names make it; some APIs say it with /Workspace before it."""
    return (path or "").removeprefix("/Workspace")
