"""Which workspaces an isolated securable is open to. Bindings bind everybody, whatever they are granted or own.

https://docs.databricks.com/aws/en/catalogs/binding
"""

from __future__ import annotations

from collections.abc import Iterable

from local_workspace.gateway.errors import permission_denied
from local_workspace.gateway.workspace import WORKSPACE_ID
from local_workspace.services.unity_catalog.privileges import TYPES
from local_workspace.services.unity_catalog.securables import Securables

READ_ONLY, READ_WRITE = "BINDING_TYPE_READ_ONLY", "BINDING_TYPE_READ_WRITE"
BINDABLE = ("catalog", "storage_credential", "external_location")
_ISOLATED = ("ISOLATED", "ISOLATION_MODE_ISOLATED")
_READING = frozenset({"SELECT", "READ_VOLUME", "READ_FILES", "EXECUTE", "USE_CATALOG", "USE_SCHEMA", "BROWSE"})


class Isolation:
    """Decides by the stored bindings."""

    def __init__(self, securables: Securables) -> None:
        self._securables = securables

    def is_open(self, chain: Iterable[tuple[str, str]]) -> bool:
        """Say whether this workspace may see a securable, given with its parents."""
        return all(self._binding(kind, name) is not None for kind, name in chain)

    def require_open(self, chain: Iterable[tuple[str, str]], privilege: str) -> None:
        """Let this workspace use a privilege on a securable, given with its parents, or not.

        Raises:
            ApiError: 403 when it is isolated and not bound to this workspace, or bound to it for reading only.
        """
        for kind, name in chain:
            binding, label = self._binding(kind, name), TYPES[kind].label
            if binding is None:
                raise permission_denied(f"{label} '{name}' is not accessible in current workspace")
            if binding == READ_ONLY and privilege not in _READING:
                raise permission_denied(f"{label} '{name}' is read-only in current workspace")

    def _binding(self, kind: str, name: str) -> str | None:
        """Return how the securable is bound to this workspace, None when it is closed to it."""
        document = self._securables.find(kind, name) if kind in BINDABLE else None
        if document is None or document.get("isolation_mode") not in _ISOLATED:
            return READ_WRITE
        return self._securables.bindings(kind, name).get(str(WORKSPACE_ID))
