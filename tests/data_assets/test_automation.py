"""Declarative automation, bronze to gold: new input asks for what is built of it, a platform resource for nothing."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import dagster as dg
import pytest

from data_assets import assets
from data_assets.arrival.selection import RANGE_TAGS
from data_assets.definitions import defs
from data_assets.partition_reports import report
from data_assets.steps._days import PARTITIONS
from data_assets.tables import Step
from demo.dagster_runs import QUIET
from lakehouse.names import resource_key, table_key

QUARANTINE = table_key("flights.silver.flights_quarantine")
ROUTES = table_key("flights.gold.route_performance")
DAILY_GOLD = table_key("flights.gold.daily_carrier_performance")
DAY, OTHER_DAY = "2013-01-05", "2013-01-06"
BRONZE, SILVER = table_key("flights.bronze.flights"), table_key("flights.silver.flights")


class Automation:
    """The conditions over time, on an instance of their own."""

    def __init__(self, instance: dg.DagsterInstance) -> None:
        self.instance = instance
        self.bad: dict[dg.AssetKey, Sequence[str]] = {}
        self._cursor: Any = None

    def tick(self) -> dg.EvaluateAutomationConditionsResult:
        result = dg.evaluate_automation_conditions(defs, self.instance, cursor=self._cursor)
        self._cursor = result.cursor
        return result

    def materialize(self, key: dg.AssetKey, partition: str | None = None) -> None:
        self.instance.report_runless_asset_event(dg.AssetMaterialization(key, partition=partition))

    def build(self, *keys: dg.AssetKey, days: Sequence[str] = (), bad: Mapping[dg.AssetKey, Sequence[str]] = {}) -> str:
        """Run the tables over the days, as `arrival` does; `bad`: days of a table that its blocking checks refuse."""
        self.bad.clear()
        self.bad.update(bad)
        tags = dict(zip(RANGE_TAGS, (days[0], days[-1]), strict=True)) if days else {}
        job = defs.resolve_job_def("arrival")
        done = job.execute_in_process(
            run_config=QUIET, instance=self.instance, tags=tags, asset_selection=list(keys), raise_on_error=False
        )
        assert done.success is not bool(bad)
        return done.run_id

    def tick_and_build(self, key: dg.AssetKey) -> set[str]:
        """Build what is asked for of the table and return its days."""
        days = set(self.tick().get_requested_partitions(key))
        for day in sorted(filter(None, days)):
            self.materialize(key, str(day))
        self.tick()
        return {str(day) for day in days}

    def plan_run(self, partition: str, *keys: dg.AssetKey) -> str:
        """Create a run of the tables over the partition, with all that it plans, which does nothing; return its id."""
        job = defs.resolve_job_def("arrival").get_subset(asset_selection=set(keys))
        tags = {"dagster/partition": partition}
        run = self.instance.create_run_for_job(job, asset_selection=set(keys), tags=tags)
        return run.run_id


def tell(step: Step, days: Sequence[str], bad: Mapping[dg.AssetKey, Sequence[str]]) -> Iterator[Any]:
    """What the remote side would report; no day: `bad` has the table with an empty day."""
    for table in step.tables:
        key = table_key(table.name)
        for check in table.checks:
            refused = bad.get(key, ()) if check.blocking else ()
            verdicts = dg.MetadataValue.json({day: {"passed": day not in refused} for day in days})
            yield dg.AssetCheckResult(
                passed=not refused, asset_key=key, check_name=check.name, metadata={PARTITIONS: verdicts}
            )
        yield dg.MaterializeResult(asset_key=key)


@pytest.fixture
def automation(monkeypatch: pytest.MonkeyPatch) -> Iterator[Automation]:
    with dg.DagsterInstance.ephemeral() as instance:
        automation = Automation(instance)

        def run(context: dg.AssetExecutionContext, step: Step, _daily: object) -> Iterator[Any]:
            yield from report(context, tell(step, context.partition_keys if step.daily else (), automation.bad))

        monkeypatch.setattr(assets, "run_remotely", run)
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
    automation.build(SILVER, QUARANTINE, days=[DAY], bad={SILVER: [DAY]})
    result = automation.tick()
    for name in ("daily_carrier_performance", "route_performance", "weather_delay_impact"):
        assert result.get_num_requested(table_key(f"flights.gold.{name}")) == 0


def test_a_bad_table_without_days_asks_for_nothing(automation: Automation) -> None:
    weather = table_key("flights.silver.weather")
    automation.materialize(BRONZE, DAY)
    automation.materialize(SILVER, DAY)
    automation.tick()
    automation.tick()
    automation.build(weather, bad={weather: [""]})
    assert automation.tick().get_num_requested(table_key("flights.gold.weather_delay_impact")) == 0
    automation.build(weather)
    assert automation.tick().get_num_requested(table_key("flights.gold.weather_delay_impact")) == 1


def test_a_bad_day_waits_alone_and_follows_when_it_is_mended(automation: Automation) -> None:
    for day in (DAY, OTHER_DAY):
        automation.materialize(BRONZE, day)
    silver = (SILVER, QUARANTINE)
    automation.build(*silver, days=[DAY, OTHER_DAY], bad={SILVER: [DAY]})
    assert automation.tick_and_build(DAILY_GOLD) == {OTHER_DAY}
    automation.build(*silver, days=[OTHER_DAY])
    assert automation.tick_and_build(DAILY_GOLD) == {OTHER_DAY}, "its green releases no other day"
    automation.build(*silver, days=[DAY])
    assert automation.tick_and_build(DAILY_GOLD) == {DAY}
    automation.build(*silver, days=[DAY], bad={SILVER: [DAY]})
    assert automation.tick_and_build(DAILY_GOLD) == set(), "bad again after it was good"


def test_a_bad_day_of_a_run_over_all_layers_stops_no_other_day(automation: Automation) -> None:
    """The run itself ends there; what it would have built of the good days is asked for."""
    keys = (BRONZE, SILVER, QUARANTINE, DAILY_GOLD, ROUTES)
    automation.build(*keys, days=[DAY, OTHER_DAY], bad={BRONZE: [DAY]})
    result = automation.tick()
    assert result.get_requested_partitions(SILVER) == {OTHER_DAY}
    assert result.get_requested_partitions(DAILY_GOLD) == {OTHER_DAY}
    automation.build(*keys, days=[DAY])
    automation.build(SILVER, QUARANTINE, DAILY_GOLD, days=[OTHER_DAY])
    result = automation.tick()
    assert {key: result.get_num_requested(key) for key in keys} == dict.fromkeys(keys, 0)


@pytest.mark.parametrize("end", ["failed", "canceled"])
def test_a_run_that_ends_before_its_checks_does_not_release_a_bad_day(automation: Automation, end: str) -> None:
    automation.materialize(BRONZE, DAY)
    automation.build(SILVER, QUARANTINE, days=[DAY], bad={SILVER: [DAY]})
    automation.tick()
    run = automation.instance.get_run_by_id(automation.plan_run(DAY, SILVER, QUARANTINE))
    assert run is not None
    assert automation.tick().get_num_requested(DAILY_GOLD) == 0
    getattr(automation.instance, f"report_run_{end}")(run)
    assert automation.tick().get_num_requested(DAILY_GOLD) == 0
