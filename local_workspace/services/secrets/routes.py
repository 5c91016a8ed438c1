"""Secrets API 2.0: scopes, secrets, access lists. https://docs.databricks.com/api/workspace/secrets"""

from __future__ import annotations

import base64
from typing import Any

from local_workspace.gateway.calls import Call, Route
from local_workspace.gateway.errors import bad_request, not_implemented
from local_workspace.gateway.principals import WORKSPACE_MEMBERS
from local_workspace.services.secrets.scopes import Scopes, no_acl


def create_scope(call: Call) -> dict[str, Any]:
    """POST scopes/create: the caller manages it, or everybody of the workspace."""
    if call.body.get("scope_backend_type", "DATABRICKS") != "DATABRICKS" or call.body.get("backend_azure_keyvault"):
        raise not_implemented("Scopes of Azure Key Vault are not served; there are none on AWS")
    manager = call.body.get("initial_manage_principal") or call.caller.name
    if manager not in (WORKSPACE_MEMBERS, call.caller.name):
        raise bad_request(f"initial_manage_principal must be {WORKSPACE_MEMBERS}, got {manager!r}")
    _scopes(call).create(_text(call, "scope"), manager)
    return {}


def list_scopes(call: Call) -> dict[str, Any]:
    """GET scopes/list."""
    scopes = [{"name": one["name"], "backend_type": "DATABRICKS"} for one in _scopes(call).list_scopes()]
    return {"scopes": scopes} if scopes else {}


def delete_scope(call: Call) -> dict[str, Any]:
    """POST scopes/delete."""
    _scopes(call).delete(_text(call, "scope"))
    return {}


def put_secret(call: Call) -> dict[str, Any]:
    """POST put: just one of string_value and bytes_value (base64)."""
    given = [name for name in ("string_value", "bytes_value") if call.body.get(name) is not None]
    if len(given) != 1:
        raise bad_request("Exactly one of string_value and bytes_value is expected", "MALFORMED_REQUEST")
    _scopes(call).put_secret(_text(call, "scope"), _text(call, "key"), _read_value(call, given[0]))
    return {}


def get_secret(call: Call) -> dict[str, Any]:
    """GET get: the value in base64."""
    key = _text(call, "key")
    value = _scopes(call).get_secret(_text(call, "scope"), key)
    return {"key": key, "value": base64.b64encode(value).decode()}


def list_secrets(call: Call) -> dict[str, Any]:
    """GET list: keys and times, no values."""
    found = _scopes(call).list_secrets(_text(call, "scope"))
    secrets = [{"key": key, "last_updated_timestamp": updated_at} for key, updated_at in found]
    return {"secrets": secrets} if secrets else {}


def delete_secret(call: Call) -> dict[str, Any]:
    """POST delete."""
    _scopes(call).delete_secret(_text(call, "scope"), _text(call, "key"))
    return {}


def put_acl(call: Call) -> dict[str, Any]:
    """POST acls/put."""
    _scopes(call).put_acl(_text(call, "scope"), _text(call, "principal"), _text(call, "permission"))
    return {}


def get_acl(call: Call) -> dict[str, Any]:
    """GET acls/get."""
    scope, principal = _text(call, "scope"), _text(call, "principal")
    acl = _scopes(call).read_acl(scope)
    if principal not in acl:
        raise no_acl(scope, principal)
    return {"principal": principal, "permission": acl[principal]}


def list_acls(call: Call) -> dict[str, Any]:
    """GET acls/list."""
    acl = _scopes(call).read_acl(_text(call, "scope"))
    items = [{"principal": principal, "permission": permission} for principal, permission in sorted(acl.items())]
    return {"items": items} if items else {}


def delete_acl(call: Call) -> dict[str, Any]:
    """POST acls/delete."""
    _scopes(call).delete_acl(_text(call, "scope"), _text(call, "principal"))
    return {}


ROUTES: list[Route] = [
    ("POST", "/api/2.0/secrets/scopes/create", create_scope),
    ("GET", "/api/2.0/secrets/scopes/list", list_scopes),
    ("POST", "/api/2.0/secrets/scopes/delete", delete_scope),
    ("POST", "/api/2.0/secrets/put", put_secret),
    ("GET", "/api/2.0/secrets/get", get_secret),
    ("GET", "/api/2.0/secrets/list", list_secrets),
    ("POST", "/api/2.0/secrets/delete", delete_secret),
    ("POST", "/api/2.0/secrets/acls/put", put_acl),
    ("GET", "/api/2.0/secrets/acls/get", get_acl),
    ("GET", "/api/2.0/secrets/acls/list", list_acls),
    ("POST", "/api/2.0/secrets/acls/delete", delete_acl),
]


def _scopes(call: Call) -> Scopes:
    return Scopes(call.workspace, call.caller)


def _text(call: Call, name: str) -> str:
    value = call.require(name)
    if not isinstance(value, str):
        raise bad_request(f"{name} must be text", "MALFORMED_REQUEST")
    return value


def _read_value(call: Call, name: str) -> bytes:
    value = _text(call, name)
    try:
        return base64.b64decode(value, validate=True) if name == "bytes_value" else value.encode()
    except ValueError:  # binascii.Error is one, and so is what characters outside of ASCII raise
        raise bad_request("bytes_value must be base64-encoded") from None
