"""The workspaces that an isolated catalog, location or credential is open to. https://docs.databricks.com/api/workspace/workspacebindings"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from lakehouse.targets import Target
from platform_assets.resource_types.model import Clients, InvalidDeclaration
from platform_assets.resource_types.rebuilding import NotExpressible
from platform_assets.resource_types.sdk_errors import unless_missing

if TYPE_CHECKING:
    from databricks.sdk.service.catalog import WorkspaceBinding

_READ_WRITE, _READ_ONLY = "READ_WRITE", "READ_ONLY"
_PREFIX = "BINDING_TYPE_"


def describe_bindings(target: Target, key: str, read_by: Iterable[str], written_by: Iterable[str]) -> dict[str, str]:
    """Return how the catalog is bound, by workspace id. Its own workspace always reads and writes.

    Raises:
        InvalidDeclaration: the target does not know a workspace.
    """
    levels = {**dict.fromkeys(read_by, _READ_ONLY), **dict.fromkeys(written_by, _READ_WRITE), target.name: _READ_WRITE}
    for name in levels:
        if name not in target.workspace_ids:
            known = ", ".join(target.workspace_ids) or "none"
            raise InvalidDeclaration(
                f"{key}: workspace_ids of target {target.name} in lakehouse/targets.py lacks {name!r} (it has {known})"
            )
    return {str(target.workspace_ids[name]): level for name, level in sorted(levels.items())}


def name_workspaces(target: Target, bindings: Mapping[str, str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return `read_by` and `written_by` of bindings.

    Raises:
        NotExpressible: the target does not know a workspace.
    """
    names = {str(identity): name for name, identity in target.workspace_ids.items()}
    if unknown := sorted(bindings.keys() - names.keys()):
        raise NotExpressible(f"it is bound to workspace {unknown[0]}, which workspace_ids of the target do not name")
    levels = {names[identity]: level for identity, level in bindings.items() if names[identity] != target.name}
    shared = sorted(levels.items())
    return (
        tuple(name for name, level in shared if level == _READ_ONLY),
        tuple(name for name, level in shared if level == _READ_WRITE),
    )


def read_bindings(clients: Clients, name: str, kind: str = "catalog") -> dict[str, str]:
    """Return the same of what is there."""
    found = clients.workspace.workspace_bindings.get_bindings(kind, name, max_results=0)
    return {str(one.workspace_id): _level(one) for one in found}


def find_hidden(clients: Clients, kind: str, name: str) -> str | None:
    """Return why a securable that no list shows is there all the same, None if it is not: bindings are shown anywhere.

    Raises:
        Exception: whether it is there cannot be told.
    """
    bindings = unless_missing(lambda: read_bindings(clients, name, kind))
    if bindings is None:
        return None
    bound = ", ".join(sorted(bindings)) or "none"
    return (
        f"{name} exists and is not visible in this workspace: it is isolated, and bound to {bound}. "
        "Bind this workspace to it, or open it to all"
    )


def change_bindings(clients: Clients, catalog: str, wanted: Mapping[str, str], found: Mapping[str, str] | None) -> None:
    """Bind and release in one call."""
    from databricks.sdk.service.catalog import WorkspaceBinding, WorkspaceBindingBindingType

    def bind(workspace: str, level: str) -> WorkspaceBinding:
        return WorkspaceBinding(int(workspace), WorkspaceBindingBindingType(f"{_PREFIX}{level}"))

    before = found or {}
    add = [bind(*one) for one in wanted.items() if before.get(one[0]) != one[1]]
    remove = [bind(*one) for one in before.items() if wanted.get(one[0]) != one[1]]
    clients.workspace.workspace_bindings.update_bindings("catalog", catalog, add=add, remove=remove)


def explain_bindings(before: Any, after: Any) -> Iterator[str]:
    """Yield what changes, a line for each workspace."""
    held, wanted = before or {}, after or {}
    for workspace, level in wanted.items():
        if held.get(workspace) != level:
            yield f"bind workspace {workspace} as {level}"
    for workspace, level in held.items():
        if workspace not in wanted or (level, wanted[workspace]) == (_READ_WRITE, _READ_ONLY):
            yield f"revoke {level} from workspace {workspace}"


def _level(found: WorkspaceBinding) -> str:
    return found.binding_type.value.removeprefix(_PREFIX) if found.binding_type else _READ_WRITE
