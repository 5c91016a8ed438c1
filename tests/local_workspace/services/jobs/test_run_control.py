"""Several tasks, idempotency, cancellation, timeouts, queueing, recovery: how runs are driven."""

from __future__ import annotations

import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import BadRequest, InvalidParameterValue
from databricks.sdk.service.jobs import RunIf, RunLifeCycleState, TaskDependency, TerminationCodeCode

from local_workspace.gateway import principals
from local_workspace.gateway.workspace import Workspace
from local_workspace.services.jobs import records
from local_workspace.services.jobs.runner import Runner
from local_workspace.services.jobs.states import Phase
from tests.local_workspace.services.jobs.harness import (
    POOL_SIZE,
    JobsServer,
    script_task,
    submit,
    wait_for_run,
    wait_for_task,
)

SLEEP = "import time\nprint('started', flush=True)\ntime.sleep(60)\n"


def after(*keys: str) -> list[TaskDependency]:
    return [TaskDependency(task_key=key) for key in keys]


def test_tasks_run_in_the_order_of_their_dependencies(jobs_server: JobsServer, client: WorkspaceClient) -> None:
    stamp = jobs_server.add_script("stamp.py", "import time\nprint(time.time())")
    tasks = [script_task(stamp, key="b", depends_on=after("a")), script_task(stamp, key="a")]
    ended = wait_for_run(client, submit(client, *tasks))
    assert ended.results() == {"a": "SUCCESS", "b": "SUCCESS"}
    assert float(ended.output("a").logs or 0) < float(ended.output("b").logs or 0)


def test_a_failure_skips_dependents_and_run_if_decides_otherwise(
    jobs_server: JobsServer, client: WorkspaceClient
) -> None:
    good, bad = jobs_server.add_script("good.py", ""), jobs_server.add_script("bad.py", "raise ValueError('no')")
    ended = wait_for_run(
        client,
        submit(
            client,
            script_task(bad, key="load"),
            script_task(good, key="clean", depends_on=after("load")),
            script_task(good, key="gold", depends_on=after("clean")),
            script_task(good, key="alert", depends_on=after("load"), run_if=RunIf.AT_LEAST_ONE_FAILED),
            script_task(good, key="close", depends_on=after("load", "gold"), run_if=RunIf.ALL_DONE),
        ),
    )
    assert ended.results() == {
        "load": "FAILED",
        "clean": "UPSTREAM_FAILED",
        "gold": "UPSTREAM_FAILED",
        "alert": "SUCCESS",
        "close": "SUCCESS",
    }
    assert ended.result == "SUCCESS_WITH_FAILURES"


def test_a_run_whose_leaf_failed_names_the_task(jobs_server: JobsServer, client: WorkspaceClient) -> None:
    good, bad = jobs_server.add_script("good.py", ""), jobs_server.add_script("bad.py", "raise ValueError('no')")
    tasks = [script_task(bad, key="load"), script_task(good, key="clean", depends_on=after("load"))]
    ended = wait_for_run(client, submit(client, *tasks))
    assert ended.run.state and ended.run.state.state_message == (
        "Task load failed with message: Workload failed, see run output for details. "
        "This caused all downstream tasks to get skipped."
    )


def test_the_same_token_answers_the_same_run(jobs_server: JobsServer, client: WorkspaceClient) -> None:
    path = jobs_server.add_script("once.py", "print('ran')")
    barrier = threading.Barrier(2)

    def submit_once(_: int) -> int:
        barrier.wait()
        return submit(jobs_server.client(), script_task(path), idempotency_token="same", run_name="once")

    with ThreadPoolExecutor(2) as threads:
        first, second = threads.map(submit_once, range(2))
    assert first == second
    wait_for_run(client, first)
    assert submit(client, script_task(path), idempotency_token="same") == first
    assert [run.run_id for run in client.jobs.list_runs() if run.run_name == "once"] == [first]
    assert submit(client, script_task(path), idempotency_token="other") != first


def test_a_token_longer_than_64_characters_is_refused(jobs_server: JobsServer, client: WorkspaceClient) -> None:
    task = script_task(jobs_server.add_script("ok.py", ""))
    with pytest.raises(BadRequest, match="at most 64 characters, got 65"):
        submit(client, task, idempotency_token="x" * 65)
    submit(client, task, idempotency_token="x" * 64)


