"""What the gateway makes of bodies, paths and queries: JSON whatever the content type, nothing with two meanings."""

from __future__ import annotations

import json
from typing import Any

import pytest
from databricks.sdk import version
from starlette.testclient import TestClient

from local_workspace.gateway.app import create_app, takes_bytes, takes_form
from local_workspace.gateway.calls import Call
from local_workspace.gateway.shapes import fit_body, load_shapes
from local_workspace.gateway.shapes_of_sdk import read_shapes
from local_workspace.gateway.workspace import WORKSPACE_ID, Workspace

PATCH_GROUP = "/api/2.0/preview/scim/v2/Groups"


def echo(call: Call) -> dict[str, Any]:
    return {"params": dict(call.params), "query": dict(call.query), "body": dict(call.body)}


@takes_bytes
def count(call: Call) -> dict[str, Any]:
    assert call.content is not None
    return {"bytes": len(call.content.read()), "body": dict(call.body)}


@takes_form("multipart/form-data")
def take_form(call: Call) -> dict[str, Any]:
    return {"raw": len(call.raw), "body": dict(call.body)}


@pytest.fixture(scope="module")
def client(whole_workspace: Workspace) -> TestClient:
    routes = [
        ("GET", "/things/{name}", echo),
        ("POST", "/things", echo),
        ("POST", "/api/2.2/jobs/create", echo),
        ("GET", "/api/2.2/jobs/list", echo),
        ("POST", "/bytes/{path:path}", count),
        ("POST", "/form", take_form),
    ]
    token = whole_workspace.mint_token("admin@lakehouse.example", None, "test")
    return TestClient(create_app(whole_workspace, routes), headers={"Authorization": f"Bearer {token}"})


@pytest.mark.parametrize(
    "content_type", ["application/json", "", "application/scim+json", "text/plain", "a/b; charset=x"]
)
def test_a_body_is_json_whatever_its_content_type(client: TestClient, content_type: str) -> None:
    answer = client.post("/things", content=b' {"a": [1, "\xc3\xa4"]} ', headers={"Content-Type": content_type})
    assert answer.json()["body"] == {"a": [1, "ä"]}


@pytest.mark.parametrize("content_type", ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x"])
def test_a_form_where_none_is_taken_is_refused_and_not_dropped(client: TestClient, content_type: str) -> None:
    answer = client.post("/things", content=b"a=1&b=2", headers={"Content-Type": content_type})
    assert (answer.status_code, answer.json()["error_code"]) == (400, "MALFORMED_REQUEST")
    assert (
        client.post("/form", content=b"--x", headers={"Content-Type": "multipart/form-data; boundary=x"}).json()["raw"]
        == 3
    )


@pytest.mark.parametrize("content_type", ["", "application/json", "application/octet-stream", "multipart/form-data"])
def test_a_file_is_its_bytes_whatever_the_content_type(client: TestClient, content_type: str) -> None:
    answer = client.post("/bytes/a", content=b'{"a": 1}\xff', headers={"Content-Type": content_type})
    assert answer.json() == {"bytes": 9, "body": {}}


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"a": ' + b"[" * 200 + b"]" * 200 + b"}",
        b'{"a": "\\ud800"}',
        b'{"\\udfff": 1}',
        b'{"a": "\xff"}',
        b'{"a": "\xed\xa0\x80"}',
        '{"a": 1}'.encode("utf-16"),
        b"\xef\xbb\xbf{}",
        b'{"a": 1, "a": 2}',
        b'{"a": {"b": 1, "b": 1}}',
        b'{"a": NaN}',
        b'{"a": [-Infinity]}',
        b'{"a": 1e999}',
        b'{"a": ' + b"9" * 5000 + b"}",
        b'{"a": 9223372036854775808}',
        b'{"a": "x\\u0000y"}',
        b'"text"',
        b"null",
        b'{"a": 1}{"b": 2}',
    ],
)
def test_what_is_no_json_object_of_one_meaning_is_refused(client: TestClient, body: bytes) -> None:
    answer = client.post("/things", content=body)
    assert (answer.status_code, answer.json()["error_code"]) == (400, "MALFORMED_REQUEST")


@pytest.mark.parametrize(
    "url",
    [
        "/things/%",
        "/things/%zz",
        "/things/%ff",
        "/things/a%00b",
        "/things/a?x=%f",
        "/things/a?x=%ff",
        "/things/a?x=%00",
    ],
)
def test_a_broken_escape_is_refused(client: TestClient, url: str) -> None:
    path, _, query = url.partition("?")
    answer = _send_raw(client, path, query)
    assert (answer["status"], json.loads(answer["body"])["error_code"]) == (400, "MALFORMED_REQUEST")


def test_a_long_query_is_refused(client: TestClient) -> None:
    assert _send_raw(client, "/things/a", "x=" + "y" * 70_000)["status"] == 400
    assert _send_raw(client, "/things/a", "&".join(["x="] * 2000))["status"] == 400


