"""Notebook tasks: cells, widgets, exit values, %run, errors, export. Spark cells are in the flow tests."""

from __future__ import annotations

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import BadRequest
from databricks.sdk.service.jobs import NotebookTask, SubmitTask, TerminationCodeCode

from tests.local_workspace.services.jobs.harness import Ended, JobsServer, script_task, submit, wait_for_run

CUT = "\n# COMMAND ----------\n"


def run_notebook(server: JobsServer, client: WorkspaceClient, *cells: str, **widgets: str) -> Ended:
    path = server.add_notebook("/Users/pipeline/main", CUT.join(cells))
    task = SubmitTask("main", notebook_task=NotebookTask(path, base_parameters=widgets or None))
    return wait_for_run(client, submit(client, task))


def result(ended: Ended) -> str | None:
    output = ended.output()
    assert output.error is None, output.error_trace
    return output.notebook_output.result if output.notebook_output else None


def test_cells_share_names_and_exit_returns_a_value(jobs_server: JobsServer, client: WorkspaceClient) -> None:
    ended = run_notebook(jobs_server, client, "x = 20", "x += 22", "dbutils.notebook.exit(x)", "raise ValueError")
    assert (ended.result, result(ended)) == ("SUCCESS", "42")


def test_a_notebook_without_exit_has_no_result(jobs_server: JobsServer, client: WorkspaceClient) -> None:
    ended = run_notebook(jobs_server, client, "1 + 1")
    assert (ended.result, result(ended)) == ("SUCCESS", None)


def test_widgets_take_base_parameters_over_defaults(jobs_server: JobsServer, client: WorkspaceClient) -> None:
    cells = (
        "dbutils.widgets.text('day', '2013-01-01')\ndbutils.widgets.dropdown('mode', 'full', ['full', 'part'])",
        "dbutils.notebook.exit(dbutils.widgets.get('day') + ' ' + dbutils.widgets.get('mode'))",
    )
    assert result(run_notebook(jobs_server, client, *cells)) == "2013-01-01 full"
    assert result(run_notebook(jobs_server, client, *cells, day="2013-02-01")) == "2013-02-01 full"


def test_an_unknown_widget_fails(jobs_server: JobsServer, client: WorkspaceClient) -> None:
    ended = run_notebook(jobs_server, client, "dbutils.widgets.get('none')")
    assert ended.output().error == "ValueError: No input widget named none is defined"


def test_percent_run_shares_names_and_resolves_from_the_notebook(
    jobs_server: JobsServer, client: WorkspaceClient
) -> None:
    jobs_server.add_notebook("/Users/pipeline/lib/helpers", "def double(x):\n    return 2 * x")
    ended = run_notebook(
        jobs_server,
        client,
        "# MAGIC %md\n# MAGIC # Title",
        "# MAGIC %run ./lib/helpers",
        "dbutils.notebook.exit(double(4))",
    )
    assert result(ended) == "8"


def test_notebook_run_is_a_run_of_its_own(jobs_server: JobsServer, client: WorkspaceClient) -> None:
    jobs_server.add_notebook("/Users/pipeline/child", "x = 1\ndbutils.notebook.exit(dbutils.widgets.get('a') + '!')")
    ended = run_notebook(
        jobs_server, client, "r = dbutils.notebook.run('child', 60, {'a': 'hey'})\nassert 'x' not in globals()",
        "dbutils.notebook.exit(r)",
    )  # fmt: skip
    assert result(ended) == "hey!"


def test_a_failing_child_fails_its_caller(jobs_server: JobsServer, client: WorkspaceClient) -> None:
    jobs_server.add_notebook("/Users/pipeline/child", "1 / 0")
    ended = run_notebook(jobs_server, client, "dbutils.notebook.run('/Users/pipeline/child')")
    error = ended.output().error or ""
    assert error.startswith("RuntimeError: Notebook /Users/pipeline/child failed in run")
    assert "ZeroDivisionError: division by zero" in error


def test_an_error_names_the_cell(jobs_server: JobsServer, client: WorkspaceClient) -> None:
    ended = run_notebook(jobs_server, client, "a = 1", "def f():\n    raise KeyError('k')\nf()")
    output = ended.output()
    assert output.error == "KeyError: 'k'"
    assert 'File "/Users/pipeline/main (cell 2)", line 2, in f' in (output.error_trace or "")
    assert "raise KeyError('k')" in (output.error_trace or "")


@pytest.mark.parametrize(("cell", "error"), [("# MAGIC %scala\n# MAGIC val x = 1", "%scala is not served")])
def test_a_language_that_is_not_served_says_so(
    jobs_server: JobsServer, client: WorkspaceClient, cell: str, error: str
) -> None:
    assert error in (run_notebook(jobs_server, client, cell).output().error or "")


def test_a_missing_notebook_is_named(jobs_server: JobsServer, client: WorkspaceClient) -> None:
    task = SubmitTask("main", notebook_task=NotebookTask("/Users/pipeline/none"))
    ended = wait_for_run(client, submit(client, task))
    details = ended.tasks["main"].status and ended.tasks["main"].status.termination_details
    assert details and details.code is TerminationCodeCode.RESOURCE_NOT_FOUND
    assert "/Users/pipeline/none" in (details.message or "")


def test_export_shows_cells_and_output(jobs_server: JobsServer, client: WorkspaceClient) -> None:
    ended = run_notebook(jobs_server, client, "import pandas as pd", "pd.DataFrame({'n': [1, 2]})", "print('<b>')")
    views = client.jobs.export_run(ended.tasks["main"].run_id or 0).views or []
    content = views[0].content or ""
    assert "pd.DataFrame" in content and "&lt;b&gt;" in content
    assert "   n\n0  1\n1  2" in content


def test_a_script_run_cannot_be_exported(jobs_server: JobsServer, client: WorkspaceClient) -> None:
    ended = wait_for_run(client, submit(client, script_task(jobs_server.add_script("ok.py", ""))))
    with pytest.raises(BadRequest, match="Only the run of a single notebook task can be exported"):
        client.jobs.export_run(ended.run.run_id or 0)
