"""Runs a SQL statement on a warehouse as a Dagster step, by the same rules as a submitted run (runs.py).

Statement execution takes no idempotency token. So ours stands in a comment before the statement, and a step looks in
the query history for it before it submits, and once more after: of two that were started, the first stays.
https://docs.databricks.com/api/workspace/statementexecution, https://docs.databricks.com/api/workspace/queryhistory
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import dagster as dg
from dagster._core.errors import DagsterExecutionInterruptedError

from lakehouse.remedies import find_remedies
from lakehouse.serverless.attempts import Attempt, describe_attempt
from lakehouse.serverless.patience import call_patiently
from lakehouse.serverless.remote_step import MOST_ATTEMPTS, Context, wait
from lakehouse.serverless.retries import tell_cause
from lakehouse.warehouses import NoSuchWarehouse, find_warehouse

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient
    from databricks.sdk.service.sql import QueryInfo, StatementResponse

T = TypeVar("T")

SAMPLE_ROWS = 10
SAMPLE_BYTES = 1_000_000  # what a result is cut to; one that is too large would fail the statement
CLOCKS_APART_S = 600  # Dagster's clock may be that much ahead of the service's
MOST_RANGE_S = 30 * 24 * 3600  # of a filter of the query history
_FIRST_PAUSE_S, _LONGEST_PAUSE_S, _SLOWER_BY = 0.2, 5.0, 1.2
_ACTIVE = frozenset({"PENDING", "RUNNING"})
_SUCCEEDED = frozenset({"SUCCEEDED", "CLOSED"})  # closed: it succeeded, and its result is no longer kept
# error codes of the service's making; all others are the statement's, which another try does not mend
_MAY_PASS = frozenset(
    {
        *("ABORTED", "DEADLINE_EXCEEDED", "INTERNAL_ERROR", "IO_ERROR", "RESOURCE_EXHAUSTED"),
        *("SERVICE_UNDER_MAINTENANCE", "TEMPORARILY_UNAVAILABLE", "WORKSPACE_TEMPORARILY_UNAVAILABLE"),
    }
)


@dataclass(frozen=True)
class StatementResult:
    """A statement that succeeded: the first rows of its result, values as text, and the metadata of its step."""

    rows: tuple[Mapping[str, str | None], ...]
    metadata: Mapping[str, Any]


class _Statement(NamedTuple):
    statement_id: str
    name: str  # ends in the mark of the try that began it


def run_statement(
    workspace: WorkspaceClient,
    context: Context,
    statement: str,
    *,
    warehouse: str,
    parameters: Mapping[str, str | None] | None = None,
    catalog: str | None = None,
    schema: str | None = None,
    timeout_seconds: int = 0,
    patience_seconds: float = 300.0,
) -> StatementResult:
    """Run the statement on the warehouse of that name, or take up the one that an earlier try of this step began.

    `parameters` are the values of markers such as `:day`; `timeout_seconds` 0 means no limit. Of two workers that
    begin at the same moment both may start it, for a moment: write statements that may run twice, as a retry does.

    Raises:
        dg.Failure: there is no such warehouse, the statement did not succeed, or the step was terminated.
    """
    with tell_cause(context, workspace.config.host):
        options = {"parameters": _as_items(parameters), "catalog": catalog, "schema": schema}
        step = _StatementStep(workspace, context, statement, warehouse, options, patience_seconds)
        try:
            begun = step.begin()
            ended = step.follow(begun, timeout_seconds)
        except DagsterExecutionInterruptedError:
            raise step.cancel() from None
        if _state(ended) not in _SUCCEEDED:
            raise step.describe_failure(ended)
        rows = _sample(ended)
        return StatementResult(rows, {**step.describe(begun.statement_id), **_describe_result(ended, rows)})


class _StatementStep:
    """One step's dealings with its statement."""

    def __init__(
        self,
        workspace: WorkspaceClient,
        context: Context,
        text: str,
        warehouse: str,
        options: Mapping[str, Any],
        patience_s: float,
    ) -> None:
        self._workspace = workspace
        self._context = context
        self._text = text
        self._warehouse = warehouse
        self._warehouse_id = ""
        self._options = options
        self._patience_s = patience_s
        self._attempt: Attempt = describe_attempt(context)
        self._token = ""

    def begin(self) -> _Statement:
        """Return the statement of this attempt: a new one, one still active, or one that succeeded unseen."""
        self._warehouse_id = self._find_warehouse()
        for number in range(MOST_ATTEMPTS):
            self._token = self._attempt.token(number)
            found = self._call(self._find_or_submit)
            state, mine = _state(self._get(found.statement_id)), self._attempt.began(found.name)
            if mine or state in _ACTIVE or state in _SUCCEEDED:
                how = "submitted" if mine else "found active" if state in _ACTIVE else "found finished; collecting it"
                self._context.log.info("Statement %s %s: %s", found.statement_id, how, self._page(found.statement_id))
                return found
        raise dg.Failure(f"{self._attempt.step} has failed {MOST_ATTEMPTS} times; start a new Dagster run")

    def follow(self, statement: _Statement, timeout_seconds: int) -> StatementResponse:
        """Wait until the statement has ended and return the answer; one that takes too long is cancelled.

        Raises:
            dg.Failure: it took too long.
        """
        begun, pause = time.monotonic(), _FIRST_PAUSE_S
        while _state(answer := self._get(statement.statement_id)) in _ACTIVE:
            left = begun + timeout_seconds - time.monotonic() if timeout_seconds else pause
            if left <= 0:
                self._cancel(statement.statement_id)
                raise dg.Failure(
                    f"Statement {statement.statement_id} exceeded its timeout of {timeout_seconds} seconds and was "
                    f"cancelled. See {self._page(statement.statement_id)}",
                    allow_retries=False,
                )
            wait(min(pause, left))
            pause = min(_LONGEST_PAUSE_S, pause * _SLOWER_BY)
        return answer

    def cancel(self) -> dg.Failure:
        """Cancel what was begun and return the failure that ends the step: no retry, no success."""
        # interrupted between the request and its answer: the history tells
        begun = call_patiently(self._find, self._patience_s) if self._token else []
        for one in begun:
            self._cancel(one.statement_id)
        said = ", ".join(f"statement {one.statement_id} was cancelled" for one in begun)
        return dg.Failure(f"Terminated: {said or 'no statement was submitted'}", allow_retries=False)

    def describe(self, statement_id: str) -> dict[str, Any]:
        """Return the metadata that tells which statement it was."""
        return {
            "databricks/statement_id": statement_id,
            "databricks/statement_url": dg.MetadataValue.url(self._page(statement_id)),
            "databricks/warehouse_id": self._warehouse_id,
        }

    def describe_failure(self, answer: StatementResponse) -> dg.Failure:
        """Return the failure of a step whose statement did not succeed."""
        status, statement_id = answer.status, answer.statement_id or ""
        error = status.error if status else None
        code = error.error_code.value if error and error.error_code else ""
        said = (error.message if error else None) or "no message"
        lines = [f"Statement {statement_id} ended {_state(answer)}: {code} {said}", *find_remedies(said)]
        lines.append(f"See {self._page(statement_id)}")
        return dg.Failure("\n".join(lines), metadata=self.describe(statement_id), allow_retries=code in _MAY_PASS)

    def _find_warehouse(self) -> str:
        try:
            return self._call(lambda: find_warehouse(self._workspace, self._warehouse))
        except NoSuchWarehouse as error:
            raise dg.Failure(str(error), allow_retries=False) from error

    def _find_or_submit(self) -> _Statement:
        """Return the one statement of this token; what else was started with it is cancelled."""
        first, *others = self._find() or self._submit()
        for one in others:
            self._cancel(one.statement_id)
        return first

    def _find(self) -> list[_Statement]:
        """Return the statements of this token that the query history knows, oldest first."""
        from databricks.sdk.service.sql import QueryFilter, TimeRange

        since_s = max(self._started_at() - CLOCKS_APART_S, time.time() - MOST_RANGE_S + CLOCKS_APART_S)
        span = TimeRange(start_time_ms=int(since_s * 1000))
        only = QueryFilter(warehouse_ids=[self._warehouse_id], query_start_time_range=span)
        found: list[QueryInfo] = []
        page_token: str | None = None
        while True:
            page = self._workspace.query_history.list(filter_by=only, page_token=page_token)
            found += [one for one in page.res or [] if (one.query_text or "").startswith(self._comment)]
            page_token = page.next_page_token
            if not page.has_next_page or not page_token:
                break
        found.sort(key=lambda one: (one.query_start_time_ms or 0, one.query_id or ""))
        return [_Statement(one.query_id or "", (one.query_text or "").split("\n", 1)[0]) for one in found]

    def _submit(self) -> list[_Statement]:
        """Start it; return what is there now, which is more if somebody else did the same."""
        from databricks.sdk.core import ApiClient
        from databricks.sdk.service.sql import StatementExecutionAPI

        # the SDK repeats a request whose answer was lost, which here would start a second statement: within a second
        # it does not, and the caller looks before it asks again
        config = self._workspace.config.copy()  # type: ignore[no-untyped-call]
        config.retry_timeout_seconds = 1
        name = f"{self._comment}{self._attempt.mark}"
        api = StatementExecutionAPI(ApiClient(config))  # type: ignore[no-untyped-call]
        answer = api.execute_statement(
            f"{name}\n{self._text}",
            self._warehouse_id,
            byte_limit=SAMPLE_BYTES,
            wait_timeout="0s",
            **self._options,
        )
        return self._find() or [_Statement(answer.statement_id or "", name)]

    @property
    def _comment(self) -> str:
        return f"-- dagster {self._attempt.step} {self._token}"

    def _started_at(self) -> float:
        """Return when the work began, as a Unix time: nothing of it is older."""
        record = self._context.instance.get_run_record_by_id(self._attempt.root_run_id)
        return record.create_timestamp.timestamp() if record else 0.0

    def _get(self, statement_id: str) -> StatementResponse:
        return self._call(lambda: self._workspace.statement_execution.get_statement(statement_id), midway=True)

    def _cancel(self, statement_id: str) -> None:
        call_patiently(lambda: self._workspace.statement_execution.cancel_execution(statement_id), self._patience_s)

    def _page(self, statement_id: str) -> str:
        return f"{self._workspace.config.host}/sql/history?queryId={statement_id}"

    def _call(self, call: Callable[[], T], midway: bool = False) -> T:
        return call_patiently(call, self._patience_s, wait, midway)


def _state(answer: StatementResponse) -> str:
    status = answer.status
    return status.state.value if status and status.state else ""


def _as_items(parameters: Mapping[str, str | None] | None) -> list[Any] | None:
    from databricks.sdk.service.sql import StatementParameterListItem

    return [StatementParameterListItem(name, value=value) for name, value in (parameters or {}).items()] or None


def _sample(answer: StatementResponse) -> tuple[Mapping[str, str | None], ...]:
    schema = answer.manifest.schema if answer.manifest else None
    names = [str(column.name) for column in (schema.columns or [] if schema else [])]
    rows = (answer.result.data_array if answer.result else None) or []
    return tuple(dict(zip(names, row, strict=True)) for row in rows[:SAMPLE_ROWS])


def _describe_result(answer: StatementResponse, rows: tuple[Mapping[str, str | None], ...]) -> dict[str, Any]:
    if not rows:
        return {}
    records = [dg.TableRecord({name: "NULL" if text is None else text for name, text in row.items()}) for row in rows]
    schema = dg.TableSchema([dg.TableColumn(name, "string") for name in rows[0]])
    return {"result_sample": dg.MetadataValue.table(records, schema)}
