"""Statement execution over HTTP with the real databricks-sdk, on the warm workspace; each allow with its deny."""

import time
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pytest
import requests
from databricks.sdk.errors import BadRequest, InvalidParameterValue, NotFound, PermissionDenied
from databricks.sdk.service.sql import (
    Disposition,
    ExecuteStatementRequestOnWaitTimeout,
    Format,
    QueryFilter,
    QueryStatus,
    ServiceErrorCode,
    StatementParameterListItem,
    StatementResponse,
    StatementState,
    TimeRange,
)

ENDLESS = "SELECT sum(a.id * b.id % 7) FROM range(1000000000) a, range(100000) b"
Run = Callable[..., StatementResponse]


@pytest.fixture(scope="session")
def warehouse(workspace: Any) -> str:
    return next(str(w.id) for w in workspace.client("analyst").warehouses.list() if "Starter" in str(w.name))


@pytest.fixture
def run(workspace: Any, warehouse: str) -> Run:
    def execute(text: str, role: str = "analyst", **options: Any) -> StatementResponse:
        options.setdefault("wait_timeout", "50s")
        return workspace.client(role).statement_execution.execute_statement(text, warehouse, **options)

    return execute


def rows(answer: StatementResponse) -> list[list[str]]:
    assert answer.status is not None and answer.status.state == StatementState.SUCCEEDED, answer.status
    return (answer.result.data_array if answer.result else None) or []


def wait_end(workspace: Any, statement_id: str) -> StatementState:
    for _ in range(300):
        state = workspace.client("analyst").statement_execution.get_statement(statement_id).status.state
        if state not in (StatementState.PENDING, StatementState.RUNNING):
            return state
        time.sleep(0.1)
    raise AssertionError(f"{statement_id} is still {state}")


def test_values_and_types_as_the_service_reports_them(run: Run) -> None:
    answer = run("SELECT 1 AS i, 2L AS l, 1.25BD AS d, true AS b, DATE'2020-01-02' AS t, array(1, 2) AS a, null AS n")
    assert rows(answer) == [["1", "2", "1.25", "true", "2020-01-02", "[1,2]", None]]
    manifest = answer.manifest
    assert manifest is not None and manifest.schema is not None
    columns = manifest.schema.columns or []
    assert [(c.name, c.type_text) for c in columns] == [
        ("i", "INT"),
        ("l", "BIGINT"),
        ("d", "DECIMAL(3,2)"),
        ("b", "BOOLEAN"),
        ("t", "DATE"),
        ("a", "ARRAY<INT>"),
        ("n", "VOID"),
    ]
    assert (columns[2].type_precision, columns[2].type_scale) == (3, 2)
    assert (manifest.total_row_count, manifest.total_chunk_count, manifest.truncated) == (1, 1, False)


def test_parameters_are_typed_and_null(run: Run) -> None:
    item = StatementParameterListItem
    parameters = [item("s", value="it's"), item("i", type="INT", value="41"), item("n", type="DATE")]
    assert rows(run("SELECT :s, :i + 1, :n", parameters=parameters)) == [["it's", "42", None]]
    wrong = run("SELECT :d", parameters=[item("d", type="DATE", value="nonsense")])
    assert wrong.status.error.message.startswith("[CAST_INVALID_INPUT]")
    unbound = run("SELECT :missing")
    assert unbound.status.error.message.startswith("[UNBOUND_SQL_PARAMETER]")
    with pytest.raises(InvalidParameterValue):
        run("SELECT :d", parameters=[item("d", type="NOTHING", value="x")])


