"""What the audit log keeps of a call, and what it must not keep; the table over it is in test_audit_table.py."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import DatabricksError, PermissionDenied
from databricks.sdk.service.workspace import ImportFormat, Language

from local_workspace.gateway.app import load_routes
from local_workspace.services.system_tables.audit_log import AuditLog
from local_workspace.services.system_tables.audited_calls import AUDITED
from tests.local_workspace.services.conftest import ServedGateway


def events_since(served: ServedGateway, number: int) -> list[dict[str, Any]]:
    return list(served.workspace.audit_log.read())[number:]


def count(served: ServedGateway) -> int:
    return len(list(served.workspace.audit_log.read()))


def test_a_line_that_was_cut_off_hurts_no_other(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    assert list(AuditLog(path).read()) == []
    AuditLog(path).append({"n": 1})
    with path.open("a") as file:
        file.write('{"n": 2, "cut')
    log = AuditLog(path)
    log.append({"n": 3})
    log.append({"n": 4})
    assert [one["n"] for one in log.read()] == [1, 3, 4]
    assert path.stat().st_mode & 0o077 == 0


def test_every_recorded_call_is_a_route() -> None:
    assert AUDITED.keys() <= {(method, template) for method, template, _ in load_routes()}


def test_values_and_contents_are_not_kept(served: ServedGateway) -> None:
    client, before = served.client("ann"), count(served)
    client.secrets.create_scope("audited")
    client.secrets.put_secret("audited", "key", string_value="hunter2-value")
    token = client.tokens.create(comment="t").token_value
    client.workspace.upload(
        "/Users/ann/note.py", b"print('hunter2-source')", format=ImportFormat.SOURCE, language=Language.PYTHON
    )
    client.workspace.upload("/Users/ann/plain.txt", b"hunter2-file", format=ImportFormat.RAW)
    client.workspace.delete("/Users/ann/plain.txt")
    client.secrets.delete_scope("audited")
    found = events_since(served, before)
    assert [(one["service_name"], one["action_name"], one["request_params"]) for one in found] == [
        ("secrets", "createScope", {"scope": "audited"}),
        ("secrets", "putSecret", {"scope": "audited", "key": "key"}),
        ("accounts", "generateDbToken", {"userId": found[2]["request_params"]["userId"]}),
        ("notebook", "importNotebook", {"path": "/Users/ann/note.py"}),
        ("workspace", "fileCreate", {"path": "/Users/ann/plain.txt"}),
        ("workspace", "fileDelete", {"path": "/Users/ann/plain.txt"}),
        ("secrets", "deleteScope", {"scope": "audited"}),
    ]
    assert {one["email"] for one in found} == {"ann"}
    assert all("databricks-sdk-py" in one["user_agent"] for one in found)
    kept = json.dumps(found)
    assert token is not None and token not in kept
    assert "hunter2" not in kept


def test_what_was_refused_is_kept_with_the_reason(served: ServedGateway) -> None:
    served.client("ann").secrets.create_scope("guarded")
    before = count(served)
    with pytest.raises(DatabricksError):
        served.client("bob").secrets.put_secret("guarded", "key", string_value="x")
    (event,) = events_since(served, before)
    assert (event["email"], event["action_name"], event["response"]["status_code"]) == ("bob", "putSecret", 403)
    assert "bob" in event["response"]["error_message"]


def test_reads_bad_input_and_strangers_leave_nothing(served: ServedGateway) -> None:
    client, before = served.client("ann"), count(served)
    list(client.secrets.list_scopes())
    list(client.workspace.list("/Users/ann"))
    for path, body in (("import", {}), ("import", {"path": "/../x"}), ("delete", {"path": "/Users/ann/none"})):
        with pytest.raises(DatabricksError):
            client.api_client.do("POST", f"/api/2.0/workspace/{path}", body=body)
    stranger = WorkspaceClient(host=served.workspace.host, token="nobody's", auth_type="pat")
    with pytest.raises(PermissionDenied, match="Invalid access token"):
        stranger.secrets.create_scope("strange")
    assert events_since(served, before) == []
