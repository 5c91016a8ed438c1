"""The page behind a run's URL, in a browser: log in once, then each link leads to its run."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.browser import CHROMIUM, DRIVER, MISSING, Browser, open_browser
from tests.local_workspace.services.jobs.harness import Ended, JobsServer, script_task, submit, wait_for_run

pytestmark = pytest.mark.skipif(not (CHROMIUM and DRIVER), reason=MISSING)
SCRIPT = """
import sys
print("it has begun")
print("<script>document.title = 'taken'</script><img src=x onerror=\\"document.title = 'taken'\\">")
sys.exit(sys.argv[1]) if sys.argv[1:] else None
"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with open_browser(tmp_path_factory.mktemp("chromium")) as opened:
        yield opened


@pytest.fixture
def ended(jobs_server: JobsServer) -> Ended:
    client, script = jobs_server.client(), jobs_server.add_script("shown.py", SCRIPT)
    tasks = [script_task(script, key="first"), script_task(script, "there is no such day", key="second")]
    return wait_for_run(client, submit(client, *tasks, run_name="load <b>days</b>"))


def test_a_runs_link_leads_to_its_page_after_one_login(browser: Browser, jobs_server: JobsServer, ended: Ended) -> None:
    browser.go(str(ended.run.run_page_url))
    browser.wait_for("lakehouse local token")
    browser.type("input[name=token]", jobs_server.workspace.mint_token("pipeline", None, "test"))
    browser.click("button[type=submit]")
    text = browser.wait_for("load <b>days</b>")
    for shown in (f"Run {ended.run.run_id}", "FAILED", "first", "second", "there is no such day", "it has begun"):
        assert shown in text
    assert browser.run("return document.title") == "load <b>days</b> · Workspace jobs", "what a run prints is no script"
    browser.go(str(ended.tasks["second"].run_page_url))
    assert "A task of run" in browser.wait_for("there is no such day")
    assert browser.run("return document.cookie") == "", "no script of a page reads the session"
    browser.click("header button")
    browser.wait_for("lakehouse local token")
    browser.go(str(ended.run.run_page_url))
    assert "it has begun" not in browser.wait_for("lakehouse local token")


def test_a_link_with_a_code_logs_in_and_leaves_no_code_behind(browser: Browser, jobs_server: JobsServer) -> None:
    client, host = jobs_server.client("analyst"), jobs_server.workspace.host
    code = str(client.api_client.do("POST", "/local/page-codes")["code"])  # type: ignore[call-overload,index]
    browser.go(f"{host}/#login/{code}/jobs/runs")
    assert "Analyst" in browser.wait_for("Log out")
    assert browser.url == f"{host}/jobs/runs"
    browser.go(f"{host}/#login/{code}/#job/1/run/1")
    browser.wait_for("The link was used before")
    browser.go(f"{host}/")
    assert "analyst" in browser.wait_for("Logged in as"), "the session of the first time goes on"
