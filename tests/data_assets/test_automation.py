"""Declarative automation, bronze to gold: new input asks for what is built of it, a platform resource for nothing."""

from __future__ import annotations

from collections.abc import Iterator

import dagster as dg
import pytest

from data_assets.definitions import defs
from lakehouse.names import resource_key, table_key

DAY, OTHER_DAY = "2013-01-05", "2013-01-06"
BRONZE, SILVER = table_key("flights.bronze.flights"), table_key("flights.silver.flights")


class Automation:
    """The conditions over time, on an instance of their own."""

    def __init__(self, instance: dg.DagsterInstance) -> None:
        self.instance = instance
        self._cursor = None

    def tick(self) -> dg.EvaluateAutomationConditionsResult:
        result = dg.evaluate_automation_conditions(defs, self.instance, cursor=self._cursor)
        self._cursor = result.cursor
        return result

    def materialize(self, key: dg.AssetKey, partition: str | None = None) -> None:
        self.instance.report_runless_asset_event(dg.AssetMaterialization(key, partition=partition))


@pytest.fixture
def automation() -> Iterator[Automation]:
    with dg.DagsterInstance.ephemeral() as instance:
        automation = Automation(instance)
        for name in ("airlines", "airports", "planes", "weather"):
            automation.materialize(table_key(f"flights.bronze.{name}"))
        automation.materialize(table_key("flights.silver.weather"))
        automation.tick()
        yield automation


def test_a_new_day_in_bronze_asks_for_that_day_in_silver(automation: Automation) -> None:
    automation.materialize(BRONZE, DAY)
    result = automation.tick()
    assert result.get_requested_partitions(SILVER) == {DAY}


def test_nothing_new_asks_for_nothing(automation: Automation) -> None:
    automation.materialize(BRONZE, DAY)
    automation.tick()
    automation.materialize(SILVER, DAY)
    automation.tick()
    assert automation.tick().get_num_requested(SILVER) == 0


def test_a_new_day_in_silver_asks_for_gold(automation: Automation) -> None:
    automation.materialize(BRONZE, DAY)
    automation.materialize(SILVER, DAY)
    automation.materialize(table_key("flights.silver.flights_quarantine"), DAY)
    result = automation.tick()
    assert result.get_requested_partitions(table_key("flights.gold.daily_carrier_performance")) == {DAY}


def test_a_reconciled_platform_resource_asks_for_nothing(automation: Automation) -> None:
    automation.materialize(BRONZE, DAY)
    automation.materialize(SILVER, DAY)
    automation.tick()
    automation.tick()
    for key in (resource_key("schema", "flights", "silver"), resource_key("wheel", "lakehouse_steps")):
        automation.materialize(key)
    assert automation.tick().get_num_requested(SILVER) == 0


def test_reference_data_asks_for_no_day_again(automation: Automation) -> None:
    automation.materialize(BRONZE, DAY)
    automation.materialize(SILVER, DAY)
    automation.tick()
    automation.tick()
    automation.materialize(table_key("flights.bronze.airlines"))
    result = automation.tick()
    for name in ("silver.flights", "gold.daily_carrier_performance"):
        assert result.get_num_requested(table_key(f"flights.{name}")) == 0


def test_gold_over_all_days_does_not_wait_for_days_that_never_landed(automation: Automation) -> None:
    automation.materialize(BRONZE, DAY)
    automation.materialize(SILVER, DAY)
    result = automation.tick()
    assert result.get_num_requested(table_key("flights.gold.route_performance")) == 1


def test_a_bad_layer_asks_for_nothing(automation: Automation) -> None:
    automation.materialize(BRONZE, DAY)
    automation.materialize(SILVER, DAY)
    failed = dg.AssetCheckEvaluation(SILVER, "row_conservation", passed=False, metadata={})
    automation.instance.report_runless_asset_event(failed)
    result = automation.tick()
    for name in ("daily_carrier_performance", "route_performance", "weather_delay_impact"):
        assert result.get_num_requested(table_key(f"flights.gold.{name}")) == 0
