"""Git credentials API 2.0: each principal's own. https://docs.databricks.com/api/workspace/gitcredentials"""

from __future__ import annotations

from typing import Any

from local_workspace.gateway.calls import Call, Route
from local_workspace.gateway.store import Document
from local_workspace.services.git_credentials import credentials


def create_credential(call: Call) -> dict[str, Any]:
    """POST git-credentials."""
    return _describe(credentials.create(call))


def list_credentials(call: Call) -> dict[str, Any]:
    """GET git-credentials."""
    return {"credentials": [_describe(one) for one in credentials.list_own(call)]}


def get_credential(call: Call) -> dict[str, Any]:
    """GET git-credentials/{credential_id}."""
    return _describe(credentials.load(call))


def update_credential(call: Call) -> dict[str, Any]:
    """PATCH git-credentials/{credential_id}."""
    credentials.change(call)
    return {}


def delete_credential(call: Call) -> dict[str, Any]:
    """DELETE git-credentials/{credential_id}."""
    credentials.delete(call)
    return {}


_API = "/api/2.0/git-credentials"
ROUTES: list[Route] = [
    ("POST", _API, create_credential),
    ("GET", _API, list_credentials),
    ("GET", f"{_API}/{{credential_id}}", get_credential),
    ("PATCH", f"{_API}/{{credential_id}}", update_credential),
    ("DELETE", f"{_API}/{{credential_id}}", delete_credential),
]


def _describe(document: Document) -> dict[str, Any]:
    shown = ("credential_id", "git_provider", "git_username", "name", "is_default_for_provider")
    return {name: document[name] for name in shown if name in document}
