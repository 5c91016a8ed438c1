"""Steps on the real local workspace: reports, logs, errors, cancellation, and never two runs for one piece of work."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from databricks.sdk.service.catalog import VolumeType

from lakehouse.executor import threaded_executor
from lakehouse.targets import current_target
from lakehouse.workspace import open_workspace
from tests.lakehouse.serverless.conftest import SCRIPTS, Remote, open_remote
from tests.lakehouse.serverless.crashes import WRITER

PIPES = """
import json, os, sys, time
from dagster_pipes import (PipesCliArgsParamsLoader, PipesUnityCatalogVolumesMessageWriter, open_dagster_pipes)
loader = PipesCliArgsParamsLoader()
pipes = open_dagster_pipes(
    params_loader=loader, message_writer=PipesUnityCatalogVolumesMessageWriter(interval=0)
)
"""
OWN_PIPES = WRITER + PIPES.replace("PipesUnityCatalogVolumesMessageWriter(interval=0)", "VolumeMessageWriter()")


@pytest.fixture
def instance() -> dg.DagsterInstance:
    return dg.DagsterInstance.ephemeral()


def materialize(asset: dg.AssetsDefinition, instance: dg.DagsterInstance) -> dg.ExecuteInProcessResult:
    return dg.materialize([asset], instance=instance, raise_on_error=False)


def failure_of(result: dg.ExecuteInProcessResult) -> str:
    (event,) = [event for event in result.all_events if event.is_step_failure]
    error = event.step_failure_data.error
    assert error is not None
    return (error.cause or error).message


def metadata_of(result: dg.ExecuteInProcessResult, name: str) -> Any:
    (event,) = result.asset_materializations_for_node(name)
    return event.metadata


def test_what_the_step_reports_becomes_metadata(remote: Remote, instance: dg.DagsterInstance) -> None:
    code = PIPES + "with pipes:\n    pipes.report_asset_materialization(metadata={'n': pipes.get_extra('n') + 1})\n"
    result = materialize(remote.asset("reporting", code, extras={"n": 41}), instance)
    assert result.success
    metadata = metadata_of(result, "reporting")
    (run,) = remote.remote_runs("reporting")
    assert metadata["n"].value == 42
    assert metadata["databricks/run_id"].value == run.run_id
    assert metadata["databricks/run_url"].value == run.run_page_url
    assert metadata["databricks/execution_seconds"].value > 0


def test_a_step_that_says_nothing_costs_no_question_for_what_it_said(
    remote: Remote, instance: dg.DagsterInstance
) -> None:
    asset = remote.asset("silent", OWN_PIPES + "with pipes:\n    time.sleep(1)\n")
    remote.client.api_client.do("DELETE", "/local/requests")
    assert materialize(asset, instance).success
    answer: Any = remote.client.api_client.do("GET", "/local/requests")
    paths = [one["path"] for one in answer["requests"] if one["user_agent"].startswith("lakehouse/")]
    assert [path for path in paths if path.startswith("/api/2.0/fs/files/")] == []
    assert any(path.startswith("/api/2.0/fs/directories/") for path in paths)


def test_a_script_without_pipes_runs_and_its_output_shows(
    remote: Remote, instance: dg.DagsterInstance, capsys: pytest.CaptureFixture[str]
) -> None:
    result = materialize(remote.asset("plain", "print('count is 99')"), instance)
    assert result.success
    assert "count is 99" in capsys.readouterr().out


def test_a_failure_carries_the_remote_error_trace_and_page(remote: Remote, instance: dg.DagsterInstance) -> None:
    code = "def divide(a):\n    return a / 0\nprint('before')\ndivide(1)\n"
    message = failure_of(materialize(remote.asset("failing", code), instance))
    (run,) = remote.remote_runs("failing")
    assert "Task main: ZeroDivisionError: division by zero" in message
    assert "in divide" in message and "return a / 0" in message
    assert run.run_page_url in message


def test_a_missing_grant_comes_with_the_grant(remote: Remote, instance: dg.DagsterInstance) -> None:
    volume = "serverless_tests.default.closed"
    other = open_workspace(current_target(), "analyst").current_user.me().user_name
    remote.client.volumes.create(*volume.split("."), VolumeType.MANAGED)
    remote.client.volumes.update(volume, owner=other)
    me = remote.client.current_user.me().user_name
    message = failure_of(
        materialize(remote.asset("denied", f"open('/Volumes/{volume.replace('.', '/')}/x')"), instance)
    )
    assert f"Remedy: GRANT READ VOLUME ON VOLUME {volume} TO `{me}`" in message


def test_a_missing_script_is_named_and_not_retried(remote: Remote, instance: dg.DagsterInstance) -> None:
    asset = remote.asset("missing", "", retry_policy=dg.RetryPolicy(max_retries=2))
    remote.client.files.delete("/Volumes/serverless_tests/default/box/scripts/missing.py")
    message = failure_of(materialize(asset, instance))
    assert "scripts/missing.py" in message
    assert len(remote.remote_runs("missing")) == 1


def test_a_retry_policy_starts_a_second_run_after_a_failure(remote: Remote, instance: dg.DagsterInstance) -> None:
    code = (
        "import os\np = '/Volumes/serverless_tests/default/box/tried'\n"
        "if not os.path.exists(p):\n    open(p, 'w').write('x')\n    raise ConnectionError('first try')\n"
    )
    result = materialize(remote.asset("flaky", code, retry_policy=dg.RetryPolicy(max_retries=1)), instance)
    assert result.success
    assert len(remote.remote_runs("flaky")) == 2


@pytest.mark.parametrize(
    ("name", "code", "told"),
    [
        ("wrong_value", "raise ValueError('no')", "ValueError: no"),
        ("wrong_syntax", "this is no Python", "SyntaxError: invalid syntax"),
        ("wrong_import", "import nowhere_to_be_found", "ModuleNotFoundError: No module named 'nowhere_to_be_found'"),
    ],
)
def test_an_error_of_the_code_is_not_retried(
    remote: Remote, instance: dg.DagsterInstance, name: str, code: str, told: str
) -> None:
    result = materialize(remote.asset(name, code, retry_policy=dg.RetryPolicy(max_retries=2)), instance)
    assert f"Task main: {told}" in failure_of(result)
    assert len(remote.remote_runs(name)) == 1


def test_a_missing_wheel_is_not_retried(remote: Remote, instance: dg.DagsterInstance) -> None:
    missing = ["/Volumes/serverless_tests/default/box/none-1.0-py3-none-any.whl"]
    asset = remote.asset("no_wheel", "", retry_policy=dg.RetryPolicy(max_retries=2), dependencies=missing)
    assert "Library installation failed" in failure_of(materialize(asset, instance))
    assert len(remote.remote_runs("no_wheel")) == 1


def test_the_last_try_tells_its_cause(remote: Remote, instance: dg.DagsterInstance) -> None:
    code = "raise ConnectionResetError('by the peer')"
    result = materialize(remote.asset("resets", code, retry_policy=dg.RetryPolicy(max_retries=1)), instance)
    (event,) = [event for event in result.all_events if event.is_step_failure]
    error = event.step_failure_data.error
    assert error is not None and "Task main: ConnectionResetError: by the peer" in error.message
    assert len(remote.remote_runs("resets")) == 2


def test_a_timeout_ends_the_run_and_is_said(remote: Remote, instance: dg.DagsterInstance) -> None:
    asset = remote.asset("slow", "import time; time.sleep(60)", timeout_seconds=1)
    assert "timeout of 1 seconds" in failure_of(materialize(asset, instance))


def test_no_waiter_of_the_sdk_limits_how_long_a_run_is_followed(
    remote: Remote, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its waiters give up after twenty minutes; here, at once."""
    from databricks.sdk.service._internal import Wait

    def give_up(*_arguments: Any, **_options: Any) -> Any:
        raise TimeoutError("timed out after 0:20:00")

    monkeypatch.setattr(Wait, "result", give_up)
    assert materialize(remote.asset("long", "import time; time.sleep(2)"), instance).success


