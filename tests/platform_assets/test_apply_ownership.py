"""What stands under a name meanwhile, or is not shown: apply neither changes nor deletes it, and says why."""

from __future__ import annotations

from typing import Any

import pytest
from databricks.sdk.errors import ResourceAlreadyExists

from platform_assets.reconcile.apply import apply_plan
from platform_assets.reconcile.explain import describe_plan, explain_plan
from platform_assets.reconcile.plan import NotPrunable, Prune, World, plan_changes
from platform_assets.resource_types.model import Clients, State
from platform_assets.resource_types.ownership import mark_labels
from tests.platform_assets.memory import Thing, apply, memory_of, open_memory, plan

THEIRS: dict[str, Any] = {"size": 1, "tags": {"managed_by": "lakehouse", "estate": "another"}}


class Marked(Thing):
    """Its mark is in its tags."""

    mark_field = "tags"


class Overtaken(Marked):
    """Somebody else creates one of that name between plan and apply."""

    def create(self, clients: Clients, desired: State) -> None:
        memory_of(clients).states[self.key] = dict(THEIRS)
        raise ResourceAlreadyExists("it exists")


class Invisible(Marked):
    """The service says that it is there, and shows nothing."""

    def create(self, clients: Clients, desired: State) -> None:
        raise ResourceAlreadyExists("it exists")


def test_what_somebody_else_made_meanwhile_is_not_updated() -> None:
    target, memory, clients = open_memory()
    (failure,) = apply([Overtaken("a", fields={"size": 2, "tags": mark_labels(target)})], clients).failures
    assert "lakehouse-local-a is there and is not ours: it carries the mark of another" in failure.error
    assert (memory.states["thing/a"], memory.writes) == (THEIRS, [])


def test_what_takes_the_place_of_ours_meanwhile_is_not_updated() -> None:
    target, memory, clients = open_memory()
    mark = {"tags": mark_labels(target)}
    memory.states = {f"thing/{name}": {"size": 1, **mark} for name in "abc"}
    made = plan([Marked(name, fields={"size": 2, **mark}) for name in "abc"], clients)
    memory.states["thing/a"] = dict(THEIRS)
    del memory.states["thing/b"]
    errors = {one.key: one.error for one in apply_plan(made, clients).failures}
    assert "carries the mark of another" in errors["thing/a"] and "is gone since the plan" in errors["thing/b"]
    assert memory.states == {"thing/a": THEIRS, "thing/c": {"size": 2, **mark}}


def test_what_takes_the_place_of_ours_meanwhile_is_not_deleted() -> None:
    target, memory, clients = open_memory()
    memory.states = {"thing/a": {"tags": mark_labels(target)}, "thing/b": {"tags": mark_labels(target)}}
    made = plan([], clients, undeclared=[Marked("a"), Marked("b")], prune=Prune(True))
    memory.states["thing/a"] = dict(THEIRS)
    (failure,) = apply_plan(made, clients).failures
    assert "thing/a" in failure.error and "is not ours" in failure.error
    assert memory.states == {"thing/a": THEIRS}


def test_what_is_taken_and_not_shown_says_what_to_grant() -> None:
    target, _, clients = open_memory()
    (failure,) = apply([Invisible("a", fields={"tags": mark_labels(target)})], clients).failures
    assert "it exists and is not visible to " in failure.error and "grant BROWSE" in failure.error
    assert "ResourceAlreadyExists" not in failure.error and "The service said: it exists" in failure.error


def test_where_it_is_not_known_what_is_ours_nothing_is_pruned() -> None:
    target, memory, _ = open_memory()
    memory.states = {"thing/a": {"tags": mark_labels(target)}}
    world = World({}, {}, (Marked("a"),), ("job: what is ours cannot be listed: PermissionDenied: no",))
    shown = plan_changes([], target, world)
    assert f"? {world.unknown[0]}" in explain_plan(shown).splitlines()
    assert describe_plan(shown)["unknown"] == list(world.unknown)
    with pytest.raises(NotPrunable, match="Nothing is pruned.*\njob: what is ours cannot be listed"):
        plan_changes([], target, world, Prune(True))
    assert memory.writes == []
