"""JAR tasks on the real engines: the run's session and grants, output, Java errors, cancellation, and who may read
the JAR. For each thing allowed the neighbour is denied."""

from __future__ import annotations

import io
import os
import signal
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from databricks.sdk.errors import BadRequest
from databricks.sdk.service.compute import Environment
from databricks.sdk.service.jobs import JobEnvironment, SparkJarTask, SubmitTask, Task

from tests.java_project import build_class
from tests.local_workspace.conftest import WarmWorkspace
from tests.local_workspace.scratch import BOX, BOX_PATH, BUCKET, NAME, SCRIPTS_PATH, TABLE, Scratch
from tests.local_workspace.services.jobs.harness import Ended, wait_for_run

MAIN = "org.example.Probe"
PROBE = """
package org.example;

import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.api.java.UDF1;
import org.apache.spark.sql.types.DataTypes;

public final class Probe {
  public static void main(String[] arguments) throws Exception {
    System.err.println("arguments: " + String.join("|", arguments));
    SparkSession spark = SparkSession.builder().appName("probe").getOrCreate();
    switch (arguments[0]) {
      case "who" -> System.out.println("I am " + spark.sql("SELECT current_user()").first().getString(0));
      case "count" -> System.out.println("counted " + spark.table(arguments[1]).count());
      case "read" -> System.out.println("lines " + spark.read().text(arguments[1]).count());
      case "twice" -> {
        spark.udf().register("twice", (UDF1<Long, Long>) number -> number * 2, DataTypes.LongType);
        System.out.println("twice " + spark.sql("SELECT sum(twice(id)) FROM range(10)").first().getLong(0));
      }
      case "throw" -> fail(new IllegalStateException("first"));
      case "exit" -> System.exit(Integer.parseInt(arguments[1]));
      case "sleep" -> Thread.sleep(600_000);
      case "spin" -> spark.sql("SELECT count(*) FROM range(1000000000000)").collectAsList();
      default -> throw new IllegalArgumentException(arguments[0]);
    }
  }

  private static void fail(Exception cause) {
    throw new RuntimeException("it went \\"wrong\\"", cause);
  }
}
"""


@pytest.fixture(scope="module")
def jar(workspace: WarmWorkspace, scratch: Scratch, tmp_path_factory: pytest.TempPathFactory) -> Iterator[bytes]:
    """The probe, in a volume that everybody may read, in one that only some may, and in the location."""
    built = build_class(tmp_path_factory.mktemp("probe"), MAIN, PROBE)
    for folder in (SCRIPTS_PATH, BOX_PATH):
        workspace.client("deployer").files.upload(f"{folder}/probe.jar", io.BytesIO(built), overwrite=True)
    workspace.aws("s3").put_object(Bucket=BUCKET, Key="files/probe.jar", Body=built)
    yield built


def submit(
    workspace: WarmWorkspace,
    role: str,
    arguments: Sequence[str],
    path: str = f"{SCRIPTS_PATH}/probe.jar",
    main: str = MAIN,
    **settings: Any,
) -> int:
    task = SubmitTask("main", spark_jar_task=SparkJarTask(main_class_name=main, parameters=list(arguments)))
    task.environment_key = "default"
    environment = JobEnvironment("default", Environment(environment_version="4", jar_dependencies=[path]))
    run_id = workspace.client(role).jobs.submit(tasks=[task], environments=[environment], **settings).run_id
    assert run_id is not None
    return int(run_id)


def run(workspace: WarmWorkspace, role: str, *arguments: str, **options: Any) -> Ended:
    return wait_for_run(workspace.client(role), submit(workspace, role, arguments, **options), 120)


def error_of(ended: Ended) -> str:
    return ended.output().error or ""


def test_user_code_gets_the_runs_own_session(workspace: WarmWorkspace, jar: bytes) -> None:
    for role in ("pipeline", "outsider"):
        ended = run(workspace, role, "who", 'a "b" \\c', "{{job.run_id}}")
        logs = ended.output().logs or ""
        assert ended.result == "SUCCESS", ended.output()
        assert logs == f'arguments: who|a "b" \\c|{ended.run.run_id}\nI am {workspace.name(role)}\n'


