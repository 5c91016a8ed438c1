"""The whole year, 336,776 flights, from landed files to gold: through Dagster and serverless runs; in plain PySpark.

The peer runs the same transforms and writes one after the other in one Spark session: no Dagster, no runs, no checks
left out. Both on the same Spark server, which is warm.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import dagster as dg

from bench.measurement import Measurement, compare
from bench.workspace import bench_workspace, land_days
from lakehouse.targets import Target

FIRST, LAST = date(2013, 1, 1), date(2013, 12, 31)
RUNS = 3


def measure() -> list[Measurement]:
    """Compare the job `arrival` with the plain session."""
    from demo.dagster_runs import open_instance

    with bench_workspace() as target, tempfile.TemporaryDirectory() as home:
        land_days(target, FIRST, LAST)
        with open_instance(Path(home)) as instance, _open_session(target) as session:
            ours = partial(_run_job, instance)
            plain = partial(_run_plain, target, session)
            note = "warm; each run replaces the whole year; the stream of weather finds nothing new after the first"
            return [compare("year", ours, plain, runs=RUNS, note=note)]


def _run_job(instance: dg.DagsterInstance) -> None:
    from data_assets.arrival.selection import RANGE_TAGS
    from demo import dagster_jobs
    from demo.dagster_runs import run_job

    tags = dict(zip(RANGE_TAGS, (str(FIRST), str(LAST)), strict=True))
    run_job(instance, dagster_jobs.arrival, lambda _text: None, tags)


def _run_plain(target: Target, session: Any) -> None:
    from data_assets.assets import DAILY
    from data_assets.persistent_jobs import FLIGHTS
    from data_assets.plans import describe_plan
    from data_assets.steps._main import find_step, pair_outputs
    from data_assets.steps._plan import parse_plan
    from data_assets.steps._run import StepRun
    from data_assets.steps._write import write_frame

    for step in FLIGHTS.steps:  # bronze to gold, as the job arrival has them
        days = (str(FIRST), str(LAST)) if step.daily else None
        plan = parse_plan(json.loads(json.dumps(describe_plan(step, target, days, DAILY))))
        module, run = find_step(plan), StepRun(session, plan)
        for output, frame in pair_outputs(plan, module.transform(run)):
            write_frame(session, frame, output, plan)
        if hasattr(module, "check"):
            assert list(module.check(run))


@contextmanager
def _open_session(target: Target) -> Iterator[Any]:
    """Open a session as the pipeline on the Spark server, with /Volumes in this process as in a run's."""
    from lakehouse.workspace import open_workspace
    from local_workspace.engines.spark_session import open_session
    from local_workspace.lifecycle.files import read_endpoints
    from local_workspace.serverless_runtime import volumes
    from local_workspace.serverless_runtime.gateway_client import GatewayClient

    assert target.profiles_home is not None
    endpoints = read_endpoints(target.profiles_home)
    assert endpoints is not None
    token = open_workspace(target, "pipeline").config.token
    os.environ["SPARK_CONNECT_MODE_ENABLED"] = "1"  # pyspark.sql.functions then makes columns of Spark Connect
    volumes.interpose(GatewayClient(endpoints.host, token))
    session = open_session(endpoints.spark_connect, token, target.principals["pipeline"], [target.catalog("flights")])
    try:
        yield session
    finally:
        session.stop()  # before the server goes: pyspark would ask a server that is gone for minutes
