"""Runs are forked from what is loaded, of the code on disk; they are found, interrupted and missed by process."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.code_pointer import ModuleCodePointer
from dagster._core.launcher.base import LaunchRunContext, WorkerStatus
from dagster._core.origin import JobPythonOrigin, RepositoryPythonOrigin

from lakehouse.run_launcher import WORKER_TAG, LaunchFailed, Worker
from tests.waiting import wait_until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the stock launcher is used")

CODE = """
import os, time
from pathlib import Path
import dagster as dg

LOADED_BY = os.getpid()

@dg.op
def tell():
    Path("told").write_text(f"{word} {{os.getpid()}} {{LOADED_BY}}")

@dg.job(executor_def=dg.in_process_executor)
def tells():
    tell()

@dg.op
def wait(context):
    Path("waiting").touch()
    while True:
        time.sleep(0.05)

@dg.job(executor_def=dg.in_process_executor)
def waits():
    wait()

defs = dg.Definitions(jobs=[tells, waits])
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A directory with the package `greetings`, which is the current one."""
    package = tmp_path / "greetings"
    package.mkdir()
    (package / "__init__.py").touch()
    write_code(tmp_path, "hello")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    for name in ("greetings", "greetings.definitions"):
        sys.modules.pop(name, None)


def write_code(place: Path, word: str) -> None:
    (place / "greetings" / "definitions.py").write_text(CODE.format(word=word))
    long_ago = time.time() - 60  # else it might have been written while it was loaded
    os.utime(place / "greetings" / "definitions.py", (long_ago, long_ago))


@pytest.fixture
def instance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dg.DagsterInstance]:
    launcher = {"run_launcher": {"module": "lakehouse.run_launcher", "class": "WarmRunLauncher"}}
    with dg.DagsterInstance.local_temp(str(tmp_path_factory.mktemp("instance")), overrides=launcher) as instance:
        yield instance


def launch(instance: dg.DagsterInstance, job: str, module: str = "greetings.definitions") -> str:
    """Launch a run as the daemon does, and return its id."""
    pointer = ModuleCodePointer(module, "defs", os.getcwd())
    origin = JobPythonOrigin(job, RepositoryPythonOrigin(sys.executable, pointer, entry_point=["dagster"]))
    definition = getattr(import_module("greetings.definitions"), job)
    run = instance.create_run_for_job(definition, job_code_origin=origin)
    instance.run_launcher.launch_run(LaunchRunContext(run, workspace=None))
    return run.run_id


def launch_waiting(instance: dg.DagsterInstance) -> tuple[dg.DagsterRun, Worker]:
    """Launch a run that does not end by itself, and return it with its process."""
    run_id = launch(instance, "waits")
    wait_until(Path("waiting").exists, seconds=60)
    run = instance.get_run_by_id(run_id)
    worker = Worker.of(run) if run else None
    assert run is not None and worker is not None and worker.is_alive
    return run, worker


def tell(instance: dg.DagsterInstance) -> list[str]:
    """Return what a run says: the word of its code, its process, the process that loaded the code."""
    await_status(instance, launch(instance, "tells"), dg.DagsterRunStatus.SUCCESS)
    return Path("told").read_text().split()


def await_status(instance: dg.DagsterInstance, run_id: str, status: dg.DagsterRunStatus) -> None:
    def look() -> bool:
        run = instance.get_run_by_id(run_id)
        return run is not None and (run.is_finished or run.status is status)

    wait_until(look, seconds=60)
    run = instance.get_run_by_id(run_id)
    assert run is not None and run.status is status


def test_each_run_is_a_process_of_its_own_forked_from_what_is_loaded(place: Path, instance: dg.DagsterInstance) -> None:
    first, second = tell(instance), tell(instance)
    assert first[0] == second[0] == "hello"
    assert first[1] != second[1]
    assert first[2] == second[2] not in (first[1], second[1])


def test_what_has_changed_is_loaded_anew(place: Path, instance: dg.DagsterInstance) -> None:
    before = tell(instance)
    write_code(place, "goodbye")
    after = tell(instance)
    assert (before[0], after[0]) == ("hello", "goodbye")
    assert before[2] != after[2]


def test_what_was_written_while_it_was_loaded_is_loaded_anew(place: Path, instance: dg.DagsterInstance) -> None:
    before = tell(instance)
    os.utime(place / "greetings" / "definitions.py")
    assert tell(instance)[2] != before[2]


def test_a_file_beside_the_code_counts_as_well(place: Path, instance: dg.DagsterInstance) -> None:
    before = tell(instance)
    (place / "greetings" / "query.sql").write_text("SELECT 1")
    assert tell(instance)[2] != before[2]


def test_a_killed_nursery_is_replaced(place: Path, instance: dg.DagsterInstance) -> None:
    nursery = int(tell(instance)[2])
    os.kill(nursery, signal.SIGKILL)
    assert int(tell(instance)[2]) != nursery


def test_a_location_that_does_not_load_is_named(
    place: Path, instance: dg.DagsterInstance, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(LaunchFailed, match="nowhere.definitions import defs does not load"):
        launch(instance, "tells", module="nowhere.definitions")
    assert "No module named 'nowhere'" in capfd.readouterr().err


def test_what_is_saved_while_it_is_loaded_is_loaded_once_more(place: Path, instance: dg.DagsterInstance) -> None:
    import_module("greetings.definitions")
    save_while_loading(place, 2)
    assert tell(instance)[0] == "hello"
    assert (place / "saves").read_text() == "0"


def test_what_is_saved_whenever_it_is_loaded_is_no_location_that_does_not_load(
    place: Path, instance: dg.DagsterInstance
) -> None:
    import_module("greetings.definitions")
    save_while_loading(place, 1000)
    with pytest.raises(LaunchFailed, match="greetings.definitions import defs changes whenever it has been loaded"):
        launch(instance, "tells")


def test_a_clock_that_was_ahead_hinders_nothing(place: Path, instance: dg.DagsterInstance) -> None:
    tomorrow = time.time() + 86400
    os.utime(place / "greetings" / "definitions.py", (tomorrow, tomorrow))
    first, second = tell(instance), tell(instance)
    assert first[2] == second[2]


def save_while_loading(place: Path, times: int) -> None:
    """Make the code save itself the next times it is loaded."""
    (place / "saves").write_text(str(times))
    code = """
