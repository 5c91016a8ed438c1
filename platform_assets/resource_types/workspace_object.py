"""What folders, files, experiments and what is saved have in common: where they lie, and who may do what with them.

https://docs.databricks.com/api/workspace/workspace
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from lakehouse.grammar.places import is_source
from lakehouse.object_permissions import grant_levels, read_granted
from lakehouse.targets import Target
from platform_assets.grammar.names import path_problems
from platform_assets.grammar.permissions import level_problems
from platform_assets.resource_types.grants import select_groups
from platform_assets.resource_types.listing import Listing
from platform_assets.resource_types.model import Clients, InvalidDeclaration, Resource, State
from platform_assets.resource_types.object_levels import OTHERS_REPORTED, describe_levels, name_levels, rebuild_levels
from platform_assets.resource_types.rebuilding import NotExpressible, Rebuilding
from platform_assets.resource_types.sdk_errors import unless_missing

if TYPE_CHECKING:
    from databricks.sdk.service.workspace import ObjectInfo


def estate_folder(target: Target) -> str:
    """Return the folder in the deployer's home that is the estate's mark: /Shared is everybody's to manage."""
    return f"/Users/{target.principals['deployer']}/{target.bucket_prefix}"


@dataclass(frozen=True)
class EstateObject(Resource):
    """What lies in the estate's folder; its name is its path there, such as reports/thresholds.json.

    `permissions`: the level of a role or of a declared group by its key, such as CAN_READ; what lies in a folder
    inherits its levels.
    """

    permissions: Mapping[str, str] = field(default_factory=dict, hash=False)

    group = "platform_workspace"
    reported = OTHERS_REPORTED

    permissions_type: ClassVar[str]
    references = {}

    @property
    def key(self) -> str:
        """The asset key as text, such as workspace_file/reports/thresholds.json."""
        return f"{self.type_name}/{self.name}"

    def find_problems(self, target: Target) -> Iterator[str]:
        """Its path, and who may do what with it."""
        yield from path_problems(self.name)
        yield from level_problems(self.type_name, self.permissions, target.name, target.principals)

    @property
    def dependencies(self) -> tuple[str, ...]:
        """The folder that it lies in, and declared groups."""
        folder = self.name.rpartition("/")[0]
        groups = select_groups(self.permissions)
        return (*([f"directory/{folder}"] if folder else []), *groups, *self.after)

    def physical_name(self, target: Target) -> str:
        """Return the workspace path."""
        return f"{estate_folder(target)}/{self.name}"

    def levels(self, target: Target) -> dict[str, str]:
        """Return the declared levels by principal."""
        return name_levels(target, self.permissions)

    def rebuild(self, state: State, rebuilding: Rebuilding) -> Resource:
        """Who may do what: roles, and groups of ours; permissions of others stay theirs."""
        return replace(self, permissions=rebuild_levels(rebuilding, state))

    def with_permissions(self, clients: Clients, identity: str, content: State) -> State:
        """Return what was read of the object, and what is granted on the object itself."""
        granted = read_granted(clients.workspace, self.permissions_type, identity)
        return {**content, **describe_levels(granted, self.levels(clients.target))}


@dataclass(frozen=True)
class WorkspaceObject(EstateObject):
    """A folder, a file or a Git folder."""

    fixed = {"object_type": "another type of object stands there; move it or delete it"}

    object_type: ClassVar[str]

    def desired(self, target: Target) -> State:
        """Its type, what is in it, who may do what."""
        return {"object_type": self.object_type, **self.desired_content(), "permissions": self.levels(target)}

    def read(self, clients: Clients) -> State | None:
        """Get the status, the content, and the permissions of the object itself."""
        path = self.physical_name(clients.target)
        found = unless_missing(lambda: clients.workspace.workspace.get_status(path))
        if found is None:
            return None
        object_type = str(found.object_type.value) if found.object_type else ""
        if object_type != self.object_type:
            return {"object_type": object_type}
        content = {"object_type": object_type, **self.read_content(clients, found)}
        return self.with_permissions(clients, str(found.object_id), content)

    def create(self, clients: Clients, desired: State) -> None:
        """Make it, then the permissions."""
        self.update(clients, desired, dict.fromkeys(desired))

    def update(self, clients: Clients, desired: State, before: State) -> None:
        """Put the content that differs; permissions are added."""
        path, api = self.physical_name(clients.target), clients.workspace.workspace
        if before.keys() - {"permissions"}:
            self.put(clients, path)
        if "permissions" in before and desired["permissions"]:
            identity = str(api.get_status(path).object_id)
            grant_levels(clients.workspace, self.permissions_type, identity, desired["permissions"])

    def delete(self, clients: Clients) -> None:
        """Delete; a folder in which others have put something stays, and says so."""
        unless_missing(lambda: clients.workspace.workspace.delete(self.physical_name(clients.target)))

    def audited_names(self, clients: Clients) -> tuple[str, ...]:
        """Its path, and its id, under which permissions are recorded."""
        path = self.physical_name(clients.target)
        found = unless_missing(lambda: clients.workspace.workspace.get_status(path))
        return (path,) if found is None else (path, str(found.object_id))

    @classmethod
    def find_owned(cls, listing: Listing) -> Iterable[Resource]:
        """List the estate's folder and those in it."""
        yield from map(cls, list_estate(listing, cls.object_type))

    @abstractmethod
    def desired_content(self) -> dict[str, Any]:
        """Return the fields of the state that say what is in it."""

    @abstractmethod
    def read_content(self, clients: Clients, found: ObjectInfo) -> dict[str, Any]:
        """Return the same fields of what is there."""

    @abstractmethod
    def put(self, clients: Clients, path: str) -> None:
        """Make it, or replace what is in it."""


def read_source(key: str, path: Path) -> bytes:
    """Return what is in the file of this repository that a declaration is about.

    Raises:
        InvalidDeclaration: there is no such file.
    """
    if not is_source(path):
        raise InvalidDeclaration(f"{key}: there is no file {'/'.join(path.parts[-3:])}: put one there")
    return path.read_bytes()


def require_source(folder: Path, name: str) -> None:
    """Refuse to rebuild what has its content in a file that this repository lacks.

    Raises:
        NotExpressible: naming the file.
    """
    if not (folder / name).is_file():
        raise NotExpressible(f"platform_assets/{folder.name}/{name} is not there: export what is in it to that file")


def list_estate(listing: Listing, object_type: str) -> Iterator[str]:
    """Yield the paths in the estate's folder of what is of a type there."""
    folder = estate_folder(listing.clients.target)
    for found in listing.once(folder, lambda: list(_walk(listing.clients, folder))):
        if found.object_type and found.object_type.value == object_type:
            yield (found.path or "").removeprefix(f"{folder}/")


def ensure_folder(clients: Clients, folder: str) -> None:
    """Make a folder of the workspace, and those above it, if there is none."""
    api = clients.workspace.workspace
    if unless_missing(lambda: api.get_status(folder)) is None:
        api.mkdirs(folder)


def _walk(clients: Clients, folder: str) -> Iterator[ObjectInfo]:
    """Yield what is in a folder and in those in it; nothing of one that does not exist."""
    for found in unless_missing(lambda: list(clients.workspace.workspace.list(folder))) or ():
        yield found
        if found.object_type and found.object_type.value == "DIRECTORY":
            yield from _walk(clients, found.path or "")
