"""What holds for every estate: apply makes the plan empty, writes once, and one failure stops only what needs it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from platform_assets.reconcile.apply import Status
from platform_assets.reconcile.declared import InvalidEstate, index_resources
from platform_assets.reconcile.explain import describe_plan, explain_plan
from platform_assets.reconcile.plan import Action, Prune
from platform_assets.resource_types.catalog import Catalog
from platform_assets.resource_types.function import Function
from platform_assets.resource_types.model import Resource
from platform_assets.resource_types.registered_model import RegisteredModel
from platform_assets.resource_types.schema import Schema
from platform_assets.resource_types.table import Table
from platform_assets.resource_types.volume import Volume
from tests.platform_assets.memory import Thing, apply, open_memory, plan

VALUES = st.one_of(st.none(), st.booleans(), st.integers(-2, 2), st.text(max_size=3), st.lists(st.integers(0, 2)))
STATES = st.dictionaries(st.sampled_from("abc"), VALUES, max_size=3)


@st.composite
def estates(draw: st.DrawFn) -> list[Resource]:
    """Up to nine resources, each needing some of those before it, in any order of declaration."""
    things: list[Resource] = []
    for number in range(draw(st.integers(1, 9))):
        needed = draw(st.sets(st.sampled_from([thing.key for thing in things]), max_size=3)) if things else set()
        things.append(Thing(f"n{number}", fields=draw(STATES), after=tuple(sorted(needed))))
    return draw(st.permutations(things))


@st.composite
def worlds(draw: st.DrawFn) -> tuple[list[Resource], dict[str, dict[str, Any]]]:
    """An estate and what is already there of it, as declared, different, or with more fields."""
    resources = draw(estates())
    there = {resource.key: draw(st.none() | STATES) for resource in resources}
    return resources, {key: state for key, state in there.items() if state is not None}


@settings(max_examples=300, deadline=None)
@given(worlds())
def test_what_is_planned_is_what_is_done_and_shown_and_then_nothing_is_left_to_do(
    world: tuple[list[Resource], dict[str, dict[str, Any]]],
) -> None:
    resources, states = world
    _, memory, clients = open_memory()
    memory.states = states
    made = plan(resources, clients)
    report = apply(resources, clients)
    changed = [step.key for step in made.changed]
    assert report.failures == ()
    assert sorted(memory.writes) == sorted(changed)
    assert {result.key for result in report.results if result.status is not Status.UNCHANGED} == set(changed)
    shown = [line[2:] for line in explain_plan(made).splitlines()[:-1] if line[0] in "+~-!"]
    assert shown == changed
    assert [step["key"] for step in describe_plan(made)["steps"] if step["action"] != "none"] == changed
    assert plan(resources, clients).is_empty
    written = list(memory.writes)
    assert apply(resources, clients).changed_nothing
    assert memory.writes == written


@settings(max_examples=200, deadline=None)
@given(estates(), st.data())
def test_a_failure_stops_exactly_what_needs_it(resources: list[Resource], data: st.DataObject) -> None:
    _, memory, clients = open_memory()
    memory.broken = data.draw(st.sets(st.sampled_from([resource.key for resource in resources]), max_size=3))
    report = apply(resources, clients)
    needs = {resource.key: set(resource.dependencies) for resource in resources}
    lost = set(memory.broken)
    while more := {key for key in needs if needs[key] & lost} - lost:
        lost |= more
    statuses = {result.key: result.status for result in report.results}
    assert {key for key in statuses if statuses[key] in (Status.FAILED, Status.SKIPPED)} == lost
    assert {key for key in statuses if statuses[key] is Status.CREATED} == needs.keys() - lost
    for failure in report.failures:
        assert failure.error.startswith(failure.key)
    memory.broken = set()
    assert apply(resources, clients).failures == ()
    assert plan(resources, clients).is_empty


@settings(max_examples=100, deadline=None)
@given(estates())
def test_what_is_needed_is_written_first(resources: list[Resource]) -> None:
    _, memory, clients = open_memory()
    apply(resources, clients)
    place = {key: number for number, key in enumerate(memory.writes)}
    for resource in resources:
        assert all(place[key] < place[resource.key] for key in resource.dependencies)


@settings(max_examples=100, deadline=None)
@given(estates())
def test_only_prune_deletes(resources: list[Resource]) -> None:
    _, memory, clients = open_memory()
    apply(resources, clients)
    kept = plan([], clients, undeclared=resources)
    assert kept.is_empty
    assert set(kept.undeclared) == memory.states.keys()
    pruned = plan([], clients, undeclared=resources, prune=Prune(enabled=True))
    assert pruned.count(Action.DELETE) == len(resources)


@pytest.mark.parametrize("resource_type", [Catalog, Schema, Volume, Table, Function, RegisteredModel])
def test_names_that_differ_by_case_only_are_one_to_unity_catalog(resource_type: type[Resource]) -> None:
    with pytest.raises(InvalidEstate, match="are one to the service"):
        index_resources([resource_type("A.b"), resource_type("a.B")])


def test_names_of_things_that_tell_case_apart_may_differ_by_it() -> None:
    assert len(index_resources([Thing("A"), Thing("a")])) == 2
