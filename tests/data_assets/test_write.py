"""What a write says it did is read from the table's history; a conflict is tried again, anything else is not."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from pyspark.errors import PySparkException

from data_assets.steps import _write
from data_assets.steps._plan import Output
from data_assets.steps._table import describe_creation, quote_text
from data_assets.steps._write import (
    OwnCommits,
    Written,
    describe_commits,
    own_batches,
    own_merge,
    own_token,
    retry_conflicts,
)

MERGED = Output("a.b.c", "a.b.c", "a/b/c", "merge", (("id", "INT", "it's"),), location="s3://x/y")


def commit(version: int, operation: str = "WRITE", token: str | None = None, **metrics: int) -> dict[str, Any]:
    counted = {name: str(count) for name, count in metrics.items()}
    parameters = {"queryId": "q", "epochId": str(version)} if operation == "STREAMING UPDATE" else {}
    return {
        "version": version,
        "operation": operation,
        "operationParameters": parameters,
        "userMetadata": token,
        "operationMetrics": counted,
    }


def described(history: list[dict[str, Any]], own: OwnCommits) -> Written:
    return describe_commits(lambda newest: history[:newest], own)


def merged(updated: int, inserted: int) -> dict[str, int]:
    return {"num_updated_rows": updated, "num_inserted_rows": inserted}


def test_a_write_finds_its_own_commit_among_others() -> None:
    history = [commit(7, token="other", numOutputRows=9), commit(6, token="mine", numOutputRows=5, numCopiedRows=3)]
    assert described(history, own_token("mine")) == Written(6, 2, 2)


def test_a_write_that_had_nothing_to_do_made_no_commit() -> None:
    assert described([commit(7, token="other", numOutputRows=9)], own_token("mine")) == Written(7, 0, 0)


def test_the_history_is_asked_for_more_only_when_others_have_committed_since() -> None:
    asked: list[int] = []

    def read(newest: int) -> list[dict[str, Any]]:
        asked.append(newest)
        return [commit(7, token="other", numOutputRows=9), commit(6, token="mine", numOutputRows=5)][:newest]

    for token in ("other", "mine"):
        describe_commits(read, own_token(token))
    describe_commits(read, own_merge(merged(updated=0, inserted=0)))
    assert asked == [1, 1, 20, 1]


def test_a_merge_counts_what_it_changed_not_what_it_copied() -> None:
    counts = {"numTargetRowsInserted": 2, "numTargetRowsUpdated": 1}
    history = [
        commit(7, "MERGE", numSourceRows=1, numTargetRowsInserted=2, numTargetRowsUpdated=0),
        commit(6, "OPTIMIZE", numOutputRows=50),
        commit(5, "MERGE", numSourceRows=10, numOutputRows=99, **counts),
        commit(4, "MERGE", numSourceRows=11, numOutputRows=98, **counts),
    ]
    assert described(history, own_merge(merged(updated=1, inserted=2))) == Written(5, 3, 10)
    assert described(history, own_merge(merged(updated=0, inserted=0))) == Written(7, 0, 0)


def test_a_stream_counts_its_own_batches() -> None:
    history = [commit(9, "STREAMING UPDATE", numOutputRows=1), commit(8, "STREAMING UPDATE", numOutputRows=2)]
    assert described([*history, commit(7, numOutputRows=5)], own_batches("q", [8, 7])) == Written(8, 2, 2)
    assert described(history, own_batches("another", [8, 9])) == Written(9, 0, 0)


def test_two_writes_to_one_table_add_up() -> None:
    assert Written(3, 5, 6).and_then(Written(4, 1, 2)) == Written(4, 6, 8)


@pytest.fixture
def no_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_write.time, "sleep", lambda _seconds: None)


@pytest.mark.parametrize(
    "message", ["[DELTA_CONCURRENT_APPEND] x", "[DELTA_METADATA_CHANGED] y", "ConcurrentDeleteRead"]
)
def test_a_conflict_is_tried_again(no_wait: None, message: str) -> None:
    errors = [PySparkException(message), PySparkException(message)]

    def write() -> None:
        if errors:
            raise errors.pop()

    retry_conflicts(write)
    assert errors == []


@pytest.mark.parametrize(
    ("message", "calls"), [("[PERMISSION_DENIED] no", 1), ("[DELTA_CONCURRENT_WRITE]", _write.TRIES)]
)
def test_other_errors_and_endless_conflicts_are_raised(no_wait: None, message: str, calls: int) -> None:
    made: list[int] = []

    def write() -> None:
        made.append(1)
        raise PySparkException(message)

    with pytest.raises(PySparkException):
        retry_conflicts(write)
    assert len(made) == calls


def test_a_table_is_made_as_it_is_declared() -> None:
    statement = describe_creation(MERGED)
    assert "CREATE TABLE IF NOT EXISTS `a`.`b`.`c`" in statement and "`id` INT COMMENT 'it\\'s'" in statement
    assert "LOCATION 's3://x/y'" in statement and "TBLPROPERTIES" not in statement
    named = describe_creation(dataclasses.replace(MERGED, statistics=("id", "day")))
    assert "TBLPROPERTIES ('delta.dataSkippingStatsColumns' = 'id,day')" in named


def test_quotes_cannot_end_a_text() -> None:
    assert quote_text("a'b\\") == "'a\\'b\\\\'"
