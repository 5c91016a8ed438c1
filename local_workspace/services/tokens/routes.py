"""Token API 2.0: a caller's own personal access tokens. https://docs.databricks.com/api/workspace/tokens"""

from __future__ import annotations

from typing import Any

from local_workspace.gateway import principals
from local_workspace.gateway.calls import Call, Route
from local_workspace.gateway.errors import bad_request, not_found, permission_denied

MEMBERS = "users"
NEVER = -1


def create_token(call: Call) -> dict[str, Any]:
    """POST create: the token itself is in this answer and nowhere else."""
    if MEMBERS not in call.caller.groups:
        raise permission_denied(f"User '{call.caller.name}' does not have permission to use tokens.")
    lifetime = call.body.get("lifetime_seconds")
    if lifetime is not None and (not isinstance(lifetime, int) or isinstance(lifetime, bool) or lifetime < 1):
        raise bad_request(f"lifetime_seconds must be a whole number of at least 1, got {lifetime!r}")
    store = call.workspace.store
    comment = str(call.body.get("comment") or "")
    token = principals.mint_token(store, call.caller.name, lifetime, comment, personal=True)
    token_id, document = principals.find_token(store, token)
    return {"token_value": token, "token_info": _describe(token_id, document)}


def list_tokens(call: Call) -> dict[str, Any]:
    """GET list."""
    own = principals.scan_tokens(call.workspace.store, call.caller.name)
    return {"token_infos": [_describe(token_id, document) for token_id, document in own]}


def delete_token(call: Call) -> dict[str, Any]:
    """POST delete: worthless from the next request on."""
    token_id, store = str(call.require("token_id")), call.workspace.store
    if token_id not in dict(principals.scan_tokens(store, call.caller.name)):
        raise not_found(f"Token with ID {token_id} does not exist!")
    store.delete(principals.TOKEN, token_id)
    return {}


def _describe(token_id: str, document: dict[str, Any]) -> dict[str, Any]:
    expires_at = document["expires_at"]
    return {
        "token_id": token_id,
        "creation_time": round(document["created_at"] * 1000),
        "expiry_time": NEVER if expires_at is None else round(expires_at * 1000),
        "comment": document["comment"],
    }


ROUTES: list[Route] = [
    ("POST", "/api/2.0/token/create", create_token),
    ("GET", "/api/2.0/token/list", list_tokens),
    ("POST", "/api/2.0/token/delete", delete_token),
]
