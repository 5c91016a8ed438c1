"""Routing, authentication and error shapes of the gateway, over its ASGI interface."""

from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from local_workspace.gateway import principals
from local_workspace.gateway.app import create_app, needs_no_token, takes_bytes
from local_workspace.gateway.calls import Call
from local_workspace.gateway.errors import already_exists, too_many_requests
from local_workspace.gateway.workspace import Workspace


def echo(call: Call) -> dict[str, Any]:
    return {"caller": call.caller.name, "params": dict(call.params), "body": dict(call.body)}


@takes_bytes
def count_upload(call: Call) -> dict[str, Any]:
    assert call.content is not None
    return {"bytes": len(call.content.read())}


def refuse(call: Call) -> dict[str, Any]:
    raise already_exists("Schema 'a' already exists", "SCHEMA_ALREADY_EXISTS")


def throttle(call: Call) -> dict[str, Any]:
    raise too_many_requests("Slow down", 3)


def crash(call: Call) -> dict[str, Any]:
    raise ZeroDivisionError("by zero")


@needs_no_token
def health(call: Call) -> dict[str, Any]:
    return {"ok": True}


def list_numbers(call: Call) -> dict[str, Any]:
    return call.page(list(range(5)), "numbers")


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    workspace = Workspace(name="t", home=tmp_path, host="http://127.0.0.1:1")
    principals.put_principal(workspace.store, "ann", "user", "Ann")
    return workspace


@pytest.fixture
def client(workspace: Workspace) -> TestClient:
    routes = [
        ("GET", "/things/{name}", echo),
        ("POST", "/things", echo),
        ("PUT", "/files{path:path}", count_upload),
        ("GET", "/refuse", refuse),
        ("GET", "/throttle", throttle),
        ("GET", "/crash", crash),
        ("GET", "/health", health),
        ("GET", "/numbers", list_numbers),
    ]
    token = workspace.mint_token("ann", None, "test")
    return TestClient(create_app(workspace, routes), headers={"Authorization": f"Bearer {token}"})


def test_a_call_reaches_its_handler_as_its_caller(client: TestClient) -> None:
    assert client.get("/things/x").json() == {"caller": "ann", "params": {"name": "x"}, "body": {}}
    assert client.post("/things", json={"a": 1}).json()["body"] == {"a": 1}


def test_a_binary_upload_is_spooled(client: TestClient) -> None:
    answer = client.put(
        "/files/a/b.bin", content=b"x" * 9_000_000, headers={"Content-Type": "application/octet-stream"}
    )
    assert answer.json() == {"bytes": 9_000_000}


def test_an_unknown_route_is_refused_with_501_naming_it(client: TestClient) -> None:
    answer = client.get("/api/9.9/nothing")
    assert answer.status_code == 501
    assert "GET /api/9.9/nothing" in answer.json()["message"]


@pytest.mark.parametrize(
    ("header", "status", "code"),
    [
        (None, 401, "UNAUTHENTICATED"),
        ("Basic abc", 401, "UNAUTHENTICATED"),
        ("Bearer dapi-unknown", 403, "PERMISSION_DENIED"),
    ],
)
def test_a_call_without_a_valid_token_is_refused(
    workspace: Workspace, header: str | None, status: int, code: str
) -> None:
    anonymous = TestClient(create_app(workspace, [("GET", "/things/{name}", echo)]))
    answer = anonymous.get("/things/x", headers={"Authorization": header} if header else {})
    assert (answer.status_code, answer.json()["error_code"]) == (status, code)


def test_revoked_and_expired_tokens_are_refused(workspace: Workspace) -> None:
    app = TestClient(create_app(workspace, [("GET", "/things/{name}", echo)]))
    revoked, expired = workspace.mint_token("ann", None, "t"), workspace.mint_token("ann", -1, "t")
    workspace.revoke_token(revoked)
    for token in (revoked, expired):
        assert app.get("/things/x", headers={"Authorization": f"Bearer {token}"}).status_code == 403


def test_tokens_are_not_stored_in_clear(workspace: Workspace) -> None:
    token = workspace.mint_token("ann", None, "t")
    assert token.encode() not in b"".join(path.read_bytes() for path in workspace.home.iterdir())


def test_health_needs_no_token(workspace: Workspace) -> None:
    assert TestClient(create_app(workspace, [("GET", "/health", health)])).get("/health").json() == {"ok": True}


def test_errors_carry_code_message_and_retry_after(client: TestClient) -> None:
    refused = client.get("/refuse")
    assert (refused.status_code, refused.json()["error_code"]) == (409, "SCHEMA_ALREADY_EXISTS")
    throttled = client.get("/throttle")
    assert (throttled.status_code, throttled.headers["Retry-After"]) == (429, "3")
    crashed = client.get("/crash")
    assert (crashed.status_code, crashed.json()["message"]) == (500, "ZeroDivisionError: by zero")


@pytest.mark.parametrize("body", [b"{", b"[1]", b"\xff"])
def test_a_malformed_body_is_named(client: TestClient, body: bytes) -> None:
    answer = client.post("/things", content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["error_code"]) == (400, "MALFORMED_REQUEST")


def test_pages_cover_everything_once(client: TestClient) -> None:
    seen, token = [], ""
    while True:
        page = client.get("/numbers", params={"max_results": 2, "page_token": token}).json()
        seen += page["numbers"]
        if not (token := page.get("next_page_token", "")):
            break
    assert seen == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("query", [{"page_token": "%%%"}, {"max_results": "two"}, {"max_results": "-1"}])
def test_bad_paging_is_refused(client: TestClient, query: dict[str, str]) -> None:
    answer = client.get("/numbers", params=query)
    assert (answer.status_code, answer.json()["error_code"]) == (400, "INVALID_PARAMETER_VALUE")


def test_groups_are_transitive(workspace: Workspace) -> None:
    principals.put_group(workspace.store, "analysts", ["ann"])
    principals.put_group(workspace.store, "readers", ["analysts"])
    assert workspace.principal("ann").groups == {"analysts", "readers", "account users"}
    assert not workspace.principal("ann").is_admin
