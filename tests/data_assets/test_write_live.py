"""Writes on the real Spark server: two runs at once leave one result, a table gains the columns it is declared with."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from data_assets.steps import _progress
from data_assets.steps._plan import Output, Plan
from data_assets.steps._write import Written, read_history, write_frame
from lakehouse.targets import Target

COLUMNS = (("flight_date", "DATE", "Day"), ("number", "INT", "A number"))
SELECT = "SELECT DATE'2013-01-01' + CAST(id % 2 AS INT) AS flight_date, CAST(id AS INT) AS number FROM range({rows})"


@pytest.fixture
def output(estate: Target, session: Any, request: pytest.FixtureRequest) -> Iterator[Output]:
    table = f"{estate.catalog('flights')}.silver.written_by_tests"
    session.sql(f"DROP TABLE IF EXISTS {table}")
    yield Output(table, table, "x", "replace_days", COLUMNS, daily=True)
    session.sql(f"DROP TABLE IF EXISTS {table}")


def write(session: Any, output: Output, rows: int, days: tuple[str, str] = ("2013-01-01", "2013-01-02")) -> Written:
    return write_frame(session, session.sql(SELECT.format(rows=rows)), output, Plan("x", (output,), {}, days))


def test_two_runs_at_once_leave_what_one_would(session: Any, output: Output) -> None:
    """Both find no table and replace the same days."""
    with ThreadPoolExecutor(2) as threads:
        done = list(threads.map(lambda rows: write(session, output, rows), (40, 60)))
    assert [one.rows for one in done] == [40, 60]
    assert len({one.version for one in done}) == 2
    last = max(done, key=lambda one: one.version)
    assert session.table(output.table).count() == last.rows


def test_a_rerun_changes_no_row(session: Any, output: Output) -> None:
    first = write(session, output, 10)
    before = sorted(session.table(output.table).collect())
    again = write(session, output, 10)
    assert (first.rows, again.rows) == (10, 10)
    assert sorted(session.table(output.table).collect()) == before


def test_days_outside_of_the_range_are_refused(session: Any, output: Output) -> None:
    with pytest.raises(Exception, match="DELTA_REPLACE_WHERE_MISMATCH"):
        write(session, output, 10, days=("2013-01-01", "2013-01-01"))


def test_nothing_to_write_makes_no_commit(session: Any, output: Output) -> None:
    assert write(session, output, 0) == Written(0, 0, 0)
    assert len(read_history(session, output, 9)) == 1


def test_a_merge_of_rows_that_are_there_makes_no_commit(session: Any, output: Output) -> None:
    """Their lineage may be new, and a null is a value like any other."""
    columns = (*COLUMNS, *((name, "STRING", name) for name in ("_rescued", "_corrupt_record", "_source_file")))
    merged = dataclasses.replace(output, mode="merge", keys=("flight_date",), columns=columns, daily=False)

    def merge(first: str, last: str, file: str = "a") -> Written:
        days = f"VALUES (DATE'2013-01-01', {first}), (DATE'2013-01-02', {last}) AS v(flight_date, number)"
        lineage = f"NULL AS _rescued, NULL AS _corrupt_record, '{file}' AS _source_file"
        frame = session.sql(f"SELECT *, {lineage} FROM {days}")
        return write_frame(session, frame, merged, Plan("x", (merged,), {}, None))

    assert merge("1", "NULL") == Written(1, 2, 2)
    assert merge("1", "NULL", "b") == Written(1, 0, 0)
    assert merge("NULL", "2") == Written(2, 2, 2)
    assert len(read_history(session, merged, 9)) == 3


def test_a_table_gains_the_columns_of_its_declaration(session: Any, output: Output) -> None:
    write(session, output, 10)
    wider = dataclasses.replace(output, columns=(*COLUMNS, ("name", "STRING", "It's new")))
    frame = session.sql(SELECT.format(rows=4)).selectExpr("*", "'x' AS name")
    write_frame(session, frame, wider, Plan("x", (wider,), {}, ("2013-01-01", "2013-01-02")))
    assert session.table(output.table).where("name = 'x'").count() == 4


def test_spark_reports_its_progress_to_a_step(session: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_progress, "FIRST_AFTER_S", 0.0)
    monkeypatch.setattr(_progress, "AT_MOST_EVERY_S", 0.0)
    session.conf.set("spark.connect.progress.reportInterval", "50ms")
    said: list[str] = []
    session.registerProgressHandler(_progress.SparkProgress(said.append))
    assert session.sql("SELECT count(*) FROM range(0, 4000000, 1, 8) WHERE sqrt(id) > 3").first()[0] > 0
    line = re.compile(r"Spark: \d+ of \d+ tasks done, \d+ running, 0 MiB read, \d+ s")
    assert said and all(map(line.fullmatch, said)), said
