"""A step's report over a range becomes each day's own: metadata, check results, and the days that a failure names."""

from collections.abc import Iterator
from typing import Any

import dagster as dg
import pytest

from data_assets.arrival.selection import RANGE_TAGS
from data_assets.assets import DAYS, describe_check
from data_assets.partition_reports import report
from data_assets.tables.flights import BRONZE_FLIGHTS, DAY_LANDED, LANDED
from lakehouse.names import table_key

Days = dict[str, dict[str, Any]]
GOOD, BAD, EMPTY = "2013-01-01", "2013-01-02", "2013-01-03"
KEY = table_key(BRONZE_FLIGHTS.name)
OWN: Days = {
    GOOD: {"rows_in": 842, "dagster/partition_row_count": 842, "files": 1, "bytes": 270_000},
    BAD: {"rows_in": 943, "dagster/partition_row_count": 940, "files": 2, "bytes": 300_000},
    EMPTY: {"rows_in": 0, "dagster/partition_row_count": 0, "files": 0, "bytes": 0, "empty": True},
}
LANDED_FILES: Days = {
    GOOD: {"passed": True},
    BAD: {"passed": False, "unread": ["x.json"]},
    EMPTY: {"passed": True},
}
DAYS_LANDED: Days = {
    GOOD: {"passed": True},
    BAD: {"passed": True},
    EMPTY: {"passed": False, "rows_in": 0},
}


def check(name: str, days: dict[str, Any], severity: dg.AssetCheckSeverity) -> dg.AssetCheckResult:
    passed = all(day["passed"] for day in days.values())
    metadata: dict[str, Any] = {"days": len(days), "partitions": days}
    return dg.AssetCheckResult(passed=passed, asset_key=KEY, check_name=name, metadata=metadata, severity=severity)


def results(days: tuple[str, ...], own: dict[str, Any] = OWN) -> list[Any]:
    picked = [{day: one[day] for day in days if day in one} for one in (LANDED_FILES, DAYS_LANDED, own)]
    return [
        check("landed_files", picked[0], dg.AssetCheckSeverity.ERROR),
        check("day_landed", picked[1], dg.AssetCheckSeverity.WARN),
        dg.MaterializeResult(
            asset_key=KEY, metadata={"delta_version": 7, "partitions": dg.MetadataValue.json(picked[2])}
        ),
    ]


def run(days: tuple[str, ...], told: list[Any], instance: dg.DagsterInstance) -> dg.ExecuteInProcessResult:
    @dg.multi_asset(
        specs=[dg.AssetSpec(KEY)],
        check_specs=[describe_check(BRONZE_FLIGHTS, one) for one in (LANDED, DAY_LANDED)],
        partitions_def=DAYS,
        backfill_policy=dg.BackfillPolicy.single_run(),
        retry_policy=dg.RetryPolicy(max_retries=2),
    )
    def step(context: dg.AssetExecutionContext) -> Iterator[Any]:
        yield from report(context, told)

    if len(days) == 1:
        return dg.materialize([step], partition_key=days[0], instance=instance, raise_on_error=False)
    tags = dict(zip(RANGE_TAGS, (days[0], days[-1]), strict=True))
    return dg.materialize([step], tags=tags, instance=instance, raise_on_error=False)


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


def metadata_by_day(result: dg.ExecuteInProcessResult) -> dict[str | None, dict[str, Any]]:
    found = [event.materialization for event in result.get_asset_materialization_events()]
    return {one.partition: {name: value.value for name, value in one.metadata.items()} for one in found}


def verdicts(result: dg.ExecuteInProcessResult) -> dict[tuple[str, str | None], bool]:
    return {(one.check_name, one.partition): one.passed for one in result.get_asset_check_evaluations()}


def test_every_day_carries_its_own_numbers_and_verdicts(instance: dg.DagsterInstance) -> None:
    result = run((GOOD, BAD, EMPTY), results((GOOD, BAD, EMPTY)), instance)
    assert metadata_by_day(result) == {day: {"delta_version": 7, **OWN[day]} for day in OWN}
    assert verdicts(result) == {
        **{("landed_files", day): LANDED_FILES[day]["passed"] for day in OWN},
        **{("day_landed", day): DAYS_LANDED[day]["passed"] for day in OWN},
    }
    (warned,) = [one for one in result.get_asset_check_evaluations() if not one.passed and one.partition == EMPTY]
    assert warned.severity is dg.AssetCheckSeverity.WARN


def test_a_check_is_of_its_own_days_materialization(instance: dg.DagsterInstance) -> None:
    run((GOOD, BAD, EMPTY), results((GOOD, BAD, EMPTY)), instance)
    result = run((GOOD, BAD, EMPTY), results((GOOD, BAD, EMPTY)), instance)
    there = {record.partition_key: record.storage_id for record in instance.fetch_materializations(KEY, 3).records}
    targets = {one.partition: one.target_materialization_data for one in result.get_asset_check_evaluations()}
    assert {day: target.storage_id for day, target in targets.items() if target} == there


def test_the_failure_names_the_days_and_says_how_the_others_fared(instance: dg.DagsterInstance) -> None:
    result = run((GOOD, BAD, EMPTY), results((GOOD, BAD, EMPTY)), instance)
    failure = result.failure_data_for_node("step")
    assert failure is not None and failure.error is not None
    assert (
        "landed_files of flights/bronze/flights on 2013-01-02. The other 2 of 3 days are written and good."
        in (failure.error.cause or failure.error).message
    )
    assert not any(event.is_step_up_for_retry for event in result.all_events), "the data would be the same"


def test_one_day_is_told_as_a_range_is(instance: dg.DagsterInstance) -> None:
    result = run((EMPTY,), results((EMPTY,)), instance)
    assert result.success
    assert metadata_by_day(result) == {EMPTY: {"delta_version": 7, **OWN[EMPTY]}}
    assert verdicts(result) == {("landed_files", EMPTY): True, ("day_landed", EMPTY): False}


def test_a_step_that_says_nothing_of_days_is_taken_at_its_word_for_each(instance: dg.DagsterInstance) -> None:
    """A wheel of before reports one result for the range."""
    told = results((GOOD, BAD), {})
    told[0] = told[0].with_metadata({"rows": 3})
    result = run((GOOD, BAD), told, instance)
    assert not result.success
    assert {day for (name, day), passed in verdicts(result).items() if name == "landed_files" and not passed} == {
        GOOD,
        BAD,
    }
