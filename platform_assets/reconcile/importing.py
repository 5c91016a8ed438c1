"""Finds this estate's resources in a workspace and rebuilds their declarations; each is one whose plan is empty."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from lakehouse.targets import Target
from platform_assets.reconcile.declared import find_own_problems, order_keys
from platform_assets.reconcile.diff import diff_states
from platform_assets.resource_types.grants import Grants
from platform_assets.resource_types.listing import Listing
from platform_assets.resource_types.model import Clients, InvalidDeclaration, Resource, State
from platform_assets.resource_types.rebuilding import NotExpressible, Rebuilding
from platform_assets.resource_types.registry import TYPES
from platform_assets.resource_types.sdk_errors import name_error
from platform_assets.resource_types.value_diff import shorten_value

_GRANTED_ON = (
    *("storage_credential", "external_location", "catalog", "schema"),
    *("volume", "table", "view", "function", "registered_model"),
)


class NotReadable(Exception):
    """Some of the estate cannot be read; the message names each of it."""


@dataclass(frozen=True)
class Import:
    """The declarations, what they need first; by key, why what else is ours has none; types that are not looked at."""

    resources: tuple[Resource, ...]
    refused: Mapping[str, str]
    left_out: tuple[str, ...]


def import_resources(clients: Clients) -> Import:
    """Rebuild the declarations of all that carries the estate's mark, and of the grants on it.

    Raises:
        NotReadable: something of it cannot be read.
    """
    rebuilt, refused = rebuild_found(clients)
    refuse_undeclarable(rebuilt, refused, clients.target)
    refuse_dependents(rebuilt, refused)
    ordered = tuple(rebuilt[key] for key in order_keys(list(rebuilt.values())))
    return Import(ordered, refused, tuple(one.type_name for one in TYPES if one.references is None))


def rebuild_found(clients: Clients) -> tuple[dict[str, Resource], dict[str, str]]:
    """Return the declarations by key, and by key why others have none; some may need what has none.

    Raises:
        NotReadable: something of it cannot be read.
    """
    from databricks.sdk.errors.base import DatabricksError

    listing = Listing(clients)
    types = [one for one in TYPES if one.references is not None]
    bare = [one for kind in types for one in sorted(kind.find_owned(listing), key=lambda one: one.key)]
    rebuilding = Rebuilding(clients.target, tuple(bare))
    rebuilt: dict[str, Resource] = {}
    refused: dict[str, str] = {}
    unreadable: list[str] = []
    for one in (*bare, *_find_grants(bare)):
        try:
            if resource := _rebuild(one, listing, rebuilding):
                rebuilt[one.key] = resource
        except (NotExpressible, InvalidDeclaration) as error:
            refused[one.key] = str(error)
        except DatabricksError as error:
            unreadable.append(name_error(one, clients.target, error))
    if unreadable:
        raise NotReadable("\n".join(unreadable))
    return rebuilt, refused


def _find_grants(resources: list[Resource]) -> Iterator[Resource]:
    for one in resources:
        if one.type_name in _GRANTED_ON:
            yield Grants(f"{one.type_name}.{one.name}")


def _rebuild(bare: Resource, listing: Listing, rebuilding: Rebuilding) -> Resource | None:
    """Return the declaration, None where there is nothing to declare (any more).

    Raises:
        NotExpressible: there is none whose plan would be empty.
    """
    state = _read(bare, listing)
    if not state:
        return None
    rebuilt = bare.rebuild(state, rebuilding)
    found = _read_declared(rebuilt, state, listing)
    for name, there, wanted in diff_states(rebuilt.desired(rebuilding.target), found):
        raise NotExpressible(f"{name} is {shorten_value(there)}, and can only be declared as {shorten_value(wanted)}")
    return rebuilt


def _read(bare: Resource, listing: Listing) -> State | None:
    target = listing.clients.target
    container = bare.container(target)
    if container is None:
        return bare.read_whole(listing.clients)
    return listing.states(type(bare), container).get(bare.physical_name(target))


def _read_declared(rebuilt: Resource, state: State, listing: Listing) -> State:
    """Return the state as a plan of the declaration reads it."""
    if rebuilt.container(listing.clients.target) is None:
        return rebuilt.read(listing.clients) or {}
    return rebuilt.select_declared(state)


def refuse_undeclarable(rebuilt: dict[str, Resource], refused: dict[str, str], target: Target) -> None:
    """Move what a plan would refuse as declared to the refused: somebody gave it a name that is no key, say."""
    for key in [*rebuilt]:
        if problems := find_own_problems(rebuilt[key], target):
            del rebuilt[key]
            refused[key] = "; ".join(problems)


def refuse_dependents(rebuilt: dict[str, Resource], refused: dict[str, str]) -> None:
    """Move what needs something that is not declared to the refused."""
    while lacking := [(key, need) for key, one in rebuilt.items() for need in one.dependencies if need not in rebuilt]:
        for key, need in lacking:
            rebuilt.pop(key, None)
            refused[key] = f"needs {need}, which is not declared"
