"""What a write says it did is read from the table's history; a conflict is tried again, anything else is not."""

from __future__ import annotations

from typing import Any

import pytest
from pyspark.errors import PySparkException

from data_assets.steps import _write
from data_assets.steps._plan import Output
from data_assets.steps._table import describe_creation, quote_text
from data_assets.steps._write import Written, describe_commit, describe_commits, retry_conflicts

MERGED = Output(
    "a.b.c", "a.b.c", "a/b/c", "merge", (("id", "INT", "it's"),), partitioned_by=("id",), location="s3://x/y"
)


def commit(version: int, operation: str = "WRITE", token: str | None = None, **metrics: int) -> dict[str, Any]:
    counted = {name: str(count) for name, count in metrics.items()}
    return {"version": version, "operation": operation, "userMetadata": token, "operationMetrics": counted}


def test_a_write_finds_its_own_commit_among_others() -> None:
    history = [commit(7, token="other", numOutputRows=9), commit(6, token="mine", numOutputRows=5, numCopiedRows=3)]
    assert describe_commit(history, "mine") == Written(6, 2, 2)


def test_a_write_that_had_nothing_to_do_made_no_commit() -> None:
    assert describe_commit([commit(7, token="other", numOutputRows=9)], "mine") == Written(7, 0, 0)


def test_a_merge_counts_what_it_changed_not_what_it_copied() -> None:
    merge = commit(5, "MERGE", numSourceRows=10, numTargetRowsInserted=2, numTargetRowsUpdated=1, numOutputRows=99)
    history = [commit(6, "OPTIMIZE", numOutputRows=50), merge, commit(4, "MERGE", numSourceRows=1)]
    assert describe_commits(history, MERGED, before=4) == Written(5, 3, 10)
    assert describe_commits(history, MERGED, before=5) == Written(5, 0, 0)


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
    for part in ("CREATE TABLE IF NOT EXISTS `a`.`b`.`c`", "`id` INT COMMENT 'it\\'s'", "PARTITIONED BY (id)"):
        assert part in statement
    assert "LOCATION 's3://x/y'" in statement


def test_quotes_cannot_end_a_text() -> None:
    assert quote_text("a'b\\") == "'a\\'b\\\\'"
