"""Faults on request, for tests: errors, delays and lost connections, per route, token and principal.

A layer around the gateway's application, and the routes that set its rules. What a request means is not known
here; the log of requests is in request_log.py.
"""

from __future__ import annotations

import asyncio
import fnmatch
import itertools
import socket
import struct
import threading
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from local_workspace.gateway.app import error_response
from local_workspace.gateway.calls import Call, Route
from local_workspace.gateway.errors import ApiError, bad_request
from local_workspace.gateway.request_log import OWN_ROUTES, RAW_SEND, TokenNames, require_admin, token_of

DROPS = ("before", "after")


@dataclass(frozen=True)
class FaultRule:
    """Which requests suffer what. `path` is a glob; `skip` lets the first ones pass, `times` limits the hits.

    `every` n: of those that match, each n-th is hit; with `times` none, a storm that lasts.

    A rule with neither `status` nor `drop` only delays. `drop` closes the connection with a reset and no answer:
    `before` the handler runs, or `after` it ran, when its effect is done and only the answer is lost.
    """

    path: str = "*"
    method: str = "*"
    principal: str | None = None
    token: str | None = None
    status: int | None = None
    error_code: str = "TEMPORARILY_UNAVAILABLE"
    message: str = "Injected fault"
    retry_after: int | None = None
    delay_s: float = 0.0
    drop: str | None = None
    times: int | None = 1
    skip: int = 0
    every: int = 1

    def matches(self, method: str, path: str, token: str, principal: str | None) -> bool:
        """Say whether the rule is about this request."""
        return (
            self.method in ("*", method)
            and fnmatch.fnmatchcase(path, self.path)
            and self.token in (None, token)
            and self.principal in (None, principal)
        )


def parse_rule(document: Mapping[str, Any]) -> FaultRule:
    """Read a rule.

    Raises:
        ApiError: 400 naming the field.
    """
    known = {field.name for field in fields(FaultRule)}
    if unknown := set(document) - known:
        raise bad_request(f"Unknown field {sorted(unknown)[0]!r} in a fault rule; known are {sorted(known)}")
    rule = FaultRule(**document)
    if rule.drop not in (None, *DROPS):
        raise bad_request(f"drop must be one of {DROPS}, got {rule.drop!r}")
    if rule.status is not None and not 400 <= rule.status < 600:
        raise bad_request(f"status must be an error's, got {rule.status}")
    if rule.every < 1:
        raise bad_request(f"every must be at least 1, got {rule.every}")
    return rule


class FaultRules:
    """The rules in force, in order; the first that matches and is not used up counts."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ids = itertools.count(1)
        self._rules: dict[str, FaultRule] = {}
        self._seen: dict[str, int] = {}

    def replace(self, rules: Sequence[FaultRule]) -> None:
        """Put these rules in force instead of the present ones."""
        with self._lock:
            self._rules = {str(next(self._ids)): rule for rule in rules}
            self._seen = dict.fromkeys(self._rules, 0)

    def add(self, rules: Sequence[FaultRule]) -> None:
        """Put these rules in force after the present ones."""
        with self._lock:
            for rule in rules:
                number = str(next(self._ids))
                self._rules[number], self._seen[number] = rule, 0

    def __bool__(self) -> bool:
        return bool(self._rules)

    def take(self, method: str, path: str, token: str, principal: str | None) -> FaultRule | None:
        """Return the rule this request falls under and count it."""
        with self._lock:
            for number, rule in self._rules.items():
                if not rule.matches(method, path, token, principal):
                    continue
                turn = self._seen[number] - rule.skip
                if rule.times is not None and turn >= rule.times * rule.every:
                    continue
                self._seen[number] += 1
                if turn >= 0 and turn % rule.every == 0:
                    return rule
        return None

    def describe(self) -> list[dict[str, Any]]:
        """Return the rules with how often each has struck."""
        with self._lock:
            return [
                {"id": number, **asdict(rule), "hits": max(0, -((rule.skip - self._seen[number]) // rule.every))}
                for number, rule in self._rules.items()
            ]


class FaultLayer:
    """ASGI application around another that lets the rules strike first."""

    def __init__(self, application: ASGIApp, rules: FaultRules, names: TokenNames) -> None:
        self._application = application
        self._rules = rules
        self._names = names

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the request, or make it suffer."""
        rule = None if scope["type"] != "http" or not self._rules else self._find(scope)
        if rule is None:
            await self._application(scope, receive, send)
            return
        if rule.delay_s:
            await asyncio.sleep(rule.delay_s)
        if rule.drop == "before":
            await drop_connection(scope.get(RAW_SEND, send))
        elif rule.drop == "after":
            await self._application(scope, receive, _discard)
            await drop_connection(scope.get(RAW_SEND, send))
        elif rule.status is not None:
            error = ApiError(rule.status, rule.error_code, rule.message, rule.retry_after)
            await error_response(error)(scope, receive, send)
        else:
            await self._application(scope, receive, send)

    def _find(self, scope: Scope) -> FaultRule | None:
        if scope["path"].startswith(OWN_ROUTES):
            return None
        token = token_of(scope)
        return self._rules.take(scope["method"], scope["path"], token, self._names.of(token))


async def drop_connection(send: Send) -> None:
    """Reset the client's connection without a byte of answer.

    Reaches through uvicorn's `send` for the transport: ASGI has no way to say it.
    """
    transport = getattr(getattr(send, "__self__", None), "transport", None)
    if transport is None:
        raise ConnectionResetError("connection dropped by a fault rule")
    linger_none = struct.pack("ii", 1, 0)  # closing discards what is unsent and sends RST instead of FIN
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger_none)
    transport.abort()
    await asyncio.sleep(0.01)  # uvicorn notices the loss, and so does not complain of a missing answer


async def _discard(_message: Message) -> None:
    """Throw a piece of the answer away."""


def fault_routes(rules: FaultRules) -> list[Route]:
    """Return the routes that read and set the rules; for workspace admins only."""

    def show(call: Call) -> dict[str, Any]:
        require_admin(call)
        return {"rules": rules.describe()}

    def put(call: Call) -> dict[str, Any]:
        require_admin(call)
        rules.replace([parse_rule(document) for document in call.body.get("rules", [])])
        return {"rules": rules.describe()}

    def post(call: Call) -> dict[str, Any]:
        require_admin(call)
        rules.add([parse_rule(call.body)])
        return {"rules": rules.describe()}

    def delete(call: Call) -> dict[str, Any]:
        require_admin(call)
        rules.replace([])
        return {}

    handlers = {"GET": show, "PUT": put, "POST": post, "DELETE": delete}
    return [(method, "/local/faults", handler) for method, handler in handlers.items()]
