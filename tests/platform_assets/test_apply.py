"""Applying a plan: what happens at once, what somebody else did meanwhile, what is deleted, what is blocked."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from databricks.sdk.errors import ResourceAlreadyExists

from lakehouse.targets import local_target
from platform_assets.reconcile.apply import Status, apply_plan
from platform_assets.reconcile.declared import InvalidEstate, order_keys, require_declared
from platform_assets.reconcile.plan import Action, Plan, Prune, World, plan_changes
from platform_assets.resource_types.model import Clients, State
from tests.platform_assets.memory import MemoryClients, Thing, apply, memory_of, open_memory, plan


class Taken(Thing):
    """Somebody else creates it between plan and apply, a little differently."""

    def create(self, clients: Clients, desired: State) -> None:
        memory_of(clients).states[self.key] = {"size": 1, "place": "there"}
        raise ResourceAlreadyExists("it exists")


class FixedTaken(Taken):
    """The same, where it cannot be moved."""

    fixed = {"place": "it cannot move"}


class Precious(Thing):
    """Holds data."""

    holds_data = True


class Meeting(Thing):
    """Its create ends only when another's has begun."""

    barrier = threading.Barrier(2, timeout=20)

    def create(self, clients: Clients, desired: State) -> None:
        self.barrier.wait()
        super().create(clients, desired)


def test_independent_resources_are_made_at_once() -> None:
    _, memory, clients = open_memory()
    assert apply([Meeting("a"), Meeting("b")], clients).failures == ()
    assert memory.states.keys() == {"thing/a", "thing/b"}


def test_no_more_calls_at_once_than_the_target_allows() -> None:
    target, memory, _ = open_memory()
    one_at_a_time = MemoryClients(replace(target, parallel_calls=1), memory)
    running, most = 0, 0

    class Counted(Thing):
        def create(self, clients: Clients, desired: State) -> None:
            nonlocal running, most
            running += 1
            most = max(most, running)
            super().create(clients, desired)
            running -= 1

    apply([Counted(f"n{number}") for number in range(20)], one_at_a_time)
    assert most == 1


def test_what_somebody_created_meanwhile_becomes_as_declared() -> None:
    _, memory, clients = open_memory()
    report = apply([Taken("a", fields={"size": 2, "place": "there"})], clients)
    assert report.failures == ()
    assert memory.states["thing/a"] == {"size": 2, "place": "there"}
    assert memory.writes == ["thing/a"]


def test_what_cannot_become_as_declared_is_an_error() -> None:
    _, memory, clients = open_memory()
    report = apply([FixedTaken("a", fields={"place": "here"})], clients)
    (failure,) = report.failures
    assert failure.error == "thing/a (lakehouse-local-a): ResourceAlreadyExists: it exists"
    assert memory.writes == []


def test_a_difference_that_cannot_be_changed_blocks_itself_and_its_dependents_only() -> None:
    _, memory, clients = open_memory()
    memory.states["thing/a"] = {"place": "there"}
    things = [FixedTaken("a", fields={"place": "here"}), Thing("b", after=("thing/a",)), Thing("c")]
    report = apply(list(things), clients)
    assert {result.key: result.status for result in report.results} == {
        "thing/a": Status.FAILED,
        "thing/b": Status.SKIPPED,
        "thing/c": Status.CREATED,
    }
    assert "place cannot be changed: it cannot move" in report.failures[0].error
    assert "since thing/a failed" in report.failures[1].error


class Hidden(Thing):
    """Cannot be read while what it depends on is not as declared."""

    fixed = {"place": "it cannot move"}

    def read(self, clients: Clients) -> State | None:
        if memory_of(clients).states["thing/door"] != {"open": True}:
            raise PermissionError("the door is closed")
        return super().read(clients)


def plan_behind_the_door(clients: MemoryClients, hidden: Thing) -> Plan:
    door = Thing("door", fields={"open": True})
    states = {door.key: memory_of(clients).states["thing/door"]}
    return plan_changes([door, hidden], clients.target, World(states, {hidden.key: "the door is closed"}))


@pytest.mark.parametrize(
    ("before", "status"),
    [({"size": 1}, Status.UPDATED), ({"size": 2}, Status.UNCHANGED), (None, Status.CREATED)],
)
def test_what_is_hidden_by_another_drift_is_mended_in_the_same_apply(before: Any, status: Status) -> None:
    _, memory, clients = open_memory()
    memory.states = {"thing/door": {"open": False}, **({"thing/h": before} if before else {})}
    made = plan_behind_the_door(clients, Hidden("h", after=("thing/door",), fields={"size": 2}))
    assert [step.action for step in made.steps] == [Action.UPDATE, Action.LATER]
    report = apply_plan(made, clients)
    assert [result.status for result in report.results] == [Status.UPDATED, status]
    assert memory.states == {"thing/door": {"open": True}, "thing/h": {"size": 2}}


def test_what_turns_out_to_be_fixed_fails_with_the_reason() -> None:
    _, memory, clients = open_memory()
    memory.states = {"thing/door": {"open": False}, "thing/h": {"place": "there"}}
    report = apply_plan(
        plan_behind_the_door(clients, Hidden("h", after=("thing/door",), fields={"place": "here"})), clients
    )
    (failure,) = report.failures
    assert "place cannot be changed: it cannot move" in failure.error


def test_what_stays_hidden_fails_with_the_reason() -> None:
    _, memory, clients = open_memory()
    memory.states = {"thing/door": {"open": False, "locked": True}, "thing/h": {}}
    quick = MemoryClients(replace(clients.target, iam_settle_seconds=0), memory)
    report = apply_plan(plan_behind_the_door(quick, Hidden("h", after=("thing/door",))), quick)
    (failure,) = report.failures
    assert "the door is closed" in failure.error


def test_deletes_come_last_and_one_after_another() -> None:
    _, memory, clients = open_memory()
    memory.states = {"thing/old": {}, "thing/older": {}}
    old: list[Any] = [Thing("old"), Thing("older")]
    made = plan([Thing("new")], clients, undeclared=old, prune=Prune(enabled=True))
    report = apply_plan(made, clients)
    assert memory.writes == ["thing/new", "thing/old", "thing/older"]
    assert report.count(Status.DELETED) == 2
    assert memory.states.keys() == {"thing/new"}


@pytest.mark.parametrize(("named", "action"), [((), Action.BLOCKED), (("thing/old",), Action.DELETE)])
def test_data_is_deleted_only_by_name(named: tuple[str, ...], action: Action) -> None:
    _, memory, clients = open_memory()
    memory.states = {"thing/old": {}}
    made = plan([], clients, undeclared=[Precious("old")], prune=Prune(True, named))
    assert made.steps[0].action is action
    report = apply_plan(made, clients)
    assert ("thing/old" in memory.states) == (action is Action.BLOCKED)
    assert bool(report.failures) == (action is Action.BLOCKED)


TARGET = local_target(Path("/nowhere"))


def test_contradicting_declarations_are_refused() -> None:
    with pytest.raises(InvalidEstate, match="thing/a is declared twice"):
        require_declared([Thing("a"), Thing("a")], TARGET)
    with pytest.raises(InvalidEstate, match="thing/a needs thing/b, which is not declared"):
        require_declared([Thing("a", after=("thing/b",))], TARGET)
    with pytest.raises(InvalidEstate, match="depend on each other: thing/"):
        order_keys([Thing("a", after=("thing/b",)), Thing("b", after=("thing/a",))])
