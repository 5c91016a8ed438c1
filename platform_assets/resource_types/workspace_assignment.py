"""Who of the account's principals may enter the workspace. https://docs.databricks.com/api/account/workspaceassignment

Through the workspace's own host, as a workspace admin: that page's calls go to the account's host and take an account
admin, and the project has clients of workspaces only.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from lakehouse.targets import Target
from platform_assets.grammar.names import simple_name_problems
from platform_assets.resource_types.lockout import require_dispensable, why_kept
from platform_assets.resource_types.model import Clients, Resource, State, refuse
from platform_assets.resource_types.sdk_errors import unless_missing
from platform_assets.resource_types.service_principal import ServicePrincipal
from platform_assets.resource_types.user import User

_API = "/api/2.0/preview/permissionassignments"
_FIELDS = {"user": "user_name", "service_principal": "service_principal_name", "group": "group_name"}
LEVELS = ("USER", "ADMIN", "NONE")


class AssignmentRefused(Exception):
    """The workspace did not assign a principal; the message is the service's own."""


class AccountPrincipal(NamedTuple):
    """A principal of the account that this estate does not declare.

    `name` is a role of the target, or what grants call it: the e-mail address of a user, the application id of a
    service principal, the name of a group.
    """

    kind: Literal["user", "service_principal", "group"]
    name: str


@dataclass(frozen=True)
class WorkspaceAssignment(Resource):
    """Whether one of the account's principals may enter the workspace, as USER or as ADMIN.

    The level NONE takes the way in away. There is no mark: leaving a declaration out leaves the way in as it is. What
    a declared user or service principal has by being made is USER. Groups that are declared are the workspace's own.
    """

    principal: User | ServicePrincipal | AccountPrincipal
    level: str = "USER"

    type_name = "workspace_assignment"
    group = "platform_identity"
    fixed = {"kept": "without it nobody could apply the estate"}

    def __post_init__(self) -> None:
        if self.level not in LEVELS:
            raise refuse(self.key, f"level is one of {', '.join(LEVELS)}, not {self.level!r}")
        if isinstance(self.principal, AccountPrincipal) and self.principal.kind not in _FIELDS:
            raise refuse(self.key, f"kind is one of {', '.join(_FIELDS)}, not {self.principal.kind!r}")

    def find_problems(self, target: Target) -> Iterator[str]:
        """Its name, which is its key's alone."""
        yield from simple_name_problems(self.name, self.name)

    @property
    def identity(self) -> str:
        """The principal: no two declarations may be about the same."""
        one = self.principal
        named = f"{one.kind}/{one.name}" if isinstance(one, AccountPrincipal) else f"{one.type_name}/{one.name}"
        return f"{self.type_name} {named}"

    @property
    def dependencies(self) -> tuple[str, ...]:
        """The principal, if it is declared."""
        return (*([self.principal.key] if isinstance(self.principal, Resource) else []), *self.after)

    def physical_name(self, target: Target) -> str:
        """Return what the principal is called."""
        if isinstance(self.principal, Resource):
            return self.principal.physical_name(target)
        return target.principals.get(self.principal.name, self.principal.name)

    def desired(self, target: Target) -> State:
        """The level, and of one that takes something away that nobody needs it."""
        return {"level": self.level, **({} if self.level == "ADMIN" else {"kept": None})}

    def read(self, clients: Clients) -> State | None:
        """List; where something is to be taken away also who must keep it."""
        name = self._name(clients)
        level = _level(_find(clients, self._field, name))
        if level == "NONE" and self.level != "NONE":
            return None
        kept = why_kept(clients, name, self.level == "USER") if _takes_away(level, self.level) else None
        return {"level": level, **({"kept": kept} if kept else {})}

    def create(self, clients: Clients, desired: State) -> None:
        """Assign by name as USER, for no more is sure to be taken so; then raise to ADMIN.

        Raises:
            AssignmentRefused: the account has no such principal, or the workspace cannot take it.
        """
        given = {self._field: self._name(clients), "permissions": ["USER"]}
        answer = _do(clients, "POST", "", {"permission_assignments": [given]})
        (made,) = answer["permission_assignments"]
        _require_done(made)
        if desired["level"] == "ADMIN":
            self._put(clients, made, "ADMIN")

    def update(self, clients: Clients, desired: State, before: State) -> None:
        """Put the level, or Delete.

        Raises:
            WouldLockOut: it would lock out whom the estate is applied by.
        """
        name = self._name(clients)
        found = _find(clients, self._field, name)
        if found is None:
            if desired["level"] != "NONE":
                self.create(clients, desired)
            return
        if _takes_away(_level(found), desired["level"]):
            require_dispensable(clients, name, desired["level"] == "USER")
        if desired["level"] == "NONE":
            unless_missing(lambda: _do(clients, "DELETE", f"/principals/{found['principal']['principal_id']}"))
        else:
            self._put(clients, found, desired["level"])

    def delete(self, clients: Clients) -> None:
        """Take the way in away.

        Raises:
            WouldLockOut: it would lock out whom the estate is applied by.
        """
        self.update(clients, {"level": "NONE"}, {})

    def refuse_change(self, name: str, before: Any, after: Any) -> tuple[str, ...]:
        """Say whom it would lock out."""
        return (f"{before}: {self.fixed[name]}",) if name == "kept" else ()

    @property
    def _field(self) -> str:
        one = self.principal
        return _FIELDS[one.kind if isinstance(one, AccountPrincipal) else one.type_name]

    def _name(self, clients: Clients) -> str:
        """Return how the service names the principal."""
        if isinstance(self.principal, ServicePrincipal):
            return self.principal.application_id(clients)
        return self.physical_name(clients.target)

    def _put(self, clients: Clients, found: dict[str, Any], level: str) -> None:
        path = f"/principals/{found['principal']['principal_id']}"
        _require_done(_do(clients, "PUT", path, {"permissions": [level]}))


def _takes_away(there: str, wanted: str) -> bool:
    return (wanted == "NONE" and there != "NONE") or (wanted == "USER" and there == "ADMIN")


def _find(clients: Clients, field: str, name: str) -> dict[str, Any] | None:
    found = _do(clients, "GET", "").get("permission_assignments") or []
    named = {str(one["principal"][field]).lower(): one for one in found if field in one["principal"]}
    return named.get(name.lower())


def _level(found: dict[str, Any] | None) -> str:
    held = (found or {}).get("permissions") or []
    return next((level for level in ("ADMIN", "USER") if level in held), "NONE")


def _require_done(answer: dict[str, Any]) -> None:
    if error := answer.get("error"):
        raise AssignmentRefused(error)


def _do(clients: Clients, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    # the SDK has classes only for the account's host
    answer: Any = clients.identity.api_client.do(method, f"{_API}{path}", body=body)
    return dict(answer or {})