@pytest.mark.parametrize(
    ("text", "condition", "sql_state"),
    [
        ("SELEC 1", "PARSE_SYNTAX_ERROR", "42601"),
        ("SELECT * FROM no_such_table", "TABLE_OR_VIEW_NOT_FOUND", "42P01"),
        ("SELECT 1/0", "DIVIDE_BY_ZERO", "22012"),
        ("GRANT SELECT", "PARSE_SYNTAX_ERROR", "42601"),
    ],
)
def test_failures_name_condition_and_state(run: Run, text: str, condition: str, sql_state: str) -> None:
    status = run(text).status
    assert status is not None and status.error is not None
    assert (status.state, status.error.error_code) == (StatementState.FAILED, ServiceErrorCode.BAD_REQUEST)
    message = status.error.message or ""
    assert message.startswith(f"[{condition}]") and f"SQLSTATE: {sql_state}" in message
    assert "JVM stacktrace" not in message


def test_limits_truncate_and_say_so(run: Run) -> None:
    cut, whole = run("SELECT id FROM range(10)", row_limit=3), run("SELECT id FROM range(3)", row_limit=3)
    assert rows(cut) == rows(whole) == [["0"], ["1"], ["2"]]
    assert (cut.manifest.truncated, whole.manifest.truncated) == (True, False)
    short = run("SELECT id FROM range(1000)", byte_limit=800)
    assert short.manifest.truncated and 0 < short.manifest.total_row_count < 1000


def test_a_large_result_comes_in_chunks(run: Run, workspace: Any) -> None:
    api = workspace.client("analyst").statement_execution
    answer = run("SELECT id, repeat('x', 1000) FROM range(20000)")
    assert answer.manifest.total_chunk_count > 1
    found, index = [], 0
    while index is not None:
        chunk = api.get_statement_result_chunk_n(answer.statement_id, index)
        found += [int(row[0]) for row in chunk.data_array]
        index = chunk.next_chunk_index
    assert sorted(found) == list(range(20000))
    with pytest.raises(BadRequest, match="out of range"):
        api.get_statement_result_chunk_n(answer.statement_id, 1000)
    too_large = run("SELECT id, repeat('x', 1000) FROM range(40000)")
    assert "EXTERNAL_LINKS" in too_large.status.error.message


def test_external_links_need_no_token_and_only_their_signature(run: Run) -> None:
    texts = {
        Format.CSV: b"id,n\r\n0,null\r\n1,null\r\n",
        Format.JSON_ARRAY: b'[["0",null],["1",null]]',
    }
    for result_format in (Format.ARROW_STREAM, *texts):
        answer = run(
            "SELECT id, null AS n FROM range(2) ORDER BY id",
            disposition=Disposition.EXTERNAL_LINKS,
            format=result_format,
        )
        (link,) = answer.result.external_links
        content = requests.get(link.external_link, timeout=30).content
        if result_format == Format.ARROW_STREAM:
            content = pa.ipc.open_stream(content).read_all().column("id").to_pylist()
        assert content == texts.get(result_format, [0, 1])
        forged = link.external_link[:-4] + "0000"
        assert requests.get(forged, timeout=30).status_code == 403
    with pytest.raises(InvalidParameterValue, match="EXTERNAL_LINKS"):
        run("SELECT 1", format=Format.CSV)


def test_an_asynchronous_statement_is_polled(run: Run, workspace: Any) -> None:
    answer = run("SELECT count(*) FROM range(1000)", wait_timeout="0s")
    assert wait_end(workspace, answer.statement_id) == StatementState.SUCCEEDED
    again = workspace.client("analyst").statement_execution.get_statement(answer.statement_id)
    assert rows(again) == [["1000"]]
    with pytest.raises(InvalidParameterValue, match="wait_timeout"):
        run("SELECT 1", wait_timeout="3s")


def test_cancel_stops_a_running_query(run: Run, workspace: Any) -> None:
    answer = run(ENDLESS, wait_timeout="0s")
    time.sleep(0.5)
    workspace.client("analyst").statement_execution.cancel_execution(answer.statement_id)
    assert wait_end(workspace, answer.statement_id) == StatementState.CANCELED
    timed_out = run(ENDLESS, wait_timeout="5s", on_wait_timeout=ExecuteStatementRequestOnWaitTimeout.CANCEL)
    assert wait_end(workspace, timed_out.statement_id) == StatementState.CANCELED
    assert rows(run("SELECT 2")) == [["2"]]


