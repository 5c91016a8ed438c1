"""Secret scopes as stored documents: access lists, and secrets by key. Values go through the vault."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from local_workspace.gateway import principals
from local_workspace.gateway.calls import Principal
from local_workspace.gateway.errors import ApiError, already_exists, bad_request, not_found, permission_denied
from local_workspace.gateway.moments import now_ms
from local_workspace.gateway.store import AlreadyStored, Document
from local_workspace.services.secrets.vault import Vault

if TYPE_CHECKING:
    from local_workspace.gateway.workspace import Workspace

SCOPE = "secret_scope"
SECRET = "secret"
# Each permission includes those before it.
PERMISSIONS = ("READ", "WRITE", "MANAGE")
MOST_SCOPES = 1000
MOST_SECRETS = 1000
LARGEST_VALUE_BYTES = 128 * 1024
_NAME = re.compile(r"[\w.@-]{1,128}", re.ASCII)


class Scopes:
    """The scopes as `caller` may see and change them. Every method raises ApiError 403 where it may not."""

    def __init__(self, workspace: Workspace, caller: Principal) -> None:
        self._store = workspace.store
        self._vault = Vault(workspace.home)
        self._caller = caller

    def list_scopes(self) -> list[Document]:
        """Return all scopes of the workspace, by name; what is in them is another matter."""
        self._require_member()
        return [document for _, document in self._store.scan(SCOPE)]

    def create(self, name: str, manager: str) -> None:
        """Create an empty scope that `manager` may manage."""
        self._require_member()
        _check_name("Scope name", name)
        with self._store.transaction():
            if len(self._store.scan(SCOPE)) >= MOST_SCOPES:
                raise limit_exceeded(f"The workspace holds {MOST_SCOPES} secret scopes; no more can be created.")
            try:
                self._store.insert(SCOPE, name, {"name": name, "acl": {manager: "MANAGE"}})
            except AlreadyStored:
                raise already_exists(f"Scope {name} already exists!") from None

    def delete(self, name: str) -> None:
        """Delete a scope and its secrets."""
        with self._store.transaction():
            self._admit(name, "MANAGE")
            self._store.delete(SCOPE, name)
            for key, _ in self._store.scan(SECRET, f"{name}/"):
                self._store.delete(SECRET, key)

    def list_secrets(self, scope: str) -> list[tuple[str, int]]:
        """Return key and time of the last update, in Unix ms, of a scope's secrets."""
        self._admit(scope, "READ")
        found = self._store.scan(SECRET, f"{scope}/")
        return [(key.partition("/")[2], document["updated_at"]) for key, document in found]

    def get_secret(self, scope: str, key: str) -> bytes:
        """Return a secret's value."""
        self._admit(scope, "READ")
        document = self._store.get(SECRET, f"{scope}/{key}")
        if document is None:
            raise _no_secret(scope, key)
        return self._vault.decrypt(document["value"])

    def put_secret(self, scope: str, key: str, value: bytes) -> None:
        """Create or overwrite a secret."""
        self._admit(scope, "WRITE")
        _check_name("Secret key", key)
        if len(value) > LARGEST_VALUE_BYTES:
            raise bad_request(f"The value of secret {key} is larger than {LARGEST_VALUE_BYTES // 1024} KB")
        document = {"value": self._vault.encrypt(value), "updated_at": now_ms()}
        with self._store.transaction():
            self._admit(scope, "WRITE")
            others = [name for name, _ in self._store.scan(SECRET, f"{scope}/") if name != f"{scope}/{key}"]
            if len(others) >= MOST_SECRETS:
                raise limit_exceeded(f"Scope {scope} holds {MOST_SECRETS} secrets; no more can be put into it.")
            self._store.put(SECRET, f"{scope}/{key}", document)

    def delete_secret(self, scope: str, key: str) -> None:
        """Delete a secret."""
        self._admit(scope, "WRITE")
        if not self._store.delete(SECRET, f"{scope}/{key}"):
            raise _no_secret(scope, key)

    def read_acl(self, scope: str) -> dict[str, str]:
        """Return the permission of each principal that the access list names."""
        acl: dict[str, str] = self._admit(scope, "MANAGE")["acl"]
        return acl

    def put_acl(self, scope: str, principal: str, permission: str) -> None:
        """Give a principal a permission in place of the one it has."""
        if permission not in PERMISSIONS:
            raise bad_request(f"Invalid permission {permission!r}; valid are {', '.join(PERMISSIONS)}")
        with self._store.transaction():
            document = self._admit(scope, "MANAGE")
            if not principals.principal_exists(self._store, principal):
                raise bad_request(f"User or Group {principal} does not exist.")
            self._store.put(SCOPE, scope, {**document, "acl": {**document["acl"], principal: permission}})

    def delete_acl(self, scope: str, principal: str) -> None:
        """Take a principal's permission away."""
        with self._store.transaction():
            document = self._admit(scope, "MANAGE")
            if principal not in document["acl"]:
                raise no_acl(scope, principal)
            kept = {name: permission for name, permission in document["acl"].items() if name != principal}
            self._store.put(SCOPE, scope, {**document, "acl": kept})

    def _admit(self, name: str, permission: str) -> Document:
        document = self._store.get(SCOPE, name)
        if document is None:
            raise not_found(f"Scope {name} does not exist!")
        if not self._has(document, permission):
            raise permission_denied(
                f"User {self._caller.name} does not have {permission} permission on scope {name} "
                "to perform this action."
            )
        return document

    def _has(self, document: Document, permission: str) -> bool:
        if self._caller.is_admin:
            return True
        names = self._caller.groups | {self._caller.name}
        held = [PERMISSIONS.index(one) for principal, one in document["acl"].items() if principal in names]
        return max(held, default=-1) >= PERMISSIONS.index(permission)

    def _require_member(self) -> None:
        if not self._caller.is_admin and principals.WORKSPACE_MEMBERS not in self._caller.groups:
            raise permission_denied(f"User {self._caller.name} does not have permission to use secret scopes.")


def no_acl(scope: str, principal: str) -> ApiError:
    """Build the error for a principal that the access list does not name."""
    return not_found(f"Failed to get secret acl for principal {principal} for scope {scope}.")


def limit_exceeded(message: str) -> ApiError:
    """Build the error for a full scope or workspace."""
    return bad_request(message, "RESOURCE_LIMIT_EXCEEDED")


def _no_secret(scope: str, key: str) -> ApiError:
    return not_found(f"Secret does not exist with scope: {scope} and key: {key}")


def _check_name(what: str, name: str) -> None:
    if not _NAME.fullmatch(name):
        raise bad_request(
            f"{what} {name!r} must be 1 to 128 alphanumeric characters, dashes, underscores, periods or @"
        )
