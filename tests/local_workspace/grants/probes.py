"""Tries many pieces of code in one serverless run of one principal, and reports how each ended."""

from __future__ import annotations

import io
import json
import uuid
from collections.abc import Mapping

from databricks.sdk.service.compute import Environment
from databricks.sdk.service.jobs import JobEnvironment, SparkPythonTask, SubmitTask

from tests.local_workspace.conftest import WarmWorkspace
from tests.local_workspace.scratch import SCRIPTS_PATH
from tests.local_workspace.services.jobs.harness import wait_for_run

# Runs on the worker: each piece is an expression, or statements that leave `result`.
TRY_ALL = """
import json, os, pathlib, shutil
from pyspark.sql import functions as F
outcomes = {}
for name, code in pieces.items():
    scope = {**globals()}
    try:
        try:
            outcomes[name] = repr(eval(code, scope))
        except SyntaxError:
            exec(code, scope)
            outcomes[name] = repr(scope.get("result"))
    except Exception as error:
        outcomes[name] = f"{type(error).__name__}: {error}".partition("JVM stacktrace:")[0]
print("OUTCOMES" + json.dumps(outcomes))
"""


def try_pieces(workspace: WarmWorkspace, role: str, pieces: Mapping[str, str]) -> dict[str, str]:
    """Run the pieces as the role; return for each the repr of its value, or `Type: message` of its error."""
    client = workspace.client(role)
    path = f"{SCRIPTS_PATH}/{uuid.uuid4().hex}.py"
    source = f"pieces = {dict(pieces)!r}\n{TRY_ALL}"
    workspace.client("deployer").files.upload(path, io.BytesIO(source.encode()))
    task = SubmitTask("probe", spark_python_task=SparkPythonTask(path), environment_key="default")
    environment = JobEnvironment("default", Environment(environment_version="4"))
    ended = wait_for_run(client, client.jobs.submit(tasks=[task], environments=[environment]).run_id, 180)
    logs = ended.output("probe").logs or ""
    outcomes: dict[str, str] = json.loads(logs.partition("OUTCOMES")[2])
    return outcomes
