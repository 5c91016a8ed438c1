"""Plans in files: carried out as shown or refused, with what moved; bad files are refused as such."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from platform_assets.reconcile.apply import apply_plan
from platform_assets.reconcile.plan import Plan, Prune
from platform_assets.reconcile.saved import (
    InvalidPlanFile,
    PlanOutdated,
    read_plan,
    require_same_declarations,
    require_same_place,
    require_same_world,
    save_plan,
)
from platform_assets.resource_types.model import Resource
from tests.platform_assets.memory import MemoryClients, Thing, open_memory, plan
from tests.platform_assets.test_reconcile_properties import STATES, worlds

PRUNE = Prune(enabled=True)


def save(path: Path, resources: list[Resource], clients: MemoryClients, undeclared: tuple[Resource, ...] = ()) -> Plan:
    made = plan(resources, clients, undeclared, PRUNE)
    save_plan(path, made, clients, None, PRUNE, {one.key for one in resources})
    return made


def renew(path: Path, resources: list[Resource], clients: MemoryClients, undeclared: tuple[Resource, ...] = ()) -> Plan:
    saved = read_plan(path)
    require_same_place(saved, clients)
    require_same_declarations(saved, resources, clients)
    made = plan(resources, clients, undeclared, saved.prune)
    require_same_world(saved, made)
    return made


def refusal(path: Path, resources: list[Resource], clients: MemoryClients, *undeclared: Resource) -> list[str]:
    with pytest.raises(PlanOutdated) as caught:
        renew(path, resources, clients, undeclared)
    return str(caught.value).splitlines()[1:]


@settings(max_examples=200, deadline=None)
@given(worlds(), st.data())
def test_it_is_refused_exactly_when_a_declared_field_is_neither_as_seen_nor_as_declared(
    tmp_path_factory: pytest.TempPathFactory,
    world: tuple[list[Resource], dict[str, dict[str, Any]]],
    data: st.DataObject,
) -> None:
    resources, states = world
    _, memory, clients = open_memory()
    memory.states = {key: dict(state) for key, state in states.items()}
    path = tmp_path_factory.getbasetemp() / "plan.json"
    save(path, resources, clients)
    memory.states |= data.draw(st.dictionaries(st.sampled_from([one.key for one in resources]), STATES, max_size=3))
    moved = {
        f"  {one.key}: {name}:"
        for one in resources
        if one.key in memory.states
        for name, wanted in one.desired(clients.target).items()
        if (now := memory.states[one.key].get(name)) != wanted
        and (now or None) != (states.get(one.key, {}).get(name) or None)
    }
    if moved:
        assert {" ".join(line.split(" ")[:4]) for line in refusal(path, resources, clients)} == moved
    else:
        assert apply_plan(renew(path, resources, clients), clients).failures == ()
        assert plan(resources, clients).is_empty


@settings(max_examples=100, deadline=None)
@given(worlds(), st.data())
def test_an_apply_that_stopped_anywhere_goes_on_from_the_same_file(
    tmp_path_factory: pytest.TempPathFactory,
    world: tuple[list[Resource], dict[str, dict[str, Any]]],
    data: st.DataObject,
) -> None:
    resources, states = world
    _, memory, clients = open_memory()
    memory.states = {key: dict(state) for key, state in states.items()}
    path = tmp_path_factory.getbasetemp() / "plan.json"
    made = save(path, resources, clients)
    memory.broken = data.draw(st.sets(st.sampled_from([one.key for one in resources])))
    apply_plan(made, clients)
    memory.broken = set()
    assert apply_plan(renew(path, resources, clients), clients).failures == ()
    assert plan(resources, clients).is_empty
    assert renew(path, resources, clients).is_empty, "a third time there is nothing left to do"


@pytest.mark.parametrize(
    ("before", "after", "line"),
    [
        ({"size": 1}, {"size": 3}, "  thing/a: size: 1 -> 3"),
        ({"size": 2}, {"size": 3}, "  thing/a: size: 2 -> 3"),
        (None, {"size": 3}, "  thing/a: size: nothing -> 3"),
        ({"size": 1}, None, "  thing/a: there -> not there"),
        ({"size": 2}, None, "  thing/a: there -> not there"),
    ],
)
def test_what_moved_is_named(tmp_path: Path, before: Any, after: Any, line: str) -> None:
    _, memory, clients = open_memory()
    memory.states = {"thing/a": before} if before else {}
    things: list[Resource] = [Thing("a", fields={"size": 2}), Thing("b")]
    save(tmp_path / "p", things, clients)
    memory.states = {"thing/a": after} if after else {}
    assert refusal(tmp_path / "p", things, clients) == [line]
    assert memory.writes == []


def test_what_appeared_and_could_be_deleted_is_named(tmp_path: Path) -> None:
    _, memory, clients = open_memory()
    memory.states = {"thing/old": {}, "thing/older": {}}
    save(tmp_path / "p", [], clients, (Thing("old"),))
    assert refusal(tmp_path / "p", [], clients, Thing("old"), Thing("older")) == [
        "  thing/older: was not there, and is ours and not declared"
    ]
    assert renew(tmp_path / "p", [], clients).is_empty, "who deleted it meanwhile did what the plan says"


def test_changed_declarations_are_named(tmp_path: Path) -> None:
    _, _, clients = open_memory()
    save(tmp_path / "p", [Thing("a"), Thing("b"), Thing("c")], clients)
    today: list[Resource] = [Thing("a", fields={"size": 1}), Thing("b", after=("thing/d",)), Thing("d")]
    assert refusal(tmp_path / "p", today, clients) == [
        "  thing/d: declared since",
        "  thing/c: no longer declared",
        "  thing/a: declared differently",
        "  thing/b: declared differently",
    ]


@pytest.mark.parametrize(
    "change", [{"name": "dev"}, {"region": "us-east-1"}, {"aws_account": "999999999999"}, {"bucket_prefix": "other"}]
)
def test_another_place_is_named(tmp_path: Path, change: dict[str, str]) -> None:
    target, memory, clients = open_memory()
    save(tmp_path / "p", [Thing("a")], clients)
    elsewhere = MemoryClients(replace(target, **change), memory)  # type: ignore[arg-type]
    with pytest.raises(PlanOutdated, match=f"of another place: .*, here '{next(iter(change.values()))}'"):
        renew(tmp_path / "p", [Thing("a")], elsewhere)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda text: text[: len(text) // 2], "damaged or cut off"),
        (lambda text: "", "damaged or cut off"),
        (lambda text: "[]", "no plan of lakehouse"),
        (lambda text: text.replace('"version": 1', '"version": 2'), "has version 2, this is version 1"),
        (lambda text: text.replace('"enabled": true', '"enabled": false'), "damaged or changed since"),
        (lambda text: text.replace("thing/a", "thing/b"), "damaged or changed since"),
    ],
    ids=["cut off", "empty", "something else", "version", "changed option", "changed key"],
)
def test_a_bad_file_is_refused(tmp_path: Path, damage: Callable[[str], str], message: str) -> None:
    _, _, clients = open_memory()
    path = tmp_path / "plan"
    save(path, [Thing("a")], clients)
    path.write_text(damage(path.read_text()))
    with pytest.raises(InvalidPlanFile, match=message):
        read_plan(path)


def test_a_file_that_is_not_there_or_cannot_be_written_is_named(tmp_path: Path) -> None:
    _, _, clients = open_memory()
    with pytest.raises(InvalidPlanFile, match="none cannot be read: No such file"):
        read_plan(tmp_path / "none")
    with pytest.raises(InvalidPlanFile, match="cannot be written: No such file"):
        save(tmp_path / "no" / "folder", [], clients)


def test_the_file_is_its_owners_alone(tmp_path: Path) -> None:
    _, _, clients = open_memory()
    save(tmp_path / "plan", [Thing("a")], clients)
    assert stat.S_IMODE((tmp_path / "plan").stat().st_mode) == 0o600
    assert json.loads((tmp_path / "plan").read_text())["place"]["workspace"] == "http://memory"
    assert [one.name for one in tmp_path.iterdir()] == ["plan"]
