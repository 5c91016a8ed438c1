"""Grants on one securable, all of them in one declaration.

https://docs.databricks.com/api/workspace/grants
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from lakehouse.grammar.texts import choice_problems
from lakehouse.names import physical_name
from lakehouse.targets import Target
from platform_assets.grammar.identity import role_problems
from platform_assets.grammar.unity_catalog import PRIVILEGES, kind_problems, normalize_privilege, privilege_problems
from platform_assets.resource_types.model import Clients, InvalidDeclaration, Resource, State
from platform_assets.resource_types.rebuilding import NotExpressible, Rebuilding
from platform_assets.resource_types.sdk_errors import unless_missing
from platform_assets.resource_types.value_diff import minus

_ACCOUNT_WIDE = ("external_location", "storage_credential")
_API_TYPES = {"view": "table", "registered_model": "function"}
_OTHERS = "others"  # no principal is called so: the field of grants to principals that are not declared


@dataclass(frozen=True)
class Grants(Resource):
    """Who may do what on a securable. `name` is its type and logical name: schema.flights.silver.

    `to` names roles of the target, or declared groups by their key. Privileges are written as in SQL or as in the API,
    in any case: "USE SCHEMA" is USE_SCHEMA. A declared principal gets what is declared, and loses what is not.
    `foreign` says what happens to grants to principals that are not declared: keep, report (shown and left) or revoke.
    A revoke is a line of the plan.
    """

    to: Mapping[str, tuple[str, ...]] = field(default_factory=dict, hash=False)
    foreign: Literal["keep", "report", "revoke"] = "report"

    type_name = "grants"
    references = {}
    group = "platform_grants"
    folds_case = True
    reported = {"foreign": "granted to principals that are not declared: shown, not revoked"}

    def find_problems(self, target: Target) -> Iterator[str]:
        """The kind of securable, its privileges, the roles, what becomes of others' grants."""
        kind = self.name.split(".")[0]
        if kind not in PRIVILEGES:
            yield from kind_problems(kind)
            return
        for privileges in self.to.values():
            yield from privilege_problems(kind, privileges)
        yield from role_problems("a role of target " + target.name, self.to, target.principals)
        yield from choice_problems("foreign", self.foreign, ("keep", "report", "revoke"))

    @property
    def securable_type(self) -> str:
        """The type of the securable as the API has it, to which a view is a table and a model a function."""
        kind = self.name.split(".")[0]
        return _API_TYPES.get(kind, kind)

    @property
    def dependencies(self) -> tuple[str, ...]:
        """The securable, and declared groups."""
        groups = select_groups(self.to)
        return (self.name.replace(".", "/"), *groups, *self.after)

    def physical_name(self, target: Target) -> str:
        """Return the securable's full name."""
        logical = self.name.partition(".")[2]
        if self.securable_type in _ACCOUNT_WIDE:
            return target.account_wide(logical).lower()
        return physical_name(target, logical)

    def desired(self, target: Target) -> State:
        """Privileges by principal."""
        others: dict[str, Any] = {_OTHERS: {}} if self.foreign == "revoke" else {}
        held = {name_principal(target, role): _normalize(privileges) for role, privileges in self.to.items()}
        return {**held, **others}

    def read(self, clients: Clients) -> State | None:
        """Get, page by page; without the securable there is nothing granted, and nothing can be."""
        held = unless_missing(lambda: self._read_all(clients))
        if held is None:
            return None
        declared = {name_principal(clients.target, role) for role in self.to}
        others = {name: privileges for name, privileges in held.items() if name not in declared}
        state: dict[str, Any] = {name: held.get(name, []) for name in declared}
        if self.foreign == "revoke":
            return {**state, _OTHERS: others}
        return {**state, "foreign": others} if others and self.foreign == "report" else state

    def audited_names(self, clients: Clients) -> tuple[str, ...]:
        """Type and full name of the securable."""
        return (f"{self.securable_type} {self.physical_name(clients.target)}",)

    def create(self, clients: Clients, desired: State) -> None:
        """Grant all."""
        self.update(clients, desired, dict.fromkeys(desired))

    def update(self, clients: Clients, desired: State, before: State) -> None:
        """One Update for all principals: add and revoke what the plan says, and no more."""
        from databricks.sdk.service.catalog import PermissionsChange, Privilege

        changes = [
            PermissionsChange(
                principal=principal,
                add=[Privilege(name) for name in add] or None,
                remove=[Privilege(name) for name in remove] or None,
            )
            for principal, add, remove in _list_changes(desired, before)
        ]
        clients.workspace.grants.update(self.securable_type, self.physical_name(clients.target), changes=changes)

    def delete(self, clients: Clients) -> None:
        """Revoke all that is declared."""
        desired = self.desired(clients.target)
        nothing: dict[str, Any] = {name: {} if name == _OTHERS else [] for name in desired}
        unless_missing(lambda: self.update(clients, nothing, desired))

    def rebuild(self, state: State, rebuilding: Rebuilding) -> Grants:
        """Who is a role of the target, or a group of ours; grants to others stay foreign."""
        held = state.get("foreign") or {}
        named = {rebuilding.name_role(name): tuple(privileges) for name, privileges in held.items()}
        to = {role: privileges for role, privileges in named.items() if role}
        if not to:
            others = ", ".join(sorted(held))
            raise NotExpressible(f"it is granted to no role of the target or group of ours, only to {others}")
        return replace(self, to=to)

    def explain_change(self, name: str, before: Any, after: Any) -> tuple[str, ...]:
        """Return a line per principal and direction."""
        lines = []
        for principal, add, remove in _list_changes({name: after}, {name: before}):
            lines += [f"grant {', '.join(add)} to {principal}"] if add else []
            lines += [f"revoke {', '.join(remove)} from {principal}"] if remove else []
        return tuple(lines)

    def _read_all(self, clients: Clients) -> dict[str, list[str]]:
        api, name, held = clients.workspace.grants, self.physical_name(clients.target), {}
        page: str | None = None
        while True:
            answer = api.get(self.securable_type, name, page_token=page)
            for one in answer.privilege_assignments or []:
                held[one.principal or ""] = sorted(_as_text(privilege) for privilege in one.privileges or [])
            page = answer.next_page_token
            if not page:
                return held


