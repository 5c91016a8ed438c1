"""Who has which level on an object of the workspace, as fields of its state.

`permissions` are the levels of declared principals, `other_users` those of others. Levels are given, never taken away.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from lakehouse.object_permissions import grant_levels
from lakehouse.targets import Target
from platform_assets.resource_types.grants import name_principal
from platform_assets.resource_types.model import State
from platform_assets.resource_types.rebuilding import Rebuilding

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient

OTHERS_REPORTED = {"other_users": "have permissions that are not declared: shown, not removed"}


def name_levels(target: Target, permissions: Mapping[str, str]) -> dict[str, str]:
    """Return the declared levels by principal."""
    return {name_principal(target, role): level for role, level in permissions.items()}


def describe_levels(granted: Mapping[str, str], wanted: Mapping[str, str]) -> State:
    """Return what is granted to declared principals, and, if anything, what to others, in words."""
    declared = {name: granted[name] for name in wanted if name in granted}
    others = sorted(f"{name} ({level})" for name, level in granted.items() if name not in wanted)
    return {"permissions": declared, **({"other_users": others} if others else {})}


def rebuild_levels(rebuilding: Rebuilding, state: State, others: str = "other_users") -> dict[str, str]:
    """Return the level of each role, and of each group of ours, that has one; the deployer has its own by itself."""
    said = [text.removesuffix(")").rpartition(" (") for text in state.get(others) or ()]
    levels = {**state["permissions"], **{name: level for name, _, level in said}}
    named = {rebuilding.name_role(name): level for name, level in levels.items()}
    return {role: level for role, level in named.items() if role and role != "deployer"}


def permit(workspace: WorkspaceClient, kind: str, identity: str, levels: Mapping[str, str]) -> None:
    """Give the declared levels, if any are declared; others keep theirs."""
    if levels:
        grant_levels(workspace, kind, identity, levels)
