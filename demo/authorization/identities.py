"""Whom the roles are played by: service principals and groups made for the matrix, and principals that are there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from demo.authorization.roles import READERS, ROLES, TEAM, Role
from lakehouse.targets import Target
from lakehouse.workspace import HTTP_TIMEOUT_SECONDS, POOL_SIZE, open_workspace
from platform_assets.resource_types.group import Group
from platform_assets.resource_types.identities import marked_name
from platform_assets.resource_types.model import Resource
from platform_assets.resource_types.service_principal import ServicePrincipal

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient

TOKEN_SECONDS = 3600
MADE = tuple(role for role in ROLES if role.profile is None)


def _members(group: str) -> tuple[str, ...]:
    """A user of the workspace is a member by name, which only the workspace knows: patched in later."""
    return tuple(f"service_principal/{role.name}" for role in MADE if role.group == group)


IDENTITIES: tuple[Resource, ...] = (
    *(ServicePrincipal(role.name) for role in MADE),
    Group(TEAM, members=_members(TEAM)),
    Group(READERS, members=(*_members(READERS), f"group/{TEAM}", "analyst@lakehouse.example")),
)


def find_principals(target: Target) -> dict[str, str]:
    """Return the name of each role's principal, as grants and messages say it."""
    admin = open_workspace(target, "admin")
    marked = {marked_name(target, one.external_id): one for one in admin.service_principals.list()}
    there = {role.name: open_workspace(target, role.profile) for role in ROLES if role.profile}
    return {
        **{role.name: str(marked[role.name].application_id) for role in MADE},
        **{name: str(client.current_user.me().user_name) for name, client in there.items()},
    }


def open_clients(target: Target, principals: Mapping[str, str]) -> dict[str, WorkspaceClient]:
    """Return a client for each role."""
    return {role.name: _open_client(target, role, principals[role.name]) for role in ROLES}


def _open_client(target: Target, role: Role, principal: str) -> WorkspaceClient:
    from databricks.sdk import WorkspaceClient
    from databricks.sdk.config import Config

    if role.profile:
        return open_workspace(target, role.profile)
    admin = open_workspace(target, "admin")
    token = admin.token_management.create_obo_token(principal, lifetime_seconds=TOKEN_SECONDS, comment="matrix")
    config = Config(
        host=admin.config.host,
        token=token.token_value,
        auth_type="pat",
        http_timeout_seconds=HTTP_TIMEOUT_SECONDS,
        retry_timeout_seconds=target.call_deadline_seconds,
        max_connections_per_pool=POOL_SIZE,
        product="lakehouse",
    )
    return WorkspaceClient(config=config)
