"""Service principals. https://docs.databricks.com/api/workspace/serviceprincipals

Their names need not be unique, so they are known by their external id; who comes second in a race leaves.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lakehouse.targets import Target
from platform_assets.grammar.names import simple_name_problems
from platform_assets.resource_types.identities import make_patch, mark_identity, marked_name
from platform_assets.resource_types.listing import Listing
from platform_assets.resource_types.model import Clients, Resource, State
from platform_assets.resource_types.ownership import choose_own, note_spelling
from platform_assets.resource_types.rebuilding import Rebuilding
from platform_assets.resource_types.sdk_errors import unless_missing

if TYPE_CHECKING:
    from databricks.sdk.service.iam import ServicePrincipal as Found


@dataclass(frozen=True)
class ServicePrincipal(Resource):
    """A service principal that the workspace makes; a group's members name it by its key."""

    type_name = "service_principal"
    mark_field = "external_id"
    group = "platform_identity"
    references = {}

    def find_problems(self, target: Target) -> Iterator[str]:
        """Its name."""
        yield from simple_name_problems(self.name, self.physical_name(target))

    def physical_name(self, target: Target) -> str:
        """Return the display name."""
        return target.account_wide(self.name)

    def desired(self, target: Target) -> State:
        """Name, mark, and that it is there once."""
        mark = mark_identity(target, self.name)
        return {"display_name": self.physical_name(target), "external_id": mark, "duplicates": []}

    def read(self, clients: Clients) -> State | None:
        """List by external id; where there is none of ours, by name: somebody else's would be taken for it."""
        if found := self._find(clients):
            return _as_state(found)
        other = self.find_answer(clients)
        spelled = note_spelling(other.display_name, self.physical_name(clients.target)) if other else {}
        return {**_as_state([other]), **spelled} if other else None

    def find_answer(self, clients: Clients) -> Found | None:
        """List by name."""
        name, api = self.physical_name(clients.target), clients.identity.service_principals
        found = api.list(filter=f'displayName eq "{name}"')
        return choose_own(found, name, clients.target, lambda one: one.display_name, lambda one: one.external_id)

    def container(self, target: Target) -> str:
        """The workspace."""
        return ""

    @classmethod
    def list_states(cls, clients: Clients, container: str) -> Iterator[tuple[str, State]]:
        """List: those with our mark by its name, others by theirs where none of ours is called so."""
        by_name: defaultdict[str, list[Found]] = defaultdict(list)
        others: dict[str, Found] = {}
        for found in clients.identity.service_principals.list():
            name = marked_name(clients.target, found.external_id)
            if name is None:
                others.setdefault(str(found.display_name), found)
            else:
                by_name[clients.target.account_wide(name)].append(found)
        for name, same in by_name.items():
            yield name, _as_state(_sort(same))
        yield from ((name, _as_state([one])) for name, one in others.items() if name not in by_name)

    def create(self, clients: Clients, desired: State) -> None:
        """Create; the SDK tries a lost answer again, and two may create at once: all but the oldest go."""
        name, mark = desired["display_name"], desired["external_id"]
        clients.identity.service_principals.create(display_name=name, external_id=mark)
        self._delete_all_but(clients, 1)

    def update(self, clients: Clients, desired: State, before: State) -> None:
        """Patch name and mark; delete duplicates."""
        from databricks.sdk.service.iam import PatchSchema

        if "duplicates" in before:
            self._delete_all_but(clients, 1)
        paths = {"display_name": "displayName", "external_id": "externalId"}
        operations = [make_patch("replace", paths[name], desired[name]) for name in before if name in paths]
        found = next(iter(self._find(clients)), None) or self.find_answer(clients)
        if found is not None and operations:
            schemas = [PatchSchema.URN_IETF_PARAMS_SCIM_API_MESSAGES_2_0_PATCH_OP]
            clients.identity.service_principals.patch(str(found.id), operations=operations, schemas=schemas)

    def delete(self, clients: Clients) -> None:
        """Delete, with its tokens and memberships."""
        self._delete_all_but(clients, 0)

    @classmethod
    def find_owned(cls, listing: Listing) -> Iterator[ServicePrincipal]:
        """Those with our mark."""
        target = listing.clients.target
        prefix = target.account_wide("")
        if listing.clients.may_manage_identities:
            for name, state in listing.states(cls, "").items():
                if marked_name(target, state["external_id"]) is not None:
                    yield cls(name.removeprefix(prefix))

    def rebuild(self, state: State, rebuilding: Rebuilding) -> ServicePrincipal:
        """Its name is all there is."""
        return self

    def application_id(self, clients: Clients) -> str:
        """List by external id; return the name that grants go to, none while it is not there."""
        return next((str(one.application_id) for one in self._find(clients)), "")

    def _find(self, clients: Clients) -> list[Found]:
        mark = mark_identity(clients.target, self.name)
        return _sort(list(clients.identity.service_principals.list(filter=f'externalId eq "{mark}"')))

    def _delete_all_but(self, clients: Clients, kept: int) -> None:
        api = clients.identity.service_principals
        for found in self._find(clients)[kept:]:
            identity = str(found.id)
            unless_missing(lambda identity=identity: api.delete(identity))  # type: ignore[misc]


def _sort(found: Sequence[Found]) -> list[Found]:
    return sorted(found, key=lambda one: int(one.id or 0))


def _as_state(found: Sequence[Found]) -> State:
    first, *others = found
    return {
        "display_name": first.display_name,
        "external_id": first.external_id,
        "duplicates": [str(one.application_id) for one in others],
    }
