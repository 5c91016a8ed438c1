"""The ASGI application: authenticate, find the route, run its handler in a thread, answer in JSON.

Routes come from `services/*/routes.py`; a path nobody serves is refused with 501, never guessed at.
"""

from __future__ import annotations

import json
import logging
import re
import tempfile
from collections.abc import Iterable
from functools import partial
from importlib import import_module
from typing import Any, BinaryIO, cast

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from local_workspace.gateway import principals, token_policy
from local_workspace.gateway.calls import Call, Handler, Route
from local_workspace.gateway.errors import ApiError, bad_request, not_implemented, unauthenticated
from local_workspace.gateway.workspace import Workspace

log = logging.getLogger(__name__)

SERVICES = (
    "unity_catalog",
    "scim",
    "files",
    "workspace",
    "dbfs",
    "jobs",
    "warehouses",
    "statements",
    "tokens",
    "secrets",
    "system_tables",
    "cluster_policies",
    "experiments",
    "pipelines",
    "serving_endpoints",
    "queries",
    "alerts",
    "dashboards",
    "git_credentials",
    "repos",
    "permission_assignments",
    "pages",
)
HANDLER_THREADS = 128  # long-polling statements and uploads wait in threads; the work itself is elsewhere
SPOOL_BYTES = 8 * 1024 * 1024


def load_routes(services: Iterable[str] = SERVICES) -> list[Route]:
    """Import the services and return all their routes; what they do is put down in the audit log."""
    audit = import_module("local_workspace.services.system_tables.auditing").audit
    modules = [import_module(f"local_workspace.services.{name}.routes") for name in services]
    return [audit(route) for module in modules for route in module.ROUTES]


class RouteTable:
    """Finds the handler of a method and path; literal segments win over parameters by order of declaration."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._routes = [(method, _compile_template(template), handler) for method, template, handler in routes]

    def find(self, method: str, path: str) -> tuple[Handler, dict[str, str]]:
        """Return the handler and path parameters.

        Raises:
            ApiError: 501 naming the route.
        """
        for route_method, pattern, handler in self._routes:
            if route_method == method and (match := pattern.fullmatch(path)):
                return handler, match.groupdict()
        raise not_implemented(f"The local workspace does not serve {method} {path}. See docs/limits.md.")


class Gateway:
    """ASGI callable over a workspace and its routes. `open_routes` need no token (signed links, health)."""

    def __init__(self, workspace: Workspace, routes: Iterable[Route], open_routes: Iterable[Route] = ()) -> None:
        self.workspace = workspace
        self._table = RouteTable(routes)
        self._open = RouteTable(open_routes)
        self._limiter: anyio.CapacityLimiter | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "lifespan":
            await _serve_lifespan(receive, send)
            return
        response = await self._answer(Request(scope, receive))
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        try:
            spool = await _spool_body(request)
            if self._limiter is None:
                self._limiter = anyio.CapacityLimiter(HANDLER_THREADS)
            work = partial(self._handle, request, spool)
            return await anyio.to_thread.run_sync(work, limiter=self._limiter)
        except ApiError as error:
            return error_response(error)
        except Exception as error:
            log.exception("%s %s failed", request.method, request.url.path)
            message = f"{type(error).__name__}: {error}"
            return JSONResponse({"error_code": "INTERNAL_ERROR", "message": message}, 500)

    def _handle(self, request: Request, spool: BinaryIO) -> Response:
        path = request.scope["path"]
        handler, params, caller, token = self._admit(request, path)
        is_binary = request.headers.get("content-type", "").startswith("application/octet-stream")
        raw = b"" if is_binary else spool.read()
        call = Call(
            method=request.method,
            path=path,
            caller=caller,
            token=token,
            workspace=self.workspace,
            params=params,
            query=dict(request.query_params),
            query_lists={name: request.query_params.getlist(name) for name in request.query_params},
            headers=dict(request.headers),
            body=_parse_json(raw, request.headers.get("content-type", "")),
            raw=raw,
            content=spool if is_binary else None,
        )
        result = handler(call)
        return result if isinstance(result, Response) else JSONResponse(result)

    def _admit(self, request: Request, path: str) -> tuple[Handler, dict[str, str], Any, str]:
        try:
            handler, params = self._open.find(request.method, path)
            return handler, params, None, ""
        except ApiError:
            token = bearer_token(request.headers.get("authorization", ""))
            caller = principals.authenticate(self.workspace.store, token)
            token_policy.require_usable(self.workspace.store, caller, token)
            handler, params = self._table.find(request.method, path)
            return handler, params, caller, token


def create_app(workspace: Workspace, routes: Iterable[Route] | None = None) -> ASGIApp:
    """Build the application; `routes` narrows it in tests."""
    chosen = list(load_routes() if routes is None else routes)
    open_routes = [route for route in chosen if getattr(route[2], "needs_no_token", False)]
    return Gateway(workspace, [route for route in chosen if route not in open_routes], open_routes)


def needs_no_token(handler: Handler) -> Handler:
    """Mark a handler as reachable without a token; it must check its own signature or reveal nothing."""
    handler.needs_no_token = True  # type: ignore[attr-defined]
    return handler


def bearer_token(header: str) -> str:
    """Return the token of an Authorization header.

    Raises:
        ApiError: 401 when there is none.
    """
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise unauthenticated("Credential was not sent or was of an unsupported type; send a bearer token.")
    return token.strip()


def error_response(error: ApiError) -> Response:
    """Return the error as the service words it."""
    headers = {} if error.retry_after_s is None else {"Retry-After": str(error.retry_after_s)}
    return JSONResponse(error.as_dict(), error.status, headers)


def _compile_template(template: str) -> re.Pattern[str]:
    pattern = re.sub(r"\\\{(\w+):path\\\}", r"(?P<\1>.*)", re.escape(template))
    return re.compile(re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", pattern))


def _parse_json(raw: bytes, content_type: str) -> dict[str, Any]:
    if not raw or not (content_type.startswith("application/json") or not content_type):
        return {}
    try:
        body = json.loads(raw)
    except ValueError as error:
        raise bad_request(f"Could not parse the request body as JSON: {error}", "MALFORMED_REQUEST") from None
    if not isinstance(body, dict):
        raise bad_request("The request body must be a JSON object", "MALFORMED_REQUEST")
    return body


async def _spool_body(request: Request) -> BinaryIO:
    spool = tempfile.SpooledTemporaryFile(SPOOL_BYTES)  # noqa: SIM115 - closed with the last reference
    async for chunk in request.stream():
        spool.write(chunk)
    spool.seek(0)
    return cast(BinaryIO, spool)


async def _serve_lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
