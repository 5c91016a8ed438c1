"""One run over three days, a good one, one whose key is there twice and one that never landed: each is told apart."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

import dagster as dg
import pytest

from data_assets.arrival.selection import RANGE_TAGS
from demo import dagster_jobs
from demo.dagster_runs import RunFailed, run_job
from lakehouse.names import table_key
from tests.flows.conftest import Flow
from tests.flows.odd_files import rows_of

GOOD, TWICE, MISSING = "2013-01-01", "2013-01-02", "2013-01-03"
TABLES = ("bronze.flights", "silver.flights", "silver.flights_quarantine", "gold.daily_carrier_performance")
GOLD = table_key(f"flights.{TABLES[-1]}")


def run(flow: Flow, first: str, last: str) -> dg.DagsterRun:
    keys = [table_key(f"flights.{name}") for name in TABLES]
    return run_job(
        flow.instance,
        dagster_jobs.arrival,
        lambda _: None,
        dict(zip(RANGE_TAGS, (first, last), strict=True)),
        keys,
    )


@pytest.fixture(scope="module")
def failure(flow: Flow) -> str:
    """What the run over the three days says: an airline that is there twice doubles its rows in gold."""
    flow.land(date.fromisoformat(GOOD), date.fromisoformat(TWICE))
    (flight,) = rows_of(TWICE, 1)
    flow.put_rows(f"flights/date={TWICE}/more.json", [{**flight, "carrier": "ZZ"}])
    flow.run_arrivals()
    flow.ask("INSERT INTO {flights}.bronze.airlines (carrier, name) VALUES ('ZZ', 'One'), ('ZZ', 'Two')")
    with pytest.raises(RunFailed) as failed:
        run(flow, GOOD, MISSING)
    return str(failed.value)


def read_days(flow: Flow, table: str) -> dict[str, dict[str, Any]]:
    found = flow.instance.fetch_materializations(table_key(f"flights.{table}"), limit=3).records
    shown = ("rows_in", "rows_written", "dagster/partition_row_count", "files", "empty")
    days = {}
    for record in found:
        assert record.asset_materialization is not None
        metadata = record.asset_materialization.metadata
        days[str(record.partition_key)] = {name: metadata[name].value for name in shown if name in metadata}
    return days


def read_checks(flow: Flow, run_id: str, key: dg.AssetKey) -> dict[str, dict[str, bool]]:
    found: dict[str, dict[str, bool]] = {}
    kind = dg.DagsterEventType.ASSET_CHECK_EVALUATION
    for record in flow.instance.get_records_for_run(run_id, of_type=kind).records:
        evaluation: Any = (
            record.event_log_entry.dagster_event and record.event_log_entry.dagster_event.event_specific_data
        )
        if evaluation.asset_key == key:
            found.setdefault(evaluation.check_name, {})[str(evaluation.partition)] = evaluation.passed
    return found


def last_run(flow: Flow) -> str:
    return flow.instance.get_runs(limit=1)[0].run_id


def test_each_day_carries_its_own_rows_and_files(flow: Flow, failure: str) -> None:
    def told(rows: int, **more: Any) -> dict[str, Any]:
        return {"rows_in": rows, "rows_written": rows, "dagster/partition_row_count": rows, **more}

    none = told(0, empty=True)
    assert read_days(flow, "bronze.flights") == {
        GOOD: told(842, files=1),
        TWICE: told(944, files=2),
        MISSING: {**none, "files": 0},
    }
    assert read_days(flow, "silver.flights") == {GOOD: told(842), TWICE: told(944), MISSING: none}
    gold = read_days(flow, "gold.daily_carrier_performance")
    assert {day: numbers["rows_in"] for day, numbers in gold.items()} == {GOOD: 842, TWICE: 944, MISSING: 0}
    there = flow.ask("SELECT flight_date, count(*) AS n FROM {flights}.gold.daily_carrier_performance GROUP BY 1")
    rows = {str(day): int(n) for day, n in zip(there["flight_date"], there["n"], strict=True)}
    assert {day: one["dagster/partition_row_count"] for day, one in gold.items()} == {**rows, MISSING: 0}


def test_each_day_has_its_own_verdicts(flow: Flow, failure: str) -> None:
    run_id = last_run(flow)
    gold = read_checks(flow, run_id, GOLD)
    assert gold["unique_keys"] == gold["row_conservation"] == {GOOD: True, TWICE: False, MISSING: True}
    for name in ("bronze.flights", "silver.flights", "gold.daily_carrier_performance"):
        landed = read_checks(flow, run_id, table_key(f"flights.{name}"))["day_landed"]
        assert landed == {GOOD: True, TWICE: True, MISSING: False}


def test_the_error_names_the_bad_day_and_says_how_the_others_fared(flow: Flow, failure: str) -> None:
    found = re.search(r"flights__gold__daily_carrier_performance: .*", failure)
    assert found is not None
    for text in ("unique_keys of flights/gold/daily_carrier_performance on 2013-01-02", "The other 2 of 3 days are"):
        assert text in found[0]


def test_a_mended_day_is_good_by_itself(flow: Flow, failure: str) -> None:
    flow.ask("DELETE FROM {flights}.bronze.airlines WHERE carrier = 'ZZ' AND name = 'Two'")
    done = run(flow, TWICE, TWICE)
    assert read_checks(flow, done.run_id, GOLD)["unique_keys"] == {TWICE: True}
