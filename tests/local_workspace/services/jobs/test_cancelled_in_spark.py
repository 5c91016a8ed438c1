"""A run is cancelled while Spark computes for it."""

from __future__ import annotations

import io
import time

from databricks.sdk.service.compute import Environment
from databricks.sdk.service.jobs import JobEnvironment, SparkPythonTask, SubmitTask

from tests.local_workspace.conftest import WarmWorkspace
from tests.local_workspace.services.jobs.harness import wait_for_run, wait_for_task

ENDLESS = "spark.range(10**12).selectExpr('sum(id % 7 * 3)').collect()"


def test_a_run_is_cancelled_while_spark_computes(workspace: WarmWorkspace) -> None:
    client = workspace.client("deployer")
    path = f"/Users/{workspace.name('deployer')}/endless.py"
    client.workspace.upload(path, io.BytesIO(f"print('began', flush=True)\n{ENDLESS}".encode()), overwrite=True)
    task = SubmitTask("main", spark_python_task=SparkPythonTask(f"/Workspace{path}"), environment_key="e")
    environment = JobEnvironment("e", Environment(environment_version="4"))
    run_id = client.jobs.submit(tasks=[task], environments=[environment]).run_id
    wait_for_task(client, run_id, "RUNNING")
    time.sleep(3)  # into the query: nothing outside of Spark tells when it computes
    began = time.monotonic()
    client.jobs.cancel_run(run_id)
    assert wait_for_run(client, run_id).result == "CANCELED"
    assert time.monotonic() - began < 15
