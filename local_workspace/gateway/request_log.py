"""The last requests a workspace served: who asked what, and how it was answered. Tests read it.

Kept in memory only. A layer around the gateway's application, and the routes that read and empty the log.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from local_workspace.gateway import principals
from local_workspace.gateway.calls import Call, Route
from local_workspace.gateway.errors import ApiError, permission_denied
from local_workspace.gateway.store import Store

OWN_ROUTES = "/local/"
KEPT = 20_000
RAW_SEND = "local_workspace.raw_send"  # where layers inside find the server's own `send`


@dataclass(frozen=True)
class LoggedRequest:
    """One request; `status` 0 means that the client got no answer."""

    number: int
    time: float
    method: str
    path: str
    query: str
    principal: str | None
    user_agent: str
    status: int
    seconds: float


class TokenNames:
    """Names the principal of a token; a token never changes hands, so answers are remembered."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.of = lru_cache(4096)(self._look_up)

    def _look_up(self, token: str) -> str | None:
        try:
            return principals.authenticate(self._store, token).name
        except ApiError:
            return None


class RequestLog:
    """The last requests, oldest first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._requests: deque[LoggedRequest] = deque(maxlen=KEPT)

    def add(self, **fields: Any) -> None:
        """Append a request."""
        with self._lock:
            self._requests.append(LoggedRequest(next(self._numbers), **fields))

    def find(self, criteria: Mapping[str, str]) -> list[LoggedRequest]:
        """Return the requests after number `since` that fit `method`, `path` (a glob) and `principal`."""
        since = int(criteria.get("since", 0))
        with self._lock:
            requests = list(self._requests)
        return [
            request
            for request in requests
            if request.number > since
            and criteria.get("method", request.method) == request.method
            and fnmatchcase(request.path, criteria.get("path", "*"))
            and criteria.get("principal", request.principal) == request.principal
        ]

    @property
    def last(self) -> int:
        """The number of the last request, 0 when there is none."""
        with self._lock:
            return self._requests[-1].number if self._requests else 0

    def clear(self) -> None:
        """Forget all."""
        with self._lock:
            self._requests.clear()


class RequestLogLayer:
    """ASGI application around another that notes each request when it has ended."""

    def __init__(self, application: ASGIApp, log: RequestLog, names: TokenNames) -> None:
        self._application = application
        self._log = log
        self._names = names

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve and note."""
        if scope["type"] != "http" or scope["path"].startswith(OWN_ROUTES):
            await self._application(scope, receive, send)
            return
        started, status = time.time(), 0

        scope[RAW_SEND] = send

        async def watch(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._application(scope, receive, watch)
        finally:
            self._log.add(
                time=started,
                method=scope["method"],
                path=scope["path"],
                query=scope["query_string"].decode(errors="replace"),
                principal=self._names.of(token_of(scope)),
                user_agent=_header(scope, b"user-agent"),
                status=status,
                seconds=round(time.time() - started, 4),
            )


def token_of(scope: Scope) -> str:
    """Return the bearer token of a request, or an empty text."""
    return _header(scope, b"authorization").partition(" ")[2].strip()


def request_log_routes(log: RequestLog) -> list[Route]:
    """Return the routes that read and empty the log; for workspace admins only."""

    def show(call: Call) -> dict[str, Any]:
        require_admin(call)
        return {"last": log.last, "requests": [vars(request) for request in log.find(call.query)]}

    def delete(call: Call) -> dict[str, Any]:
        require_admin(call)
        log.clear()
        return {}

    return [("GET", "/local/requests", show), ("DELETE", "/local/requests", delete)]


def require_admin(call: Call) -> None:
    """Refuse everybody but workspace admins.

    Raises:
        ApiError: 403 naming the caller.
    """
    if not call.caller.is_admin:
        raise permission_denied(f"User '{call.caller.name}' is not an admin of this workspace ({call.path})")


def _header(scope: Scope, name: bytes) -> str:
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == name), "")
