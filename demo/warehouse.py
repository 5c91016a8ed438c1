"""Questions to the SQL warehouse, as a role: the path that a person's query takes.

API: https://docs.databricks.com/api/workspace/statementexecution
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from demo.failures import DemoFailed
from lakehouse.targets import Target
from lakehouse.warehouses import NoSuchWarehouse, find_warehouse
from lakehouse.workspace import open_workspace

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient
    from databricks.sdk.service.sql import StatementResponse

_LONGEST_WAIT = "50s"  # what the API allows
_NUMBERS = {"BYTE": int, "SHORT": int, "INT": int, "LONG": int, "FLOAT": float, "DOUBLE": float, "DECIMAL": float}


class QueryFailed(DemoFailed):
    """The warehouse could not answer; the message says who asked what."""


@dataclass(frozen=True)
class Answer:
    """Columns by name, rows of JSON values."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]

    def as_json(self) -> dict[str, Any]:
        """Return columns and rows."""
        return {"columns": list(self.columns), "rows": [list(row) for row in self.rows]}


@dataclass(frozen=True)
class Warehouse:
    """The target's SQL warehouse, asked by one role."""

    target: Target
    role: str

    def ask(self, statement: str) -> Answer:
        """Return the statement's whole result.

        Raises:
            QueryFailed: with the warehouse's own error.
        """
        from databricks.sdk.service.sql import ExecuteStatementRequestOnWaitTimeout, StatementState

        response = self._client.statement_execution.execute_statement(
            statement,
            self._id,
            wait_timeout=_LONGEST_WAIT,
            on_wait_timeout=ExecuteStatementRequestOnWaitTimeout.CANCEL,
        )
        if response.status is None or response.status.state is not StatementState.SUCCEEDED:
            raise QueryFailed(f"{self.role} asked `{statement}`: {_say(response)}")
        columns = (response.manifest and response.manifest.schema and response.manifest.schema.columns) or []
        kinds = [column.type_name.value if column.type_name else "STRING" for column in columns]
        return Answer(
            tuple(column.name or "" for column in columns),
            tuple(tuple(map(_parse, kinds, row)) for row in self._read_rows(response)),
        )

    @property
    def _client(self) -> WorkspaceClient:
        return open_workspace(self.target, self.role)

    @cached_property
    def _id(self) -> str:
        try:
            return find_warehouse(self._client, self.target.warehouse)
        except NoSuchWarehouse as error:
            raise QueryFailed(f"{self.role}: {error}") from error

    def _read_rows(self, response: StatementResponse) -> Iterator[Sequence[str | None]]:
        chunk = response.result
        while chunk is not None:
            yield from chunk.data_array or []
            number = chunk.next_chunk_index
            if number is None:
                return
            chunk = self._client.statement_execution.get_statement_result_chunk_n(response.statement_id or "", number)


def _say(response: StatementResponse) -> str:
    status = response.status
    if status is None or status.error is None:
        return f"not answered within {_LONGEST_WAIT}"
    return str(status.error.message)


def _parse(kind: str, value: str | None) -> Any:
    """Return a value of the JSON array, where everything is text, as what it is."""
    if value is None:
        return None
    if kind == "BOOLEAN":
        return value == "true"
    return _NUMBERS.get(kind, str)(value)