def test_a_reader_reads_and_its_neighbour_is_refused(workspace: WarmWorkspace, jar: bytes) -> None:
    assert "counted 5" in (run(workspace, "analyst", "count", TABLE).output().logs or "")
    refused = run(workspace, "outsider", "count", TABLE)
    assert refused.result == "FAILED"
    assert f"User does not have SELECT on Table '{TABLE}'" in error_of(refused)
    path = f"/Volumes/{NAME}/main/shelf/one.txt"
    assert "lines 1" in (run(workspace, "analyst", "read", path).output().logs or "")
    assert "does not have READ VOLUME on Volume" in error_of(run(workspace, "outsider", "read", path))


def test_functions_of_the_jar_run_on_the_server(workspace: WarmWorkspace, jar: bytes) -> None:
    ended = run(workspace, "pipeline", "twice")
    assert "twice 90" in (ended.output().logs or ""), ended.output()


def test_the_jar_is_read_with_the_rights_of_the_run(workspace: WarmWorkspace, jar: bytes) -> None:
    for path in (f"{BOX_PATH}/probe.jar", f"s3://{BUCKET}/files/probe.jar"):
        assert run(workspace, "analyst", "who", path=path).result == "SUCCESS"
    refused = run(workspace, "outsider", "who", path=f"{BOX_PATH}/probe.jar")
    assert f"User does not have READ VOLUME on Volume '{BOX}'" in error_of(refused)
    assert "PERMISSION_DENIED" in error_of(refused)
    assert f"{BOX_PATH}/probe.jar" in error_of(refused)
    by_url = error_of(run(workspace, "outsider", "who", path=f"s3://{BUCKET}/files/probe.jar"))
    assert "does not have READ FILES on External Location" in by_url


def test_a_missing_jar_is_named(workspace: WarmWorkspace, jar: bytes) -> None:
    for path in (f"{SCRIPTS_PATH}/gone.jar", f"s3://{BUCKET}/files/gone.jar"):
        ended = run(workspace, "analyst", "who", path=path)
        status = ended.run.status
        assert status is not None and status.termination_details is not None
        assert status.termination_details.code is not None
        assert status.termination_details.code.value == "LIBRARY_INSTALLATION_ERROR"
        assert f"Library installation failed for '{path}'" in error_of(ended)
        assert f"not found: {path}" in error_of(ended) or f"{path}: The specified key does not exist" in error_of(ended)


def test_what_is_no_jar_and_what_is_not_in_it(workspace: WarmWorkspace, jar: bytes) -> None:
    workspace.client("deployer").files.upload(f"{SCRIPTS_PATH}/text.jar", io.BytesIO(b"text"), overwrite=True)
    assert "it is not a JAR" in error_of(run(workspace, "pipeline", "who", path=f"{SCRIPTS_PATH}/text.jar"))
    missing = run(workspace, "pipeline", "who", main="org.example.Nothing")
    assert error_of(missing) == (
        "java.lang.ClassNotFoundException: Main class 'org.example.Nothing' is in none of the task's JARs: probe.jar"
    )
    no_main = run(workspace, "pipeline", "who", main="java.lang.String")
    assert "Main class 'java.lang.String' has no public static void main(String[])" in error_of(no_main)


def test_an_uncaught_exception_is_the_runs_error(workspace: WarmWorkspace, jar: bytes) -> None:
    output = run(workspace, "pipeline", "throw").output()
    assert output.error == 'java.lang.RuntimeException: it went "wrong"'
    trace = output.error_trace or ""
    assert "org.example.Probe.fail(Probe.java:" in trace
    assert "Caused by: java.lang.IllegalStateException: first" in trace
    assert "JarTask" not in trace and "reflect" not in trace
    assert "it went" in (output.logs or "")


@pytest.mark.parametrize(("code", "result"), [("0", "SUCCESS"), ("3", "FAILED")])
def test_an_exit_code_is_the_runs_result(workspace: WarmWorkspace, jar: bytes, code: str, result: str) -> None:
    ended = run(workspace, "pipeline", "exit", code)
    assert ended.result == result
    assert result == "SUCCESS" or "exited with code 3" in error_of(ended)