@pytest.mark.parametrize("pipes", [PIPES, OWN_PIPES], ids=["stock", "own"])
@pytest.mark.parametrize("said", ["pipes.log.info('hello')", "'nothing but that it has opened'"])
def test_messages_that_break_off_are_no_success(
    remote: Remote, instance: dg.DagsterInstance, said: str, pipes: str
) -> None:
    code = pipes + f"{said}; time.sleep(2.5); sys.exit(0)\n"
    asset = remote.asset("broken_off", code)
    assert "messages break off" in failure_of(materialize(asset, instance))


def fault(remote: Remote, **rule: Any) -> None:
    remote.client.api_client.do("POST", "/local/faults", body=rule)


@pytest.mark.parametrize("status", [500, 502, 503])
def test_a_status_call_that_fails_does_not_end_the_step(
    remote: Remote, instance: dg.DagsterInstance, status: int
) -> None:
    fault(remote, path="/api/2.*/jobs/runs/get", status=status, times=2)
    assert materialize(remote.asset(f"unwell_{status}", "print(1)"), instance).success


def run_again_from_failure(
    asset: dg.AssetsDefinition, instance: dg.DagsterInstance, failed: dg.ExecuteInProcessResult
) -> dg.ExecuteInProcessResult:
    tags = {"dagster/is_resume_retry": "true", "dagster/root_run_id": failed.run_id}
    tags["dagster/parent_run_id"] = failed.run_id
    return dg.materialize([asset], instance=instance, raise_on_error=False, tags=tags)


