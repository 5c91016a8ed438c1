"""A SQL statement as a Dagster step: its rows, one statement per try, taken up, cancelled, refused with the remedy."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from lakehouse.targets import Target
from lakehouse.workspace import open_workspace
from tests.lakehouse.serverless.conftest import WAREHOUSE, Remote
from tests.lakehouse.serverless.test_runs import failure_of, metadata_of, run_again_from_failure, terminate

ENDLESS = "SELECT sum(a.id * b.id % 7) FROM range(1000000000) a, range(100000) b"
STATEMENTS = "/api/2.0/sql/statements/"


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


@pytest.fixture
def fault(remote: Remote) -> Iterator[Callable[..., None]]:
    def add(**rule: Any) -> None:
        remote.client.api_client.do("POST", "/local/faults", body=rule)

    yield add
    remote.client.api_client.do("DELETE", "/local/faults")


def materialize(asset: dg.AssetsDefinition, instance: dg.DagsterInstance) -> dg.ExecuteInProcessResult:
    return dg.materialize([asset], instance=instance, raise_on_error=False)


def test_rows_and_statement_become_metadata(remote: Remote, instance: dg.DagsterInstance) -> None:
    text = "SELECT id, CAST(:day AS DATE) AS day, CAST(NULL AS STRING) AS nothing FROM range(25)"
    result = materialize(remote.statement("sql_rows", text, parameters={"day": "2013-01-31"}), instance)
    metadata = metadata_of(result, "sql_rows")
    assert metadata["rows"].value == [{"id": str(n), "day": "2013-01-31", "nothing": None} for n in range(10)]
    assert metadata["result_sample"].records[0].data == {"id": "0", "day": "2013-01-31", "nothing": "NULL"}
    (made,) = remote.statements("sql_rows")
    assert metadata["databricks/statement_id"].value == made.query_id
    assert made.query_id in metadata["databricks/statement_url"].value


def test_a_result_of_any_size_is_cut_not_refused(remote: Remote, instance: dg.DagsterInstance) -> None:
    text = "SELECT id, repeat('x', 1000) FROM range(40000)"
    assert materialize(remote.statement("sql_large", text), instance).success


def test_a_statement_writes_a_table(remote: Remote, instance: dg.DagsterInstance) -> None:
    text = "CREATE OR REPLACE TABLE sql_made AS SELECT id FROM range(3)"
    place = {"catalog": "serverless_tests", "schema": "default"}
    assert materialize(remote.statement("sql_makes", text, **place), instance).success
    count = materialize(remote.statement("sql_counts", "SELECT count(*) AS n FROM sql_made", **place), instance)
    assert metadata_of(count, "sql_counts")["rows"].value == [{"n": "3"}]


def test_a_failure_says_what_and_is_not_tried_again(remote: Remote, instance: dg.DagsterInstance) -> None:
    asset = remote.statement("sql_wrong", "SELECT nothing_like_it", retry_policy=dg.RetryPolicy(max_retries=2))
    message = failure_of(materialize(asset, instance))
    assert "nothing_like_it" in message and "/sql/history?queryId=" in message
    assert len(remote.statements("sql_wrong")) == 1


def test_a_missing_grant_is_named_with_its_remedy(
    remote: Remote, warm_target: Target, instance: dg.DagsterInstance
) -> None:
    remote.client.statement_execution.execute_statement(
        "CREATE TABLE IF NOT EXISTS serverless_tests.default.closed (id INT)", warehouse_id(remote), wait_timeout="30s"
    )
    changes = [{"principal": warm_target.principals["analysts"], "add": ["USE_CATALOG", "USE_SCHEMA"]}]
    path = "/api/2.1/unity-catalog/permissions/catalog/serverless_tests"
    remote.client.api_client.do("PATCH", path, body={"changes": changes})
    analyst = open_workspace(warm_target, "analyst")
    asset = remote.statement("sql_denied", "SELECT * FROM serverless_tests.default.closed", client=analyst)
    message = failure_of(materialize(asset, instance))
    assert "does not have" in message and "Remedy: GRANT " in message


def test_no_such_warehouse_names_those_there_are(remote: Remote, instance: dg.DagsterInstance) -> None:
    message = failure_of(materialize(remote.statement("sql_nowhere", "SELECT 1", warehouse="none"), instance))
    assert "There is no SQL warehouse 'none'" in message and WAREHOUSE in message


@pytest.mark.parametrize("drop", ["before", "after"])
def test_a_lost_answer_starts_nothing_twice(
    remote: Remote, instance: dg.DagsterInstance, fault: Callable[..., None], drop: str
) -> None:
    fault(method="POST", path=STATEMENTS, drop=drop, times=1)
    assert materialize(remote.statement(f"sql_lost_{drop}", "SELECT 1"), instance).success
    assert len(remote.statements(f"sql_lost_{drop}")) == 1


def test_what_ended_unseen_is_collected_not_repeated(remote: Remote, instance: dg.DagsterInstance) -> None:
    def die() -> None:
        raise RuntimeError("the worker dies")

    first = materialize(remote.statement("sql_unseen", "SELECT uuid() AS it", then=die), instance)
    assert not first.success
    again = run_again_from_failure(remote.statement("sql_unseen", "SELECT uuid() AS it"), instance, first)
    (made,) = remote.statements("sql_unseen")
    assert metadata_of(again, "sql_unseen")["databricks/statement_id"].value == made.query_id


def test_a_failed_statement_is_the_next_trys_history(remote: Remote, instance: dg.DagsterInstance) -> None:
    place = {"catalog": "serverless_tests", "schema": "default"}
    asset = remote.statement("sql_mended", "SELECT * FROM made_later", **place)
    first = materialize(asset, instance)
    assert "made_later" in failure_of(first)
    remote.client.statement_execution.execute_statement(
        "CREATE TABLE serverless_tests.default.made_later (id INT)", warehouse_id(remote), wait_timeout="30s"
    )
    assert run_again_from_failure(asset, instance, first).success
    assert len(remote.statements("sql_mended")) == 2


def test_of_two_that_were_started_the_first_stays(remote: Remote, instance: dg.DagsterInstance) -> None:
    """As when two workers began at the same moment: the second one is cancelled, the first one's result kept."""
    failed = materialize(remote.statement("sql_twice", "SELECT 1", then=lambda: 1 // 0), instance)
    (made,) = remote.statements("sql_twice")
    comment = made.query_text.split("\n")[0]
    twin = remote.client.statement_execution.execute_statement(
        f"{comment}\n{ENDLESS}", warehouse_id(remote), wait_timeout="0s"
    )
    again = run_again_from_failure(remote.statement("sql_twice", "SELECT 1"), instance, failed)
    assert metadata_of(again, "sql_twice")["databricks/statement_id"].value == made.query_id
    assert wait_for_end(remote, twin.statement_id) == "CANCELED"


def test_a_timeout_ends_the_statement_and_is_said(remote: Remote, instance: dg.DagsterInstance) -> None:
    message = failure_of(materialize(remote.statement("sql_slow", ENDLESS, timeout_seconds=1), instance))
    assert "timeout of 1 seconds" in message
    (made,) = remote.statements("sql_slow")
    assert wait_for_end(remote, made.query_id) == "CANCELED"


def test_termination_cancels_the_statement_and_the_step_fails(remote: Remote, tmp_path: Path) -> None:
    asset = remote.statement("sql_endless", ENDLESS, retry_policy=dg.RetryPolicy(max_retries=3))
    kinds = terminate(
        asset, tmp_path, lambda: any(one.status.value == "RUNNING" for one in remote.statements("sql_endless"))
    )
    assert "STEP_SUCCESS" not in kinds and "STEP_FAILURE" in kinds
    (made,) = remote.statements("sql_endless")
    assert wait_for_end(remote, made.query_id) == "CANCELED"


def warehouse_id(remote: Remote) -> str:
    (found,) = [one.id for one in remote.client.warehouses.list() if one.name == WAREHOUSE]
    assert found
    return found


def wait_for_end(remote: Remote, statement_id: str | None) -> str:
    deadline = time.monotonic() + 20
    while True:
        answer = remote.client.statement_execution.get_statement(statement_id or "")
        assert answer.status and answer.status.state
        state = answer.status.state.value
        if state not in ("PENDING", "RUNNING") or time.monotonic() > deadline:
            return state
        time.sleep(0.1)
