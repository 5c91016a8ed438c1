"""What users, groups and service principals have in common: the mark in their external id, and names for SCIM's ids."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from lakehouse.targets import Target
from platform_assets.resource_types.model import Clients
from platform_assets.resource_types.ownership import MANAGER

if TYPE_CHECKING:
    from databricks.sdk.service.iam import Patch

_OUR_PRINCIPAL, _OUR_USER = "service_principal/", "user/"


def mark_identity(target: Target, name: str) -> str:
    """Return the external id of what this estate made; the name in it is the declaration's."""
    return f"{MANAGER}:{target.bucket_prefix}:{name}"


def marked_name(target: Target, external_id: str | None) -> str | None:
    """Return the declaration's name of an external id, None when it is not this estate's."""
    prefix = mark_identity(target, "")
    return external_id.removeprefix(prefix) if external_id and external_id.startswith(prefix) else None


def filter_ours(target: Target) -> str:
    """Return the filter of list calls for what this estate made."""
    return f'externalId sw "{mark_identity(target, "")}"'


def as_key(member: str) -> str:
    """Return the key of a declared member; Dagster's keys take neither of a user name's signs."""
    return member.replace("@", "_at_").replace("+", "_plus_")


def name_member(target: Target, member: str) -> str:
    """Return what a declared member is called in states: declared service principals have no name before they are."""
    if member.startswith("group/"):
        return target.account_wide(member.partition("/")[2])
    if member.startswith(_OUR_USER):
        return member.removeprefix(_OUR_USER)
    return member if member.startswith(_OUR_PRINCIPAL) else target.principals.get(member, _fold_case(member))


def _fold_case(name: str) -> str:
    """User names are told apart by their letters alone."""
    return name.lower() if "@" in name else name


def read_names(clients: Clients) -> dict[str, str]:
    """Return the name of each user (e-mail), service principal (application id, ours by its key) and group, by id."""
    api, target = clients.identity, clients.target
    names = {str(one.id): str(one.user_name).lower() for one in api.users.list(attributes="id,userName")}
    names |= {str(one.id): str(one.display_name) for one in api.groups.list(attributes="id,displayName")}
    for one in api.service_principals.list(attributes="id,applicationId,externalId"):
        ours = marked_name(target, one.external_id)
        names[str(one.id)] = f"{_OUR_PRINCIPAL}{ours}" if ours else str(one.application_id)
    return names


def find_ids(clients: Clients, members: Iterable[str]) -> list[str]:
    """Return the ids of members by the names they have in states.

    Raises:
        UnknownMember: there is nobody of that name.
    """
    by_name = {name: identity for identity, name in read_names(clients).items()}
    wanted = list(members)
    unknown = [name for name in wanted if name not in by_name]
    if unknown:
        raise UnknownMember(
            f"nobody in the workspace is called {', '.join(unknown)}; declarations make users, or the identity provider"
        )
    return [by_name[name] for name in wanted]


def make_patch(operation: str, path: str, value: object) -> Patch:
    """Return one operation of a SCIM patch."""
    from databricks.sdk.service.iam import Patch, PatchOp

    return Patch(PatchOp(operation), path, value)


class UnknownMember(Exception):
    """A declared member of a group does not exist."""
