"""Reads the world that a plan is made from: the declared resources, and what is ours but no longer declared."""

from __future__ import annotations

import socket
from collections import defaultdict
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from lakehouse.targets import Target
from lakehouse.workspace import WorkspaceUnreachable, name_local_up
from platform_assets.reconcile.plan import World
from platform_assets.resource_types.listing import Listing
from platform_assets.resource_types.model import Clients, Resource, State
from platform_assets.resource_types.ownership import WHO, describe_answer, why_not_ours
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
        finding = threads.submit(find_undeclared, listing, set(declared)) if declared is not None else None
        reads = threads.map(lambda one: (one.key, read_resource(one, listing, one.key in listed)), resources)
        found = dict(reads)
        undeclared, unknown = finding.result() if finding else ([], [])
        return World(
            {key: state for key, state in found.items() if not isinstance(state, str)},
            {key: error for key, error in found.items() if isinstance(error, str)},
            undeclared,
            unknown,
        )


def require_open_door(clients: Clients) -> None:
    """Refuse at once when nobody is there: the SDK would knock for each resource until its deadline.

    Behind a proxy, which may know the way, nothing is tried.

    Raises:
        WorkspaceUnreachable: the host has no address, or does not answer.
    """
    host = urlsplit(clients.workspace.config.host or "")
    try:
        socket.create_connection((host.hostname, host.port or 443), timeout=_DOOR_S).close()
    except ConnectionRefusedError as error:
        raise WorkspaceUnreachable(
            f"Target {clients.target.name}: nobody listens at {host.geturl()}; "
            f"a local workspace comes up with {name_local_up(clients.target)}"
        ) from error
    except OSError as error:
        if _has_proxy(host.scheme, host.hostname or ""):
            return
        what = "has no address (DNS)" if isinstance(error, socket.gaierror) else f"does not answer ({error})"
        raise WorkspaceUnreachable(
            f"Target {clients.target.name}: host {host.hostname} {what}; correct `host` of profile "
            f"{clients.target.profile('deployer')}, or mend the network or its DNS"
        ) from error


def _has_proxy(scheme: str, host: str) -> bool:
    proxies = getproxies()
    return bool(proxies.get(scheme) or proxies.get("all")) and not proxy_bypass(host)


def find_undeclared(listing: Listing, declared: set[str]) -> tuple[list[Resource], list[str]]:
    """Return what carries the estate's mark and is not declared, in the order it could be deleted.

    With it, in words, which types could not be looked for: what is ours of them is not known.

    Raises:
        WorkspaceUnreachable: nobody answers.
    """
    found: list[Resource] = []
    unknown: list[str] = []
    for resource_type in reversed(TYPES):
        try:
            owned = sorted(resource_type.find_owned(listing), key=_what_is_deeper_first)
        except WorkspaceUnreachable:
            raise
        except Exception as error:  # noqa: BLE001 - becomes a line of the plan
            unknown.append(f"{resource_type.type_name}: what is ours cannot be listed: {type(error).__name__}: {error}")
            continue
        found += [resource for resource in owned if resource.identity not in declared]
    return found, unknown


def _what_is_deeper_first(resource: Resource) -> tuple[int, str]:
    return -resource.key.count("/"), resource.key  # a folder can go once it is empty


def _find_listed(resources: Sequence[Resource], target: Target) -> set[str]:
    """Return the keys of what a list call reads with others; one that is alone in its container is got by name."""
    containers: defaultdict[tuple[type[Resource], str], list[str]] = defaultdict(list)
    for resource in resources:
        if (container := resource.container(target)) is not None:
            containers[type(resource), container].append(resource.key)
    return {key for keys in containers.values() if len(keys) > 1 for key in keys}


def read_resource(resource: Resource, listing: Listing, is_listed: bool) -> State | str | None:
    """Return its state, None if it is not there, and in words why that is not known.

    Raises:
        WorkspaceUnreachable: nobody answers.
    """
    target, container = listing.clients.target, resource.container(listing.clients.target)
    try:
        if is_listed and container is not None:
            found = listing.find(type(resource), container, resource.physical_name(target))
            state = None if found is None else resource.select_declared(found)
        else:
            state = resource.read(listing.clients)
        if state is None:
            return resource.find_hidden(listing.clients)
        if why_not_ours(resource, state, target):
            return {**state, WHO: describe_answer(resource.find_answer(listing.clients))}
        return state
    except WorkspaceUnreachable:  # no resource's fault
        raise
    except Exception as error:  # noqa: BLE001 - becomes a line of the plan, which fails whoever applies it
        return name_error(resource, target, error)
