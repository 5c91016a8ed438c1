"""Statements whose Spark is lost: none runs twice, none stays, each says what to do. Spark is a stand-in here."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import wait
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import grpc
import pytest
from pyspark.errors import AnalysisException, PySparkException
from pyspark.errors.exceptions.connect import SparkConnectGrpcException

from local_workspace.gateway import principals
from local_workspace.gateway.workspace import Workspace
from local_workspace.services.statements import service, sessions
from local_workspace.services.statements.requests import parse_request
from local_workspace.services.statements.service import StatementService
from local_workspace.services.warehouses.state import ensure_starter

GONE = SparkConnectGrpcException("Socket closed", grpc_status_code=grpc.StatusCode.UNAVAILABLE)
OTHER = [PySparkException("x", errorClass=name) for name in ("INVALID_HANDLE.SESSION_CHANGED", "NO_ACTIVE_SESSION")]
WRONG = AnalysisException("no such table", errorClass="TABLE_OR_VIEW_NOT_FOUND")


class Statements:
    """A statement service over a Spark that a test takes away."""

    def __init__(self, home: Path) -> None:
        self.workspace = Workspace("t", home, "http://127.0.0.1:1")
        principals.put_principal(self.workspace.store, "ann", "user", "Ann")
        principals.put_group(self.workspace.store, "users", ["ann"])
        self.workspace.__dict__["unity"] = SimpleNamespace(catalogs=lambda caller: ["c"])
        self.spark = SimpleNamespace(serving_pid=1)
        self.workspace.engines.spark = self.spark
        self.warehouse = ensure_starter(self.workspace)
        self.service = StatementService(self.workspace)
        self.ann = self.workspace.principal("ann")
        self.opened: list[Any] = []
        self.ran: list[Any] = []
        self.failures: list[Exception] = []
        self.refusals: list[Exception] = []

    def open_session(self, *_: Any, **__: Any) -> Any:
        if self.refusals:
            raise self.refusals.pop()
        self.opened.append(SimpleNamespace(client=SimpleNamespace(release_session=list, close=list)))
        return self.opened[-1]

    def run_in_spark(self, _workspace: Workspace, session: Any, *_: Any) -> dict[str, Any]:
        self.ran.append(session.spark)
        if self.failures:
            raise self.failures.pop()
        return {}

    def submit(self) -> tuple[str, Any]:
        body = {"statement": "INSERT INTO c.s.t VALUES (1)", "warehouse_id": self.warehouse}
        return self.service.submit(self.ann, parse_request(body))

    def run(self) -> dict[str, Any]:
        statement_id, done = self.submit()
        assert wait([done], 20).done, "it has ended"
        return self.service.get(self.ann, statement_id)

    def tokens(self) -> int:
        return len(self.workspace.store.scan(principals.TOKEN))


@pytest.fixture
def statements(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Statements]:
    found = Statements(tmp_path)
    monkeypatch.setattr(service, "run_in_spark", found.run_in_spark)
    monkeypatch.setattr(sessions, "open_session", found.open_session)
    return found


@pytest.mark.parametrize("error", [GONE, *OTHER], ids=str)
def test_a_statement_that_may_have_taken_effect_is_not_run_again(statements: Statements, error: Exception) -> None:
    assert statements.run()["state"] == "SUCCEEDED"
    statements.failures = [error]
    lost = statements.run()
    assert (lost["state"], lost["error"]["error_code"]) == ("FAILED", "TEMPORARILY_UNAVAILABLE")
    assert "Spark was restarted" in lost["error"]["message"] and "run it again" in lost["error"]["message"]
    assert len(statements.ran) == 2
    assert statements.run()["state"] == "SUCCEEDED"
    assert len(statements.opened) == 2, "the lost session is not used again"


def test_a_failure_of_the_statement_keeps_its_own_words_and_its_session(statements: Statements) -> None:
    statements.failures = [WRONG]
    assert statements.run()["error"]["error_code"] == "BAD_REQUEST"
    assert statements.run()["state"] == "SUCCEEDED"
    assert (len(statements.ran), len(statements.opened)) == (2, 1)


def test_sessions_of_an_earlier_spark_and_old_ones_are_not_used(
    statements: Statements, monkeypatch: pytest.MonkeyPatch
) -> None:
    for pid, lifetime in ((1, 1800), (2, 1800), (2, 0)):
        statements.spark.serving_pid = pid
        monkeypatch.setattr(sessions, "IDLE_LIFETIME_S", lifetime)
        assert statements.run()["state"] == "SUCCEEDED"
    assert statements.ran == statements.opened and len(statements.opened) == 3
    assert statements.tokens() == 1, "the others' tokens are worthless"


def test_a_statement_waits_for_a_spark_that_starts(statements: Statements, monkeypatch: pytest.MonkeyPatch) -> None:
    statements.refusals = [GONE, GONE]
    assert statements.run()["state"] == "SUCCEEDED"
    assert (len(statements.ran), statements.tokens()) == (1, 1)
    statements.spark.serving_pid = None
    monkeypatch.setattr(sessions, "PATIENCE_S", 0.3)
    missing = statements.run()
    assert (missing["state"], missing["error"]["error_code"]) == ("FAILED", "TEMPORARILY_UNAVAILABLE")
    assert "nothing of the statement ran" in missing["error"]["message"] and len(statements.ran) == 1


def test_a_statement_that_waits_for_spark_can_be_cancelled(statements: Statements) -> None:
    statements.spark.serving_pid = None
    statement_id, done = statements.submit()
    statements.service.cancel(statements.ann, statement_id)
    assert wait([done], 5).done
    assert statements.service.get(statements.ann, statement_id)["state"] == "CANCELED"
    assert statements.ran == []


def test_the_history_shows_no_statement_of_a_dead_gateway_as_active(statements: Statements) -> None:
    statements.spark.serving_pid = None
    statement_id, done = statements.submit()
    (listed,) = StatementService(statements.workspace).history(statements.ann)
    assert (listed["statement_id"], listed["state"]) == (statement_id, "FAILED")
    statements.service.cancel(statements.ann, statement_id)
    wait([done], 5)