def test_cancel_ends_the_process_and_its_children(jobs_server: JobsServer, client: WorkspaceClient) -> None:
    source = (
        "import os, subprocess, time\n"
        "child = subprocess.Popen(['sleep', '60'])\n"
        "print(os.getpid(), child.pid, flush=True)\n"
        "try:\n    time.sleep(60)\nfinally:\n    print('cleaned up', flush=True)\n"
    )
    ok = jobs_server.add_script("ok.py", "")
    path = jobs_server.add_script("tree.py", source)
    run_id = submit(client, script_task(path), script_task(ok, key="next", depends_on=after("main")))
    pids = _printed_pids(jobs_server, client, run_id)
    client.jobs.cancel_run(run_id)
    ended = wait_for_run(client, run_id)
    assert ended.results() == {"main": "CANCELED", "next": "UPSTREAM_CANCELED"}
    assert ended.result == "CANCELED"
    details = ended.run.status and ended.run.status.termination_details
    assert details and details.code is TerminationCodeCode.USER_CANCELED
    assert ended.output().logs == f"{pids[0]} {pids[1]}\ncleaned up\n"
    wait_until_gone(pids)
    client.jobs.cancel_run(run_id)  # an ended run: nothing happens
    assert wait_for_run(client, run_id).result == "CANCELED"


def test_code_that_ignores_sigterm_is_killed(jobs_server: JobsServer, client: WorkspaceClient) -> None:
    source = (
        "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint('on', flush=True)\ntime.sleep(60)"
    )
    run_id = submit(client, script_task(jobs_server.add_script("stubborn.py", source)))
    _printed(jobs_server, client, run_id)
    client.jobs.cancel_run(run_id)
    assert wait_for_run(client, run_id, 20).result == "CANCELED"


def test_cancelling_one_task_leaves_the_others(jobs_server: JobsServer, client: WorkspaceClient) -> None:
    sleep, ok = jobs_server.add_script("sleep.py", SLEEP), jobs_server.add_script("ok.py", "")
    tasks = [script_task(sleep), script_task(ok, key="next", depends_on=after("main")), script_task(ok, key="other")]
    run_id = submit(client, *tasks)
    wait_for_task(client, run_id, "RUNNING")
    task_run_id = next(task.run_id for task in client.jobs.get_run(run_id).tasks or [] if task.task_key == "main")
    client.jobs.cancel_run(task_run_id or 0)
    ended = wait_for_run(client, run_id)
    assert ended.results() == {"main": "CANCELED", "next": "UPSTREAM_CANCELED", "other": "SUCCESS"}


@pytest.mark.parametrize("of_task", [True, False])
def test_a_timeout_ends_the_run(jobs_server: JobsServer, client: WorkspaceClient, of_task: bool) -> None:
    path = jobs_server.add_script("sleep.py", SLEEP)
    task = script_task(path, timeout_seconds=1) if of_task else script_task(path)
    run_id = submit(client, task) if of_task else submit(client, task, timeout_seconds=1)
    ended = wait_for_run(client, run_id)
    assert ended.results() == {"main": "TIMEDOUT"}
    assert "exceeded its timeout of 1 seconds" in ((ended.run.state and ended.run.state.state_message) or "")


def test_more_tasks_than_workers_are_queued(jobs_server: JobsServer, client: WorkspaceClient) -> None:
    sleep, ok = jobs_server.add_script("sleep.py", SLEEP), jobs_server.add_script("ok.py", "print('ok')")
    long_runs = [submit(client, script_task(sleep)) for _ in range(4)]
    for run_id in long_runs:
        wait_for_task(client, run_id, "RUNNING")
    waiting = submit(client, script_task(ok))
    wait_for_task(client, waiting, "QUEUED")
    state = client.jobs.get_run(waiting).state
    assert state is not None and state.life_cycle_state == RunLifeCycleState.PENDING, "no limit of the job's holds it"
    assert waiting in [run.run_id for run in client.jobs.list_runs(active_only=True)]
    client.jobs.cancel_run(long_runs[0])
    assert wait_for_run(client, waiting).result == "SUCCESS"
    for run_id in long_runs:
        client.jobs.cancel_run(run_id)
    assert [wait_for_run(client, run_id).result for run_id in long_runs] == ["CANCELED"] * 4


def test_a_queued_task_can_be_cancelled(jobs_server: JobsServer, client: WorkspaceClient) -> None:
    sleep = jobs_server.add_script("sleep.py", SLEEP)
    long_runs = [submit(client, script_task(sleep)) for _ in range(4)]
    for run_id in long_runs:
        wait_for_task(client, run_id, "RUNNING")
    waiting = submit(client, script_task(sleep))
    client.jobs.cancel_run(waiting)
    assert wait_for_run(client, waiting, 1).results() == {"main": "CANCELED"}
    for run_id in long_runs:
        client.jobs.cancel_run(run_id)
        wait_for_run(client, run_id)