@pytest.mark.parametrize("after_s", [0, 0.02, 0.05, 0.1, 0.2])
def test_a_cancel_soon_after_the_start_is_not_lost(run: Run, workspace: Any, after_s: float) -> None:
    answer = run(ENDLESS, wait_timeout="0s")
    time.sleep(after_s)
    workspace.client("analyst").statement_execution.cancel_execution(answer.statement_id)
    assert wait_end(workspace, answer.statement_id) == StatementState.CANCELED


def test_statements_leave_nothing_in_the_session(run: Run) -> None:
    rows(run("CREATE TEMPORARY VIEW leftover AS SELECT 1 AS x"))
    assert run("SELECT * FROM leftover").status.state == StatementState.FAILED


def test_outsiders_run_nothing(run: Run) -> None:
    with pytest.raises(PermissionDenied, match=r"outsider.*CAN_USE.*Serverless Starter Warehouse"):
        run("SELECT 1", role="outsider")
    assert rows(run("SELECT 1", role="pipeline")) == [["1"]]


def test_a_statement_is_its_owners(run: Run, workspace: Any) -> None:
    answer = run("SELECT 'mine'")
    other = workspace.client("pipeline").statement_execution
    for call in (other.get_statement, other.cancel_execution):
        with pytest.raises(PermissionDenied, match="does not own"):
            call(answer.statement_id)
    with pytest.raises(PermissionDenied):
        other.get_statement_result_chunk_n(answer.statement_id, 0)
    with pytest.raises(NotFound):
        other.get_statement("00000000-0000-0000-0000-000000000000")


def test_history_shows_own_statements_and_admins_all(run: Run, workspace: Any) -> None:
    answer = run("SELECT 'history'")
    own = workspace.client("analyst").query_history.list(max_results=5).res or []
    assert own[0].query_id == answer.statement_id and own[0].status == QueryStatus.FINISHED
    others = workspace.client("pipeline").query_history.list(max_results=100).res or []
    assert answer.statement_id not in [query.query_id for query in others]
    everything = workspace.client("admin").query_history.list(max_results=5).res or []
    assert answer.statement_id in [query.query_id for query in everything]


def test_history_is_filtered(run: Run, workspace: Any) -> None:
    history, answer = workspace.client("analyst").query_history, run("/* a comment */ SELECT 'filtered'")
    (own,) = history.list(filter_by=QueryFilter(statement_ids=[answer.statement_id])).res
    assert own.statement_type.value == "SELECT"
    both = QueryFilter(statement_ids=[answer.statement_id, run("SELECT 2").statement_id])
    assert len(history.list(filter_by=both).res) == 2
    start = own.query_start_time_ms
    for only, count in (
        (QueryFilter(warehouse_ids=["none"]), 0),
        (QueryFilter(user_ids=[1]), 0),
        (QueryFilter(statuses=[QueryStatus.FAILED], statement_ids=[answer.statement_id]), 0),
        (QueryFilter(query_start_time_range=TimeRange(start_time_ms=start, end_time_ms=start)), 1),
        (QueryFilter(query_start_time_range=TimeRange(end_time_ms=start - 1)), 0),
    ):
        found = [one for one in history.list(filter_by=only).res or [] if one.query_id == answer.statement_id]
        assert len(found) == count, only
    with pytest.raises(BadRequest, match="30 days"):
        history.list(filter_by=QueryFilter(query_start_time_range=TimeRange(start_time_ms=1, end_time_ms=start)))
    with pytest.raises(BadRequest, match="Unknown filter"):
        client = workspace.client("analyst").api_client
        client.do("GET", "/api/2.0/sql/history/queries", query={"filter_by.colour": "red"})
