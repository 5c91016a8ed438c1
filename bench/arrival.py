"""From an object's arrival in S3 to its day in gold, with the real Dagster daemon: event, sensor, run launch, steps.

No peer here: nothing else does this on this workspace. The parts of the way that are Dagster's own (sensor interval,
launch of a run's process) are in it.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from itertools import count
from pathlib import Path

import dagster as dg

from bench.dagster_daemon import run_daemon
from bench.measurement import Measurement, measure_alone
from bench.workspace import bench_workspace, land_days
from lakehouse.names import table_key

GOLD = table_key("flights.gold.daily_carrier_performance")
FIRST = date(2013, 3, 1)
RUNS = 3
TIMEOUT_S = 180.0


def measure() -> list[Measurement]:
    """Land one more day at a time and wait for it in gold."""
    days = count()
    with bench_workspace() as target, tempfile.TemporaryDirectory() as home, _daemon(Path(home)) as instance:

        def land_and_wait() -> None:
            day = FIRST + timedelta(next(days))
            land_days(target, day, day)
            _await_gold(instance, day)

        note = "one day's files of flights and weather; warm; the sensor waits in the queue, a process per run"
        return [measure_alone("arrival_to_gold", land_and_wait, RUNS, note)]


@contextmanager
def _daemon(home: Path) -> Iterator[dg.DagsterInstance]:
    from demo.dagster_runs import open_instance

    # the instance first: two processes at once would both try to make its tables
    with open_instance(home) as instance, run_daemon(home):
        yield instance


def _await_gold(instance: dg.DagsterInstance, day: date) -> None:
    deadline = time.monotonic() + TIMEOUT_S
    wanted = dg.AssetRecordsFilter(asset_key=GOLD, asset_partitions=[str(day)])
    while not instance.fetch_materializations(wanted, limit=1).records:
        if time.monotonic() > deadline:
            raise TimeoutError(f"{day} is not in gold after {TIMEOUT_S:.0f} s")
        time.sleep(0.2)
