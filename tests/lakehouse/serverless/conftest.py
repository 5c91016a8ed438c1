"""A scratch volume on the warm workspace and scripts that run there as Dagster steps."""

import io
from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass
from typing import Any

import dagster as dg
import pytest
from databricks.sdk import WorkspaceClient

from lakehouse.serverless import FusedStep, ServerlessRuns, contexts_of_run, run_statement
from lakehouse.targets import Target

VOLUME = "/Volumes/serverless_tests/default/box"
SCRIPTS = f"{VOLUME}/scripts"
WAREHOUSE = "Serverless Starter Warehouse"


@dataclass
class Remote:
    """Runs scripts as steps; `client` is the workspace admin's."""

    client: WorkspaceClient
    runs: ServerlessRuns

    def add_script(self, name: str, code: str) -> str:
        path = f"{SCRIPTS}/{name}"
        self.client.files.upload(path, io.BytesIO(code.encode()), overwrite=True)
        return path

    def asset(self, name: str, code: str, **options: Any) -> dg.AssetsDefinition:
        """An asset whose step runs the code; options go to `ServerlessRuns.run`."""
        return self.step(name, self.add_script(f"{name}.py", code), **options)

    def step(self, name: str, path: str, **options: Any) -> dg.AssetsDefinition:
        """An asset whose step runs a script that is there."""
        from databricks.sdk.service.compute import Environment
        from databricks.sdk.service.jobs import JobEnvironment, SparkPythonTask, SubmitTask

        task = SubmitTask("main", spark_python_task=SparkPythonTask(path), environment_key="default")
        needs = options.pop("dependencies", None)
        environments = [JobEnvironment("default", Environment(environment_version="4", dependencies=needs))]
        retry = options.pop("retry_policy", None)

        @dg.asset(name=name, retry_policy=retry)
        def step(context: dg.AssetExecutionContext) -> Iterator[Any]:
            invocation = self.runs.run(context=context, task=task, environments=environments, **options)
            yield from invocation.get_results()

        return step

    def chain(self, names: list[str], path: str) -> list[dg.AssetsDefinition]:
        """Assets whose steps run a script, one after the other in one remote run, each as a task of its name."""
        from databricks.sdk.service.compute import Environment
        from databricks.sdk.service.jobs import JobEnvironment, SparkPythonTask, SubmitTask, TaskDependency

        before = dict(zip(names[1:], names, strict=False))

        def task(name: str, members: Container[str] = ()) -> SubmitTask:
            waits = [TaskDependency(before[name])] if before.get(name) in members else None
            return SubmitTask(
                name, spark_python_task=SparkPythonTask(path), environment_key="default", depends_on=waits
            )

        def fuse(context: dg.AssetExecutionContext) -> list[FusedStep]:
            own = contexts_of_run(context)
            return [FusedStep(own[name], task(name, own), {}) for name in names if name in own]

        def make(name: str) -> dg.AssetsDefinition:
            @dg.asset(name=name, deps=[before[name]] if name in before else [])
            def step(context: dg.AssetExecutionContext) -> Iterator[Any]:
                environments = [JobEnvironment("default", Environment(environment_version="4"))]
                invocation = self.runs.run(
                    context=context, task=task(name), environments=environments, fused=lambda: fuse(context)
                )
                yield from invocation.get_results()

            return step

        return [make(name) for name in names]

    def statement(self, name: str, text: str, then: Callable[[], Any] = lambda: None, **options: Any) -> Any:
        """An asset that runs a SQL statement, and then what is to happen after it in the same try."""
        retry = options.pop("retry_policy", None)
        client = options.pop("client", self.client)
        options = {"warehouse": WAREHOUSE, "patience_seconds": 20, **options}

        @dg.asset(name=name, retry_policy=retry)
        def step(context: dg.AssetExecutionContext) -> Any:
            result = run_statement(client, context, text, **options)
            then()
            rows = [dict(row) for row in result.rows]
            number = {"n": int(rows[0]["n"] or 0)} if rows and "n" in rows[0] else {}
            return dg.MaterializeResult(metadata={**result.metadata, "rows": rows, **number})

        return step

    def statements(self, name: str) -> list[Any]:
        """The SQL statements of a step, oldest first."""
        found = self.client.query_history.list(max_results=100).res or []
        own = [one for one in found if (one.query_text or "").startswith(f"-- dagster {name} ")]
        return sorted(own, key=lambda one: one.query_start_time_ms or 0)

    def remote_runs(self, name: str) -> list[Any]:
        """The remote runs of an asset, oldest first."""
        return sorted(
            (run for run in self.client.jobs.list_runs() if (run.run_name or "").startswith(f"{name} ")),
            key=lambda run: run.run_id or 0,
        )


@pytest.fixture(scope="session")
def remote(warm_target: Target) -> Remote:
    from databricks.sdk.service.catalog import VolumeType

    client = open_remote(warm_target).client
    client.catalogs.create("serverless_tests")
    client.volumes.create("serverless_tests", "default", "box", VolumeType.MANAGED)
    grants: Callable[..., Any] = client.api_client.do
    grants(
        "PATCH",
        "/api/2.1/unity-catalog/permissions/volume/serverless_tests.default.box",
        body={"changes": [{"principal": "admins", "add": ["READ_VOLUME", "WRITE_VOLUME"]}]},
    )
    return open_remote(warm_target)


def open_remote(target: Target) -> Remote:
    """The same with a client of its own, as a process has it."""
    from lakehouse.workspace import open_workspace

    client = open_workspace(target, "admin")
    return Remote(client, ServerlessRuns(client, f"{VOLUME}/pipes", patience_seconds=20))
