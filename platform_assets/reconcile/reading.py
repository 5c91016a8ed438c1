"""Reads the world that a plan is made from: the declared resources, and what is ours but no longer declared."""

from __future__ import annotations

import socket
from collections import defaultdict
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

from lakehouse.targets import Target
from lakehouse.workspace import WorkspaceUnreachable, name_local_up
from platform_assets.reconcile.plan import World
from platform_assets.resource_types.listing import Listing
from platform_assets.resource_types.model import Clients, Resource, State
from platform_assets.resource_types.registry import TYPES
from platform_assets.resource_types.sdk_errors import name_error

_DOOR_S = 5.0


def read_world(clients: Clients, resources: Sequence[Resource], declared: Iterable[str] | None = None) -> World:
    """Return the state of each resource; with the identities of all that is declared, also what is ours beside it.

    A resource that cannot be read stops only itself and what depends on it.

    Raises:
        WorkspaceUnreachable: nobody answers.
    """
    require_open_door(clients)
    listing = Listing(clients)
    listed = _find_listed(resources, clients.target)
    with ThreadPoolExecutor(clients.target.parallel_calls, "read") as threads:
        undeclared = threads.submit(find_undeclared, listing, set(declared)) if declared is not None else None
        reads = threads.map(lambda one: (one.key, _read(one, listing, one.key in listed)), resources)
        found = dict(reads)
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
            f"a local workspace comes up with {name_local_up(clients.target)}"
        ) from error
    except OSError:
        return  # not for us to decide: the SDK may know of a proxy


def find_undeclared(listing: Listing, declared: set[str]) -> list[Resource]:
    """Return what carries the estate's mark and is not declared, in the order it could be deleted."""
    return [
        resource
        for resource_type in reversed(TYPES)
        for resource in sorted(resource_type.find_owned(listing), key=_what_is_deeper_first)
        if resource.identity not in declared
    ]


def _what_is_deeper_first(resource: Resource) -> tuple[int, str]:
    return -resource.key.count("/"), resource.key  # a folder can go once it is empty


def _find_listed(resources: Sequence[Resource], target: Target) -> set[str]:
    """Return the keys of what a list call reads with others; one that is alone in its container is got by name."""
    containers: defaultdict[tuple[type[Resource], str], list[str]] = defaultdict(list)
    for resource in resources:
        if (container := resource.container(target)) is not None:
            containers[type(resource), container].append(resource.key)
    return {key for keys in containers.values() if len(keys) > 1 for key in keys}


def _read(resource: Resource, listing: Listing, is_listed: bool) -> State | str | None:
    target, container = listing.clients.target, resource.container(listing.clients.target)
    try:
        if is_listed and container is not None:
            found = listing.states(type(resource), container).get(resource.physical_name(target))
            return None if found is None else resource.select_declared(found)
        return resource.read(listing.clients)
    except WorkspaceUnreachable:  # no resource's fault
        raise
    except Exception as error:  # noqa: BLE001 - becomes a line of the plan, which fails whoever applies it
        return name_error(resource, target, error)
