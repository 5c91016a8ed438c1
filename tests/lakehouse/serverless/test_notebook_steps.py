"""Notebook tasks as Dagster steps: Pipes over widgets, the exit value shown, errors told."""

from typing import Any

import dagster as dg
import pytest
from databricks.sdk.service.workspace import ImportFormat, Language

from tests.lakehouse.serverless.conftest import Remote
from tests.lakehouse.serverless.test_runs import failure_of, metadata_of

FOLDER = "/Shared/notebook-steps"
REPORTING = """# Databricks notebook source
from dagster_pipes import (
    PipesDatabricksNotebookWidgetsParamsLoader, PipesUnityCatalogVolumesMessageWriter, open_dagster_pipes
)
loader = PipesDatabricksNotebookWidgetsParamsLoader(dbutils.widgets)

# COMMAND ----------
rows = spark.range(int(dbutils.widgets.get("rows"))).count()
writer = PipesUnityCatalogVolumesMessageWriter(interval=0)
with open_dagster_pipes(params_loader=loader, message_writer=writer) as pipes:
    pipes.report_asset_materialization(metadata={"rows": rows + pipes.get_extra("more")})

# COMMAND ----------
dbutils.notebook.exit("read " + str(rows))
"""
FAILING = """# Databricks notebook source
before = 1

# COMMAND ----------
def divide(number):
    return number / 0

divide(before)
"""


def run_step(remote: Remote, name: str, source: str | None, **options: Any) -> dg.ExecuteInProcessResult:
    from databricks.sdk.service.jobs import NotebookTask, SubmitTask

    remote.client.workspace.mkdirs(FOLDER)
    path = f"{FOLDER}/{name}"
    if source is not None:
        remote.client.workspace.upload(
            path, source.encode(), format=ImportFormat.SOURCE, language=Language.PYTHON, overwrite=True
        )
    task = SubmitTask("read", notebook_task=NotebookTask(path, base_parameters={"rows": "40"}))

    @dg.asset(name=name)
    def step(context: dg.AssetExecutionContext) -> Any:
        yield from remote.runs.run(context=context, task=task, **options).get_results()

    return dg.materialize([step], instance=dg.DagsterInstance.ephemeral(), raise_on_error=False)


def test_what_a_notebook_reports_and_exits_with_shows(remote: Remote, capsys: pytest.CaptureFixture[str]) -> None:
    result = run_step(remote, "notebook_reports", REPORTING, extras={"more": 2})
    assert result.success
    (run,) = remote.remote_runs("notebook_reports")
    metadata = metadata_of(result, "notebook_reports")
    assert (metadata["rows"].value, metadata["databricks/run_id"].value) == (42, run.run_id)


def test_the_exit_value_of_a_notebook_without_pipes_shows(remote: Remote, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_step(remote, "notebook_exits", "dbutils.notebook.exit('Count is: 99')").success
    assert "Count is: 99" in capsys.readouterr().out


def test_an_error_in_a_cell_comes_with_its_lines_and_page(remote: Remote) -> None:
    message = failure_of(run_step(remote, "notebook_fails", FAILING))
    (run,) = remote.remote_runs("notebook_fails")
    assert "Task read: ZeroDivisionError: division by zero" in message
    assert "in divide" in message and "return number / 0" in message
    assert run.run_page_url in message


def test_a_missing_notebook_is_named(remote: Remote) -> None:
    message = failure_of(run_step(remote, "notebook_missing", None))
    assert f"{FOLDER}/notebook_missing" in message
