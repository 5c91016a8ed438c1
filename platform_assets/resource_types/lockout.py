"""Who must keep the way into the workspace: the deployer, and the admin who applies the estate.

That admin is one, so a workspace keeps an admin as long as it is spared.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from platform_assets.resource_types.model import Clients

if TYPE_CHECKING:
    from databricks.sdk.service.iam import User


class WouldLockOut(Exception):
    """What was asked for would lock out whom the estate is applied by; the message says whom."""


def why_kept(clients: Clients, name: str) -> str | None:
    """Return why a user must keep the way in, None if it need not; `name` is its user name."""
    deployer = clients.target.principals["deployer"]
    if name.lower() == deployer.lower():
        return f"{name} is the deployer"
    me: User = clients.identity.current_user.me()
    return f"{name} is the admin who applies this" if name.lower() == str(me.user_name).lower() else None


def require_dispensable(clients: Clients, name: str) -> None:
    """Refuse to take the way in of whom the estate is applied by.

    Raises:
        WouldLockOut: naming the principal.
    """
    if reason := why_kept(clients, name):
        raise WouldLockOut(f"{reason}: without its way in nobody could apply the estate. Nothing was done")
