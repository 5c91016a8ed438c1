"""What the report says of checks: the latest result, what it counted, and which of them mean trouble."""

from pathlib import Path

import dagster as dg
import pytest

from demo.checks import CheckResult, read_checks
from demo.dagster_runs import open_instance

DAYS = dg.StaticPartitionsDefinition(["a", "b", "c"])


@dg.asset(
    group_name="flights_gold",
    check_specs=[
        dg.AssetCheckSpec("counted", asset="table"),
        dg.AssetCheckSpec("told", asset="table"),
        dg.AssetCheckSpec("good", asset="table"),
    ],
)
def table() -> dg.MaterializeResult:
    return dg.MaterializeResult(
        check_results=[
            dg.AssetCheckResult(check_name="counted", passed=False, metadata={"rows": 3, "databricks/run_id": 7}),
            dg.AssetCheckResult(
                check_name="told", passed=False, severity=dg.AssetCheckSeverity.WARN, description="a word"
            ),
            dg.AssetCheckResult(check_name="good", passed=True),
        ]
    )


@dg.asset(group_name="platform_storage", check_specs=[dg.AssetCheckSpec("never", asset="other")])
def other() -> dg.MaterializeResult:
    return dg.MaterializeResult()


@dg.asset(group_name="flights_ops", check_specs=[dg.AssetCheckSpec("of_another_job", asset="beside")])
def beside() -> dg.MaterializeResult:
    return dg.MaterializeResult()


@dg.asset(
    group_name="flights_gold",
    partitions_def=DAYS,
    check_specs=[dg.AssetCheckSpec("daily", asset="by_day", partitions_def=DAYS)],
)
def by_day(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
    is_good = context.partition_key == "c"
    return dg.MaterializeResult(check_results=[dg.AssetCheckResult(passed=is_good, metadata={"rows": 3})])


DEFINITIONS = dg.Definitions(assets=[table, other, beside, by_day])


@pytest.fixture
def results(dagster_home: Path) -> dict[str, CheckResult]:
    with open_instance(dagster_home) as instance:
        dg.materialize([table], instance=instance)
        for day in DAYS.get_partition_keys():
            dg.materialize([by_day], instance=instance, partition_key=day)
        return {result.check: result for result in read_checks(instance, [DEFINITIONS])}


def test_results_are_told_with_what_they_counted(results: dict[str, CheckResult]) -> None:
    assert results["counted"].description == "rows 3"
    assert results["told"].description == "a word"
    assert results["good"].passed is True


def test_what_lies_beside_estate_and_layers_is_left_out(results: dict[str, CheckResult]) -> None:
    assert "of_another_job" not in results


def test_only_failed_errors_mean_trouble(results: dict[str, CheckResult]) -> None:
    assert {name: result.is_error for name, result in results.items()} == {
        "counted": True,
        "told": False,
        "good": False,
        "never": False,
        "daily": True,
    }
    assert results["never"].passed is None


def test_a_later_good_day_hides_no_bad_one(results: dict[str, CheckResult]) -> None:
    assert results["daily"].passed is False
    assert results["daily"].description == "a and 1 more days: rows 3"