def test_a_run_that_ended_unseen_is_collected_not_repeated(remote: Remote, instance: dg.DagsterInstance) -> None:
    code = PIPES + "with pipes:\n    pipes.report_asset_materialization(metadata={'at': time.time()})\n"
    asset = remote.asset("unseen", code)
    first = materialize(asset, instance)
    again = run_again_from_failure(asset, instance, first)
    assert again.success
    assert metadata_of(again, "unseen")["at"] == metadata_of(first, "unseen")["at"]
    assert len(remote.remote_runs("unseen")) == 1


def test_a_failed_run_is_history_for_the_next_try(remote: Remote, instance: dg.DagsterInstance) -> None:
    asset = remote.asset("again", "raise ValueError('no')")
    first = materialize(asset, instance)
    assert not first.success
    remote.add_script("again.py", "print('now it works')")
    assert run_again_from_failure(asset, instance, first).success
    assert len(remote.remote_runs("again")) == 2


def test_two_workers_that_take_up_the_same_work_at_once_share_a_run(remote: Remote, dagster_home: Path) -> None:
    """As of two daemons, each of which runs it again from failure; each with a client of its own."""

    def open_step() -> dg.AssetsDefinition:
        open_workspace.cache_clear()
        return open_remote(current_target()).step("twofold", f"{SCRIPTS}/twofold.py")

    asset = remote.asset("twofold", "raise ValueError('no')")
    with dg.DagsterInstance.local_temp(str(dagster_home)) as instance, ThreadPoolExecutor() as pool:
        failed = materialize(asset, instance)
        remote.add_script("twofold.py", PIPES + "with pipes: time.sleep(2)\n")
        steps = [open_step() for _ in range(2)]
        results = list(pool.map(lambda step: run_again_from_failure(step, instance, failed), steps))
    assert all(result.success for result in results)
    assert len(remote.remote_runs("twofold")) == 2  # the failed one, and one for both


def test_executing_all_again_is_new_work(remote: Remote, instance: dg.DagsterInstance) -> None:
    asset = remote.asset("repeated", "print(1)")
    assert materialize(asset, instance).success and materialize(asset, instance).success
    assert len(remote.remote_runs("repeated")) == 2


def terminate(asset: dg.AssetsDefinition, home: Path, is_running: Callable[[], bool]) -> list[str]:
    """Run the asset's step, interrupt it once it is running, and return the types of its run's events."""
    job = dg.define_asset_job("terminated", [asset])
    definitions = dg.Definitions(assets=[asset], jobs=[job], executor=threaded_executor)

    def interrupt() -> None:
        while not is_running():
            time.sleep(0.1)
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    with dg.DagsterInstance.local_temp(str(home)) as instance:
        with pytest.raises(BaseException):  # noqa: B017 - Dagster's interrupt
            definitions.resolve_job_def("terminated").execute_in_process(instance=instance)
        thread.join()
        events = instance.all_logs(instance.get_runs()[0].run_id)
    return [event.dagster_event.event_type_value for event in events if event.dagster_event]


def test_termination_cancels_the_remote_run_and_the_step_fails(remote: Remote, dagster_home: Path) -> None:
    """The signal goes to this process, as to a run worker's."""
    asset = remote.asset(
        "endless", "import time\nwhile True: time.sleep(0.1)", retry_policy=dg.RetryPolicy(max_retries=3)
    )

    asked: list[float] = []  # when the last of these was answered, the signal follows

    def is_running() -> bool:
        running = any(run.state.life_cycle_state.value == "RUNNING" for run in remote.remote_runs("endless"))
        asked.append(time.time())
        return running

    remote.client.api_client.do("DELETE", "/local/requests")
    kinds = terminate(asset, dagster_home, is_running)
    assert "STEP_SUCCESS" not in kinds and "STEP_FAILURE" in kinds
    answer: Any = remote.client.api_client.do("GET", "/local/requests")
    (cancelled,) = [one["time"] for one in answer["requests"] if one["path"].endswith("/jobs/runs/cancel")]
    assert cancelled - asked[-1] < 2
    deadline = time.monotonic() + 10
    while (run := remote.remote_runs("endless")[-1]).end_time in (None, 0) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert run.state.result_state.value == "CANCELED"
    assert len(remote.remote_runs("endless")) == 1
