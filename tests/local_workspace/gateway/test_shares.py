"""Nobody's calls wait for somebody else's, over a real socket: threads by caller, 429 for who has too many calls."""

from __future__ import annotations

import asyncio
import http.client
import threading
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import httpx2
import pytest
import uvicorn

from local_workspace.gateway import principals, shares
from local_workspace.gateway.app import Gateway, create_app, needs_no_token
from local_workspace.gateway.calls import Answer, Call, Wait
from local_workspace.gateway.workspace import Workspace
from local_workspace.lifecycle.listener import listen
from tests.waiting import wait_until

BUSY = ("ann", "bob", "cy")
THREADS, MOST_WAITING, ENGINE_THREADS = 4, 6, 5  # smaller than they are: the tests need fewer sockets
MOST = THREADS + MOST_WAITING


class Served:
    """A gateway on a real port whose handlers hold their thread until they are let go."""

    def __init__(self, home: Path) -> None:
        self.workspace = Workspace("test", home, "")
        self.tokens = {name: self._add(name) for name in (*BUSY, "admin")}
        self.go, self.later = threading.Event(), Future[None]()
        self.held = 0
        self._lock = threading.Lock()
        routes = [("GET", "/hold", self._hold), ("GET", "/me", self._me), ("GET", "/raise", self._raise)]
        routes += [("GET", "/wait", self._wait), ("GET", "/open", needs_no_token(lambda call: self._hold(call)))]
        app = create_app(self.workspace, routes)
        assert isinstance(app, Gateway)
        self.shares = app.shares
        self._socket = listen(None)
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._server = uvicorn.Server(uvicorn.Config(app, log_level="error", proxy_headers=False))
        self._thread = threading.Thread(target=self._server.run, args=([self._socket],))
        self._thread.start()

    def call(self, path: str, name: str, **headers: str) -> http.client.HTTPConnection:
        """Send a request whose answer nobody reads."""
        connection = http.client.HTTPConnection(self.url.partition("//")[2])
        connection.request("GET", path, headers={"Authorization": f"Bearer {self.tokens[name]}", **headers})
        return connection

    def stop(self) -> None:
        self.go.set()
        self._server.should_exit = True
        self._thread.join()

    def _add(self, name: str) -> str:
        principals.put_principal(self.workspace.store, name, "user", name)
        return self.workspace.mint_token(name, None, "test")

    def _hold(self, _call: Call) -> dict[str, Any]:
        with self._lock:
            self.held += 1
        assert self.go.wait(60)
        return {}

    def _me(self, call: Call) -> dict[str, Any]:
        return {"name": call.caller.name}

    def _raise(self, _call: Call) -> dict[str, Any]:
        raise ZeroDivisionError("by zero")

    def _wait(self, _call: Call) -> Answer:
        with self._lock:
            self.held += 1
        return Wait(self.later, 50, lambda: {"waited": True})


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    for name in ("THREADS", "MOST_WAITING", "ENGINE_THREADS"):
        monkeypatch.setattr(shares, name, globals()[name])
    gateway = Served(tmp_path)
    yield gateway
    gateway.stop()


Get = Callable[..., Awaitable[httpx2.Response]]


def with_client(served: Served, body: Callable[[Get], Awaitable[None]]) -> None:
    async def run() -> None:
        limits = httpx2.Limits(max_connections=None)
        async with httpx2.AsyncClient(base_url=served.url, limits=limits, timeout=60) as client:

            async def get(path: str, token: str, **headers: str) -> httpx2.Response:
                return await client.get(path, headers={"Authorization": f"Bearer {token}", **headers})

            await body(get)

    asyncio.run(run())
    wait_until(lambda: not served.shares.under_way and not served.shares.limiters, "all shares are empty", 10)


async def until(condition: Callable[[], bool]) -> None:
    await asyncio.to_thread(wait_until, condition)


