"""Groups with their members. https://docs.databricks.com/api/workspace/groups"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from lakehouse.targets import Target
from platform_assets.grammar.identity import member_problems
from platform_assets.grammar.names import simple_name_problems
from platform_assets.resource_types.identities import (
    as_key,
    filter_ours,
    find_ids,
    make_patch,
    mark_identity,
    marked_name,
    name_member,
    read_names,
)
from platform_assets.resource_types.listing import Listing
from platform_assets.resource_types.model import Clients, Resource, State
from platform_assets.resource_types.ownership import choose_own, is_own, note_spelling, read_mark
from platform_assets.resource_types.rebuilding import Rebuilding
from platform_assets.resource_types.sdk_errors import unless_missing
from platform_assets.resource_types.value_diff import minus

if TYPE_CHECKING:
    from databricks.sdk.service.iam import Group as Found
    from databricks.sdk.service.iam import Patch

_DECLARED = ("group/", "service_principal/", "user/")


@dataclass(frozen=True)
class Group(Resource):
    """A group whose members are just those declared.

    A member is a role of the target, a user's e-mail address, the key of a declared group or service principal, or a
    declared user as user/ann@example.com.
    """

    members: tuple[str, ...] = ()

    type_name = "group"
    mark_field = "external_id"
    group = "platform_identity"
    references = {}
    fixed = {"identity_provider": "an identity provider keeps this group: change it there, or declare another name"}

    def find_problems(self, target: Target) -> Iterator[str]:
        """Its name and members."""
        yield from simple_name_problems(self.name, self.physical_name(target))
        yield from member_problems(self.members, target.principals)

    @property
    def dependencies(self) -> tuple[str, ...]:
        """Declared members."""
        return (*(as_key(member) for member in self.members if member.startswith(_DECLARED)), *self.after)

    def physical_name(self, target: Target) -> str:
        """Return the group's name, which is one in the whole account."""
        return target.account_wide(self.name)

    def desired(self, target: Target) -> State:
        """Members and mark."""
        members = sorted({name_member(target, member) for member in self.members})
        return {"members": members, "external_id": mark_identity(target, self.name), "identity_provider": None}

    def read(self, clients: Clients) -> State | None:
        """List by name; then names for its members' ids."""
        found = self.find_answer(clients)
        if found is None:
            return None
        spelled = note_spelling(found.display_name, self.physical_name(clients.target))
        return {**_as_state(found, clients.target, read_names(clients)), **spelled}

    def read_mark(self, state: State) -> Mapping[str, str]:
        """An external id that is no estate's is an identity provider's mark."""
        other = state["identity_provider"]
        return read_mark(state["external_id"] or other) or ({"identity_provider": other} if other else {})

    def container(self, target: Target) -> str:
        """The workspace."""
        return ""

    @classmethod
    def list_states(cls, clients: Clients, container: str) -> Iterator[tuple[str, State]]:
        """List; names for the members' ids are read once for all."""
        names = read_names(clients)
        for found in clients.identity.groups.list():
            yield str(found.display_name), _as_state(found, clients.target, names)

    def create(self, clients: Clients, desired: State) -> None:
        """Create with its members."""
        from databricks.sdk.service.iam import ComplexValue

        clients.identity.groups.create(
            display_name=self.physical_name(clients.target),
            external_id=desired["external_id"],
            members=[ComplexValue(value=identity) for identity in find_ids(clients, desired["members"])],
        )

    def update(self, clients: Clients, desired: State, before: State) -> None:
        """One patch: add and remove what the plan says, and no more."""
        from databricks.sdk.service.iam import PatchSchema

        found = self.find_answer(clients)
        operations = _list_operations(clients, desired, before)
        if found is not None and operations:
            schemas = [PatchSchema.URN_IETF_PARAMS_SCIM_API_MESSAGES_2_0_PATCH_OP]
            clients.identity.groups.patch(str(found.id), operations=operations, schemas=schemas)

    def delete(self, clients: Clients) -> None:
        """Delete, with what was granted to it, if it carries name and mark."""
        found = self.find_answer(clients)
        if found is not None and is_own(self, clients.target, found.display_name, found.external_id):
            unless_missing(lambda: clients.identity.groups.delete(str(found.id)))

    @classmethod
    def find_owned(cls, listing: Listing) -> Iterator[Group]:
        """List by the start of the external id."""
        target = listing.clients.target
        if listing.clients.may_manage_identities:
            for found in listing.clients.identity.groups.list(filter=filter_ours(target)):
                name = marked_name(target, found.external_id)
                if name is not None:
                    yield cls(name)

    def rebuild(self, state: State, rebuilding: Rebuilding) -> Group:
        """Members: roles, what is ours by its key, others by their names."""
        return replace(self, members=tuple(_declare(member, rebuilding) for member in state["members"]))

    def explain_change(self, name: str, before: Any, after: Any) -> tuple[str, ...]:
        """Return a line per member that comes or goes."""
        if name != "members":
            return super().explain_change(name, before, after)
        joined = [f"grant membership to {member}" for member in minus(after, before or ())]
        return (*joined, *(f"revoke membership from {member}" for member in minus(before or (), after)))

    def find_answer(self, clients: Clients) -> Found | None:
        """List by name, which ignores case: ours, or what stands in its way."""
        name = self.physical_name(clients.target)
        found = clients.identity.groups.list(filter=f'displayName eq "{name}"')
        return choose_own(found, name, clients.target, lambda one: one.display_name, lambda one: one.external_id)


def _declare(member: str, rebuilding: Rebuilding) -> str:
    is_ours = rebuilding.find("user", member) is not None
    return rebuilding.name_role(member) or (f"user/{member}" if is_ours else member)


def _list_operations(clients: Clients, desired: State, before: State) -> list[Patch]:
    operations = []
    if "external_id" in before:
        operations.append(make_patch("replace", "externalId", desired["external_id"]))
    if "members" in before:
        held, wanted = before["members"] or (), desired["members"]
        if joined := minus(wanted, held):
            ids = [{"value": identity} for identity in find_ids(clients, joined)]
            operations.append(make_patch("add", "members", ids))
        left = find_ids(clients, minus(held, wanted))
        operations += [make_patch("remove", f'members[value eq "{identity}"]', None) for identity in left]
    return operations


def _as_state(found: Found, target: Target, names: Mapping[str, str]) -> State:
    """A mark of somebody else is an identity provider's."""
    ours = marked_name(target, found.external_id) is not None
    ids = [str(member.value) for member in found.members or []]
    return {
        "members": sorted(names.get(identity, identity) for identity in ids),
        "external_id": found.external_id if ours else None,
        "identity_provider": None if ours else found.external_id,
    }