left = int(Path("saves").read_text())
if left:
    Path("saves").write_text(str(left - 1))
    os.utime(__file__)
"""
    with (place / "greetings" / "definitions.py").open("a") as file:
        file.write(code)


def test_termination_interrupts_the_run(place: Path, instance: dg.DagsterInstance) -> None:
    run, worker = launch_waiting(instance)
    assert instance.run_launcher.terminate(run.run_id)
    await_status(instance, run.run_id, dg.DagsterRunStatus.CANCELED)
    wait_until(lambda: not worker.is_alive, seconds=60)
    assert not instance.run_launcher.terminate(run.run_id)


def test_a_killed_run_is_missed_and_a_living_one_is_not(place: Path, instance: dg.DagsterInstance) -> None:
    run, worker = launch_waiting(instance)
    check = instance.run_launcher.check_run_worker_health
    assert check(run).status is WorkerStatus.RUNNING
    os.kill(worker.pid, signal.SIGKILL)
    wait_until(lambda: not worker.is_alive, seconds=60)
    assert check(run).status is WorkerStatus.NOT_FOUND
    assert not instance.run_launcher.terminate(run.run_id)


def test_a_run_outlives_who_launched_it(place: Path, instance: dg.DagsterInstance) -> None:
    _, worker = launch_waiting(instance)
    instance.run_launcher.dispose()
    time.sleep(0.5)
    assert worker.is_alive
    os.kill(worker.pid, signal.SIGKILL)


@pytest.mark.parametrize("worker", [Worker("elsewhere", os.getpid(), 1), None])
def test_of_what_is_not_known_nothing_is_said(instance: dg.DagsterInstance, worker: Worker | None) -> None:
    run = instance.create_run_for_job(import_job(), tags={WORKER_TAG: json.dumps(worker)} if worker else {})
    assert instance.run_launcher.check_run_worker_health(run).status is WorkerStatus.RUNNING


def test_a_process_id_that_is_used_again_is_another_process() -> None:
    assert Worker.current().is_alive
    assert not Worker.current()._replace(started=1).is_alive


def import_job() -> dg.JobDefinition:
    @dg.job
    def nothing() -> None:
        """Does nothing."""

    return nothing
