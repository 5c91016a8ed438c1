"""A scratch volume on the warm workspace and scripts that run there as Dagster steps."""

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import dagster as dg
import pytest
from databricks.sdk import WorkspaceClient

from lakehouse.serverless import ServerlessRuns
from lakehouse.targets import Target

VOLUME = "/Volumes/serverless_tests/default/box"


@dataclass
class Remote:
    """Runs scripts as steps; `client` is the workspace admin's."""

    client: WorkspaceClient
    runs: ServerlessRuns

    def add_script(self, name: str, code: str) -> str:
        path = f"{VOLUME}/scripts/{name}"
        self.client.files.upload(path, io.BytesIO(code.encode()), overwrite=True)
        return path

    def asset(self, name: str, code: str, **options: Any) -> dg.AssetsDefinition:
        """An asset whose step runs the code; options go to `ServerlessRuns.run`."""
        from databricks.sdk.service.compute import Environment
        from databricks.sdk.service.jobs import JobEnvironment, SparkPythonTask, SubmitTask

        path = self.add_script(f"{name}.py", code)
        task = SubmitTask("main", spark_python_task=SparkPythonTask(path), environment_key="default")
        environments = [JobEnvironment("default", Environment(environment_version="4"))]
        retry = options.pop("retry_policy", None)

        @dg.asset(name=name, retry_policy=retry)
        def step(context: dg.AssetExecutionContext) -> Iterator[Any]:
            invocation = self.runs.run(context=context, task=task, environments=environments, **options)
            yield from invocation.get_results()

        return step

    def remote_runs(self, name: str) -> list[Any]:
        """The remote runs of an asset, oldest first."""
        return sorted(
            (run for run in self.client.jobs.list_runs() if (run.run_name or "").startswith(f"{name} ")),
            key=lambda run: run.run_id or 0,
        )


@pytest.fixture(scope="session")
def remote(warm_target: Target) -> Remote:
    from databricks.sdk.service.catalog import VolumeType

    from lakehouse.workspace import open_workspace

    client = open_workspace(warm_target, "admin")
    client.catalogs.create("serverless_tests")
    client.volumes.create("serverless_tests", "default", "box", VolumeType.MANAGED)
    grants: Callable[..., Any] = client.api_client.do
    grants(
        "PATCH",
        "/api/2.1/unity-catalog/permissions/volume/serverless_tests.default.box",
        body={"changes": [{"principal": "admins", "add": ["READ_VOLUME", "WRITE_VOLUME"]}]},
    )
    return Remote(client, ServerlessRuns(client, f"{VOLUME}/pipes", patience_seconds=20))
