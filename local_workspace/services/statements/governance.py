"""Runs the SQL of Unity Catalog that Spark cannot parse (grammar.py) by calls of the public API, as the caller."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from local_workspace.gateway.app import RouteTable, load_routes
from local_workspace.gateway.calls import Call, Principal
from local_workspace.gateway.errors import ApiError
from local_workspace.services.statements.failures import from_api_error, syntax_error
from local_workspace.services.statements.grammar import Command, RestCall

if TYPE_CHECKING:
    from local_workspace.gateway.workspace import Workspace


@dataclass(frozen=True)
class Rows:
    """A result of strings."""

    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str | None, ...], ...] = ()


def run_governance(workspace: Workspace, caller: Principal, command: Command) -> Rows:
    """Make the command's call as the caller.

    Raises:
        StatementFailed: the API refused.
    """
    try:
        if not command.show:
            _dispatch(workspace, caller, command.call)
            return Rows()
        return _show(command, _collect_pages(workspace, caller, command.call))
    except ApiError as error:
        if command.ignore_status and error.status == command.ignore_status:
            return Rows()
        raise from_api_error(error) from error


def _dispatch(workspace: Workspace, caller: Principal, call: RestCall) -> dict[str, Any]:
    handler, params = RouteTable(load_routes(("unity_catalog",))).find(call.method, call.path)
    answer = handler(Call(call.method, call.path, caller, "", workspace, params, call.query, {}, call.body))
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


def _show(command: Command, pages: list[dict[str, Any]]) -> Rows:
    if command.show == "catalogs":
        return Rows(("catalog",), tuple((item["name"],) for page in pages for item in page.get("catalogs", [])))
    if command.show == "volumes":
        found = (item for page in pages for item in page.get("volumes", []))
        return Rows(("database", "volume_name"), tuple((item["schema_name"], item["name"]) for item in found))
    kind, name = command.call.path.rsplit("/", 2)[1:]
    rows = tuple(
        (entry["principal"], _privilege_text(privilege), kind.replace("-", "_").upper(), name)
        for page in pages
        for entry in page.get("privilege_assignments", [])
        for privilege in entry.get("privileges", [])
        if not command.principal or entry["principal"] == command.principal
    )
    return Rows(("Principal", "ActionType", "ObjectType", "ObjectKey"), rows)


def _privilege_text(privilege: Any) -> str:
    name = privilege["privilege"] if isinstance(privilege, dict) else privilege
    return str(name).replace("_", " ")
