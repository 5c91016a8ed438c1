"""Gives the roles what they hold: grants, ownership, levels of permissions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import TYPE_CHECKING

from demo.authorization.roles import CONTAINERS, READERS, ROLES, Role
from demo.authorization.stage import EVERYBODY, SECURABLES, Stage
from lakehouse.targets import Target

if TYPE_CHECKING:
    from databricks.sdk.service.iam import AccessControlRequest

_INNERMOST_FIRST = (
    "table",
    "view",
    "external table",
    "volume",
    "function",
    "schema",
    "catalog",
    "location",
    "credential",
)


def grant_all(stage: Stage) -> None:
    """Grant what the roles hold of each securable, in one call each."""
    from databricks.sdk.service.catalog import PermissionsChange

    for target, held in list_grants(stage.target, stage.principals).items():
        changes = [PermissionsChange.from_dict({"principal": name, "add": list(add)}) for name, add in held.items()]
        granter = stage.admin if target == "metastore" else stage.maker
        granter.grants.update(SECURABLES[target], stage.names[target], changes=changes)


def list_grants(target: Target, principals: Mapping[str, str]) -> dict[str, dict[str, list[str]]]:
    """Return securable -> principal -> privileges; what members of the readers hold, the group does."""
    found: defaultdict[str, defaultdict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for role in ROLES:
        for line in role.holds:
            privilege, securable = line.split(" on ")
            if securable in SECURABLES and privilege != "OWN":
                held = found[securable][_grantee(target, role, principals)]
                held += [privilege.replace(" ", "_")] if privilege.replace(" ", "_") not in held else []
    return {securable: dict(held) for securable, held in found.items()}


def open_scripts(stage: Stage) -> None:
    """Let everybody read the scripts of runs."""
    from databricks.sdk.service.catalog import PermissionsChange, Privilege

    add = [Privilege.USE_CATALOG, Privilege.USE_SCHEMA, Privilege.READ_VOLUME]
    change = PermissionsChange(principal=EVERYBODY, add=add)
    stage.maker.grants.update("catalog", stage.names["scripts"].split(".")[0], changes=[change])


def hand_over(stage: Stage) -> None:
    """Make the owners owners; what is inside first, since an owner of the outside only manages what is inside."""
    owners = {line.removeprefix("OWN on "): role.name for role in ROLES for line in role.holds if "OWN on " in line}
    for securable in _INNERMOST_FIRST:
        if securable in owners:
            _give(stage, securable, stage.principals[owners[securable]])


def access_control(target: Target, principals: Mapping[str, str], workspace_object: str) -> list[AccessControlRequest]:
    """Return the levels on an object of the workspace as the Permissions API takes them."""
    from lakehouse.object_permissions import allow

    return [allow(name, level) for name, level in list_levels(target, principals, workspace_object).items()]


def list_levels(target: Target, principals: Mapping[str, str], workspace_object: str) -> dict[str, str]:
    """Return who has which level on an object of the workspace; the owner made it and is left out."""
    kind = workspace_object.removeprefix("spare ")
    meant = {workspace_object, *([kind] if CONTAINERS[workspace_object] == kind else [])}
    levels: dict[str, str] = {}
    for role in ROLES:
        for line in role.holds:
            level, _, held_of = line.partition(" on ")
            if held_of in meant and level != "OWN":
                levels[_grantee(target, role, principals)] = level
    return levels


def _grantee(target: Target, role: Role, principals: Mapping[str, str]) -> str:
    return target.account_wide(READERS) if role.group else principals[role.name]


def _give(stage: Stage, securable: str, owner: str) -> None:
    """As the metastore's admin: nobody else gives a view or a function to somebody else."""
    api = getattr(stage.admin, f"{SECURABLES[securable]}s")
    api.update(stage.names[securable], owner=owner)
