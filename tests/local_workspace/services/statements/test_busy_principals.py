"""Statements of busy principals that wait as long as they may: everybody else's calls and statements go on."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pyarrow as pa
import pytest

from local_workspace.gateway import principals
from local_workspace.gateway.app import create_app, load_routes
from local_workspace.gateway.workspace import Workspace
from local_workspace.services.statements import requests, service
from local_workspace.services.statements.execution import Job
from local_workspace.services.statements.results import Limits
from local_workspace.services.warehouses.state import ensure_starter
from tests.waiting import wait_until

API = "/api/2.0/sql/statements"
BUSY = ("ann", "bob", "cy")
ROWS = pa.table({"a": ["1"]})


class Statements:
    """A gateway whose statements end at once, or when they are let go; there is no Spark."""

    def __init__(self, home: Path) -> None:
        self.workspace = Workspace("t", home, "http://127.0.0.1:1")
        for name in (*BUSY, "admin"):
            principals.put_principal(self.workspace.store, name, "user", name)
        principals.put_group(self.workspace.store, "users", [*BUSY, "admin"])
        principals.put_group(self.workspace.store, "admins", ["admin"])
        self.warehouse = ensure_starter(self.workspace)
        self.app: Any = create_app(self.workspace, load_routes(("statements", "warehouses")))
        self._tokens = {name: self.workspace.mint_token(name, None, "test") for name in (*BUSY, "admin")}
        self.go, self.began = threading.Event(), list[str]()

    def run(self, _workspace: Workspace, results: Any, job: Job) -> dict[str, Any]:
        self.began.append(job.caller.name)
        if job.request.text == "slow":
            assert self.go.wait(60)
        written = results.write(job.statement_id, ROWS.to_batches(), ROWS.schema, Limits(None, None, None))
        return {"format": "JSON_ARRAY", "schema": {}, **written}

    def documents(self) -> list[dict[str, Any]]:
        return [document for _, document in self.workspace.store.scan(service.KIND)]

    def all_wait(self, count: int) -> bool:
        return len(self.documents()) == count and not self.app.shares.under_way

    def all_ended(self) -> bool:
        return all(one["state"] in service.TERMINAL for one in self.documents())

    async def submit(self, name: str, text: str, **options: Any) -> httpx2.Response:
        body = {"statement": text, "warehouse_id": self.warehouse, "wait_timeout": "50s", **options}
        return await self.call(name, "POST", API, json=body)

    async def call(self, name: str, method: str, path: str, **options: Any) -> httpx2.Response:
        headers = {"Authorization": f"Bearer {self._tokens[name]}"}
        async with httpx2.AsyncClient(base_url="http://t", transport=httpx2.ASGITransport(self.app)) as client:
            return await client.request(method, path, headers=headers, timeout=60, **options)

    async def state(self, name: str, statement_id: str) -> str:
        return str((await self.call(name, "GET", f"{API}/{statement_id}")).json()["status"]["state"])


@pytest.fixture
def statements(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Statements]:
    found = Statements(tmp_path)
    monkeypatch.setattr(service, "run_without_spark", found.run)
    monkeypatch.setattr(service, "MOST_WAITING", 150)
    yield found
    found.go.set()
    wait_until(found.all_ended)


def test_140_slow_statements_of_each_of_three_leave_the_admin_its_calls_and_its_statements(
    statements: Statements,
) -> None:
    async def run() -> None:
        async with asyncio.TaskGroup() as calls:
            busy = [calls.create_task(statements.submit(name, "slow")) for name in BUSY for _ in range(140)]
            await asyncio.to_thread(wait_until, lambda: statements.all_wait(len(busy)))
            assert (await statements.call("admin", "GET", "/api/2.0/sql/warehouses")).status_code == 200
            quick = (await statements.submit("admin", "quick")).json()
            assert quick["result"]["data_array"] == [["1"]]
            assert not any(task.done() for task in busy)
            statements.go.set()
        assert {task.result().json()["status"]["state"] for task in busy} == {"SUCCEEDED"}
        first = statements.began[: service.CONCURRENT + len(BUSY) + 10]
        assert all(name in first for name in (*BUSY, "admin"))

    asyncio.run(run())


def test_who_has_too_many_statements_waiting_is_refused_and_nothing_of_the_statement_is_left(
    statements: Statements,
) -> None:
    async def run() -> None:
        most = service.CONCURRENT + service.MOST_WAITING
        ids = [(await statements.submit("ann", "slow", wait_timeout="0s")).json()["statement_id"] for _ in range(most)]
        refused = await statements.submit("ann", "slow")
        assert (refused.status_code, refused.json()["error_code"]) == (429, "REQUEST_LIMIT_EXCEEDED")
        assert refused.headers["Retry-After"] == "5" and "'ann'" in refused.json()["message"]
        assert {document["statement_id"] for document in statements.documents()} == set(ids)
        assert (await statements.submit("bob", "quick")).json()["status"]["state"] == "SUCCEEDED"
        assert (await statements.call("ann", "POST", f"{API}/{ids[-1]}/cancel")).status_code == 200
        assert await statements.state("ann", ids[-1]) == "CANCELED", "one that waits ends at once"
        assert (await statements.submit("ann", "slow", wait_timeout="0s")).status_code == 200

    asyncio.run(run())


def test_a_wait_that_is_over_answers_with_the_state_or_cancels(
    statements: Statements, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(requests, "_parse_wait", lambda text: 0.2)

    async def run() -> None:
        for _ in range(service.CONCURRENT):
            assert (await statements.submit("ann", "slow")).json()["status"]["state"] == "RUNNING"
        assert (await statements.submit("ann", "quick")).json()["status"]["state"] == "PENDING"
        cancelled = (await statements.submit("ann", "quick", on_wait_timeout="CANCEL")).json()
        assert cancelled["status"]["state"] == "CANCELED"
        statements.go.set()
        await asyncio.to_thread(wait_until, statements.all_ended)
        assert len(statements.began) == service.CONCURRENT + 1, "the cancelled one never began"

    asyncio.run(run())
