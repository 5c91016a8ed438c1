"""Crashes of a run worker: SIGKILL at any line of lakehouse/serverless, then what Dagster does: again, from failure.

The worker is a forked process with a client, an instance and a trace function of its own; nothing in the source knows.
"""

from __future__ import annotations

import os
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg

import data_assets.steps._messages
import lakehouse.serverless
from lakehouse.targets import Target
from tests.killing import killed_at_line
from tests.lakehouse.serverless.conftest import SCRIPTS, Remote, open_remote

SOURCES = str(Path(lakehouse.serverless.__file__).parent)
LINES = [f"line {number}" for number in range(4)]
CODE = """
import time
from dagster_pipes import (PipesCliArgsParamsLoader, PipesUnityCatalogVolumesMessageWriter, open_dagster_pipes)
loader, writer = PipesCliArgsParamsLoader(), PipesUnityCatalogVolumesMessageWriter(interval=0.05)
with open_dagster_pipes(params_loader=loader, message_writer=writer) as pipes:
    for number in range(4):
        pipes.log.info(f"line {number}")
        time.sleep(0.1)
    pipes.report_asset_materialization(metadata={"n": 7})
"""
# the same with the writer that the project's own steps have
WRITER = Path(data_assets.steps._messages.__file__).read_text()
OWN_CODE = WRITER + CODE.replace("PipesUnityCatalogVolumesMessageWriter(interval=0.05)", "VolumeMessageWriter()")


@dataclass(frozen=True)
class Crash:
    """A worker killed at the `point`-th line it executed in lakehouse/serverless, and what the next one made of it.

    `where` is empty when the worker had ended before it came to that line; `told` is what each step said and reported,
    whichever worker heard it last. `steps` 0: it was a SQL statement, which says nothing and returns its number.
    """

    steps: int
    point: int
    where: str
    succeeded: bool
    remote_runs: int
    told: tuple[tuple[tuple[str, ...], int | None], ...]

    @property
    def is_right(self) -> bool:
        """One remote run; of every step the result, and every message once and in order."""
        said = tuple(LINES) if self.steps else ()
        return self.succeeded and self.remote_runs == 1 and set(self.told) == {(said, 7)}


def count_lines(target: Target, home: Path, steps: int) -> int:
    """Return how many lines a worker executes that nobody kills."""
    written = home / "lines"
    _run_worker(target, home, f"undisturbed_{steps}", {}, steps, kill_at=0, report=written)
    return int(written.read_text())


def crash_at(target: Target, home: Path, remote: Remote, point: int, steps: int) -> Crash:
    """Kill a worker at the point, let Dagster's run monitoring see it, and run again from failure.

    `steps` above one are fused, one after the other; 0 is a SQL statement.
    """
    name, report = f"crashed_{steps}_{point}", home / f"where_{point}"
    _run_worker(target, home, name, {}, steps, kill_at=point, report=report)
    with dg.DagsterInstance.local_temp(str(home)) as instance:
        (first,) = instance.get_runs(filters=dg.RunsFilter(tags={"crash": name}))
        if not first.is_finished:
            instance.report_run_failed(first)
    where = report.read_text() if report.exists() else ""
    again = {"dagster/is_resume_retry": "true", "dagster/root_run_id": first.run_id}
    if where:
        _run_worker(target, home, name, {**again, "dagster/parent_run_id": first.run_id}, steps)
    with dg.DagsterInstance.local_temp(str(home)) as instance:
        last = instance.get_runs(filters=dg.RunsFilter(tags={"crash": name}), limit=1)[0]
        told = tuple(_listen(instance, last.run_id, step) for step in _step_names(name, steps))
    remote_runs = _count_remote_runs(remote, name) if steps else len(remote.statements(name))
    return Crash(steps, point, where, last.is_success, remote_runs, told)


def _listen(instance: dg.DagsterInstance, run_id: str, step: str) -> tuple[tuple[str, ...], int | None]:
    events = [event for event in instance.all_logs(run_id) if event.step_key == step]
    made = [event.asset_materialization for event in events if event.asset_materialization]
    number: Any = made[-1].metadata["n"].value if made else None
    return tuple(event.user_message for event in events if event.user_message in LINES), number


def _count_remote_runs(remote: Remote, name: str) -> int:
    runs = remote.client.jobs.list_runs(expand_tasks=True)
    return sum(any(task.task_key == name for task in run.tasks or []) for run in runs)


def _step_names(name: str, steps: int) -> list[str]:
    return [name, *(f"{name}_{number}" for number in range(1, steps))]


def _run_worker(
    target: Target,
    home: Path,
    name: str,
    tags: dict[str, str],
    steps: int,
    kill_at: int | None = None,
    report: Path | None = None,
) -> None:
    pid = os.fork()
    if pid == 0:
        try:
            remote, names = open_remote(target), _step_names(name, steps)
            assets = remote.chain(names, f"{SCRIPTS}/crash.py") if steps else [remote.statement(name, "SELECT 7 AS n")]
            _work(assets, home, {**tags, "crash": name}, kill_at, report)
        finally:
            os._exit(0)
    os.waitpid(pid, 0)


def _work(
    assets: list[dg.AssetsDefinition], home: Path, tags: dict[str, str], kill_at: int | None, report: Path | None
) -> None:
    silence = os.open(home / "worker.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    killed = nullcontext() if kill_at is None or report is None else killed_at_line(kill_at, report, SOURCES)
    with dg.DagsterInstance.local_temp(str(home)) as instance, killed:
        dg.materialize(assets, instance=instance, raise_on_error=False, tags=tags)
