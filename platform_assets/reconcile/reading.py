"""Reads the world that a plan is made from: the declared resources, and what is ours but no longer declared."""

from __future__ import annotations

import socket
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

from lakehouse.workspace import WorkspaceUnreachable
from platform_assets.reconcile.plan import World
from platform_assets.resource_types.model import Clients, Resource, State
from platform_assets.resource_types.registry import TYPES
from platform_assets.resource_types.sdk_errors import name_error

_DOOR_S = 5.0


def read_world(clients: Clients, resources: Sequence[Resource], declared: Iterable[str] | None = None) -> World:
    """Return the state of each resource; with the keys of all that is declared, also what is ours beside it.

    A resource that cannot be read stops only itself and what depends on it.

    Raises:
        WorkspaceUnreachable: nobody answers.
    """
    require_open_door(clients)
    with ThreadPoolExecutor(clients.target.parallel_calls, "read") as threads:
        undeclared = threads.submit(find_undeclared, clients, set(declared)) if declared is not None else None
        found = dict(threads.map(lambda resource: (resource.key, _read(resource, clients)), resources))
        return World(
            {key: state for key, state in found.items() if not isinstance(state, str)},
            {key: error for key, error in found.items() if isinstance(error, str)},
            undeclared.result() if undeclared else (),
        )


def require_open_door(clients: Clients) -> None:
    """Refuse at once when nobody listens: the SDK would knock for each resource until its deadline.

    Raises:
        WorkspaceUnreachable: connections are refused.
    """
    host = urlsplit(clients.workspace.config.host or "")
    try:
        socket.create_connection((host.hostname, host.port or 443), timeout=_DOOR_S).close()
    except ConnectionRefusedError as error:
        raise WorkspaceUnreachable(
            f"Target {clients.target.name}: nobody listens at {host.geturl()}; "
            "a local workspace comes up with `lakehouse local up`"
        ) from error
    except OSError:
        return  # not for us to decide: the SDK may know of a proxy


def find_undeclared(clients: Clients, declared: set[str]) -> list[Resource]:
    """Return what carries the estate's mark and is not declared, in the order it could be deleted."""
    return [
        resource
        for resource_type in reversed(TYPES)
        for resource in sorted(resource_type.find_owned(clients), key=lambda one: one.key)
        if resource.key not in declared
    ]


def _read(resource: Resource, clients: Clients) -> State | str | None:
    try:
        return resource.read(clients)
    except WorkspaceUnreachable:  # no resource's fault
        raise
    except Exception as error:  # noqa: BLE001 - becomes a line of the plan, which fails whoever applies it
        return name_error(resource, clients.target, error)
