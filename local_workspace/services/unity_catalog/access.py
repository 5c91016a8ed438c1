"""Access decisions of Unity Catalog for one workspace: the object the other services ask.

Combines grants (who may), paths (what a URL is), storage roles (whether AWS lets it) and vending (the keys).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from local_workspace.gateway.calls import Principal
from local_workspace.gateway.errors import not_found, permission_denied
from local_workspace.gateway.store import Document
from local_workspace.services.system_tables.tables import refresh
from local_workspace.services.unity_catalog.grants import Grants
from local_workspace.services.unity_catalog.paths import Paths, is_under, require_free
from local_workspace.services.unity_catalog.securables import METASTORE, Securables, require_changeable
from local_workspace.services.unity_catalog.storage_roles import Refusal, StorageRoles
from local_workspace.services.unity_catalog.storage_urls import normalize, normalize_object
from local_workspace.services.unity_catalog.vending import TemporaryCredential, Vending

if TYPE_CHECKING:
    from local_workspace.gateway.workspace import Workspace

_LOCATION_PRIVILEGE = {
    "PATH_READ": "READ_FILES",
    "PATH_READ_WRITE": "WRITE_FILES",
    "PATH_CREATE_TABLE": "CREATE_EXTERNAL_TABLE",
}


@dataclass(frozen=True)
class VolumeLocation:
    """Where a volume's files are."""

    full_name: str
    storage_location: str


class UnityCatalog:
    """Who may do what, and the keys that follow from it."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.securables = Securables(workspace.store)
        self.grants = Grants(self.securables)
        self.paths = Paths(self.securables)
        self.vending = Vending(workspace)

    @cached_property
    def roles(self) -> StorageRoles:
        """Evaluation of the roles behind storage credentials."""
        return StorageRoles(self.workspace)

    def check(self, caller: Principal, privilege: str, securable_type: str, full_name: str) -> None:
        """Let the caller pass or raise 403 naming principal, privilege and securable (404 when it is missing)."""
        self.grants.check(caller, privilege, securable_type.lower(), full_name)

    def catalogs(self, caller: Principal) -> list[str]:
        """Return the names of the catalogs that the caller may see."""
        names = [catalog["name"] for catalog in self.securables.list_all("catalog")]
        return [name for name in names if self.grants.sees(caller, "catalog", name)]

    def table(self, caller: Principal, full_name: str) -> Document:
        """Return a table the caller may see."""
        self.grants.check_sees(caller, "table", full_name)
        return self.securables.load("table", full_name)

    def volume_access(self, caller: Principal, full_name: str, write: bool) -> VolumeLocation:
        """Return where the volume is, if the caller may read or write it and its storage opens."""
        self.check(caller, "WRITE_VOLUME" if write else "READ_VOLUME", "volume", full_name)
        location = self.securables.load("volume", full_name)["storage_location"]
        self.require_open(location, write)
        return VolumeLocation(full_name, location)

    def volume_credential(self, caller: Principal, full_name: str, write: bool) -> TemporaryCredential:
        """Return keys for a volume's storage."""
        return self.vending.vend(self.volume_access(caller, full_name, write).storage_location, write)

    def table_credential(self, caller: Principal, table: Document, write: bool) -> TemporaryCredential:
        """Return keys for a table's storage: SELECT to read, MODIFY to write."""
        self.check(caller, "MODIFY" if write else "SELECT", "table", table["full_name"])
        if write:
            require_changeable(table["full_name"])
        refresh(self.workspace, table["full_name"])
        self.require_open(table["storage_location"], write)
        return self.vending.vend(table["storage_location"], write)

    def path_credential(self, caller: Principal, url: str, operation: str) -> TemporaryCredential:
        """Return keys for a path. `operation`: PATH_READ, PATH_READ_WRITE or PATH_CREATE_TABLE.

        Raises:
            ApiError: 400 when a new table there would overlap what is there, 403 when the path is somebody's table or
                volume, or the external location is not granted.
        """
        creates, write = operation == "PATH_CREATE_TABLE", operation != "PATH_READ"
        path = normalize(url) if creates else normalize_object(url)
        staged = self._staged(path)
        if staged is not None and staged["created_by"] == caller.name:
            self.require_open(staged["staging_location"], write)
            return self.vending.vend(staged["staging_location"], write)
        self._refuse_owned(path)
        location = self.paths.location_of(path)
        if location is None:
            raise permission_denied(f"User '{caller.name}' cannot access '{path}': no external location covers it.")
        self.check(caller, _LOCATION_PRIVILEGE[operation], "external_location", location["name"])
        if creates:
            require_free(self.paths, path)
        self.require_open(path, write)
        if creates:
            return self.vending.vend(path, write)
        scope = location["url"].rstrip("/")
        return self.vending.vend(scope, write, self.paths.closed_within(scope))

    def require_open(self, url: str, write: bool) -> None:
        """Raise 403 when AWS does not let the storage credential behind the URL in, saying which statement refuses."""
        location = self.paths.location_of(url)
        if location is None and is_under(url, str(self.securables.load(METASTORE, METASTORE)["storage_root"])):
            return  # the metastore's own root: the gateway is its owner
        if location is None:
            raise permission_denied(f"No external location covers '{url}' any more; create it again.")
        if write and location.get("read_only"):
            raise permission_denied(f"External Location '{location['name']}' is read only.")
        refusals = self.refusals(location["credential_name"], url, write)
        if refusals:
            raise permission_denied(
                f"Storage Credential '{location['credential_name']}' cannot open '{url}': {refusals[0].reason}."
            )

    def refusals(self, credential_name: str, url: str, write: bool) -> list[Refusal]:
        """Return what keeps a credential from a URL."""
        role = self.securables.load("storage_credential", credential_name)["aws_iam_role"]
        return self.roles.refusals(role["role_arn"], role["external_id"], url, write)

    def table_by_id(self, table_id: str) -> Document:
        """Return the table of an id; 404 when there is none."""
        index = self.workspace.store.get("table_id", table_id)
        found = index and self.securables.find("table", index["full_name"])
        if not found:
            raise not_found(f"Table with id '{table_id}' does not exist.", "TABLE_DOES_NOT_EXIST")
        return found

    def _staged(self, path: str) -> Document | None:
        if not self.paths.is_managed_storage(path):
            return None
        return next(
            (
                staged
                for _, staged in self.workspace.store.scan("staging_table")
                if f"{path}/".startswith(f"{staged['staging_location']}/")
            ),
            None,
        )

    def _refuse_owned(self, path: str) -> None:
        owner = self.paths.owner_of(path)
        if owner is not None and owner.kind == "volume":
            name = owner.full_name.replace(".", "/")
            raise permission_denied(f"'{path}' belongs to Volume '{owner.full_name}'; use /Volumes/{name}/...")
        if self.paths.is_managed_storage(path):
            what = f"belongs to Table '{owner.full_name}'" if owner else "lies in managed storage"
            raise permission_denied(f"'{path}' {what}; access it by its name.")
