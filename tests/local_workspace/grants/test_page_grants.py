"""The web pages of tables: columns, grants and commits for who may read, and the tables that a run opened."""

from __future__ import annotations

import urllib.error
import urllib.request

from tests.lakehouse.local_command import local
from tests.local_workspace.conftest import WarmWorkspace
from tests.local_workspace.grants.probes import try_pieces
from tests.local_workspace.scratch import NAME, SECRET, TABLE, Scratch
from tests.local_workspace.services.pages.page_text import PageText

MAIN = f"{NAME}.main"


def read(workspace: WarmWorkspace, role: str, path: str) -> tuple[int, str]:
    """The status and the text of a page."""
    config = workspace.client(role).config
    request = urllib.request.Request(f"{config.host}{path}", headers={"Authorization": f"Bearer {config.token}"})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, PageText(answer.read().decode()).text
    except urllib.error.HTTPError as error:
        return error.code, PageText(error.read().decode()).text


def page_of(full_name: str) -> str:
    return "/explore/data/" + full_name.replace(".", "/")


def test_a_tables_page_shows_columns_grants_and_commits(workspace: WarmWorkspace, scratch: Scratch) -> None:
    status, text = read(workspace, "analyst", page_of(TABLE))
    assert status == 200
    for shown in (TABLE, "bigint", "SELECT", "CREATE TABLE AS SELECT", "numOutputRows: 5", "your own grants only"):
        assert shown in text


def test_commits_are_for_who_may_read_the_table(workspace: WarmWorkspace, scratch: Scratch) -> None:
    status, text = read(workspace, "admin", page_of(SECRET))
    assert status == 200 and "CREATE TABLE AS SELECT" not in text
    assert f"does not have SELECT on Table '{SECRET}'" in text
    status, text = read(workspace, "outsider", page_of(SECRET))
    assert status == 403 and "bigint" not in text


def test_a_runs_page_names_the_tables_it_opened(workspace: WarmWorkspace, scratch: Scratch) -> None:
    pieces = {
        "read": f"spark.table('{TABLE}').count()",
        "write": f"spark.range(3).writeTo('{MAIN}.of_a_run').createOrReplace()",
        "denied": f"spark.table('{NAME}.other.nothing').count()",
    }
    outcomes = try_pieces(workspace, "pipeline", pieces)
    assert outcomes["read"] == "5" and outcomes["write"] == "None"
    (run,) = list(workspace.client("pipeline").jobs.list_runs(limit=1))[:1]
    _, text = read(workspace, "pipeline", f"/jobs/{run.job_id}/runs/{run.run_id}")
    tables = text.partition("Opened for")[2].partition("Parameters")[0]
    assert f"{TABLE}reading" in tables and f"{TABLE}reading and writing" not in tables
    assert f"{MAIN}.of_a_runreading and writing" in tables
    assert "nothing" not in tables


def test_a_printed_link_leads_to_a_page(workspace: WarmWorkspace) -> None:
    host = str(workspace.client("analyst").config.host)
    link = local("link", "/jobs/runs", "--as", "analyst").strip()
    assert link.startswith(f"{host}/#login/") and link.endswith("/jobs/runs")
    run_url = f"{host}/#job/4/run/5"
    assert local("link", run_url, "--as", "analyst").strip().endswith("/#job/4/run/5")