@pytest.mark.parametrize("work", ["sleep", "spin"])
def test_cancel_ends_java_and_spark(workspace: WarmWorkspace, jar: bytes, work: str) -> None:
    client, run_id = workspace.client("pipeline"), submit(workspace, "pipeline", [work])
    while work not in java_processes(run_id, client):
        time.sleep(0.2)
    time.sleep(2)  # into the work itself
    client.jobs.cancel_run(run_id)
    assert wait_for_run(client, run_id, 30).result == "CANCELED"
    assert java_processes(run_id, client) == ""


def test_a_timeout_ends_java(workspace: WarmWorkspace, jar: bytes) -> None:
    client, run_id = workspace.client("pipeline"), submit(workspace, "pipeline", ["sleep"], timeout_seconds=4)
    assert wait_for_run(client, run_id, 60).result == "TIMEDOUT"
    assert java_processes(run_id, client) == ""


def test_java_does_not_outlive_its_worker(workspace: WarmWorkspace, jar: bytes) -> None:
    client, run_id = workspace.client("pipeline"), submit(workspace, "pipeline", ["sleep"])
    while not (found := find_java(run_id, client)):
        time.sleep(0.2)
    parent = (found / "stat").read_text().rpartition(")")[2].split()[1]
    os.kill(int(parent), signal.SIGKILL)
    ended = wait_for_run(client, run_id, 30)
    assert ended.result == "FAILED" and "SIGKILL" in error_of(ended)
    assert find_java(run_id, client) is None


def java_processes(run_id: int, client: Any) -> str:
    """The arguments of the task run's Java process."""
    found = find_java(run_id, client)
    return (found / "cmdline").read_text().replace("\0", " ") if found else ""


def find_java(run_id: int, client: Any) -> Path | None:
    """The Java process in the task run's own directory, in /proc."""
    task_run = client.jobs.get_run(run_id).tasks[0].run_id
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if f"/runs/{task_run}/" in str((entry / "cwd").readlink()) and (entry / "exe").readlink().name == "java":
                return entry
        except OSError:
            continue
    return None


def test_a_job_runs_a_jar_with_the_parameters_of_the_moment(workspace: WarmWorkspace, jar: bytes) -> None:
    client = workspace.client("pipeline")
    environment = JobEnvironment(
        "java", Environment(environment_version="4", jar_dependencies=[f"{SCRIPTS_PATH}/probe.jar"])
    )
    task = Task("main", spark_jar_task=SparkJarTask(main_class_name=MAIN, parameters=["who"]), environment_key="java")
    job = client.jobs.create(name="probe", tasks=[task], environments=[environment])
    assert job.job_id is not None
    by_default = wait_for_run(client, client.jobs.run_now(job.job_id).run_id, 60)
    assert "I am" in (by_default.output().logs or "")
    given = client.jobs.run_now(job.job_id, jar_params=["count", TABLE])
    assert "counted 5" in (wait_for_run(client, given.run_id, 60).output().logs or "")


def test_settings_that_no_serverless_jar_task_can_have(workspace: WarmWorkspace) -> None:
    jar, client = "/Volumes/a/b/c/x.jar", workspace.client("pipeline")
    refused: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
        "libraries field is not supported.*java_dependencies": (
            {"libraries": [{"jar": jar}]},
            {"environment_version": "4", "java_dependencies": [jar]},
        ),
        "needs environment_version 4 or higher, environment 'e' has 2": (
            {},
            {"environment_version": "2", "java_dependencies": [jar]},
        ),
        "environment 'e' has no java_dependencies": ({}, {"environment_version": "4"}),
        "'org:x:1' is not the path of a JAR": ({}, {"environment_version": "4", "java_dependencies": ["org:x:1"]}),
        "missing required field spark_jar_task.main_class_name": (
            {"spark_jar_task": {"parameters": ["x"]}},
            {"environment_version": "4", "java_dependencies": [jar]},
        ),
    }
    for message, (task, spec) in refused.items():
        body = {"task_key": "t", "environment_key": "e", "spark_jar_task": {"main_class_name": "M"}, **task}
        environments = [{"environment_key": "e", "spec": spec}]
        with pytest.raises(BadRequest, match=message):
            client.api_client.do(
                "POST", "/api/2.2/jobs/runs/submit", body={"tasks": [body], "environments": environments}
            )
