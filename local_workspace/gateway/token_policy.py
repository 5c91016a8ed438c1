"""The workspace's policy of personal access tokens: whether there are any, how long new ones last, who may use them."""

from __future__ import annotations

import json
from typing import Any

from local_workspace.gateway.access_lists import gives_level
from local_workspace.gateway.calls import Principal
from local_workspace.gateway.errors import ApiError, bad_request, permission_denied
from local_workspace.gateway.principals import WORKSPACE_MEMBERS, find_token
from local_workspace.gateway.store import Document, Store

KIND, KEY = "token_policy", "tokens"
LEVELS = ("CAN_USE",)
ENABLED, LONGEST = "enableTokensConfig", "maxTokenLifetimeDays"
LONGEST_DAYS, DAY_S = 730, 24 * 3600


def load(store: Store) -> Document:
    """Return the access list and the settings, as texts, that are set; until somebody says who, members use tokens."""
    return {"acl": [{"group_name": WORKSPACE_MEMBERS, "permission_level": "CAN_USE"}], **(store.get(KIND, KEY) or {})}


def change(store: Store, **changes: Any) -> None:
    """Set fields; what was not set before stays unset."""
    with store.transaction():
        store.put(KIND, KEY, {**(store.get(KIND, KEY) or {}), **changes})


def check_setting(name: str, value: Any) -> str:
    """Return a setting's value.

    Raises:
        ApiError: 400 for a value that it does not take.
    """
    if name == ENABLED and value not in ("true", "false"):
        raise _not_allowed(name, value, "must be 'true' or 'false'")
    if name == LONGEST and not (isinstance(value, str) and value.isdecimal() and int(value) <= LONGEST_DAYS):
        raise _not_allowed(name, value, f"must be a whole number of days from 0 to {LONGEST_DAYS} as a text")
    return str(value)


def _not_allowed(name: str, value: Any, why: str) -> ApiError:
    """Build the 400 of a value: the service's words, by which clients know it, and the reason."""
    return bad_request(f"Some values are not allowed: {json.dumps({name: value})}; {name} {why}, got {value!r}")


def require_use(store: Store, caller: Principal) -> None:
    """Refuse who may not make and use tokens; workspace admins always may, unless nobody may.

    Raises:
        ApiError: 403.
    """
    policy = load(store)
    if policy.get(ENABLED) == "false":
        raise permission_denied("Personal access tokens are disabled in this workspace.")
    if not caller.is_admin and not gives_level(caller, policy["acl"], LEVELS, "CAN_USE"):
        raise permission_denied(f"User '{caller.name}' does not have permission to use tokens.")


def require_usable(store: Store, caller: Principal, token: str) -> None:
    """Refuse a personal token that the policy does not let its principal use. Other tokens stand for other ways in.

    Raises:
        ApiError: 403.
    """
    if store.get(KIND, KEY) is not None and find_token(store, token)[1].get("personal"):
        require_use(store, caller)


def require_lifetime(store: Store, lifetime_s: int | None) -> None:
    """Refuse a new token that would last too long.

    Raises:
        ApiError: 400 naming the limit.
    """
    days = int(load(store).get(LONGEST) or 0)
    if days and (lifetime_s is None or lifetime_s > days * DAY_S):
        asked = "no limit" if lifetime_s is None else f"{lifetime_s}"
        raise bad_request(f"lifetime_seconds must be at most {days * DAY_S} ({LONGEST} is {days}), got {asked}")
