"""Who may call: principals, groups and bearer tokens, as stored documents.

SCIM (services/scim) is their REST face; here is only what authentication needs.
Tokens are stored as SHA-256 digests, never in clear.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Mapping
from typing import Literal

from local_workspace.gateway.calls import Principal
from local_workspace.gateway.errors import ApiError, not_found, permission_denied
from local_workspace.gateway.store import Document, Store

EVERYBODY = "account users"
WORKSPACE_ADMINS = "admins"
WORKSPACE_MEMBERS = "users"
TOKEN = "token"


def put_principal(store: Store, name: str, kind: Literal["user", "service_principal"], display_name: str) -> Document:
    """Create the principal, or rename its display name; the numeric id never changes."""
    with store.transaction():
        known = store.get("principal", name) or {"name": name, "kind": kind, "id": store.next_id("scim_id")}
        document = {**known, "display_name": display_name}
        store.put("principal", name, document)
    return document


def put_group(store: Store, name: str, members: list[str]) -> Document:
    """Create or replace the group; members are names of principals or groups."""
    with store.transaction():
        known = store.get("group", name) or {"name": name, "id": store.next_id("scim_id")}
        document = {**known, "members": sorted(set(members))}
        store.put("group", name, document)
    return document


def join_workspace(store: Store, name: str) -> None:
    """Make somebody a member of the workspace."""
    put_group(store, WORKSPACE_MEMBERS, [*members_of(store, WORKSPACE_MEMBERS), name])


def members_of(store: Store, group: str) -> list[str]:
    """Return the names of a group's direct members; a group that is not there has none."""
    return list((store.get("group", group) or {"members": []})["members"])


def load_active(store: Store, name: str) -> Principal:
    """Return a principal that may act.

    Raises:
        ApiError: 404 when there is none of that name, 403 when it is deactivated.
    """
    found = load_principal(store, name)
    if not found.is_active:
        raise permission_denied(f"User '{name}' is deactivated in this workspace.")
    return found


def load_principal(store: Store, name: str) -> Principal:
    """Return the principal with its transitive groups.

    Raises:
        ApiError: 404 when there is none of that name.
    """
    document = store.get("principal", name)
    if document is None:
        raise not_found(f"Principal '{name}' does not exist.", "PRINCIPAL_DOES_NOT_EXIST")
    groups = groups_of(store, name)
    return Principal(
        name=name,
        kind=document["kind"],
        display_name=document["display_name"],
        id=document["id"],
        groups=groups,
        is_admin=WORKSPACE_ADMINS in groups,
        is_active=document.get("active", True),
    )


def load_owner(store: Store, name: str) -> Principal:
    """Return an owner, which may be a group, as somebody whose grants can be asked for."""
    group = store.get("group", name)
    if group is None:
        return load_principal(store, name)
    return Principal(name, "user", name, group["id"], groups_of(store, name) | {name})


def groups_of(store: Store, member: str) -> frozenset[str]:
    """Return the names of all groups that hold `member`, directly or through other groups."""
    return groups_among(dict(store.scan("group")), member)


def groups_among(groups: Mapping[str, Document], member: str) -> frozenset[str]:
    """Return the same of groups that were read before."""
    parents = {name: set(group["members"]) for name, group in groups.items()}
    found, frontier = {EVERYBODY}, {member}
    while frontier:
        frontier = {name for name, members in parents.items() if members & frontier} - found
        found |= frontier
    return frozenset(found)


def principal_exists(store: Store, name: str) -> bool:
    """Say whether a grant to `name` has somebody to go to: a user, a service principal or a group."""
    return name == EVERYBODY or any(store.get(kind, name) is not None for kind in ("principal", "group"))


def mint_token(store: Store, principal: str, lifetime_s: int | None, comment: str, personal: bool = False) -> str:
    """Return a new token of the principal; `lifetime_s` None means that it does not expire.

    A `personal` one is the principal's to list and revoke; others belong to a run or a session.
    """
    token, now = "dapi" + secrets.token_hex(16), time.time()
    expires_at = None if lifetime_s is None else now + lifetime_s
    document = {"principal": principal, "created_at": now, "expires_at": expires_at, "comment": comment}
    store.put(TOKEN, _digest(token), {**document, "personal": personal})
    return token


def find_token(store: Store, token: str) -> tuple[str, Document]:
    """Return the token's id and what is known of it.

    Raises:
        ApiError: 403 when it opens nothing.
    """
    token_id = _digest(token)
    document = store.get(TOKEN, token_id)
    if document is None:
        raise invalid_token("Invalid access token.")
    return token_id, document


def scan_tokens(store: Store, principal: str) -> list[tuple[str, Document]]:
    """Return the principal's personal tokens by id."""
    found = store.scan(TOKEN)
    return [(key, one) for key, one in found if one.get("personal") and one["principal"] == principal]


def revoke_token(store: Store, token: str) -> None:
    """Make the token worthless; an unknown one is no error."""
    store.delete(TOKEN, _digest(token))


def authenticate(store: Store, token: str) -> Principal:
    """Return whom the token speaks for.

    Raises:
        ApiError: 403, as the service answers an invalid or expired token, or that of a deactivated user.
    """
    _, document = find_token(store, token)
    if document["expires_at"] is not None and document["expires_at"] < time.time():
        raise invalid_token("Access token has expired.")
    return load_active(store, document["principal"])


def invalid_token(message: str) -> ApiError:
    """Build the 403 of a token that opens nothing."""
    return permission_denied(f"{message} Print a valid one with `lakehouse local token`.")


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
