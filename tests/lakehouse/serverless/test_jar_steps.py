"""JAR tasks as Dagster steps: no Pipes arguments, output shown, Java errors and remedies told."""

import io
from typing import Any

import dagster as dg
import pytest

from lakehouse.jars import HELLO_SPARK, build_jar, java_environment
from lakehouse.targets import read_settings
from tests.lakehouse.serverless.conftest import VOLUME, Remote
from tests.lakehouse.serverless.test_runs import failure_of, metadata_of

JAR = f"{VOLUME}/hello-spark.jar"


@pytest.fixture(scope="module")
def uploaded(remote: Remote) -> str:
    remote.client.files.upload(JAR, io.BytesIO(build_jar(HELLO_SPARK, read_settings().cache_home)), overwrite=True)
    return JAR


def run_step(remote: Remote, name: str, jar: str, main: str = HELLO_SPARK.main_class) -> dg.ExecuteInProcessResult:
    from databricks.sdk.service.jobs import JobEnvironment, SparkJarTask, SubmitTask

    task = SubmitTask("count", spark_jar_task=SparkJarTask(main_class_name=main), environment_key="default")
    environments = [JobEnvironment("default", java_environment("4", [jar]))]

    @dg.asset(name=name)
    def step(context: dg.AssetExecutionContext) -> Any:
        yield from remote.runs.run(context=context, task=task, environments=environments).get_results()

    return dg.materialize([step], instance=dg.DagsterInstance.ephemeral(), raise_on_error=False)


def test_a_jar_runs_and_its_output_shows(remote: Remote, uploaded: str, capsys: pytest.CaptureFixture[str]) -> None:
    result = run_step(remote, "jar_runs", uploaded)
    assert result.success
    assert "Count is: 99" in capsys.readouterr().out
    assert metadata_of(result, "jar_runs")["databricks/execution_seconds"].value > 0


def test_a_missing_jar_tells_which_path_to_fill(remote: Remote) -> None:
    message = failure_of(run_step(remote, "jar_missing", f"{VOLUME}/gone.jar"))
    (run,) = remote.remote_runs("jar_missing")
    assert f"Task count: Library installation failed for '{VOLUME}/gone.jar'" in message
    assert f"Remedy: put the file at {VOLUME}/gone.jar" in message
    assert run.run_page_url in message


def test_a_missing_main_class_tells_which_jar(remote: Remote, uploaded: str) -> None:
    message = failure_of(run_step(remote, "jar_without_main", uploaded, "com.example.Nothing"))
    assert "java.lang.ClassNotFoundException: Main class 'com.example.Nothing'" in message
    assert "Remedy: correct main_class_name, or build com.example.Nothing into hello-spark.jar" in message
