"""The event log with open connections holds the same as the stock one, for readers of either kind."""

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.storage.event_log import SqliteEventLogStorage

from demo.dagster_runs import open_instance
from lakehouse.event_log import MOST_OPEN, OpenSqliteEventLog

DAYS = dg.DailyPartitionsDefinition("2013-01-01", end_date="2014-01-01")
WEEK = {"dagster/asset_partition_range_start": "2013-01-01", "dagster/asset_partition_range_end": "2013-01-07"}


@dg.asset(partitions_def=DAYS, backfill_policy=dg.BackfillPolicy.single_run())
def daily() -> None:
    pass


@pytest.fixture
def instance(dagster_home: Path) -> Iterator[dg.DagsterInstance]:
    with open_instance(dagster_home) as instance:
        yield instance


def run(instance: dg.DagsterInstance) -> str:
    result = dg.materialize([daily], instance=instance, tags=WEEK)
    assert result.success
    return result.run_id


def test_a_stock_reader_sees_every_event(instance: dg.DagsterInstance, dagster_home: Path) -> None:
    run_id = run(instance)
    mine = instance.event_log_storage.get_logs_for_run(run_id)
    stock = SqliteEventLogStorage(str(dagster_home / "history" / "runs"))
    assert [entry.message for entry in stock.get_logs_for_run(run_id)] == [entry.message for entry in mine]
    assert len(stock.get_materialized_partitions(daily.key)) == 7


def test_another_process_sees_events_while_they_are_written(instance: dg.DagsterInstance, dagster_home: Path) -> None:
    run_id = run(instance)
    code = (
        "import sys; from pathlib import Path; from demo.dagster_runs import open_instance\n"
        "print(len(open_instance(Path(sys.argv[1])).all_logs(sys.argv[2])))"
    )
    seen = subprocess.run([sys.executable, "-c", code, str(dagster_home), run_id], capture_output=True, text=True)
    assert seen.stdout.strip() == str(len(instance.all_logs(run_id))), seen.stderr


def test_threads_write_at_once(instance: dg.DagsterInstance) -> None:
    runs = [instance.create_run_for_job(dg.define_asset_job("a", [daily]).resolve(asset_graph=GRAPH)) for _ in range(3)]
    with ThreadPoolExecutor(6) as threads:
        list(threads.map(lambda number: instance.report_engine_event(f"{number}", runs[number % 3]), range(60)))
    counts = [len([log for log in instance.all_logs(run.run_id) if log.message.isdigit()]) for run in runs]
    assert counts == [20, 20, 20]


GRAPH = dg.Definitions(assets=[daily]).resolve_asset_graph()


def test_only_so_many_databases_stay_open(instance: dg.DagsterInstance) -> None:
    log = instance.event_log_storage
    assert isinstance(log, OpenSqliteEventLog)
    for number in range(MOST_OPEN + 5):
        assert log.get_logs_for_run(f"run-{number}") == []
    assert len(log._engines) <= MOST_OPEN


def test_wiping_leaves_a_log_that_can_be_written(instance: dg.DagsterInstance) -> None:
    run(instance)
    instance.wipe()
    assert instance.get_latest_materialization_event(daily.key) is None
    run(instance)
    assert instance.get_latest_materialization_event(daily.key) is not None