def test_an_escaped_slash_belongs_to_the_name_and_escapes_are_decoded_once(client: TestClient) -> None:
    assert client.get("/things/a%2Fb").json()["params"] == {"name": "a/b"}
    assert client.get("/things/a%252Fb%25").json()["params"] == {"name": "a%2Fb%"}
    assert client.get("/things/t%C3%A4ble?q=a%2Bb+c").json() == {
        "params": {"name": "täble"},
        "query": {"q": "a+b c"},
        "body": {},
    }


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": ["x"]}, "name"),
        ({"tasks": {}}, "tasks"),
        ({"tasks": ["x"]}, "tasks[0]"),
        ({"tasks": [{"depends_on": [{"task_key": 1}]}]}, "tasks[0].depends_on[0].task_key"),
        ({"tags": {"a": {}}}, "tags.a"),
        ({"max_concurrent_runs": 1.5}, "max_concurrent_runs"),
        ({"max_concurrent_runs": "1e3"}, "max_concurrent_runs"),
        ({"queue": {"enabled": "maybe"}}, "queue.enabled"),
        ({"schedule": "daily"}, "schedule"),
    ],
)
def test_a_field_of_another_type_is_named(client: TestClient, body: dict[str, Any], field: str) -> None:
    answer = client.post("/api/2.2/jobs/create", json=body)
    assert (answer.status_code, answer.json()["error_code"]) == (400, "INVALID_PARAMETER_VALUE")
    assert answer.json()["message"].startswith(f"{field} must be ")


def test_numbers_and_truth_values_may_be_texts_null_is_absent_and_unknown_fields_stay(client: TestClient) -> None:
    body = {"max_concurrent_runs": "3", "queue": {"enabled": "True"}, "name": None, "not_yet_known": {"a": None}}
    answer = client.post("/api/2.2/jobs/create", json=body).json()["body"]
    assert answer == {"max_concurrent_runs": 3, "queue": {"enabled": True}, "not_yet_known": {"a": None}}


@pytest.mark.parametrize("query", [{"limit": "ten"}, {"limit": "²"}, {"expand_tasks": "yes"}])
def test_a_query_of_another_type_is_refused(client: TestClient, query: dict[str, str]) -> None:
    assert client.get("/api/2.2/jobs/list", params=query).status_code == 400


def test_the_file_of_shapes_is_what_this_sdk_and_these_routes_say() -> None:
    assert load_shapes() == read_shapes(), (
        f"run python -m local_workspace.gateway.shapes_of_sdk (SDK {version.__version__})"
    )
    assert fit_body("POST /api/2.2/jobs/create", {"name": "x"}) == {"name": "x"}


def test_every_answer_names_the_workspace(admin: TestClient) -> None:
    assert len(str(WORKSPACE_ID)) == 16
    for path, status in (
        ("/api/2.0/preview/scim/v2/Me", 200),
        ("/api/2.0/nothing", 501),
        ("/api/2.1/unity-catalog/catalogs/x", 404),
    ):
        answer = admin.get(path)
        assert (answer.status_code, answer.headers["X-Databricks-Org-Id"]) == (status, str(WORKSPACE_ID))
    refused = admin.get("/api/2.0/preview/scim/v2/Me", headers={"Authorization": "Bearer dapi-no"})
    assert (refused.status_code, refused.headers["X-Databricks-Org-Id"]) == (403, str(WORKSPACE_ID))


def test_a_client_learns_of_the_host_without_a_token_and_leaves_its_telemetry_with_one(admin: TestClient) -> None:
    config = admin.get("/.well-known/databricks-config", headers={"Authorization": ""})
    assert config.json() == {
        "oidc_endpoint": "http://127.0.0.1:1/oidc",
        "workspace_id": str(WORKSPACE_ID),
        "cloud": "AWS",
    }
    body = {"uploadTime": 1, "items": [], "protoLogs": ["{}", "{}"]}
    assert admin.post("/telemetry-ext", json=body).json()["numProtoSuccess"] == 2
    assert admin.post("/telemetry-ext", json=body, headers={"Authorization": ""}).status_code == 401


def test_scim_takes_its_own_content_type(admin: TestClient) -> None:
    made = admin.post(
        PATCH_GROUP, content=b'{"displayName": "from scim"}', headers={"Content-Type": "application/scim+json"}
    )
    assert (made.status_code, made.json()["displayName"]) == (201, "from scim")


def _send_raw(client: TestClient, path: str, query: str) -> dict[str, Any]:
    """Send what HTTP clients would mend first."""
    import anyio

    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(name.lower().encode(), value.encode()) for name, value in client.headers.items()]
    scope = {
        "type": "http",
        "method": "GET",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": headers,
        "scheme": "http",
        "server": ("t", 80),
        "root_path": "",
    }
    anyio.run(client.app, scope, receive, send)
    return {"status": sent[0]["status"], "body": sent[1]["body"]}
