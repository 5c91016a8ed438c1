"""A run whose process is killed is found by the daemon and taken up again: nothing is run twice, nothing is lost."""

from __future__ import annotations

import os
import re
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from bench.dagster_daemon import run_daemon
from lakehouse.names import table_key
from lakehouse.run_launcher import Worker
from lakehouse.workspace import open_workspace
from tests.flows.conftest import Flow
from tests.waiting import wait_until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the stock launcher is used")

AIRLINES = [{"carrier": "AA", "name": "American"}, {"carrier": "UA", "name": "United"}]


@pytest.fixture
def daemon(flow: Flow) -> Iterator[None]:
    """Dagster's daemon as deploy/dagster.yaml has it, but looking for killed runs every second."""
    home = Path(flow.instance.root_directory)
    settings = home / "dagster.yaml"
    settings.write_text(settings.read_text().replace("poll_interval_seconds: 10", "poll_interval_seconds: 1"))
    with run_daemon(home):
        yield


def test_it_is_taken_up_and_attaches_to_its_remote_runs(flow: Flow, daemon: None) -> None:
    jobs = open_workspace(flow.target, "admin").jobs
    since = int(time.time() * 1000)
    flow.put_rows("airlines/airlines.json", AIRLINES)
    wait_until(lambda: any(jobs.list_runs(active_only=True)), "a remote run is active", 180)
    (killed,) = _arrivals(flow)
    worker = Worker.of(killed)
    assert worker is not None
    os.kill(worker.pid, signal.SIGKILL)

    wait_until(
        lambda: len(runs := _arrivals(flow)) == 2 and all(run.is_finished for run in runs),
        "another run has ended",
        180,
    )
    again, first = _arrivals(flow)
    assert (first.run_id, first.status) == (killed.run_id, dg.DagsterRunStatus.FAILURE)
    assert (again.root_run_id, again.status) == (first.run_id, dg.DagsterRunStatus.SUCCESS)
    ours = re.compile(rf" \[({first.run_id[:8]}|{again.run_id[:8]})[].]")
    remote = [
        run for run in jobs.list_runs(start_time_from=since, expand_tasks=True) if ours.search(run.run_name or "")
    ]
    assert set(Counter(task.task_key for run in remote for task in run.tasks or ()).values()) == {1}
    assert flow.instance.get_latest_materialization_event(table_key("flights.bronze.airlines")) is not None
    assert flow.ask("SELECT * FROM {flights}.bronze.airlines ORDER BY carrier")["carrier"].tolist() == ["AA", "UA"]


def _arrivals(flow: Flow) -> list[dg.DagsterRun]:
    """Return the runs that the sensor asked for: the daemon starts schedules as well, whenever their time comes."""
    return list(flow.instance.get_runs(dg.RunsFilter(job_name="arrival")))
