"""All of 2013 in one backfill: every flight in bronze, none lost on the way, gold as pandas calculates it."""

from __future__ import annotations

import re
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from data_assets.arrival.selection import RANGE_TAGS
from tests.flows.conftest import Flow
from tests.flows.pandas_answers import assert_same, calculate

FIRST, LAST = date(2013, 1, 1), date(2013, 12, 31)
FLIGHTS = 336_776
DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.timeout(900)  # under a minute on an idle machine; tests share it
def test_a_backfill_of_the_year_loads_every_flight(flow: Flow) -> None:
    from demo import dagster_jobs
    from demo.backfill import find_not_landed
    from demo.dagster_runs import run_job

    flow.land(FIRST, LAST)
    assert find_not_landed(flow.target, FIRST, LAST) == []
    assert find_not_landed(flow.target, LAST, LAST + timedelta(2)) == ["2014-01-01", "2014-01-02"]
    tags = dict(zip(RANGE_TAGS, (str(FIRST), str(LAST)), strict=True))
    run = run_job(flow.instance, dagster_jobs.arrival, lambda _: None, tags)

    names = ("bronze.flights", "silver.flights", "silver.flights_quarantine")
    counts = [int(flow.ask(f"SELECT count(*) AS n FROM {{flights}}.{name}")["n"][0]) for name in names]
    assert counts == [FLIGHTS, FLIGHTS, 0]
    for name, (key, expected) in calculate(FIRST, LAST).items():
        assert_same(name, flow.ask(f"SELECT * FROM {{flights}}.gold.{name}"), expected, key)
    assert_one_remote_run_per_step(flow, run)
    assert len(materialized_days(flow, run)) == 365
    assert_the_how_to_of_sql_works(flow)


def assert_one_remote_run_per_step(flow: Flow, run: dg.DagsterRun) -> None:
    records = flow.instance.get_records_for_run(run.run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION).records
    found: dict[str, set[object]] = {}
    for record in records:
        materialization = record.asset_materialization
        assert materialization is not None
        remote = materialization.metadata["databricks/run_id"].value
        found.setdefault(materialization.asset_key.to_user_string(), set()).add(remote)
    assert len(found) == 11
    assert {len(remote) for remote in found.values()} == {1}


def materialized_days(flow: Flow, run: dg.DagsterRun) -> set[str]:
    records = flow.instance.get_records_for_run(run.run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION).records
    keys = {record.partition_key for record in records}
    return {key for key in keys if key is not None}


def assert_the_how_to_of_sql_works(flow: Flow) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", (DOCS / "how-to" / "run-sql.md").read_text(), re.DOTALL)
    made: dict[str, Any] = {}
    exec(compile(code, "run-sql.md", "exec", dont_inherit=True), made)  # this file's annotations are not Dagster's
    result = dg.materialize([made["slowest_routes"]], instance=flow.instance)
    (event,) = result.get_asset_materialization_events()
    sample: Any = event.materialization.metadata["result_sample"]
    late = [float(record.data["mean_arr_delay"]) for record in sample.records]
    assert len(late) == 10 and late == sorted(late, reverse=True)