def select_groups(roles: Iterable[str]) -> list[str]:
    """Return those that are declared groups, by their keys; the others are roles of the target."""
    return [role for role in roles if role.startswith("group/")]


def name_principal(target: Target, role: str) -> str:
    """Return the principal of a role, or of a declared group's key.

    Raises:
        InvalidDeclaration: the target has no such role.
    """
    if role.startswith("group/"):
        return target.account_wide(role.partition("/")[2])
    if role not in target.principals:
        raise InvalidDeclaration("; ".join(role_problems(f"a role of target {target.name}", [role], target.principals)))
    return target.principals[role]


def _normalize(privileges: Iterable[str]) -> list[str]:
    return sorted({normalize_privilege(one) for one in privileges})


def _list_changes(desired: State, before: State) -> list[tuple[str, list[str], list[str]]]:
    """Return principal, what is added, what is removed; nobody for whom nothing changes."""
    pairs = [pair for name in before for pair in _split(name, desired[name], before[name])]
    changes = [(principal, minus(after, held), minus(held, after)) for principal, after, held in pairs]
    return [change for change in sorted(changes) if change[1] or change[2]]


def _split(name: str, after: Any, held: Any) -> list[tuple[str, Sequence[str], Sequence[str]]]:
    if name != _OTHERS:
        return [(name, after or (), held or ())]
    return [(principal, (), privileges) for principal, privileges in (held or {}).items()]


def _as_text(privilege: Any) -> str:
    return str(getattr(privilege, "value", privilege))
