"""Grants on one securable, all of them in one declaration.

https://docs.databricks.com/api/workspace/grants
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lakehouse.names import physical_name
from lakehouse.targets import Target
from platform_assets.resource_types.model import Clients, Resource, State, unless_missing

_ACCOUNT_WIDE = ("external_location", "storage_credential")


@dataclass(frozen=True)
class Grants(Resource):
    """Who may do what on a securable. `name` is its type and logical name: schema.flights.silver.

    What others were granted by somebody else is shown as `foreign` and left; more than is declared here for a
    declared principal is revoked.
    """

    to: Mapping[str, tuple[str, ...]] = field(default_factory=dict, hash=False)

    type_name = "grants"
    group = "platform_grants"
    reported = {"foreign": "granted by somebody else: shown, not revoked"}

    @property
    def securable_type(self) -> str:
        """The type of the securable."""
        return self.name.split(".")[0]

    @property
    def dependencies(self) -> tuple[str, ...]:
        """The securable."""
        return (self.name.replace(".", "/"), *self.after)

    def physical_name(self, target: Target) -> str:
        """Return the securable's full name."""
        logical = self.name.partition(".")[2]
        if self.securable_type in _ACCOUNT_WIDE:
            return target.account_wide(logical)
        return physical_name(target, logical)

    def desired(self, target: Target) -> State:
        """Privileges by principal."""
        return {target.principals[role]: sorted(privileges) for role, privileges in self.to.items()}

    def read(self, clients: Clients) -> State | None:
        """Get; without the securable there is nothing granted, and nothing can be."""
        target = clients.target
        answer = unless_missing(lambda: clients.workspace.grants.get(self.securable_type, self.physical_name(target)))
        if answer is None:
            return None
        held = {
            one.principal or "": sorted(_as_text(privilege) for privilege in one.privileges or [])
            for one in answer.privilege_assignments or []
        }
        declared = {target.principals[role] for role in self.to}
        foreign = {name: privileges for name, privileges in held.items() if name not in declared}
        state: dict[str, Any] = {name: held.get(name, []) for name in declared}
        return {**state, **({"foreign": foreign} if foreign else {})}

    def create(self, clients: Clients, desired: State) -> None:
        """Grant all."""
        self.update(clients, desired, frozenset(desired))

    def update(self, clients: Clients, desired: State, changed: frozenset[str]) -> None:
        """One Update for all principals: add what lacks, revoke what is too much."""
        from databricks.sdk.service.catalog import PermissionsChange, Privilege

        held = self.read(clients) or {}
        changes = [
            PermissionsChange(
                add=[Privilege(name) for name in desired[principal] if name not in held.get(principal, [])] or None,
                remove=[Privilege(name) for name in held.get(principal, []) if name not in desired[principal]] or None,
                principal=principal,
            )
            for principal in sorted(changed)
        ]
        clients.workspace.grants.update(self.securable_type, self.physical_name(clients.target), changes=changes)

    def delete(self, clients: Clients) -> None:
        """Revoke all that is declared."""
        self.update(
            clients, {clients.target.principals[role]: [] for role in self.to}, frozenset(self.desired(clients.target))
        )


def _as_text(privilege: Any) -> str:
    return str(getattr(privilege, "value", privilege))
