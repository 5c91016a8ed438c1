"""Token API 2.0: a caller's own personal access tokens, and an admin's on behalf of service principals.

https://docs.databricks.com/api/workspace/tokens and .../tokenmanagement
"""

from __future__ import annotations

from typing import Any

from local_workspace.gateway import principals, token_policy
from local_workspace.gateway.calls import Call, Route
from local_workspace.gateway.errors import bad_request, not_found
from local_workspace.gateway.request_log import require_admin
from local_workspace.services.tokens import policy

NEVER = -1


def create_token(call: Call) -> dict[str, Any]:
    """POST create: the token itself is in this answer and nowhere else."""
    token_policy.require_use(call.workspace.store, call.caller)
    return _mint(call, call.caller.name)


def create_token_on_behalf(call: Call) -> dict[str, Any]:
    """POST on-behalf-of/tokens: a service principal's first token, which it cannot ask for itself; for admins only."""
    require_admin(call)
    token_policy.require_use(call.workspace.store, call.caller)
    application_id = str(call.require("application_id"))
    document = call.workspace.store.get("principal", application_id)
    if document is None or document["kind"] != "service_principal":
        raise not_found(f"Service principal with application id {application_id} not found.")
    return _mint(call, application_id)


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


def _mint(call: Call, principal: str) -> dict[str, Any]:
    lifetime = call.body.get("lifetime_seconds")
    if lifetime is not None and (not isinstance(lifetime, int) or isinstance(lifetime, bool) or lifetime < 1):
        raise bad_request(f"lifetime_seconds must be a whole number of at least 1, got {lifetime!r}")
    store, comment = call.workspace.store, str(call.body.get("comment") or "")
    token_policy.require_lifetime(store, lifetime)
    token = principals.mint_token(store, principal, lifetime, comment, personal=True)
    token_id, document = principals.find_token(store, token)
    return {"token_value": token, "token_info": _describe(token_id, document)}


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
    ("POST", "/api/2.0/token-management/on-behalf-of/tokens", create_token_on_behalf),
    *policy.ROUTES,
]
