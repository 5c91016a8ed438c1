"""Who gets in, for how long, and that nothing leads out: sessions of the web pages."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from starlette.testclient import TestClient

from local_workspace.gateway.workspace import Workspace
from local_workspace.services.pages import sessions
from local_workspace.services.pages.routes import ROUTES
from tests.local_workspace.services.pages.conftest import HOST

Open = Callable[[str], TestClient]
OPEN_PAGES = ("/", "/login", "/assets/entry.js", "/assets/pages.css")
CLOSED_PAGES = [
    template.replace("{job_id}", "1").replace("{run_id}", "1").format(catalog="c", schema="s", name="n")
    for method, template, _ in ROUTES
    if method == "GET" and template not in OPEN_PAGES
]


@pytest.mark.parametrize("path", CLOSED_PAGES)
def test_a_page_needs_a_login(open_client: Open, path: str) -> None:
    answer = open_client("").get(path)
    assert answer.status_code == 401
    assert "lakehouse local token" in answer.text
    assert f'value="{path}"' in answer.text, "the login leads back to the page"


def test_pages_change_nothing() -> None:
    writes = [(method, path) for method, path, _ in ROUTES if method != "GET"]
    assert writes == [("POST", "/login"), ("POST", "/logout"), ("POST", "/local/page-codes")]


@pytest.mark.parametrize("path", [*OPEN_PAGES, "/home", "/jobs/runs"])
def test_every_answer_forbids_foreign_content(open_client: Open, path: str) -> None:
    policy = open_client("ann").get(path).headers["content-security-policy"]
    assert "default-src 'none'" in policy and "script-src 'self'" in policy
    assert "unsafe" not in policy and "http" not in policy


def test_the_cookie_is_kept_from_scripts_and_from_other_sites(open_client: Open, workspace: Workspace) -> None:
    token = workspace.mint_token("ann", None, "test")
    answer = open_client("").post("/login", data={"token": token}, follow_redirects=False)
    cookie = answer.headers["set-cookie"]
    assert answer.status_code == 303
    assert "HttpOnly" in cookie and "SameSite=Strict" in cookie
    assert cookie.startswith("lakehouse_pages_1="), "cookies do not tell ports apart: the name does"
    assert token not in cookie


def test_a_session_is_no_token(open_client: Open) -> None:
    client = open_client("ann")
    assert client.get("/home").status_code == 200
    assert client.get("/api/2.2/jobs/runs/list").status_code == 401
    bearer = {"Authorization": f"Bearer {client.cookies['lakehouse_pages_1']}"}
    assert client.get("/api/2.2/jobs/runs/list", headers=bearer).status_code == 403


@pytest.mark.parametrize("how", ["log out", "revoke", "deactivate", "expire", "session expires"])
def test_a_session_ends(open_client: Open, workspace: Workspace, how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    token = workspace.mint_token("ann", 3600 if how == "expire" else None, "test")
    client = open_client("")
    assert client.post("/login", data={"token": token, "next": "/jobs"}).url.path == "/jobs"
    now = time.time()
    if how == "log out":
        kept = dict(client.cookies)
        client.post("/logout")
        client.cookies.update(kept)
    elif how == "revoke":
        workspace.revoke_token(token)
    elif how == "deactivate":
        workspace.store.put("principal", "ann", {**(workspace.store.get("principal", "ann") or {}), "active": False})
    else:
        later = now + (3601 if how == "expire" else sessions.SESSION_S + 1)
        monkeypatch.setattr(time, "time", lambda: later)
    assert client.get("/jobs").status_code == (403 if how == "deactivate" else 401)


def test_a_wrong_token_is_told(open_client: Open) -> None:
    answer = open_client("").post("/login", data={"token": "dapi-unknown", "next": "/jobs"})
    assert answer.status_code == 403
    assert "Invalid access token" in answer.text and 'value="/jobs"' in answer.text


def test_a_code_logs_in_once_as_who_asked_for_it(open_client: Open, workspace: Workspace) -> None:
    bearer = {"Authorization": f"Bearer {workspace.mint_token('ann', None, 'test')}"}
    code = open_client("").post("/local/page-codes", headers=bearer).json()["code"]
    first = open_client("").post("/login", data={"code": code, "next": "/home"})
    assert first.status_code == 200 and "ann" in first.text
    again = open_client("").post("/login", data={"code": code, "next": "/home"})
    assert again.status_code == 403 and "lakehouse local link" in again.text


def test_a_code_is_given_to_a_token_only_and_not_for_long(
    open_client: Open, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert open_client("ann").post("/local/page-codes").status_code == 401, "a session makes no other"
    bearer = {"Authorization": f"Bearer {workspace.mint_token('ann', None, 'test')}"}
    code = open_client("").post("/local/page-codes", headers=bearer).json()["code"]
    later = time.time() + sessions.CODE_S + 1
    monkeypatch.setattr(time, "time", lambda: later)
    assert open_client("").post("/login", data={"code": code}).status_code == 403


@pytest.mark.parametrize(
    "wanted",
    ["//evil.example", "https://evil.example/", "/\\evil.example", "/a\r\nX: y", "", "evil", "/\t/evil.example"],
)
def test_a_login_leads_to_no_other_host(open_client: Open, workspace: Workspace, wanted: str) -> None:
    token = workspace.mint_token("ann", None, "test")
    answer = open_client("").post("/login", data={"token": token, "next": wanted}, follow_redirects=False)
    assert answer.headers["location"] == "/home"


@pytest.mark.parametrize(("site", "status"), [("cross-site", 403), ("same-site", 403), ("same-origin", 303)])
def test_another_sites_form_logs_nobody_in(open_client: Open, workspace: Workspace, site: str, status: int) -> None:
    token = workspace.mint_token("ann", None, "test")
    headers = {"Sec-Fetch-Site": site}
    answer = open_client("").post("/login", data={"token": token}, headers=headers, follow_redirects=False)
    assert answer.status_code == status
    assert ("set-cookie" in answer.headers) == (status == 303)


def test_a_cookie_of_another_workspace_opens_nothing(open_client: Open) -> None:
    secret = open_client("ann").cookies["lakehouse_pages_1"]
    stranger = open_client("")
    for cookie in (f"lakehouse_pages_2={secret}", "lakehouse_pages_1=", "=;=;", "lakehouse_pages_1=x; a[]=1"):
        assert stranger.get("/home", headers={"Cookie": cookie}).status_code == 401
    assert stranger.get(f"{HOST}/home", headers={"Cookie": f"lakehouse_pages_1={secret}"}).status_code == 200
