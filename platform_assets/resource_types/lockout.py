"""Who must keep the way into the workspace: the deployer, and the admin who applies the estate.

That admin is one, so a workspace keeps an admin as long as it is spared.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from platform_assets.resource_types.model import Clients

if TYPE_CHECKING:
    from databricks.sdk.service.iam import ServicePrincipal, User


class WouldLockOut(Exception):
    """What was asked for would lock out whom the estate is applied by; the message says whom."""


def why_kept(clients: Clients, name: str, as_admin: bool = False) -> str | None:
    """Return why somebody, or a group, must keep the way in, None if it need not; `name` is as grants name it.

    `as_admin`: it is only to be no admin any more, which just the admin who applies must be.
    """
    me: User = clients.identity.current_user.me()
    deployer = clients.target.principals["deployer"]
    needed: list[tuple[str, str, User | ServicePrincipal]] = [(str(me.user_name), "the admin who applies this", me)]
    if not as_admin:
        needed += [(deployer, "the deployer", one) for one in _find_principal(clients, deployer)]
    for principal, role, found in needed:
        if name.lower() == principal.lower():
            return f"{name} is {role}"
        if name in {one.display for one in found.groups or []}:
            return f"group {name} holds {role}"
    return None


def require_dispensable(clients: Clients, name: str, as_admin: bool = False) -> None:
    """Refuse to take the way in of whom the estate is applied by.

    Raises:
        WouldLockOut: naming the principal.
    """
    if reason := why_kept(clients, name, as_admin):
        raise WouldLockOut(f"{reason}: without its way in nobody could apply the estate. Nothing was done")


def _find_principal(clients: Clients, name: str) -> Iterator[User | ServicePrincipal]:
    if "@" in name:
        yield from clients.identity.users.list(filter=f'userName eq "{name}"', attributes="userName,groups")
    else:
        condition = f'applicationId eq "{name}"'
        yield from clients.identity.service_principals.list(filter=condition, attributes="applicationId,groups")
