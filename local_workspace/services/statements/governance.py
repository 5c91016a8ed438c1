"""Runs the SQL of Unity Catalog that Spark cannot parse (grammar.py) by calls of the public API, as the caller."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from local_workspace.gateway.app import RouteTable, load_routes
from local_workspace.gateway.calls import Call, Principal
from local_workspace.gateway.errors import ApiError
from local_workspace.services.statements.commands import Command, RestCall
from local_workspace.services.statements.failures import from_api_error, syntax_error
from local_workspace.services.statements.rows import Rows, show_pages

if TYPE_CHECKING:
    from local_workspace.gateway.workspace import Workspace


def run_governance(workspace: Workspace, caller: Principal, command: Command) -> Rows:
    """Make the command's call as the caller.

    Raises:
        StatementFailed: the API refused.
    """
    try:
        if not command.show:
            _dispatch(workspace, caller, command.call)
            return Rows()
        return show_pages(command, _collect_pages(workspace, caller, command.call))
    except ApiError as error:
        if command.ignore_status and error.status == command.ignore_status:
            return Rows()
        raise from_api_error(error) from error


def _dispatch(workspace: Workspace, caller: Principal, call: RestCall) -> dict[str, Any]:
    found = RouteTable(load_routes(("unity_catalog",))).find(call.method, call.path)
    given = Call(call.method, call.path, caller, "", workspace, found.params, query=call.query, body=call.body)
    answer = found.handler(given)
    if not isinstance(answer, dict):
        raise syntax_error(f"{call.method} {call.path} does not answer in JSON")
    return answer


def _collect_pages(workspace: Workspace, caller: Principal, call: RestCall) -> list[dict[str, Any]]:
    pages, token = [], ""
    while True:
        query = {**call.query, "page_token": token} if token else dict(call.query)
        pages.append(_dispatch(workspace, caller, RestCall(call.method, call.path, call.body, query)))
        token = pages[-1].get("next_page_token", "")
        if not token:
            return pages
