"""Statements on the target's SQL warehouse, for what Unity Catalog makes by SQL alone.

https://docs.databricks.com/api/workspace/statementexecution
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from lakehouse.identifiers import quote_full_name
from lakehouse.warehouses import find_warehouse
from platform_assets.resource_types.model import Clients

if TYPE_CHECKING:
    from databricks.sdk.service.sql import StatementResponse

_LONGEST_WAIT = "50s"  # that one call may take
_PAUSE_S = 1.0


class StatementFailed(Exception):
    """A statement did not succeed; the message is the service's."""


def run_statement(clients: Clients, text: str) -> None:
    """Run a statement to its end.

    Raises:
        StatementFailed: it failed, was cancelled, or took longer than a step may.
        NoSuchWarehouse: the target's warehouse is not there.
    """
    _run(clients, text, clients.target.step_timeout_seconds)


def query_rows(clients: Clients, text: str, patience_s: float) -> list[list[str]]:
    """Return the rows of a query, values as text.

    Raises:
        StatementFailed: it failed, was cancelled, or took longer; then it is cancelled.
        NoSuchWarehouse: the target's warehouse is not there.
    """
    api, answer = clients.workspace.statement_execution, _run(clients, text, patience_s)
    rows: list[list[str]] = []
    chunk = answer.result
    while chunk is not None:
        rows += chunk.data_array or []
        following = chunk.next_chunk_index
        chunk = api.get_statement_result_chunk_n(str(answer.statement_id), following) if following else None
    return rows


def _run(clients: Clients, text: str, patience_s: float) -> StatementResponse:
    api, target = clients.workspace.statement_execution, clients.target
    deadline = time.monotonic() + patience_s
    warehouse = find_warehouse(clients.workspace, target.warehouse)
    answer = api.execute_statement(text, warehouse, wait_timeout=_LONGEST_WAIT)
    while (state := _state_of(answer)) in ("PENDING", "RUNNING"):
        if time.monotonic() >= deadline:
            api.cancel_execution(str(answer.statement_id))
            raise StatementFailed(f"still {state} after {patience_s:.0f} s: {text}")
        time.sleep(_PAUSE_S)
        answer = api.get_statement(str(answer.statement_id))
    if state != "SUCCEEDED":
        error = answer.status.error if answer.status else None
        raise StatementFailed(f"{error.message if error else state} (the statement: {text})")
    return answer


def quote_name(full_name: str) -> str:
    """Return a full name as it stands in SQL."""
    return quote_full_name(full_name.split("."))


def quote_text(text: str) -> str:
    """Return a text as it stands in SQL."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def list_properties(properties: Mapping[str, str]) -> str:
    """Return properties as they stand in SQL."""
    return f"({', '.join(f'{quote_text(key)} = {quote_text(value)}' for key, value in properties.items())})"


def _state_of(answer: StatementResponse) -> str:
    return answer.status.state.value if answer.status and answer.status.state else "PENDING"
