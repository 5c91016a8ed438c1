"""SQL warehouses and who may use them. https://docs.databricks.com/api/workspace/warehouses"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from lakehouse.grammar.texts import choice_problems, range_problems
from lakehouse.object_permissions import read_levels
from lakehouse.targets import Target
from platform_assets.grammar.identity import role_problems
from platform_assets.grammar.names import simple_name_problems
from platform_assets.grammar.permissions import deployer_problems
from platform_assets.resource_types.grants import name_principal, select_groups
from platform_assets.resource_types.listing import Listing
from platform_assets.resource_types.model import Clients, Resource, State
from platform_assets.resource_types.object_levels import OTHERS_REPORTED, permit, rebuild_levels
from platform_assets.resource_types.ownership import (
    choose_own,
    is_own,
    mark_labels,
    may_take,
    note_spelling,
    own_labels,
)
from platform_assets.resource_types.rebuilding import Rebuilding
from platform_assets.resource_types.sdk_errors import unless_missing

if TYPE_CHECKING:
    from databricks.sdk.service.iam import AccessControlResponse
    from databricks.sdk.service.sql import EndpointInfo, EndpointTags

_KIND = "warehouses"
_KEPT = ("channel", "enable_photon", "instance_profile_arn", "spot_instance_policy", "warehouse_type")
_LEVEL = "CAN_USE"
SIZES = ("2X-Small", "X-Small", "Small", "Medium", "Large", "X-Large", "2X-Large", "3X-Large", "4X-Large")


@dataclass(frozen=True)
class SqlWarehouse(Resource):
    """A serverless SQL warehouse; `users` are roles of the target, or declared groups by their key."""

    size: str = "2X-Small"
    most_clusters: int = 1
    stop_after_minutes: int = 10
    users: tuple[str, ...] = ()

    type_name = "sql_warehouse"
    mark_field = "tags"
    group = "platform_compute"
    references = {}
    reported = OTHERS_REPORTED

    def find_problems(self, target: Target) -> Iterator[str]:
        """Its name, size, numbers and users."""
        yield from simple_name_problems(self.name, self.physical_name(target), 100)
        yield from choice_problems("size", self.size, SIZES)
        yield from range_problems("most_clusters", self.most_clusters, 1, 40)
        yield from range_problems("stop_after_minutes", self.stop_after_minutes, 0, 10_080)
        yield from role_problems(f"a role of target {target.name}", self.users, target.principals)
        yield from deployer_problems(self.users)

    @property
    def dependencies(self) -> tuple[str, ...]:
        """Declared groups that may use it."""
        return (*select_groups(self.users), *self.after)

    def physical_name(self, target: Target) -> str:
        """Return the warehouse's name."""
        return f"{target.bucket_prefix}-{self.name}"

    def desired(self, target: Target) -> State:
        """The settings under the API's names, who may use it, mark."""
        return {
            "cluster_size": self.size,
            "max_num_clusters": self.most_clusters,
            "auto_stop_mins": self.stop_after_minutes,
            "enable_serverless_compute": True,
            "users": sorted({name_principal(target, user) for user in self.users}),
            "tags": mark_labels(target),
        }

    def read(self, clients: Clients) -> State | None:
        """List, since there is no get by name; then the permissions."""
        found = self.find_answer(clients)
        if found is None:
            return None
        labels = own_labels(_labels(found.tags))
        if not may_take(self, clients.target, found.name, labels):
            return {"tags": labels, **note_spelling(found.name, self.physical_name(clients.target))}
        held = clients.workspace.permissions.get(_KIND, str(found.id)).access_control_list or []
        declared, others = self._split_users(clients.target, held)
        return {
            "cluster_size": found.cluster_size,
            "max_num_clusters": found.max_num_clusters,
            "auto_stop_mins": found.auto_stop_mins,
            "enable_serverless_compute": bool(found.enable_serverless_compute),
            "users": declared,
            "tags": labels,
            **({"other_users": others} if others else {}),
        }

    def create(self, clients: Clients, desired: State) -> None:
        """Create, then the permissions."""
        name = self.physical_name(clients.target)
        made = clients.workspace.warehouses.create(name=name, **_settings(desired, {}))
        permit(clients.workspace, _KIND, str(made.bind()["id"]), dict.fromkeys(desired["users"], _LEVEL))

    def update(self, clients: Clients, desired: State, before: State) -> None:
        """Edit, with all settings, those of others and their tags too; permissions are added."""
        found = self.find_answer(clients)
        if found is None:
            return
        if before.keys() - {"users"}:
            settings = {**_read_others(found, desired), **_settings(desired, _labels(found.tags))}
            clients.workspace.warehouses.edit(str(found.id), name=self.physical_name(clients.target), **settings)
        if "users" in before:
            missing = [user for user in desired["users"] if user not in (before["users"] or ())]
            permit(clients.workspace, _KIND, str(found.id), dict.fromkeys(missing, _LEVEL))

    def delete(self, clients: Clients) -> None:
        """Delete, if it carries name and mark."""
        found = self.find_answer(clients)
        if found is not None and is_own(self, clients.target, found.name, _labels(found.tags)):
            unless_missing(lambda: clients.workspace.warehouses.delete(str(found.id)))

    def audited_names(self, clients: Clients) -> tuple[str, ...]:
        """Its id."""
        found = self.find_answer(clients)
        return () if found is None else (str(found.id),)

    def rebuild(self, state: State, rebuilding: Rebuilding) -> SqlWarehouse:
        """Settings, and who may use it."""
        held = {**state, "permissions": dict.fromkeys(state["users"], _LEVEL)}
        levels = rebuild_levels(rebuilding, held)
        return replace(
            self,
            size=state["cluster_size"],
            most_clusters=state["max_num_clusters"],
            stop_after_minutes=state["auto_stop_mins"],
            users=tuple(role for role, level in levels.items() if level == _LEVEL),
        )

    @classmethod
    def find_owned(cls, listing: Listing) -> Iterator[SqlWarehouse]:
        """List."""
        target = listing.clients.target
        prefix = f"{target.bucket_prefix}-"
        for found in listing.clients.workspace.warehouses.list():
            if own_labels(_labels(found.tags)) == mark_labels(target) and (found.name or "").startswith(prefix):
                yield cls((found.name or "").removeprefix(prefix))

    def find_answer(self, clients: Clients) -> EndpointInfo | None:
        """List: ours, or what stands in its way."""
        name, found = self.physical_name(clients.target), clients.workspace.warehouses.list()
        return choose_own(found, name, clients.target, lambda one: one.name, lambda one: _labels(one.tags))

    def _split_users(self, target: Target, held: list[AccessControlResponse]) -> tuple[list[str], list[str]]:
        """Return who is declared and holds the permission, and others that hold one; owners and admins always do."""
        declared, wanted = [], {name_principal(target, user) for user in self.users}
        others = []
        for name, levels in map(read_levels, held):
            if name in wanted:
                declared.append(name)
            elif levels != ["IS_OWNER"] and name != "admins":
                others.append(f"{name} ({', '.join(levels)})")
        return sorted(declared), sorted(others)


def _settings(desired: State, labels: Mapping[str, str]) -> dict[str, Any]:
    from databricks.sdk.service.sql import EndpointTagPair, EndpointTags

    tags = {**labels, **desired["tags"]}
    settings = {name: value for name, value in desired.items() if name not in ("users", "tags")}
    return {**settings, "tags": EndpointTags([EndpointTagPair(key, value) for key, value in tags.items()])}


def _read_others(found: EndpointInfo, desired: State) -> dict[str, Any]:
    """Return what a hand may have set and nobody declares: an edit without it would set it back."""
    held = {name: getattr(found, name) for name in _KEPT}
    least = found.min_num_clusters and min(found.min_num_clusters, desired["max_num_clusters"])
    return {name: one for name, one in {**held, "min_num_clusters": least}.items() if one is not None}


def _labels(tags: EndpointTags | None) -> dict[str, str]:
    return {str(tag.key): str(tag.value) for tag in (tags.custom_tags or [] if tags else [])}
