"""Cluster policies and who may use them. https://docs.databricks.com/api/workspace/clusterpolicies

Only workspace admins make and change them, so they go through the admin's profile.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from lakehouse.grammar.texts import control_problems, range_problems
from lakehouse.object_permissions import read_granted
from lakehouse.targets import Target
from platform_assets.grammar.clusters import definition_problems
from platform_assets.grammar.identity import role_problems
from platform_assets.grammar.names import simple_name_problems
from platform_assets.resource_types.grants import name_principal, select_groups
from platform_assets.resource_types.listing import Listing
from platform_assets.resource_types.model import Clients, Resource, State
from platform_assets.resource_types.object_levels import OTHERS_REPORTED, describe_levels, permit, rebuild_levels
from platform_assets.resource_types.ownership import (
    choose_own,
    is_own,
    is_own_comment,
    mark_comment,
    may_take,
    note_spelling,
    unmark_comment,
)
from platform_assets.resource_types.rebuilding import Rebuilding
from platform_assets.resource_types.sdk_errors import unless_missing

if TYPE_CHECKING:
    from databricks.sdk.service.compute import Policy

_KIND = "cluster-policies"
_LEVEL = "CAN_USE"


@dataclass(frozen=True)
class ClusterPolicy(Resource):
    """A cluster policy: a limitation per attribute, such as {"node_type_id": {"type": "fixed", "value": "m5d.large"}}.

    `users` are roles of the target, or declared groups by their key.
    """

    definition: Mapping[str, Mapping[str, Any]] = field(default_factory=dict, hash=False)
    purpose: str = ""
    most_clusters_per_user: int | None = None
    users: tuple[str, ...] = ()

    type_name = "cluster_policy"
    mark_field = "description"
    group = "platform_compute"
    references = {}
    reported = OTHERS_REPORTED

    def find_problems(self, target: Target) -> Iterator[str]:
        """Its name, definition, numbers and users."""
        yield from simple_name_problems(self.name, self.physical_name(target), 100)
        yield from definition_problems(self.definition)
        yield from control_problems("its purpose", self.purpose)
        if self.most_clusters_per_user is not None:
            yield from range_problems("most_clusters_per_user", self.most_clusters_per_user, 1, 2**31 - 1)
        yield from role_problems(f"a role of target {target.name}", self.users, target.principals)

    @property
    def dependencies(self) -> tuple[str, ...]:
        """Declared groups that may use it."""
        return (*select_groups(self.users), *self.after)

    def physical_name(self, target: Target) -> str:
        """Return the policy's name."""
        return f"{target.bucket_prefix}-{self.name}"

    def desired(self, target: Target) -> State:
        """The settings under the API's names, who may use it; the description ends with the mark."""
        return {
            "definition": {path: dict(limitation) for path, limitation in self.definition.items()},
            "description": mark_comment(target, self.purpose),
            "max_clusters_per_user": self.most_clusters_per_user,
            "permissions": {name_principal(target, user): _LEVEL for user in self.users},
        }

    def read(self, clients: Clients) -> State | None:
        """List, since there is no get by name; then the permissions."""
        found = self.find_answer(clients)
        if found is None:
            return None
        if not may_take(self, clients.target, found.name, found.description):
            spelled = note_spelling(found.name, self.physical_name(clients.target))
            return {"description": found.description or "", **spelled}
        granted = unless_missing(lambda: read_granted(clients.identity, _KIND, str(found.policy_id)))
        if granted is None:
            return None
        return {
            "definition": json.loads(found.definition or "{}"),
            "description": found.description or "",
            "max_clusters_per_user": found.max_clusters_per_user,
            **describe_levels(granted, self.desired(clients.target)["permissions"]),
        }

    def create(self, clients: Clients, desired: State) -> None:
        """Create, then the permissions."""
        name = self.physical_name(clients.target)
        made = clients.identity.cluster_policies.create(name=name, **_settings(desired))
        permit(clients.identity, _KIND, str(made.policy_id), desired["permissions"])

    def update(self, clients: Clients, desired: State, before: State) -> None:
        """Edit, with all settings and the libraries that others gave it; permissions are added."""
        found = self.find_answer(clients)
        if found is None:
            return
        identity = str(found.policy_id)
        if before.keys() - {"permissions"}:
            name, api = self.physical_name(clients.target), clients.identity.cluster_policies
            api.edit(identity, name=name, libraries=found.libraries, **_settings(desired))
        if "permissions" in before:
            permit(clients.identity, _KIND, identity, desired["permissions"])

    def delete(self, clients: Clients) -> None:
        """Delete, if it carries name and mark."""
        found = self.find_answer(clients)
        if found is not None and is_own(self, clients.target, found.name, found.description):
            unless_missing(lambda: clients.identity.cluster_policies.delete(str(found.policy_id)))

    def audited_names(self, clients: Clients) -> tuple[str, ...]:
        """Its id."""
        found = self.find_answer(clients)
        return () if found is None else (str(found.policy_id),)

    def rebuild(self, state: State, rebuilding: Rebuilding) -> ClusterPolicy:
        """Settings, and who may use it."""
        return replace(
            self,
            definition=state["definition"],
            purpose=unmark_comment(rebuilding.target, state["description"]),
            most_clusters_per_user=state["max_clusters_per_user"],
            users=tuple(rebuild_levels(rebuilding, state)),
        )

    @classmethod
    def find_owned(cls, listing: Listing) -> Iterator[ClusterPolicy]:
        """List; the mark is in the description. Who declares none needs no admin's profile."""
        clients, target = listing.clients, listing.clients.target
        prefix = f"{target.bucket_prefix}-"
        if clients.may_manage_identities:
            for found in clients.identity.cluster_policies.list():
                if is_own_comment(found.description, target) and (found.name or "").startswith(prefix):
                    yield cls((found.name or "").removeprefix(prefix))

    def find_answer(self, clients: Clients) -> Policy | None:
        """List: ours, or what stands in its way."""
        name, found = self.physical_name(clients.target), clients.identity.cluster_policies.list()
        return choose_own(found, name, clients.target, lambda one: one.name, lambda one: one.description)


def _settings(desired: State) -> dict[str, Any]:
    return {
        "definition": json.dumps(desired["definition"]),
        "description": desired["description"],
        "max_clusters_per_user": desired["max_clusters_per_user"],
    }
