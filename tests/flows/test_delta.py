"""What the tables promise over time: a stream takes a file once, a merge what changed, versions can be read again."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.flows.conftest import Flow

HOUR = {"origin": "EWR", "year": 2013, "month": 1, "day": 1, "temp": 39.0, "precip": 0.0, "visib": 10.0}
AIRLINES = [{"carrier": "UA", "name": "United"}, {"carrier": "DL", "name": "Delta"}]


def hours(*numbers: int) -> list[dict[str, Any]]:
    return [{**HOUR, "hour": hour, "time_hour": f"2013-01-01T{hour:02}:00:00Z"} for hour in numbers]


def names(flow: Flow, suffix: str = "") -> dict[str, str]:
    found = flow.ask(f"SELECT carrier, name FROM {{flights}}.bronze.airlines{suffix} WHERE carrier IS NOT NULL")
    return dict(zip(found["carrier"], found["name"], strict=True))


def version(flow: Flow, table: str) -> int:
    return int(flow.ask(f"DESCRIBE HISTORY {{flights}}.{table} LIMIT 1")["version"].iloc[0])


@pytest.fixture(scope="module")
def first(flow: Flow) -> Flow:
    """Two hours of weather and two airlines, loaded."""
    flow.put_rows("weather/date=2013-01-01/one.json", hours(1, 2))
    flow.put_rows("airlines/airlines.json", AIRLINES)
    assert len(flow.run_arrivals().runs) == 1
    return flow


def test_a_stream_takes_each_file_once(first: Flow) -> None:
    before = version(first, "bronze.weather")
    first.put_rows("weather/date=2013-01-01/two.json", hours(2, 3))
    first.run_arrivals()
    counts = first.ask("SELECT count(*) AS n, count(DISTINCT time_hour) AS k FROM {flights}.bronze.weather")
    assert counts.iloc[0].tolist() == [4, 3]
    assert first.ask("SELECT count(*) AS n FROM {flights}.silver.weather")["n"].tolist() == [3]
    assert version(first, "bronze.weather") == before + 1


def test_a_merge_changes_what_changed_and_adds_what_is_new(first: Flow) -> None:
    before = version(first, "bronze.airlines")
    changed = [{"carrier": "UA", "name": "United Air Lines"}, {"carrier": "AA", "name": "American"}]
    first.put_rows("airlines/airlines.json", changed)
    first.run_arrivals()
    assert names(first) == {"UA": "United Air Lines", "DL": "Delta", "AA": "American"}
    metrics = first.ask("DESCRIBE HISTORY {flights}.bronze.airlines LIMIT 1")["operationMetrics"].iloc[0]
    metrics = json.loads(metrics) if isinstance(metrics, str) else dict(metrics)
    assert (metrics["numTargetRowsInserted"], metrics["numTargetRowsUpdated"]) == ("1", "1")
    assert names(first, f" VERSION AS OF {before}") == {"UA": "United", "DL": "Delta"}


def test_update_delete_and_time_travel_in_sql(first: Flow) -> None:
    table = "{flights}.silver.scratch"
    first.ask(f"CREATE OR REPLACE TABLE {table} PARTITIONED BY (part) AS SELECT id, id % 2 AS part FROM range(6)")
    first.ask(f"UPDATE {table} SET id = id + 100 WHERE part = 1")
    first.ask(f"DELETE FROM {table} WHERE part = 0")
    now = first.ask(f"SELECT id FROM {table} ORDER BY id")["id"].tolist()
    then = first.ask(f"SELECT id FROM {table} VERSION AS OF 0 ORDER BY id")["id"].tolist()
    assert ([int(n) for n in now], [int(n) for n in then]) == ([101, 103, 105], [0, 1, 2, 3, 4, 5])
    first.ask(f"DROP TABLE {table}")
