"""Runs of Python scripts through the real SDK: results, errors, logs, /Volumes, permissions."""

from __future__ import annotations

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import BadRequest, NotFound, PermissionDenied
from databricks.sdk.service.jobs import RunLifeCycleState, TerminationCodeCode

from tests.local_workspace.services.jobs.harness import JobsServer, script_task, submit, wait_for_run


def test_a_script_runs_with_its_parameters(jobs_server: JobsServer, client: WorkspaceClient) -> None:
    path = jobs_server.add_script("argv.py", "import sys\nprint(sys.argv)\nprint('err', file=sys.stderr)")
    ended = wait_for_run(client, submit(client, script_task(path, "--day", "1"), run_name="nightly"))
    assert ended.result == "SUCCESS"
    assert ended.run.run_name == "nightly"
    output = ended.output()
    assert output.logs == f"['{path}', '--day', '1']\nerr\n"
    assert (output.error, output.logs_truncated) == (None, False)
    task = ended.tasks["main"]
    assert task.status and task.status.termination_details
    assert task.status.termination_details.code is TerminationCodeCode.SUCCESS
    assert task.end_time and task.start_time and task.end_time >= task.start_time
    assert ended.run.run_page_url and str(ended.run.run_id) in ended.run.run_page_url


def test_an_exception_is_reported_with_the_users_own_frames(jobs_server: JobsServer, client: WorkspaceClient) -> None:
    path = jobs_server.add_script("bad.py", "def divide():\n    return 1 / 0\nprint('before')\ndivide()\n")
    ended = wait_for_run(client, submit(client, script_task(path)))
    assert ended.run.state and ended.run.state.life_cycle_state is RunLifeCycleState.INTERNAL_ERROR
    assert ended.result == "FAILED"
    assert ended.run.state.state_message == (
        "Task main failed with message: Workload failed, see run output for details."
    )
    output = ended.output()
    assert output.error == "ZeroDivisionError: division by zero"
    assert output.error_trace is not None
    assert f'File "{path}", line 2, in divide' in output.error_trace
    assert "serverless_runtime" not in output.error_trace
    assert output.logs == "before\n"


@pytest.mark.parametrize(
    ("source", "result", "error"),
    [
        ("import sys; sys.exit(0)", "SUCCESS", None),
        ("import sys; sys.exit()", "SUCCESS", None),
        ("import sys; sys.exit(3)", "FAILED", "SystemExit: 3"),
        ("import sys; sys.exit('no input')", "FAILED", "SystemExit: no input"),
        ("raise KeyboardInterrupt", "FAILED", "KeyboardInterrupt"),
        ("x = (", "FAILED", "SyntaxError: '(' was never closed (syntax.py, line 1)"),
        ("import os; os._exit(5)", "FAILED", "The Python process exited unexpectedly with exit code 5."),
        ("import os; os.kill(os.getpid(), 11)", "FAILED", "The Python process exited unexpectedly on SIGSEGV."),
    ],
)
def test_how_a_script_ends_decides_the_result(
    jobs_server: JobsServer, client: WorkspaceClient, source: str, result: str, error: str | None
) -> None:
    path = jobs_server.add_script("syntax.py", source)
    ended = wait_for_run(client, submit(client, script_task(path)))
    assert (ended.result, ended.output().error) == (result, error)


def test_a_run_ends_after_what_its_threads_do(jobs_server: JobsServer, client: WorkspaceClient) -> None:
    source = """
import concurrent.futures, threading, time
pool = concurrent.futures.ThreadPoolExecutor()
pool.submit(lambda: (time.sleep(0.2), print('pool', flush=True)))
threading.Thread(target=lambda: (time.sleep(0.4), print('thread', flush=True))).start()
print('main', flush=True)
"""
    ended = wait_for_run(client, submit(client, script_task(jobs_server.add_script("threads.py", source))))
    assert (ended.result, ended.output().logs) == ("SUCCESS", "main\npool\nthread\n")


def test_a_missing_script_is_named(client: WorkspaceClient) -> None:
    ended = wait_for_run(client, submit(client, script_task("/Volumes/main/default/code/none.py")))
    details = ended.tasks["main"].status.termination_details  # type: ignore[union-attr]
    assert details and details.code is TerminationCodeCode.RESOURCE_NOT_FOUND
    assert "/Volumes/main/default/code/none.py" in (ended.output().error or "")


