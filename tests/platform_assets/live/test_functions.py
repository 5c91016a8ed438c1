"""Functions on a real workspace: one that calls another, executed by whom they are for, replaced in place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from lakehouse.targets import Target
from platform_assets.declarations import RESOURCES
from platform_assets.estate import apply_estate, plan_estate
from platform_assets.reconcile.plan import Action, Prune
from platform_assets.resource_types.function import Function, Parameter
from platform_assets.resource_types.grants import Grants
from platform_assets.resource_types.model import Clients, Resource
from platform_assets.resource_types.ownership import mark_comment
from tests.platform_assets.live.conftest import Gateway, run_sql

MILES = Function(
    "flights.gold.miles",
    (Parameter("km", "DOUBLE", "It's kilometres"),),
    "DOUBLE",
    """km -- to miles
       / 1.609344""",
)
SPEED = Function(
    "flights.gold.speed",
    (Parameter("km", "DOUBLE"), Parameter("hours", "decimal")),
    "INTEGER",
    "round({miles}(km) / hours)",
    {"miles": MILES},
    purpose="Miles an hour",
)
READERS = Grants("function.flights.gold.miles", {"analysts": ("EXECUTE",)})
KEYS = ["function", "grants/function"]


def declare(*functions: Resource) -> tuple[Resource, ...]:
    return (*RESOURCES, *(functions or (SPEED, MILES)), READERS)


@pytest.fixture(scope="module")
def target(applied: Target) -> Iterator[Target]:
    assert apply_estate(applied, KEYS, resources=declare()).failures == ()
    yield applied
    for one in (SPEED, MILES):
        one.delete(Clients(applied))


def test_a_second_apply_writes_nothing(target: Target, gateway: Gateway) -> None:
    since = gateway.now()
    assert apply_estate(target, KEYS, resources=declare()).changed_nothing
    assert gateway.writes(since) == []


def test_it_is_executed_by_whom_it_is_for(target: Target) -> None:
    assert run_sql(target, "deployer", "SELECT flights.gold.speed(1609.344, 10)") == [["100"]]
    assert run_sql(target, "analyst", "SELECT flights.gold.miles(3.218688)") == [["2.0"]]
    assert "EXECUTE on Function" in str(run_sql(target, "analyst", "SELECT flights.gold.speed(1, 1)"))
    assert "USE SCHEMA" not in str(run_sql(target, "pipeline", "SELECT flights.gold.miles(1)"))
    assert "EXECUTE on Function" in str(run_sql(target, "pipeline", "SELECT flights.gold.miles(1)"))


def test_it_is_replaced_in_place_and_its_grants_stay(target: Target) -> None:
    by_hand = "CREATE OR REPLACE FUNCTION flights.gold.miles(km INT) RETURNS INT"
    marked = f"{by_hand} COMMENT '{mark_comment(target)}' RETURN 0"
    assert run_sql(target, "deployer", marked) == []
    (step,) = plan_estate(target, KEYS, resources=declare()).changed
    assert (step.key, step.action) == ("function/flights/gold/miles", Action.UPDATE)
    assert apply_estate(target, KEYS, resources=declare()).failures == ()
    assert run_sql(target, "analyst", "SELECT flights.gold.miles(1.609344)") == [["1.0"]]


def test_an_answer_lost_after_create_makes_it_once_and_pruning_ends_it(target: Target, gateway: Gateway) -> None:
    extra = replace(MILES, name="flights.gold.again")
    gateway.add_fault(method="POST", path="*/sql/statements*", drop="after", times=1)
    assert apply_estate(target, [extra.key], resources=declare(SPEED, MILES, extra)).failures == ()
    assert plan_estate(target, KEYS, resources=declare(SPEED, MILES, extra)).is_empty
    assert apply_estate(target, resources=declare(), prune=Prune(True)).failures == ()
    assert extra.read(Clients(target)) is None
