"""Fault rules and the request log, over a real socket: what a client sees, and who may set and read."""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
import uvicorn

from local_workspace.gateway import principals
from local_workspace.gateway.app import create_app
from local_workspace.gateway.calls import Call
from local_workspace.gateway.faults import FaultLayer, FaultRules, fault_routes
from local_workspace.gateway.request_log import RequestLog, RequestLogLayer, TokenNames, request_log_routes
from local_workspace.gateway.workspace import Workspace
from local_workspace.lifecycle.listener import listen

HANDLED: list[str] = []


def echo(call: Call) -> dict[str, Any]:
    HANDLED.append(call.path)
    return {"caller": call.caller.name}


class Gateway:
    """A gateway on a real port, with the tokens of an admin and of somebody else."""

    def __init__(self, home: Path) -> None:
        workspace = Workspace("test", home, "")
        for name, group in (("admin@x", "admins"), ("user@x", "users")):
            principals.put_principal(workspace.store, name, "user", name)
            principals.put_group(workspace.store, group, [name])
        self.admin, self.user = (
            principals.mint_token(workspace.store, name, None, "test") for name in ("admin@x", "user@x")
        )
        rules, log, names = FaultRules(), RequestLog(), TokenNames(workspace.store)
        routes = [("GET", "/api/{name:path}", echo), ("POST", "/api/{name:path}", echo)]
        app = create_app(workspace, [*routes, *fault_routes(rules), *request_log_routes(log)])
        layered = RequestLogLayer(FaultLayer(app, rules, names), log, names)
        self._socket = listen(None)
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._server = uvicorn.Server(uvicorn.Config(layered, log_level="error", proxy_headers=False))
        self._thread = threading.Thread(target=self._server.run, args=([self._socket],))
        self._thread.start()

    def call(self, method: str, path: str, token: str | None = None, **options: Any) -> httpx2.Response:
        headers = {"Authorization": f"Bearer {token or self.user}"}
        return httpx2.request(method, self.url + path, headers=headers, **options)

    def set_rules(self, *rules: dict[str, Any]) -> None:
        assert self.call("PUT", "/local/faults", self.admin, json={"rules": rules}).status_code == 200

    def hits(self) -> list[int]:
        return [rule["hits"] for rule in self.call("GET", "/local/faults", self.admin).json()["rules"]]

    def requests(self, query: str = "") -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.call("GET", f"/local/requests{query}", self.admin).json()["requests"]
        return found

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    gateway = Gateway(tmp_path_factory.mktemp("gateway"))
    while gateway.call("GET", "/api/up").status_code != 200:
        time.sleep(0.05)
    yield gateway
    gateway.stop()


@pytest.fixture
def gateway(running: Gateway) -> Gateway:
    running.call("DELETE", "/local/faults", running.admin)
    running.call("DELETE", "/local/requests", running.admin)
    HANDLED.clear()
    return running


def test_status_with_retry_after_strikes_the_given_times(gateway: Gateway) -> None:
    gateway.set_rules({"path": "/api/a*", "status": 429, "error_code": "X", "retry_after": 7, "times": 2})
    answers = [gateway.call("GET", "/api/a1") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [429, 429, 200]
    assert answers[0].headers["Retry-After"] == "7"
    assert answers[0].json()["error_code"] == "X"
    assert gateway.hits() == [2]


def test_skip_lets_the_first_ones_pass(gateway: Gateway) -> None:
    gateway.set_rules({"path": "/api/a", "status": 503, "skip": 1})
    assert [gateway.call("GET", "/api/a").status_code for _ in range(3)] == [200, 503, 200]


def test_every_hits_each_nth(gateway: Gateway) -> None:
    gateway.set_rules({"path": "/api/a", "status": 503, "every": 3, "times": 2})
    answers = [gateway.call("GET", "/api/a").status_code for _ in range(8)]
    assert answers == [503, 200, 200, 503, 200, 200, 200, 200]
    assert gateway.hits() == [2]


def test_a_rule_leaves_other_routes_methods_and_callers_alone(gateway: Gateway) -> None:
    gateway.set_rules({"path": "/api/a", "method": "POST", "principal": "user@x", "status": 500, "times": None})
    assert gateway.call("POST", "/api/b").status_code == 200
    assert gateway.call("GET", "/api/a").status_code == 200
    assert gateway.call("POST", "/api/a", gateway.admin).status_code == 200
    assert gateway.call("POST", "/api/a").status_code == 500


def test_a_rule_for_one_token(gateway: Gateway) -> None:
    gateway.set_rules({"token": gateway.admin, "status": 500, "times": None})
    assert gateway.call("GET", "/api/a").status_code == 200
    assert gateway.call("GET", "/api/a", gateway.admin).status_code == 500


@pytest.mark.parametrize(("drop", "handled"), [("before", []), ("after", ["/api/a"])])
def test_drop_resets_the_connection(gateway: Gateway, drop: str, handled: list[str]) -> None:
    gateway.set_rules({"path": "/api/a", "drop": drop})
    connection = http.client.HTTPConnection("127.0.0.1", int(gateway.url.rpartition(":")[2]))
    with pytest.raises(ConnectionResetError):
        connection.request("GET", "/api/a", headers={"Authorization": f"Bearer {gateway.user}"})
        connection.getresponse()
    assert handled == HANDLED
    assert gateway.requests()[0]["status"] == 0
    assert gateway.call("GET", "/api/a").status_code == 200


def test_delay_alone_delays(gateway: Gateway) -> None:
    gateway.set_rules({"path": "/api/a", "delay_s": 0.3})
    with pytest.raises(httpx2.TimeoutException):
        gateway.call("GET", "/api/a", timeout=0.15)
    assert gateway.call("GET", "/api/a").status_code == 200


def test_a_wrong_rule_is_refused_by_field(gateway: Gateway) -> None:
    for rule, field in (({"drop": "never"}, "drop"), ({"status": 200}, "status"), ({"pth": "x"}, "pth")):
        answer = gateway.call("PUT", "/local/faults", gateway.admin, json={"rules": [rule]})
        assert answer.status_code == 400
        assert field in answer.json()["message"]


def test_rules_and_log_are_for_admins(gateway: Gateway) -> None:
    for method, path in (("GET", "/local/faults"), ("PUT", "/local/faults"), ("DELETE", "/local/requests")):
        answer = gateway.call(method, path)
        assert answer.status_code == 403
        assert "user@x" in answer.json()["message"]


def test_the_log_says_who_asked_what(gateway: Gateway) -> None:
    gateway.call("GET", "/api/a?x=1")
    gateway.call("POST", "/api/b", gateway.admin)
    gateway.call("GET", "/nowhere")
    seen = [(line["principal"], line["method"], line["path"], line["status"]) for line in gateway.requests()]
    assert seen == [
        ("user@x", "GET", "/api/a", 200),
        ("admin@x", "POST", "/api/b", 200),
        ("user@x", "GET", "/nowhere", 501),
    ]
    assert [line["path"] for line in gateway.requests("?path=/api/*&method=GET")] == ["/api/a"]
    last = gateway.requests()[-1]["number"]
    answer = gateway.call("GET", f"/local/requests?since={last}", gateway.admin).json()
    assert answer == {"last": last, "requests": []}
