"""Rules of a set of declarations: its service takes each, no key twice, nothing undeclared needed, no circles.

Pure. Command line, Dagster and tests ask the same function, so they accept and refuse the same.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter

from lakehouse.grammar.texts import json_problems
from lakehouse.targets import Target
from platform_assets.grammar.dagster_keys import fold_key, key_problems
from platform_assets.reconcile.contradictions import find_contradictions
from platform_assets.reconcile.overlaps import find_overlaps
from platform_assets.resource_types.model import InvalidDeclaration, Resource


class InvalidEstate(InvalidDeclaration):
    """Declarations cannot be applied; the message has a line for each problem: resource, reason, remedy, file, line."""


def index_resources(resources: Iterable[Resource]) -> dict[str, Resource]:
    """Return the resources by key.

    Raises:
        InvalidEstate: a key is declared twice.
    """
    by_key: dict[str, Resource] = {}
    identities: dict[str, str] = {}
    for resource in resources:
        if (same := identities.setdefault(resource.identity, resource.key)) != resource.key:
            raise InvalidEstate(f"{resource.key} and {same} are one to the service: declare one of them")
        if resource.key in by_key:
            raise InvalidEstate(f"{resource.key} is declared twice")
        by_key[resource.key] = resource
    return by_key


def order_keys(resources: Sequence[Resource]) -> list[str]:
    """Return the keys, dependencies first; what does not depend on each other in the order of declaration.

    Raises:
        InvalidEstate: the dependencies go round in a circle.
    """
    keys = {resource.key for resource in resources}
    graph = {resource.key: [key for key in resource.dependencies if key in keys] for resource in resources}
    try:
        return list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        raise InvalidEstate(f"The declarations depend on each other: {' -> '.join(error.args[1])}") from None


def add_needed(keys: Collection[str], resources: Mapping[str, Resource]) -> set[str]:
    """Return the keys and those of everything that they need, directly or not."""
    needed, waiting = set(keys), list(keys)
    while waiting:
        new = set(resources[waiting.pop()].dependencies) - needed
        needed |= new
        waiting += new
    return needed


def require_declared(resources: Sequence[Resource], target: Target) -> None:
    """Refuse an estate that cannot be applied to the target, whatever the target holds.

    Raises:
        InvalidEstate: with a line for each problem of each declaration.
    """
    problems = [*_find_each(resources, target), *_find_twins(resources), *_find_undeclared(resources)]
    if not problems:
        order_keys(resources)
        problems += [*find_contradictions(resources), *find_overlaps(resources, target)]
    if problems:
        raise InvalidEstate("\n".join(dict.fromkeys(problems)))


def locate(resource: Resource, problem: str) -> str:
    """Return a problem with the resource before it, and file and line after it."""
    return f"{resource.key}: {problem} (declared at {resource.declared_at})"


def find_own_problems(resource: Resource, target: Target) -> list[str]:
    """Return what is wrong with a declaration by itself; one that seems right must say what it desires."""
    problems = [*key_problems(resource.key), *_find_empty(resource), *resource.find_problems(target)]
    if not problems:
        try:
            for name, value in resource.desired(target).items():
                problems += json_problems(f"its {name}", value)
        except InvalidDeclaration as error:
            problems.append(str(error).removeprefix(f"{resource.key}: "))
    return problems


def _find_each(resources: Iterable[Resource], target: Target) -> Iterator[str]:
    for resource in resources:
        yield from (locate(resource, problem) for problem in find_own_problems(resource, target))


def _find_empty(resource: Resource) -> Iterator[str]:
    """Yield the fields that name another resource by an empty text, which is neither one nor none."""
    for field in resource.references or ():
        if getattr(resource, field) == "":
            yield f"its {field} is empty: name one, or leave it out"


def _find_twins(resources: Iterable[Resource]) -> Iterator[str]:
    """Yield what is declared twice, or is one to the service or to Dagster."""
    keys: dict[str, Resource] = {}
    identities: dict[str, Resource] = {}
    names: dict[str, Resource] = {}
    for one in resources:
        if one is not (same := keys.setdefault(one.key, one)):
            yield locate(one, f"{one.key} is declared twice, first at {same.declared_at}: leave one out")
        elif one is not (same := identities.setdefault(one.identity, one)):
            yield locate(one, f"{one.key} and {same.key} are one to the service: declare one of them")
        elif one is not (same := names.setdefault(fold_key(one.key), one)):
            yield locate(one, f"{one.key} and {same.key} are one to Dagster, to which - and . are _: rename one")


def _find_undeclared(resources: Iterable[Resource]) -> Iterator[str]:
    keys = {resource.key for resource in resources}
    for resource in resources:
        for needed in resource.dependencies:
            if needed not in keys:
                kind = needed.partition("/")[0]
                known = ", ".join(sorted(key for key in keys if key.startswith(f"{kind}/"))) or "none"
                yield locate(
                    resource, f"{resource.key} needs {needed}, which is not declared; of {kind} there is {known}"
                )
