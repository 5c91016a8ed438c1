"""Cases of the planner, a file each in tests/plans: declarations, what is there, and the plan that a person reads."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lakehouse.targets import local_target
from platform_assets.reconcile.explain import describe_plan, explain_plan
from platform_assets.reconcile.plan import Plan, Prune, World, plan_changes
from platform_assets.resource_types.function import Parameter
from platform_assets.resource_types.model import Resource
from platform_assets.resource_types.query import Query
from platform_assets.resource_types.query_parameters import QueryParameter
from platform_assets.resource_types.registry import TYPES
from platform_assets.resource_types.s3_lifecycle import LifecycleRule
from platform_assets.resource_types.table_columns import Column
from platform_assets.resource_types.workspace_assignment import AccountPrincipal

FOLDER = Path(__file__).parent.parent / "plans"
CASES = sorted(FOLDER.glob("*.json"))
TARGET = local_target(Path("/nowhere"))
BY_TYPE = {one.type_name: one for one in TYPES}


def make_resource(document: dict[str, Any]) -> Resource:
    made = BY_TYPE[document["type"]]
    return made(**{name: make_value(made, name, value) for name, value in document.items() if name != "type"})


def make_value(made: type[Resource], name: str, value: Any) -> Any:
    if name == "columns":
        return tuple(Column(*one) for one in value)
    if name == "parameters":
        return tuple((QueryParameter if made is Query else Parameter)(*one) for one in value)
    if name == "lifecycle":
        return tuple(LifecycleRule(**one) for one in value)
    if isinstance(value, dict) and "kind" in value:
        return AccountPrincipal(**value)
    if isinstance(value, dict) and "type" in value:
        return make_resource(value)
    if name in ("reads", "calls"):
        return {place: make_resource(one) for place, one in value.items()}
    if name == "sources":
        return tuple(make_resource(one) for one in value)
    return tuple(value) if isinstance(value, list) else value


def make_world(resources: list[Resource], world: dict[str, Any], undeclared: list[Resource]) -> World:
    unknown = world.keys() - {resource.key for resource in resources}
    assert not unknown, f"the world of the case names what it does not declare: {unknown}"
    errors = {key: found["error"] for key, found in world.items() if found and "error" in found}
    states = {
        resource.key: None
        if world.get(resource.key, "there") is None
        else {**resource.desired(TARGET), **(world.get(resource.key) or {})}
        for resource in resources
        if resource.key not in errors
    }
    return World(states, errors, undeclared)


def make_plan(case: dict[str, Any]) -> Plan:
    resources = [make_resource(one) for one in case["resources"]]
    undeclared = [make_resource(one) for one in case.get("undeclared", ())]
    prune = Prune(case.get("prune", False), case.get("allow_data_loss", ()))
    return plan_changes(resources, TARGET, make_world(resources, case.get("world", {}), undeclared), prune)


@pytest.mark.parametrize("path", CASES, ids=[path.stem for path in CASES])
def test_case(path: Path) -> None:
    case = json.loads(path.read_text())
    made = make_plan(case)
    assert explain_plan(made).splitlines() == case["plan"]
    json.dumps(describe_plan(made))


def test_every_type_with_a_world_of_its_own_has_cases() -> None:
    covered = {one["type"] for path in CASES for one in json.loads(path.read_text())["resources"]}
    assert BY_TYPE.keys() - covered == {"wheel"}, "a wheel is made of source files: see test_wheel_upload.py"
