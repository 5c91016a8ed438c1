"""`dbutils.secrets`: secrets of the Secrets API, each with the run's own rights. Notebooks show none of them."""

from __future__ import annotations

import base64
from typing import Any, NamedTuple

from local_workspace.serverless_runtime import redaction
from local_workspace.serverless_runtime.gateway_client import GatewayClient, GatewayError


class SecretScope(NamedTuple):
    """What `listScopes` yields."""

    name: str


class SecretMetadata(NamedTuple):
    """What `list` yields."""

    key: str


class SecretUtils:
    """get, getBytes, list, listScopes."""

    def __init__(self, client: GatewayClient) -> None:
        self._client = client

    def get(self, scope: str, key: str) -> str:
        """Return a secret's text."""
        return self.getBytes(scope, key).decode()

    def getBytes(self, scope: str, key: str) -> bytes:
        """Return a secret's bytes."""
        value = base64.b64decode(self._call("get", scope=scope, key=key)["value"])
        redaction.remember_secret(value.decode(errors="replace"))
        return value

    def list(self, scope: str) -> list[SecretMetadata]:
        """Return the keys of a scope."""
        return [SecretMetadata(one["key"]) for one in self._call("list", scope=scope).get("secrets", [])]

    def listScopes(self) -> Any:
        """Return the scopes of the workspace."""
        return [SecretScope(one["name"]) for one in self._call("scopes/list").get("scopes", [])]

    def _call(self, action: str, **query: str) -> dict[str, Any]:
        try:
            return self._client.call("GET", f"/api/2.0/secrets/{action}", query)
        except GatewayError as error:
            kind = PermissionError if error.error_code == "PERMISSION_DENIED" else RuntimeError
            raise kind(f"dbutils.secrets: {error.message}") from None
