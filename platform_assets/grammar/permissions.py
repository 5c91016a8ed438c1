"""Levels of the Permissions API, for each type of object; ownership is the deployer's and is not declared.

https://docs.databricks.com/api/workspace/permissions
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from lakehouse.grammar.texts import choice_problems
from platform_assets.grammar.identity import role_problems

_TREE = ("CAN_READ", "CAN_RUN", "CAN_EDIT", "CAN_MANAGE")
LEVELS: Mapping[str, tuple[str, ...]] = {
    "directory": _TREE,
    "workspace_file": _TREE,
    "experiment": ("CAN_READ", "CAN_EDIT", "CAN_MANAGE"),
    "repo": _TREE,
    "query": _TREE,
    "alert": _TREE,
    "dashboard": _TREE,
    "job": ("CAN_VIEW", "CAN_MANAGE_RUN", "CAN_MANAGE"),
    "pipeline": ("CAN_VIEW", "CAN_RUN", "CAN_MANAGE"),
    "serving_endpoint": ("CAN_VIEW", "CAN_QUERY", "CAN_MANAGE"),
}
DEPLOYER = "deployer"


def level_problems(kind: str, permissions: Mapping[str, str], target: str, roles: Mapping[str, str]) -> Iterator[str]:
    """Yield which roles there are not, and which levels the type of object has not.

    The deployer owns what it makes: a lower level of its own would never settle.
    """
    yield from role_problems(f"a role of target {target}", permissions, roles)
    for role, level in permissions.items():
        if level == "IS_OWNER":
            yield "IS_OWNER cannot be declared: the deployer owns what it makes, or could not find it again"
        else:
            yield from choice_problems(f"the level of {role}", level, LEVELS[kind])
    yield from deployer_problems(permissions)


def deployer_problems(roles: Mapping[str, str] | tuple[str, ...]) -> Iterator[str]:
    """Yield that the deployer is named: it owns what it makes, and needs no level."""
    if DEPLOYER in roles:
        yield "it names the role deployer, which manages what it makes: leave that out"
