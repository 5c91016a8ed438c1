"""Who holds which privilege: direct grants, inheritance from parents, ownership, MANAGE.

Owners hold everything on what they own; the owner of a parent manages its children but reads none of their data
until a grant says so, as in the service.
"""

from __future__ import annotations

from collections.abc import Iterable

from local_workspace.gateway.calls import Principal
from local_workspace.gateway.errors import ApiError, bad_request, not_found, permission_denied
from local_workspace.gateway.principals import principal_exists
from local_workspace.services.unity_catalog.isolation import BINDABLE, Isolation
from local_workspace.services.unity_catalog.privileges import DATA_PRIVILEGES, TYPES, expand, require_privilege
from local_workspace.services.unity_catalog.securables import METASTORE, Securables, grant_key

_USE = {"catalog": "USE_CATALOG", "schema": "USE_SCHEMA"}


class Grants:
    """Decides and changes grants over the stored securables."""

    def __init__(self, securables: Securables) -> None:
        self._securables = securables
        self._store = securables.store
        self._isolation = Isolation(securables)

    def direct(self, kind: str, full_name: str) -> dict[str, list[str]]:
        """Return principal -> privileges granted on the securable itself."""
        return self._store.get("grant", grant_key(kind, full_name)) or {}

    def chain(self, kind: str, full_name: str) -> list[tuple[str, str]]:
        """Return the securable and its parents, nearest first."""
        return [(kind, full_name), *reversed(self._securables.parents(kind, full_name))]

    def owns(self, caller: Principal, kind: str, full_name: str) -> bool:
        """Say whether the caller, or a group of theirs, owns the securable."""
        document = self._securables.find(kind, full_name)
        return document is not None and self._is(caller, document.get("owner", ""))

    def manages(self, caller: Principal, kind: str, full_name: str) -> bool:
        """Say whether the caller may change the securable and its grants: MANAGE, admin, owner of it or a parent.

        An owner needs USE on what the owned securable lies in; MANAGE does not.
        """
        if caller.is_admin or any(
            self.owns(caller, *link) and self._lacks_use(caller, self.chain(*link)[1:]) is None
            for link in reversed(self.chain(kind, full_name))
        ):
            return True
        return "MANAGE" in self.held(caller, kind, full_name)

    def held(self, caller: Principal, kind: str, full_name: str) -> frozenset[str]:
        """Return all privileges the caller has on the securable by grants, direct and inherited."""
        held: set[str] = set()
        for link_kind, link_name in self.chain(kind, full_name):
            if link_kind == METASTORE and kind != METASTORE:
                continue  # nothing is inherited from the metastore
            for principal, privileges in self.direct(link_kind, link_name).items():
                if self._is(caller, principal):
                    held |= expand(set(privileges))
        return frozenset(held)

    def has(self, caller: Principal, privilege: str, kind: str, full_name: str) -> bool:
        """Say whether the caller holds the privilege, parents' USE privileges left aside.

        Who owns what it lies in, or is an admin, has what opens no data; MANAGE alone gives nothing but managing.
        """
        if self.owns(caller, kind, full_name) or privilege in self.held(caller, kind, full_name):
            return True
        if privilege in DATA_PRIVILEGES:
            return False
        return caller.is_admin or any(self.owns(caller, *link) for link in self.chain(kind, full_name))

    def check(self, caller: Principal, privilege: str, kind: str, full_name: str) -> None:
        """Let the caller pass or not: USE CATALOG and USE SCHEMA on the parents, then the privilege itself.

        Raises:
            ApiError: 404 when it does not exist, 403 naming principal, privilege and securable, or the catalog that is
                not open to this workspace.
        """
        self._securables.load(kind, full_name)
        chain = self.chain(kind, full_name)
        self._isolation.require_open(chain, privilege)
        lacking = self._lacks_use(caller, chain)
        if lacking:
            raise denied(caller, *lacking)
        if not self.has(caller, privilege, kind, full_name):
            raise denied(caller, privilege, kind, full_name)

    def check_manage(self, caller: Principal, kind: str, full_name: str) -> None:
        """Raise 403 unless the caller may change the securable."""
        self._securables.load(kind, full_name)
        if not self.manages(caller, kind, full_name):
            raise denied(caller, "MANAGE", kind, full_name)
        self._isolation.require_open(self.chain(kind, full_name), "BROWSE" if kind in BINDABLE else "MANAGE")

    def sees(self, caller: Principal, kind: str, full_name: str) -> bool:
        """Say whether lists and gets show it: BROWSE, managing, USE of a container, a privilege on what one may USE.

        Nothing shows what is isolated from this workspace.
        """
        chain = self.chain(kind, full_name)
        if not self._isolation.is_open(chain):
            return False
        held = self.held(caller, kind, full_name)
        if "BROWSE" in held or self.manages(caller, kind, full_name):
            return True
        if kind in _USE:
            return self.has(caller, _USE[kind], kind, full_name)
        return bool(held & TYPES[kind].privileges) and self._lacks_use(caller, chain) is None

    def check_sees(self, caller: Principal, kind: str, full_name: str) -> None:
        """Raise 404 when it does not exist, 403 when the caller may not know more of it."""
        self._securables.load(kind, full_name)
        self._isolation.require_open(self.chain(kind, full_name), "BROWSE")
        if not self.sees(caller, kind, full_name):
            known = "BROWSE" if "BROWSE" in TYPES[kind].privileges else "MANAGE"
            raise denied(caller, _USE.get(kind, known), kind, full_name)

    def change(self, kind: str, full_name: str, changes: Iterable[dict[str, object]]) -> None:
        """Add and remove privileges per principal; all changes or none.

        Raises:
            ApiError: 404 for a principal that does not exist, 400 for a privilege the type does not take.
        """
        with self._store.transaction():
            grants = {principal: set(held) for principal, held in self.direct(kind, full_name).items()}
            for change in changes:
                principal = str(change.get("principal") or "")
                self._require_principal(principal)
                held = grants.setdefault(principal, set())
                added, removed = self._named(kind, change.get("add")), self._named(kind, change.get("remove"))
                if added & removed:
                    raise bad_request(f"Duplicate privileges to add and delete for principal {principal}.")
                if added and "ALL_PRIVILEGES" in removed:  # how clients say: these, and nothing else
                    held.clear()
                held -= removed
                held |= added
            kept = {principal: sorted(held) for principal, held in sorted(grants.items()) if held}
            self._store.put("grant", grant_key(kind, full_name), kept)

    def _named(self, kind: str, privileges: object) -> set[str]:
        if privileges is None:
            return set()
        if not isinstance(privileges, list):
            raise bad_request(f"Privileges must be a list, got {privileges!r}")
        return {require_privilege(TYPES[kind], str(name)) for name in privileges}

    def _require_principal(self, principal: str) -> None:
        if not principal_exists(self._store, principal):
            raise not_found(f"Could not find principal with name {principal}", "PRINCIPAL_DOES_NOT_EXIST")

    def _lacks_use(self, caller: Principal, links: list[tuple[str, str]]) -> tuple[str, str, str] | None:
        """Return the outermost USE privilege, with its securable, that is missing on containers given nearest first."""
        for kind, full_name in reversed(links):
            if kind in _USE and not self.has(caller, _USE[kind], kind, full_name):
                return _USE[kind], kind, full_name
        return None

    @staticmethod
    def _is(caller: Principal, name: str) -> bool:
        return name == caller.name or name in caller.groups


def denied(caller: Principal, privilege: str, kind: str, full_name: str) -> ApiError:
    """Build the 403 of a missing privilege, in Unity Catalog's words, and name the user, whom they leave out."""
    name = "" if kind == METASTORE else f" '{full_name}'"
    text = privilege.replace("_", " ")
    return permission_denied(f"User does not have {text} on {TYPES[kind].label}{name}. The user is '{caller.name}'.")