def test_a_script_that_may_not_be_read_names_who_and_what(jobs_server: JobsServer) -> None:
    outsider = jobs_server.client("outsider")
    ended = wait_for_run(outsider, submit(outsider, script_task(jobs_server.add_script("secret.py", "print(1)"))))
    details = ended.tasks["main"].status.termination_details  # type: ignore[union-attr]
    assert details and details.code is TerminationCodeCode.UNAUTHORIZED_ERROR
    assert "User 'outsider' does not have READ VOLUME on Volume 'main.default.code'." in (ended.output().error or "")


def test_the_script_speaks_as_the_runs_principal_and_its_token_ends_with_it(
    jobs_server: JobsServer, client: WorkspaceClient
) -> None:
    source = "import os\nprint(os.environ['DATABRICKS_HOST'], os.environ['DATABRICKS_TOKEN'], 'HOME' in os.environ)"
    ended = wait_for_run(client, submit(client, script_task(jobs_server.add_script("env.py", source))))
    host, token, _ = (ended.output().logs or "").split()
    assert host == jobs_server.workspace.host
    with pytest.raises(PermissionDenied, match="Invalid access token"):
        WorkspaceClient(host=host, token=token).jobs.get_run(ended.run.run_id or 0)


def test_the_gateways_own_environment_does_not_leak(
    jobs_server: JobsServer, client: WorkspaceClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = jobs_server.add_script("leak.py", "import os\nprint(sorted(n for n in os.environ if n.startswith('AWS')))")
    assert wait_for_run(client, submit(client, script_task(path))).output().logs == "[]\n"


def test_output_of_the_parent_run_is_refused(jobs_server: JobsServer, client: WorkspaceClient) -> None:
    run_id = submit(client, script_task(jobs_server.add_script("ok.py", "")))
    wait_for_run(client, run_id)
    with pytest.raises(BadRequest, match="Retrieving the output of runs with multiple tasks is not supported"):
        client.jobs.get_run_output(run_id)


def test_only_the_creator_and_admins_see_and_control_a_run(jobs_server: JobsServer, client: WorkspaceClient) -> None:
    run_id = submit(client, script_task(jobs_server.add_script("ok.py", "")))
    ended = wait_for_run(client, run_id)
    assert jobs_server.client("admin").jobs.get_run(run_id).run_id == run_id
    analyst = jobs_server.client("analyst").jobs
    task_run_id = ended.tasks["main"].run_id or 0
    for call in (
        lambda: analyst.get_run(run_id),
        lambda: analyst.get_run_output(task_run_id),
        lambda: analyst.cancel_run(run_id),
        lambda: analyst.delete_run(run_id),
    ):
        with pytest.raises(PermissionDenied, match=f"User analyst does not have .*Owner permissions on run {run_id}"):
            call()
    assert run_id not in [run.run_id for run in analyst.list_runs()]
    assert run_id in [run.run_id for run in client.jobs.list_runs()]


def test_running_as_somebody_else_is_for_admins(jobs_server: JobsServer, client: WorkspaceClient) -> None:
    from databricks.sdk.service.jobs import JobRunAs

    task = script_task(jobs_server.add_script("ok.py", ""))
    with pytest.raises(PermissionDenied, match="User pipeline is not allowed to run jobs as 'admin'"):
        submit(client, task, run_as=JobRunAs(user_name="admin"))
    admin = jobs_server.client("admin")
    run = wait_for_run(admin, submit(admin, task, run_as=JobRunAs(user_name="outsider")))
    assert "User 'outsider' does not have READ VOLUME" in (run.output().error or "")


def test_a_deleted_run_is_gone(jobs_server: JobsServer, client: WorkspaceClient) -> None:
    run_id = submit(client, script_task(jobs_server.add_script("ok.py", "")))
    wait_for_run(client, run_id)
    client.jobs.delete_run(run_id)
    with pytest.raises(NotFound, match=f"Run {run_id} does not exist"):
        client.jobs.get_run(run_id)
