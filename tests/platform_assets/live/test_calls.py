"""How many calls a plan costs, counted in the gateway's request log: lists per container, not gets per resource."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

import pytest

from lakehouse.targets import Target
from platform_assets.declarations import RESOURCES
from platform_assets.estate import apply_estate, plan_estate
from platform_assets.reconcile.plan import Action
from platform_assets.resource_types.catalog import Catalog
from platform_assets.resource_types.model import Clients, Resource
from platform_assets.resource_types.query import Query
from platform_assets.resource_types.schema import Schema
from platform_assets.resource_types.volume import Volume
from tests.platform_assets.live.conftest import Gateway

UC = "/api/2.1/unity-catalog"
SCHEMAS, VOLUMES_EACH = 6, 15
METASTORE_LISTS = 3  # storage credentials, external locations, catalogs


def storage() -> tuple[Resource, ...]:
    return tuple(one for one in RESOURCES if one.group == "platform_storage" or one.type_name == "sqs_queue")


def wide_estate(volumes_each: int) -> tuple[Resource, ...]:
    """A catalog with schemas, each with volumes."""
    names = [f"wide.s{number}" for number in range(SCHEMAS)]
    volumes = [Volume(f"{name}.v{number}") for name in names for number in range(volumes_each)]
    return (*storage(), Catalog("wide", folder="wide"), *(Schema(name) for name in names), *volumes)


@pytest.fixture(scope="module")
def wide(applied: Target) -> Iterator[Target]:
    assert apply_estate(applied, resources=wide_estate(VOLUMES_EACH)).failures == ()
    yield applied
    Clients(applied).workspace.catalogs.delete(applied.catalog("wide"), force=True)


def count_calls(gateway: Gateway, target: Target, resources: tuple[Resource, ...], **options: bool) -> Counter[str]:
    since = gateway.now()
    assert plan_estate(target, resources=resources, **options).count(Action.NONE) == len(resources)
    paths = [re.sub(rf"{UC}|/api/2\.\d", "", one["path"]) for one in gateway.requests(since)]
    return Counter(path.split("/")[1] for path in paths)


def count_gets(gateway: Gateway, target: Target, query: Query) -> int:
    """How many queries are got until the target's own is found: one, and those of its name that others made before."""
    own = query.find(Clients(target))
    called_so = [one.id for one in gateway.admin.queries.list() if one.display_name == query.title]
    assert own is not None
    return called_so.index(own.identity) + 1


def test_a_plan_costs_a_list_per_container(gateway: Gateway, wide: Target) -> None:
    calls = count_calls(gateway, wide, wide_estate(VOLUMES_EACH))
    assert calls["volumes"] == SCHEMAS
    assert calls["schemas"] == 1
    containers = METASTORE_LISTS + 1 + SCHEMAS
    assert sum(calls.values()) <= containers, calls


def test_more_resources_in_the_same_containers_cost_no_more_calls(gateway: Gateway, wide: Target) -> None:
    few, many = (count_calls(gateway, wide, wide_estate(number)) for number in (2, VOLUMES_EACH))
    assert few == many


def test_looking_for_what_is_undeclared_asks_no_container_twice(gateway: Gateway, wide: Target) -> None:
    since = gateway.now()
    plan_estate(wide, resources=wide_estate(VOLUMES_EACH), find_undeclared=True)
    lists = Counter((one["path"], one["query"]) for one in gateway.requests(since) if "/catalogs/" not in one["path"])
    assert set(lists.values()) == {1}, lists


def test_the_declared_estate_costs_a_get_per_grant_and_a_list_per_container(gateway: Gateway, applied: Target) -> None:
    calls = count_calls(gateway, applied, RESOURCES)
    count = Counter(one.type_name for one in RESOURCES)
    insights = count["query"] + count["dashboard"]
    assert calls.pop("permissions") == count["grants"] + count["job"] + insights
    assert calls.pop("fs") == count["wheel"] + count["jar"]
    assert calls.pop("workspace") == count["notebook"] + count["dashboard"]
    assert calls.pop("lakeview") == 2 * count["dashboard"]  # the draft, what is published
    got = sum(count_gets(gateway, applied, one) for one in RESOURCES if isinstance(one, Query))
    assert calls.pop("sql") == count["query"] + got + insights  # found by name, then got; the names of warehouses
    assert calls.pop("jobs") == 2 * count["job"]  # found by name, then got
    assert calls == {"storage-credentials": 1, "external-locations": 1, "catalogs": 1, "schemas": 1, "volumes": 2}


def test_a_container_that_is_not_there_is_empty(gateway: Gateway, applied: Target) -> None:
    none = Catalog("none"), Schema("none.a"), Schema("none.b"), Volume("none.a.x"), Volume("none.a.y")
    resources = (*storage(), *none)
    plan = plan_estate(applied, resources=resources)
    assert {step.key for step in plan.changed} == {one.key for one in none}
    assert {step.action for step in plan.changed} == {Action.CREATE}


def test_a_list_that_fails_blocks_its_container_and_nothing_else(gateway: Gateway, wide: Target) -> None:
    gateway.add_fault(method="GET", path=f"{UC}/volumes", status=403, error_code="PERMISSION_DENIED", times=1)
    plan = plan_estate(wide, resources=wide_estate(VOLUMES_EACH))
    blocked = [step for step in plan.changed if step.action is Action.BLOCKED]
    assert len(blocked) == VOLUMES_EACH == len(plan.changed)
    assert len({step.resource.container(wide) for step in blocked}) == 1
