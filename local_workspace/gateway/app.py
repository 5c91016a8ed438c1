"""The ASGI application: authenticate, find the route, run its handler in a thread of its caller's, answer in JSON.

Routes come from `services/*/routes.py`; a path nobody serves is refused with 501, never guessed at.
"""

from __future__ import annotations

import asyncio
import logging
import re
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from typing import Any, BinaryIO, cast

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from local_workspace.gateway import principals, token_policy
from local_workspace.gateway.calls import Answer, Call, Handler, Route, Wait
from local_workspace.gateway.decoding import SLASH_IN_NAME, read_json, read_path, read_query
from local_workspace.gateway.errors import ApiError, not_implemented, unauthenticated
from local_workspace.gateway.shapes import check_query, fit_body
from local_workspace.gateway.shares import ENGINE, OPEN, Caller, Shares
from local_workspace.gateway.workspace import WORKSPACE_ID, Workspace

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
    "discovery",
)
SPOOL_BYTES = 8 * 1024 * 1024
ORG_ID = {"X-Databricks-Org-Id": str(WORKSPACE_ID)}  # of every answer; clients learn the workspace's id from it


def load_routes(services: Iterable[str] = SERVICES) -> list[Route]:
    """Import the services and return all their routes; what they do is put down in the audit log."""
    audit = import_module("local_workspace.services.system_tables.auditing").audit
    modules = [import_module(f"local_workspace.services.{name}.routes") for name in services]
    return [audit(route) for module in modules for route in module.ROUTES]


@dataclass(frozen=True)
class Found:
    """The route of a request: its name, its handler and the parameters in the path."""

    route: str
    handler: Handler
    params: dict[str, str]


class RouteTable:
    """Finds the handler of a method and path; literal segments win over parameters by order of declaration."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._routes = [(*route, _compile_template(route[1])) for route in routes]

    def find(self, method: str, path: str) -> Found:
        """Return the route.

        Raises:
            ApiError: 501 naming the route.
        """
        for route_method, template, handler, pattern in self._routes:
            if route_method == method and (match := pattern.fullmatch(path)):
                params = {name: value.replace(SLASH_IN_NAME, "/") for name, value in match.groupdict().items()}
                return Found(f"{method} {template}", handler, params)
        path = path.replace(SLASH_IN_NAME, "%2F")
        raise not_implemented(f"The local workspace does not serve {method} {path}. See docs/limits.md.")


class Gateway:
    """ASGI callable over a workspace and its routes. `open_routes` need no token (signed links, health)."""

    def __init__(self, workspace: Workspace, routes: Iterable[Route], open_routes: Iterable[Route] = ()) -> None:
        self.workspace = workspace
        self._table = RouteTable(routes)
        self._open = RouteTable(open_routes)
        self.shares = Shares()

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
            found, caller, token = self._admit(request)
            share = self._choose_share(request, caller)
            handle = partial(self._handle, request, spool, found, caller, token)
            answer = await self.shares.begin(share, partial(_respond, handle))
            while isinstance(answer, Wait):
                await asyncio.wait([asyncio.wrap_future(answer.done)], timeout=answer.seconds)
                answer = await self.shares.run(share, partial(_respond, answer.answer))
            return answer
        except ApiError as error:
            return error_response(error)
        except Exception as error:
            log.exception("%s %s failed", request.method, request.url.path)
            message = f"{type(error).__name__}: {error}"
            return JSONResponse({"error_code": "INTERNAL_ERROR", "message": message}, 500, ORG_ID)

    def _handle(self, request: Request, spool: BinaryIO, found: Found, caller: Any, token: str) -> Any:
        takes_bytes = getattr(found.handler, "takes_bytes", False)
        raw = b"" if takes_bytes else spool.read()
        form_type = getattr(found.handler, "takes_form", None)
        is_form = form_type is not None and has_type(request.headers.get("content-type", ""), form_type)
        fields = read_query(request.scope["query_string"])
        query = dict(fields)
        check_query(found.route, query)
        call = Call(
            method=request.method,
            path=request.scope["path"],
            caller=caller,
            token=token,
            workspace=self.workspace,
            params=found.params,
            query=query,
            query_lists={name: [value for other, value in fields if other == name] for name in query},
            headers=dict(request.headers),
            body={} if is_form else fit_body(found.route, read_json(raw)),
            raw=raw,
            content=spool if takes_bytes else None,
        )
        return found.handler(call)

    def _choose_share(self, request: Request, caller: Any) -> Caller:
        if caller is None:
            return OPEN
        is_engine = self.workspace.is_engine(request.headers.get("x-local-engine", ""))
        return ENGINE if is_engine else Caller("principal", caller.name)

    def _admit(self, request: Request) -> tuple[Found, Any, str]:
        path = read_path(request.scope["raw_path"])
        try:
            return self._open.find(request.method, path), None, ""
        except ApiError:
            token = bearer_token(request.headers.get("authorization", ""))
            caller = principals.authenticate(self.workspace.store, token)
            token_policy.require_usable(self.workspace.store, caller, token)
            return self._table.find(request.method, path), caller, token


def _respond(work: Callable[[], Answer]) -> Response | Wait:
    """Do the work and, in its thread as well, write the answer down."""
    result = work()
    if isinstance(result, Wait):
        return result
    response = result if isinstance(result, Response) else JSONResponse(result)
    response.headers.update(ORG_ID)
    return response


def create_app(workspace: Workspace, routes: Iterable[Route] | None = None) -> ASGIApp:
    """Build the application; `routes` narrows it in tests."""
    chosen = list(load_routes() if routes is None else routes)
    open_routes = [route for route in chosen if getattr(route[2], "needs_no_token", False)]
    return Gateway(workspace, [route for route in chosen if route not in open_routes], open_routes)


def needs_no_token(handler: Handler) -> Handler:
    """Mark a handler as reachable without a token; it must check its own signature or reveal nothing."""
    handler.needs_no_token = True  # type: ignore[attr-defined]
    return handler


def takes_bytes(handler: Handler) -> Handler:
    """Mark a handler whose body is a file's bytes, whatever the content type: it gets them spooled, as `content`."""
    handler.takes_bytes = True  # type: ignore[attr-defined]
    return handler


def takes_form(content_type: str) -> Callable[[Handler], Handler]:
    """Mark a handler that takes a form of this content type as well as JSON: it gets the form as `raw`."""

    def mark(handler: Handler) -> Handler:
        handler.takes_form = content_type  # type: ignore[attr-defined]
        return handler

    return mark


def has_type(given: str, content_type: str) -> bool:
    """Say whether a Content-Type header gives this type, whatever its parameters."""
    return given.partition(";")[0].strip().lower() == content_type


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
    retry_after = {} if error.retry_after_s is None else {"Retry-After": str(error.retry_after_s)}
    return JSONResponse(error.as_dict(), error.status, {**ORG_ID, **retry_after})


def _compile_template(template: str) -> re.Pattern[str]:
    pattern = re.sub(r"\\\{(\w+):path\\\}", r"(?P<\1>(?s:.*))", re.escape(template))
    return re.compile(re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", pattern))


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