def test_a_dead_fork_server_is_replaced(jobs_server: JobsServer, client: WorkspaceClient) -> None:
    pool = jobs_server.workspace.engines.pool
    assert pool is not None and pool.pid
    run_id = submit(client, script_task(jobs_server.add_script("sleep.py", SLEEP)))
    wait_for_task(client, run_id, "RUNNING")
    os.kill(pool.pid, 9)
    ended = wait_for_run(client, run_id)
    assert ended.result == "FAILED"
    assert "exited unexpectedly" in (ended.output().error or "")
    again = wait_for_run(client, submit(client, script_task(jobs_server.add_script("ok.py", ""))))
    assert again.result == "SUCCESS"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"depends_on": after("nobody")}, "depends on unknown task 'nobody'"),
        ({"depends_on": after("main")}, "depend on each other in a cycle"),
        ({"existing_cluster_id": "c1"}, "only serverless compute is supported"),
        ({"environment_key": "other"}, "environment_key 'other' is not in environments"),
    ],
)
def test_wrong_settings_are_refused(client: WorkspaceClient, change: dict[str, object], message: str) -> None:
    task = script_task("/Volumes/main/default/code/x.py")
    for name, value in change.items():
        setattr(task, name, value)
    with pytest.raises(InvalidParameterValue, match=message):
        submit(client, task)


def test_after_a_restart_started_tasks_are_lost_and_waiting_ones_run(tmp_path: Path) -> None:
    workspace = Workspace(name="restart", home=tmp_path, host="http://127.0.0.1:1")
    principals.put_principal(workspace.store, "ann", "user", "Ann")
    started, waiting = (_store_run(workspace, phase) for phase in (Phase.RUNNING, Phase.BLOCKED))
    runner = Runner(workspace)
    assert runner.recover() == [started, waiting]
    lost = records.get_run(workspace.store, started)
    assert lost["outcome"]["code"] == "INTERNAL_ERROR"
    assert "The local workspace stopped while the task was running" in lost["outcome"]["message"]
    assert records.state_of(records.get_run(workspace.store, waiting)["tasks"][0]).phase is not Phase.BLOCKED
    runner.close()


def _store_run(workspace: Workspace, phase: Phase) -> int:
    run = {
        "job_id": 0,
        "run_name": "r",
        "run_type": "SUBMIT_RUN",
        "creator": "ann",
        "run_as": "ann",
        "created_at": 1,
        "timeout_seconds": 0,
        "environments": {},
        "max_concurrent_runs": 0,
        "queue": True,
        "number_in_job": 0,
    }
    settings = {"task_key": "main", "spark_python_task": {"python_file": "/Volumes/a/b/c/d.py"}}
    stored, _ = records.create_run(workspace.store, run, [settings], None)
    stored["tasks"][0]["state"]["phase"] = phase.value
    records.save_run(workspace.store, stored)
    return int(stored["run_id"])


def _printed(jobs_server: JobsServer, client: WorkspaceClient, run_id: int) -> str:
    import time

    task_run_id = (client.jobs.get_run(run_id).tasks or [])[0].run_id or 0
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        logs = client.jobs.get_run_output(task_run_id).logs
        if logs:
            return logs
        time.sleep(0.02)
    raise AssertionError("nothing was printed")


def _printed_pids(jobs_server: JobsServer, client: WorkspaceClient, run_id: int) -> list[int]:
    return [int(word) for word in _printed(jobs_server, client, run_id).split()]


def wait_until_gone(pids: list[int]) -> None:
    """The kernel takes its time to end what was killed, on a machine that is busy."""
    deadline = time.monotonic() + 10
    while any(is_running(pid) for pid in pids):
        assert time.monotonic() < deadline, f"one of {pids} still runs"
        time.sleep(0.02)


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split(")")[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_endless_runs_of_one_principal_keep_no_other_from_a_worker(
    jobs_server: JobsServer, client: WorkspaceClient
) -> None:
    sleep, quick = jobs_server.add_script("endless.py", SLEEP), jobs_server.add_script("quick.py", "print(1)")
    endless = [submit(client, script_task(sleep)) for _ in range(POOL_SIZE + 1)]
    try:
        for run_id in endless[:POOL_SIZE]:
            wait_for_task(client, run_id, "RUNNING")
        admin = jobs_server.client("admin")
        assert wait_for_run(admin, submit(admin, script_task(quick))).result == "SUCCESS"
        wait_for_task(client, endless[-1], "QUEUED")
    finally:
        for run_id in endless:
            client.jobs.cancel_run(run_id)
    assert {wait_for_run(client, run_id).result for run_id in endless} == {"CANCELED"}
