"""What the pages show of runs, jobs and Unity Catalog, to whom, and that no content becomes markup."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from local_workspace.gateway.workspace import Workspace
from local_workspace.services.jobs.records import key_of
from local_workspace.services.pages import markup
from local_workspace.services.pages.parameters import unpack
from tests.local_workspace.services.pages.conftest import Store
from tests.local_workspace.services.pages.page_text import PageText

Open = Callable[[str], TestClient]
ATTACK = "<script>alert(1)</script>'\"><img src=x onerror=alert(2)>&amp;"
FRAME = {"html", "head", "meta", "title", "link", "body", "header", "a", "nav", "form", "span", "button", "main", "h1"}
CONTENT = {"small", "section", "h2", "h3", "dl", "dt", "dd", "table", "thead", "tbody", "tr", "th", "td", "p", "pre"}
MADE = FRAME | CONTENT | {"div", "time", "details", "summary"}


def read(client: TestClient, path: str, status: int = 200) -> PageText:
    answer = client.get(path)
    assert answer.status_code == status, answer.text
    return PageText(answer.text)


def test_a_run_shows_state_times_output_error_and_parameters(open_client: Open, store_run: Store) -> None:
    script = {"python_file": "/x.py", "parameters": ["--day", "2013-01-05"]}
    run = store_run("load days", "hello from the task\n", "ValueError: no such day", spark_python_task=script)
    text = read(open_client("ann"), f"/jobs/{run['job_id']}/runs/{run['run_id']}").text
    for shown in ("load days", "FAILED", "1970-01-01 00:00:01 UTC", "3.5 s", "hello from the task", "2013-01-05"):
        assert shown in text
    assert "ValueError: no such day" in text


def test_a_task_run_has_a_page_of_its_own(open_client: Open, store_run: Store) -> None:
    run = store_run(output="printed")
    page = read(open_client("ann"), f"/jobs/{run['job_id']}/runs/{run['tasks'][0]['run_id']}")
    assert "printed" in page.text and "A task of run" in page.text
    assert f"/jobs/{run['job_id']}/runs/{run['run_id']}" in page.links


def test_runs_are_shown_to_those_only_who_may_see_them(open_client: Open, store_run: Store) -> None:
    run = store_run("of ann")
    path = f"/jobs/{run['job_id']}/runs/{run['run_id']}"
    for name, sees in (("ann", True), ("root", True), ("eve", False)):
        client = open_client(name)
        assert ("of ann" in read(client, "/jobs/runs").text) is sees
        assert ("of ann" in read(client, "/home").text) is sees
        shown = read(client, path, 200 if sees else 403).text
        assert ("of ann" in shown) is sees
    assert f"User eve does not have View or Admin or Manage Run or Owner permissions on run {run['run_id']}" in shown


@pytest.mark.parametrize("path", ["/jobs/1/runs/77", "/explore/data/none", "/explore/data/c/s/t", "/jobs/77"])
def test_what_is_not_there_is_told_on_a_page(open_client: Open, path: str) -> None:
    answer = open_client("root").get(path)
    assert answer.status_code in (400, 404)
    assert answer.headers["content-type"].startswith("text/html")
    assert "does not exist" in answer.text


def test_runs_go_on_to_older_ones(open_client: Open, store_run: Store) -> None:
    for number in range(27):
        store_run(f"run-{number}")
    client = open_client("ann")
    first = read(client, "/jobs/runs")
    assert "run-26" in first.text and "run-1\n" not in first.text and "run-0" not in first.text
    (older,) = [path for path in first.links if "page_token" in path]
    assert "run-0" in read(client, older).text


def test_content_never_becomes_markup(open_client: Open, store_run: Store, workspace: Workspace) -> None:
    settings = {
        "task_key": ATTACK,
        "description": ATTACK,
        "spark_python_task": {"parameters": [ATTACK], ATTACK: ATTACK},
    }
    run = store_run(ATTACK, ATTACK, ATTACK, **settings)
    unity = workspace.unity.securables
    unity.insert("catalog", "c", {"name": "c", "comment": ATTACK, "properties": {ATTACK: ATTACK}}, "ann")
    unity.insert("schema", "c.s", {"name": "s", "catalog_name": "c", "comment": ATTACK}, "ann")
    columns = [{"name": ATTACK, "type_text": ATTACK, "comment": ATTACK}]
    table = {"name": "t", "catalog_name": "c", "schema_name": "s", "columns": columns, "table_id": "1"}
    unity.insert("table", "c.s.t", {**table, "table_type": "VIEW", "view_definition": ATTACK}, "ann")
    _store_job(workspace, ATTACK)
    client = open_client("ann")
    base = f"/jobs/{run['job_id']}/runs"
    paths = [f"{base}/{run['run_id']}", f"{base}/{run['tasks'][0]['run_id']}", "/jobs/runs", "/jobs", "/jobs/900"]
    for path in [*paths, "/home", "/explore/data", "/explore/data/c", "/explore/data/c/s", "/explore/data/c/s/t"]:
        page = read(client, path)
        assert ATTACK in page.text, path
        assert page.tags <= MADE, path
        assert not [name for name in page.attributes if name.startswith("on")], path


@given(st.text(), st.text(), st.text())
def test_text_comes_out_as_it_went_in(first: str, second: str, third: str) -> None:
    page = markup.table([first], [[markup.link([second], first)], [third]], "none")
    parsed = PageText(f"{page}{markup.element('i', title=third)}")
    assert parsed.tags <= {"table", "thead", "tbody", "tr", "th", "td", "a", "i"}
    assert parsed.attributes <= {"href", "title"}
    assert parsed.text.replace("\r\n", "\n") == (first + first + third).replace("\r\n", "\n")
    assert all(link.startswith("/") and not link.startswith("//") for link in parsed.links if second)


def test_a_job_shows_schedule_tasks_permissions_and_runs(open_client: Open, workspace: Workspace) -> None:
    _store_job(workspace, "nightly")
    text = read(open_client("ann"), "/jobs/900").text
    for shown in ("nightly", "0 0 5 * * ? UTC", "notebook", "/Shared/n", "IS_OWNER", "CAN_MANAGE", "no run"):
        assert shown in text
    assert read(open_client("eve"), "/jobs/900", 403)
    assert "nightly" not in read(open_client("eve"), "/jobs").text


def test_grants_are_shown_to_who_manages_and_to_each_their_own(open_client: Open, workspace: Workspace) -> None:
    unity = workspace.unity
    unity.securables.insert("catalog", "c", {"name": "c", "comment": "of ann"}, "ann")
    changes: list[dict[str, object]] = [
        {"principal": "eve", "add": ["USE_CATALOG"]},
        {"principal": "root", "add": ["CREATE_SCHEMA"]},
    ]
    unity.grants.change("catalog", "c", changes)
    assert "CREATE SCHEMA" in read(open_client("ann"), "/explore/data/c").text
    seen = read(open_client("eve"), "/explore/data/c").text
    assert "USE CATALOG" in seen and "CREATE SCHEMA" not in seen and "your own grants only" in seen


def test_a_securable_is_hidden_from_who_holds_nothing(open_client: Open, workspace: Workspace) -> None:
    workspace.unity.securables.insert("catalog", "c", {"name": "c", "comment": "hidden words"}, "ann")
    client = open_client("eve")
    assert "hidden words" not in read(client, "/explore/data").text
    assert "hidden words" not in read(client, "/explore/data/c", 403).text


def pack(value: Any) -> str:
    return base64.b64encode(zlib.compress(json.dumps(value).encode())).decode()


def test_a_packed_parameter_is_shown_unpacked(open_client: Open, store_run: Store) -> None:
    run = store_run(spark_python_task={"parameters": ["--context", pack({"day": "2013-01-05"})]})
    text = read(open_client("ann"), f"/jobs/{run['job_id']}/runs/{run['run_id']}").text
    assert '"day": "2013-01-05"' in text


@pytest.mark.parametrize(
    "value", ["", "abc", "aGVsbG8=", pack({})[:-4], base64.b64encode(zlib.compress(b"no")).decode()]
)
def test_other_text_is_no_packed_parameter(value: str) -> None:
    assert unpack(value) is None


def test_a_parameter_that_unpacks_to_very_much_is_left_packed() -> None:
    bomb = base64.b64encode(zlib.compress(b'"' + b"x" * 50_000_000 + b'"')).decode()
    assert unpack(bomb) is None


def _store_job(workspace: Workspace, name: str) -> None:
    schedule = {"quartz_cron_expression": "0 0 5 * * ?", "timezone_id": "UTC", "pause_status": "UNPAUSED"}
    task = {"task_key": "main", "notebook_task": {"notebook_path": "/Shared/n"}}
    settings = {"name": name, "tasks": [task], "schedule": schedule, "tags": {name: name}}
    document = {"job_id": 900, "creator": "ann", "run_as": "ann", "created_at": 1000, "settings": settings}
    workspace.store.put("job", key_of(900), document)
    owner = {"kind": "user_name", "principal": "ann", "level": "IS_OWNER"}
    workspace.store.put("job_acl", key_of(900), {"entries": [owner]})