def test_three_busy_principals_leave_the_others_their_threads(served: Served) -> None:
    async def body(get: Get) -> None:
        async with asyncio.TaskGroup() as calls:
            busy = [calls.create_task(get("/hold", served.tokens[name])) for name in BUSY for _ in range(2 * THREADS)]
            await until(lambda: served.shares.under_way.total() == len(busy))
            await until(lambda: served.held == 3 * THREADS)
            assert (await get("/me", served.tokens["admin"])).json() == {"name": "admin"}
            served.go.set()
        assert {task.result().status_code for task in busy} == {200}

    with_client(served, body)


def test_who_has_too_many_calls_waiting_is_refused_and_may_call_again(served: Served) -> None:
    async def body(get: Get) -> None:
        ann = served.tokens["ann"]
        async with asyncio.TaskGroup() as calls:
            busy = [calls.create_task(get("/hold", ann)) for _ in range(MOST)]
            await until(lambda: served.shares.under_way.total() == MOST)
            refused, false_secret = await get("/me", ann), await get("/me", ann, **{"X-Local-Engine": "a guess"})
            for answer in (refused, false_secret):
                assert (answer.status_code, answer.json()["error_code"]) == (429, "REQUEST_LIMIT_EXCEEDED")
                assert answer.headers["Retry-After"] == "1" and "'ann'" in answer.json()["message"]
            engine = {"X-Local-Engine": served.workspace.engine_secret}
            assert (await get("/me", ann, **engine)).status_code == 200, "the Spark server has threads of its own"
            assert (await get("/me", "dapi-unknown")).status_code == 403, "a token that opens nothing takes no thread"
            assert (await get("/me", served.tokens["bob"])).status_code == 200
            served.go.set()
        assert {task.result().status_code for task in busy} == {200}
        assert (await get("/me", ann)).status_code == 200

    with_client(served, body)


def test_calls_without_a_token_share_threads_and_calls_of_the_engine_are_never_refused(served: Served) -> None:
    async def body(get: Get) -> None:
        engine = {"X-Local-Engine": served.workspace.engine_secret}
        async with asyncio.TaskGroup() as calls:
            for _ in range(MOST):
                calls.create_task(get("/open", "none"))
            asked = [calls.create_task(get("/hold", served.tokens["ann"], **engine)) for _ in range(MOST + 1)]
            await until(lambda: served.shares.under_way.total() == 2 * MOST + 1)
            await until(lambda: served.held == THREADS + ENGINE_THREADS)
            refused = await get("/open", served.tokens["admin"])
            assert refused.status_code == 429 and "without a token" in refused.json()["message"]
            assert (await get("/me", served.tokens["ann"])).status_code == 200
            served.go.set()
        assert {task.result().status_code for task in asked} == {200}

    with_client(served, body)


def test_who_waits_for_others_holds_no_thread_and_is_answered_when_they_are_done(served: Served) -> None:
    async def body(get: Get) -> None:
        ann = served.tokens["ann"]
        async with asyncio.TaskGroup() as calls:
            waiting = []
            for begun in (MOST, 2 * MOST):
                waiting += [calls.create_task(get("/wait", ann)) for _ in range(MOST)]
                await until(lambda begun=begun: served.held == begun and not served.shares.under_way)
            assert (await get("/me", ann)).status_code == 200
            served.later.set_result(None)
        assert all(task.result().json() == {"waited": True} for task in waiting)

    with_client(served, body)


def test_a_share_is_given_back_after_failures_and_by_clients_that_hang_up(served: Served) -> None:
    gone = [served.call("/hold", "ann") for _ in range(THREADS + 5)]
    wait_until(lambda: served.held == THREADS, "all threads are taken", 30)
    for connection in gone:
        connection.close()

    async def body(get: Get) -> None:
        served.go.set()
        for path, status in (("/raise", 500), ("/nowhere", 501), ("/me?x=%", 400)):
            assert (await get(path, served.tokens["ann"])).status_code == status

    with_client(served, body)
