"""The workspace's policy of personal access tokens. https://docs.databricks.com/api/workspace/tokenmanagement

A workspace has just one, which carries no mark: leaving it out leaves it as it is. Only workspace admins change it, so
it goes through the admin's profile.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from lakehouse.grammar.texts import range_problems
from lakehouse.object_permissions import allow, read_granted
from lakehouse.targets import Target
from platform_assets.grammar.identity import role_problems
from platform_assets.resource_types.grants import name_principal, select_groups
from platform_assets.resource_types.model import Clients, Resource, State, refuse

_KIND, _OBJECT = "authorization", "tokens"
_ENABLED, _LONGEST = "enableTokensConfig", "maxTokenLifetimeDays"


@dataclass(frozen=True)
class TokenPolicy(Resource):
    """Whether there are personal access tokens, for how many days a new one lasts, and who may use them.

    `longest_days`: 0 is no limit. `users` are roles of the target, or declared groups by their key; admins always may,
    others no longer, and what tokens they have open nothing.
    """

    name: str = "tokens"
    longest_days: int = 0
    users: tuple[str, ...] = ()
    enabled: bool = True

    type_name = "token_policy"
    group = "platform_identity"

    def __post_init__(self) -> None:
        if self.name != _OBJECT:
            raise refuse(self.key, f"a workspace has one token policy, token_policy/{_OBJECT}")

    def find_problems(self, target: Target) -> Iterator[str]:
        """How long a token lasts, and who may use them."""
        yield from range_problems("longest_days", self.longest_days, 0, 730)
        yield from role_problems(f"a role of target {target.name}", self.users, target.principals)

    @property
    def dependencies(self) -> tuple[str, ...]:
        """Declared groups that may use them."""
        return (*select_groups(self.users), *self.after)

    def physical_name(self, target: Target) -> str:
        """Return what the Permissions API calls it."""
        return f"{_KIND}/{_OBJECT}"

    def desired(self, target: Target) -> State:
        """The settings, and who may use tokens."""
        return {
            "enabled": self.enabled,
            "longest_days": self.longest_days,
            "users": sorted({name_principal(target, user) for user in self.users}),
        }

    def read(self, clients: Clients) -> State | None:
        """Get the settings, then the permissions; what was never set is tokens for all, without limit."""
        found: Any = clients.identity.workspace_conf.get_status(f"{_ENABLED},{_LONGEST}")
        return {
            "enabled": found.get(_ENABLED) != "false",
            "longest_days": int(found.get(_LONGEST) or 0),
            "users": sorted(read_granted(clients.identity, _KIND, _OBJECT)),
        }

    def create(self, clients: Clients, desired: State) -> None:
        """Change all: there is always a policy."""
        self.update(clients, desired, desired)

    def update(self, clients: Clients, desired: State, before: State) -> None:
        """Set the settings that differ; replace who may use tokens."""
        settings = {"enabled": (_ENABLED, str(desired["enabled"]).lower())}
        settings["longest_days"] = (_LONGEST, str(desired["longest_days"]))
        if changed := dict(settings[name] for name in before if name in settings):
            clients.identity.workspace_conf.set_status(changed)
        if "users" in before:
            entries = [allow(name, "CAN_USE") for name in desired["users"]]
            clients.identity.permissions.set(_KIND, _OBJECT, access_control_list=entries)

    def delete(self, clients: Clients) -> None:
        """Nothing: a workspace always has one."""
