"""Users of the workspace. https://docs.databricks.com/api/workspace/users

Only workspace admins make and change them, so they go through the admin's profile. The mark is in the external id.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from lakehouse.grammar.texts import length_problems
from lakehouse.targets import Target
from platform_assets.resource_types.identities import as_key, filter_ours, make_patch, mark_identity, marked_name
from platform_assets.resource_types.listing import Listing
from platform_assets.resource_types.lockout import require_dispensable, why_kept
from platform_assets.resource_types.model import Clients, Resource, State, refuse
from platform_assets.resource_types.ownership import read_mark
from platform_assets.resource_types.rebuilding import Rebuilding
from platform_assets.resource_types.sdk_errors import unless_missing
from platform_assets.resource_types.value_diff import minus

if TYPE_CHECKING:
    from databricks.sdk.service.iam import ComplexValue, Patch
    from databricks.sdk.service.iam import User as Found

# https://docs.databricks.com/aws/en/security/auth/entitlements
ENTITLEMENTS = ("allow-cluster-create", "databricks-sql-access", "workspace-access", "workspace-consume")
_EMAIL = re.compile(r"[a-z0-9._+-]+@[a-z0-9.-]+")
_ATTRIBUTES = "id,userName,displayName,active,entitlements,externalId"


@dataclass(frozen=True)
class User(Resource):
    """A user, whose name is its e-mail address; a group's members name it as user/ann@example.com.

    `display_name`: what it is called is left alone if none is declared. `entitlements` are its own, beside those of
    its groups. One that is not `active` keeps what it has, and cannot use it.
    """

    display_name: str = ""
    entitlements: tuple[str, ...] = ()
    active: bool = True

    type_name = "user"
    mark_field = "external_id"
    group = "platform_identity"
    holds_data = True  # what lies in its folder goes with it
    references = {}
    fixed = {
        "identity_provider": "an identity provider, or another estate, keeps this user: change it there",
        "kept": "without it nobody could apply the estate",
    }

    def __post_init__(self) -> None:
        if not _EMAIL.fullmatch(self.name):
            raise refuse(self.key, "a user's name is its e-mail address in lower case")
        if unknown := [one for one in self.entitlements if one not in ENTITLEMENTS]:
            raise refuse(self.key, f"a user's entitlements are among {', '.join(ENTITLEMENTS)}, not {unknown[0]!r}")

    def find_problems(self, target: Target) -> Iterator[str]:
        """How it is called, and how long its name is."""
        yield from length_problems("its name", self.name, 255)
        yield from length_problems("its display_name", self.display_name, 255, 0)
        if self.display_name != self.display_name.strip() or not self.display_name.isprintable():
            yield "its display_name is a printable text without blanks at its ends"

    @property
    def key(self) -> str:
        """The asset key as text, such as user/ann_at_example.com."""
        return as_key(f"{self.type_name}/{self.name}")

    def physical_name(self, target: Target) -> str:
        """Return the user name."""
        return self.name

    def desired(self, target: Target) -> State:
        """What is declared, the mark, and of one that is deactivated that nobody needs it."""
        return {
            **({"display_name": self.display_name} if self.display_name else {}),
            "entitlements": sorted({*self.entitlements}),
            "active": self.active,
            "external_id": mark_identity(target, self.name),
            "identity_provider": None,
            **({} if self.active else {"kept": None}),
        }

    def read(self, clients: Clients) -> State | None:
        """List by name; of one that is to be deactivated also who must not be."""
        found = self._find(clients, f'userName eq "{self.name}"')
        if found is None:
            return None
        kept = None if self.active else why_kept(clients, self.name)
        return {**_as_state(found, clients.target), **({"kept": kept} if kept else {})}

    def read_mark(self, state: State) -> Mapping[str, str]:
        """An external id that is no estate's is an identity provider's mark."""
        other = state["identity_provider"]
        return read_mark(state["external_id"] or other) or ({"identity_provider": other} if other else {})

    def find_answer(self, clients: Clients) -> Found | None:
        """List by name."""
        return self._find(clients, f'userName eq "{self.name}"')

    def container(self, target: Target) -> str | None:
        """The workspace."""
        return "" if self.active else None

    @classmethod
    def list_states(cls, clients: Clients, container: str) -> Iterator[tuple[str, State]]:
        """List."""
        for found in clients.identity.users.list(attributes=_ATTRIBUTES):
            yield str(found.user_name).lower(), _as_state(found, clients.target)

    def create(self, clients: Clients, desired: State) -> None:
        """Create."""
        clients.identity.users.create(
            user_name=self.name,
            display_name=desired.get("display_name"),
            active=desired["active"],
            entitlements=_as_values(desired["entitlements"]),
            external_id=desired["external_id"],
        )

    def update(self, clients: Clients, desired: State, before: State) -> None:
        """One patch: what differs, and no more.

        Raises:
            WouldLockOut: it would deactivate whom the estate is applied by.
        """
        from databricks.sdk.service.iam import PatchSchema

        if "active" in before and not desired["active"]:
            require_dispensable(clients, self.name)
        found = self._find(clients, f'userName eq "{self.name}"')
        operations = _list_operations(desired, before)
        if found is not None and operations:
            schemas = [PatchSchema.URN_IETF_PARAMS_SCIM_API_MESSAGES_2_0_PATCH_OP]
            clients.identity.users.patch(str(found.id), operations=operations, schemas=schemas)

    def delete(self, clients: Clients) -> None:
        """Delete, with what lies in its folder, if it still carries the mark.

        Raises:
            WouldLockOut: the estate is applied by it.
        """
        found = self._find(clients, f'externalId eq "{mark_identity(clients.target, self.name)}"')
        if found is not None:
            require_dispensable(clients, self.name)
            unless_missing(lambda: clients.identity.users.delete(str(found.id)))

    @classmethod
    def find_owned(cls, listing: Listing) -> Iterator[User]:
        """List by the start of the external id."""
        clients = listing.clients
        if clients.may_manage_identities:
            for found in clients.identity.users.list(filter=filter_ours(clients.target), attributes=_ATTRIBUTES):
                if marked_name(clients.target, found.external_id) is not None:
                    yield cls(str(found.user_name).lower())

    def rebuild(self, state: State, rebuilding: Rebuilding) -> User:
        """All of it."""
        held = {"display_name": state["display_name"], "entitlements": tuple(state["entitlements"])}
        return replace(self, **held, active=state["active"])

    def explain_change(self, name: str, before: Any, after: Any) -> tuple[str, ...]:
        """Return a line per entitlement that comes or goes."""
        if name != "entitlements":
            return super().explain_change(name, before, after)
        given = [f"grant entitlement {one}" for one in minus(after, before or ())]
        return (*given, *(f"revoke entitlement {one}" for one in minus(before or (), after)))

    def refuse_change(self, name: str, before: Any, after: Any) -> tuple[str, ...]:
        """Say who must not be deactivated."""
        return (f"{before}: {self.fixed[name]}",) if name == "kept" else super().refuse_change(name, before, after)

    def _find(self, clients: Clients, condition: str) -> Found | None:
        return next(iter(clients.identity.users.list(filter=condition, attributes=_ATTRIBUTES)), None)


def _list_operations(desired: State, before: State) -> list[Patch]:
    paths = {"display_name": "displayName", "active": "active", "external_id": "externalId"}
    # the SDK leaves a value of False out
    values = {**desired, "active": str(desired["active"]).lower()}
    operations = [make_patch("replace", paths[name], values[name]) for name in before if name in paths]
    if "entitlements" in before:
        held, wanted = before["entitlements"] or (), desired["entitlements"]
        changes = {"add": minus(wanted, held), "remove": minus(held, wanted)}
        for verb, named in changes.items():
            operations += [make_patch(verb, "entitlements", [{"value": one} for one in named])] if named else []
    return operations


def _as_values(entitlements: list[str]) -> list[ComplexValue]:
    from databricks.sdk.service.iam import ComplexValue

    return [ComplexValue(value=one) for one in entitlements]


def _as_state(found: Found, target: Target) -> State:
    """A mark of somebody else is an identity provider's, or another estate's."""
    ours = marked_name(target, found.external_id) is not None
    return {
        "display_name": found.display_name or "",
        "entitlements": sorted(str(one.value) for one in found.entitlements or []),
        "active": bool(found.active),
        "external_id": found.external_id if ours else None,
        "identity_provider": None if ours else found.external_id,
    }
