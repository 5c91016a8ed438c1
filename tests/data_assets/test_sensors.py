"""The arrival sensor as Dagster evaluates it, over tables of this test's own and the real queue of the workspace."""

from __future__ import annotations

from typing import Any

import dagster as dg
import pytest

from data_assets import sensors
from data_assets.arrival.plans import WantedRun
from data_assets.arrival.selection import RANGE_TAGS, UnequalPartitions, make_request, read_layout
from data_assets.jobs import arrival

DAYS = dg.DailyPartitionsDefinition("2013-01-01", end_date="2014-01-01")
JANUARY = ("2013-01-01", "2013-01-31")


def table(layer: str, name: str, deps: tuple[str, ...] = (), partitions: Any = None) -> dg.AssetsDefinition:
    @dg.asset(
        key=["flights", layer, name],
        deps=[dg.AssetKey(["flights", *dep.split(".")]) for dep in deps],
        group_name=f"flights_{layer}",
        partitions_def=partitions,
    )
    def step() -> None:
        pass

    return step


TABLES = [
    table("bronze", "flights", partitions=DAYS),
    table("bronze", "weather"),
    table("bronze", "airlines"),
    table("silver", "flights", ("bronze.flights", "bronze.airlines"), DAYS),
    table("silver", "weather", ("bronze.weather",)),
    table("gold", "carriers", ("silver.flights",)),
]


@pytest.fixture(scope="module")
def definitions() -> dg.Definitions:
    return dg.Definitions(assets=TABLES, jobs=[arrival], sensors=[sensors.landing_arrival])


def names(keys: Any) -> list[str]:
    return [".".join(key.path[1:]) for key in keys]


def test_bronze_tables_are_the_datasets(definitions: dg.Definitions) -> None:
    layout = read_layout(definitions.resolve_asset_graph(), "landing")
    assert (layout.daily, layout.whole) == ({"flights"}, {"weather", "airlines"})
    assert (layout.days[0], layout.days[-1], len(layout.days)) == ("2013-01-01", "2013-12-31", 365)


def test_unequal_partitions_are_refused() -> None:
    other = dg.DailyPartitionsDefinition("2012-01-01")
    graph = dg.Definitions(assets=[*TABLES[:2], table("bronze", "trains", (), other)]).resolve_asset_graph()
    with pytest.raises(UnequalPartitions, match="flights, trains must have the same partitions"):
        read_layout(graph, "landing")


def test_a_range_is_asked_for_with_all_that_depends_on_it(definitions: dg.Definitions) -> None:
    run = WantedRun("key", frozenset({"flights", "weather"}), JANUARY)
    request = make_request(definitions.resolve_asset_graph(), run, "arrival", lambda _key: True)
    assert request.asset_selection is not None
    assert names(request.asset_selection) == [
        "bronze.flights",
        "bronze.weather",
        "gold.carriers",
        "silver.flights",
        "silver.weather",
    ]
    assert dict(request.tags) == dict(zip(RANGE_TAGS, JANUARY, strict=True))


def test_without_days_no_partitioned_table_is_asked_for(definitions: dg.Definitions) -> None:
    run = WantedRun("key", frozenset({"airlines"}), None)
    request = make_request(definitions.resolve_asset_graph(), run, "arrival", lambda _key: True)
    assert request.asset_selection is not None
    assert names(request.asset_selection) == ["bronze.airlines", "gold.carriers"]
    assert not request.tags


def test_what_needs_a_table_that_is_not_there_yet_waits_for_it(definitions: dg.Definitions) -> None:
    run = WantedRun("key", frozenset({"airlines"}), None)
    request = make_request(definitions.resolve_asset_graph(), run, "arrival", lambda _key: False)
    assert names(request.asset_selection or []) == ["bronze.airlines"]


def test_a_request_runs_over_its_range(definitions: dg.Definitions) -> None:
    run = WantedRun("key", frozenset({"flights"}), ("2013-01-03", "2013-01-05"))
    request = make_request(definitions.resolve_asset_graph(), run, "arrival", lambda _key: True)
    result = definitions.resolve_job_def("arrival").execute_in_process(
        tags=dict(request.tags), asset_selection=list(request.asset_selection or ())
    )
    made = [
        (names([event.asset_key])[0], event.partition) for event in result.all_events if event.is_step_materialization
    ]
    days = [f"2013-01-0{day}" for day in (3, 4, 5)]
    assert [partition for name, partition in made if name == "bronze.flights"] == days
    assert [partition for name, partition in made if name == "silver.flights"] == days
    assert ("gold.carriers", None) in made


def test_it_runs_by_itself() -> None:
    assert sensors.landing_arrival.default_status is dg.DefaultSensorStatus.RUNNING
    assert sensors.automation.default_status is dg.DefaultSensorStatus.RUNNING
    assert sensors.landing_arrival.minimum_interval_seconds == 5
