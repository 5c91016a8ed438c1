"""Objects land, the sensor senses, one run goes from bronze to gold; bad input is kept visible, nothing is lost.

What the tables promise over time as well: a stream takes a file once, a merge what changed, versions can be read again.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from datetime import date
from typing import Any

import dagster as dg
import pandas as pd
import pytest

from lakehouse.names import table_key
from tests.flows import odd_files
from tests.flows.conftest import Flow
from tests.flows.odd_files import rows_of
from tests.flows.pandas_answers import assert_same, calculate

FIRST, LAST = date(2013, 1, 1), date(2013, 1, 3)
CUT, UNKNOWN, MISSING, EMPTY, TWICE, OVERWRITTEN = (f"2013-02-0{day}" for day in range(1, 7))
ODD = odd_files.DAY


@dataclass
class Landed:
    """January's first days, run once, and the events that told of them."""

    arrivals: Any
    events: list[str]


def key_of(day: str, name: str = "flights") -> str:
    return f"flights/date={day}/{name}.json"


@pytest.fixture(scope="module")
def landed(flow: Flow) -> Landed:
    """Three days with everything, whose events come twice and in the wrong order."""
    flow.land(FIRST, LAST)
    events = flow.peek_events()
    for body in reversed(events):
        flow.send(body)
    return Landed(flow.run_arrivals(), events)


@pytest.fixture(scope="module")
def dirty(flow: Flow, landed: Landed) -> Any:
    """Seven days of bad files, which are one run."""
    lines = "".join(json.dumps(row) + "\n" for row in rows_of(CUT, 20))
    flow.put(key_of(CUT), lines[:-40])
    flow.put_rows(key_of(UNKNOWN), [{**row, "gate": "A1"} for row in rows_of(UNKNOWN, 20)])
    flow.put_rows(key_of(MISSING), [{k: v for k, v in row.items() if k != "carrier"} for row in rows_of(MISSING, 20)])
    flow.put(key_of(EMPTY), "")
    for name in ("flights", "again"):
        flow.put_rows(key_of(TWICE, name), rows_of(TWICE, 20))
    flow.put_rows(key_of(OVERWRITTEN), rows_of(OVERWRITTEN, 20))
    odd_files.put_odd_files(flow)
    return flow.run_arrivals()


@dataclass
class Overwritten:
    """A run over files that came again, and what was there before it."""

    arrivals: Any
    flights: pd.DataFrame
    hours: int
    versions: dict[str, int]
    airlines: dict[str, str]


@pytest.fixture(scope="module")
def overwritten(flow: Flow, dirty: Any) -> Overwritten:
    """Files of flights, weather and airlines with other content: S3 tells versions apart by the second."""
    versions = {table: version(flow, table) for table in ("bronze.weather", "bronze.airlines")}
    flights, hours, airlines = count_by_day(flow), count_hours(flow), names(flow)
    time.sleep(1.1)
    flow.put_rows(key_of(OVERWRITTEN), [{**row, "dep_delay": 77} for row in rows_of(OVERWRITTEN, 15)])
    flow.put_rows(odd_files.WEATHER, [{**odd_files.HOUR, "temp": 50.5}])
    flow.put_rows(odd_files.EMPTY, [{**odd_files.HOUR, "time_hour": f"{ODD}T14:00:00Z"}])
    flow.put_rows("airlines/airlines.json", [{"carrier": "DL", "name": "Delta"}, {"carrier": "ZZ", "name": "New"}])
    return Overwritten(flow.run_arrivals(), flights, hours, versions, airlines)


def version(flow: Flow, table: str) -> int:
    return int(flow.ask(f"DESCRIBE HISTORY {{flights}}.{table} LIMIT 1")["version"].iloc[0])


def count_hours(flow: Flow) -> int:
    return int(flow.ask("SELECT count(*) AS n FROM {flights}.bronze.weather")["n"].iloc[0])


def names(flow: Flow, suffix: str = "") -> dict[str, str]:
    found = flow.ask(f"SELECT carrier, name FROM {{flights}}.bronze.airlines{suffix} WHERE carrier IS NOT NULL")
    return dict(zip(found["carrier"], found["name"], strict=True))


def count_by_day(flow: Flow) -> pd.DataFrame:
    return flow.ask("SELECT flight_date, count(*) AS n FROM {flights}.silver.flights GROUP BY 1")


def count(flow: Flow, day: str) -> tuple[int, int, int]:
    """Rows of a day in bronze, silver, quarantine."""
    layers = ("bronze.flights", "silver.flights", "silver.flights_quarantine")
    parts = [f"(SELECT count(*) FROM {{flights}}.{layer} WHERE flight_date = '{day}')" for layer in layers]
    bronze, silver, quarantined = flow.ask(
        f"SELECT {', '.join(f'{part} AS n{i}' for i, part in enumerate(parts))}"
    ).iloc[0]
    assert bronze == silver + quarantined, "rows were lost or made"
    return int(bronze), int(silver), int(quarantined)


def reasons(flow: Flow, day: str) -> list[str]:
    found = flow.ask(f"SELECT reason FROM {{flights}}.silver.flights_quarantine WHERE flight_date = '{day}'")
    return sorted(found["reason"])


def test_one_run_over_the_range(landed: Landed) -> None:
    (run,) = landed.arrivals.runs
    assert (run.days, run.tables) == ("2013-01-01 to 2013-01-03", 11)


def test_gold_is_what_pandas_calculates(flow: Flow, landed: Landed) -> None:
    for name, (key, expected) in calculate(FIRST, LAST).items():
        where = f"WHERE flight_date <= '{LAST}'" if "flight_date" in key else ""
        assert_same(name, flow.ask(f"SELECT * FROM {{flights}}.gold.{name} {where}"), expected, key)


def test_messages_are_gone_and_a_second_round_does_nothing(flow: Flow, landed: Landed) -> None:
    assert flow.messages("landing-events") == 0
    assert flow.land(FIRST, LAST).written == 0
    assert flow.run_arrivals().runs == []


def test_late_repetition_of_all_events_is_the_same_run_key(flow: Flow, landed: Landed) -> None:
    for body in landed.events:
        flow.send(body)
    assert flow.run_arrivals().runs == []
    assert flow.messages("landing-events") == 0


def test_all_bad_days_are_one_run(dirty: Any) -> None:
    assert [run.days for run in dirty.runs] == [f"{CUT} to {ODD}"]


def test_a_truncated_line_is_quarantined_as_it_came(flow: Flow, dirty: Any) -> None:
    assert count(flow, CUT) == (20, 19, 1)
    (found,) = flow.ask(
        f"SELECT reason, record, _source_file FROM {{flights}}.silver.flights_quarantine WHERE flight_date = '{CUT}'"
    ).to_dict("records")
    assert found["reason"] == "corrupt line"
    assert json.dumps(rows_of(CUT, 20)[-1]).startswith(found["record"])
    assert key_of(CUT) in found["_source_file"].replace("%3D", "=")


def test_an_unknown_column_is_rescued(flow: Flow, dirty: Any) -> None:
    assert count(flow, UNKNOWN) == (20, 20, 0)
    found = flow.ask(f"SELECT DISTINCT _rescued FROM {{flights}}.bronze.flights WHERE flight_date = '{UNKNOWN}'")
    assert [json.loads(text) for text in found["_rescued"]] == [{"gate": "A1"}]


def test_a_missing_column_is_a_reason(flow: Flow, dirty: Any) -> None:
    assert count(flow, MISSING) == (20, 0, 20)
    assert set(reasons(flow, MISSING)) == {"missing carrier"}


def test_an_empty_file_is_an_empty_day(flow: Flow, dirty: Any) -> None:
    assert count(flow, EMPTY) == (0, 0, 0)


def test_the_same_rows_in_two_files_count_once(flow: Flow, dirty: Any) -> None:
    assert count(flow, TWICE) == (40, 20, 20)
    assert set(reasons(flow, TWICE)) == {"duplicate: a newer row has this key"}


def test_every_line_of_odd_flights_is_somewhere(flow: Flow, dirty: Any) -> None:
    assert reasons(flow, ODD) == [
        "corrupt line",
        "corrupt line",
        "dep_delay is no number: late",
        "duplicate: a newer row has this key",
        "missing dest",
        "time_hour is no hour of that day in New York: 2013-02-09T12:00:00Z",
        f"wrong day: landed as {ODD}",
    ]
    assert count(flow, ODD) == (10, 3, 7)


def test_the_second_object_of_a_line_is_kept(flow: Flow, dirty: Any) -> None:
    found = flow.ask(
        "SELECT record FROM {flights}.silver.flights_quarantine "
        f"WHERE reason = 'corrupt line' AND flight_date = '{ODD}'"
    )
    assert odd_files.odd_flights()[3] in found["record"].tolist()


def test_lines_without_a_key_do_not_merge_into_one(flow: Flow, dirty: Any) -> None:
    found = flow.ask("SELECT _corrupt_record FROM {flights}.bronze.airlines WHERE carrier IS NULL ORDER BY 1")
    assert found["_corrupt_record"].tolist() == ['{"name": "one"}', '{"name": "two"}']


def test_a_value_that_is_misread_is_told(flow: Flow, dirty: Any) -> None:
    check = dg.AssetCheckKey(table_key("flights.silver.weather"), "values_readable")
    record = flow.instance.event_log_storage.get_latest_asset_check_execution_by_key([check])[check]
    assert record.event is not None and record.event.dagster_event is not None
    evaluation = record.event.dagster_event.asset_check_evaluation_data
    assert evaluation.passed is False
    assert evaluation.metadata["rows_with_misread_values"].value == 1


def test_an_overwritten_file_replaces_its_day_and_no_other(flow: Flow, overwritten: Overwritten) -> None:
    (run,) = overwritten.arrivals.runs
    assert run.days == f"{OVERWRITTEN} to {OVERWRITTEN}"
    assert count(flow, OVERWRITTEN) == (15, 15, 0)
    found = flow.ask(f"SELECT DISTINCT dep_delay FROM {{flights}}.silver.flights WHERE flight_date = '{OVERWRITTEN}'")
    assert found["dep_delay"].tolist() == [77]
    assert days_without(count_by_day(flow)) == days_without(overwritten.flights)


def days_without(frame: pd.DataFrame) -> dict[str, int]:
    return {row["flight_date"]: row["n"] for row in frame.to_dict("records") if row["flight_date"] != OVERWRITTEN}


def test_weather_that_is_overwritten_comes_again(flow: Flow, overwritten: Overwritten) -> None:
    """The stream knows both files by their paths."""
    found = flow.ask(
        f"SELECT temp, hour(time_hour) AS h FROM {{flights}}.silver.weather WHERE date(time_hour) = '{ODD}' ORDER BY h"
    )
    assert [(float(temp), int(hour)) for temp, hour in found.to_numpy()] == [(50.5, 12), (39.0, 14), (39.0, 15)]


def test_a_stream_takes_each_file_once(flow: Flow, overwritten: Overwritten) -> None:
    assert count_hours(flow) == overwritten.hours + 2
    assert version(flow, "bronze.weather") == overwritten.versions["bronze.weather"] + 1


def test_weather_that_lies_astray_is_not_taken(flow: Flow, overwritten: Overwritten) -> None:
    """Its event is a dead letter; the stream lists what is there, and takes the one that was routed."""
    found = flow.ask(
        "SELECT _source_file FROM {flights}.bronze.weather "
        "WHERE _source_file LIKE '%astray%' OR _source_file LIKE '%beside%'"
    )
    assert [name.rpartition("/")[2] for name in found["_source_file"]] == ["beside.json"]


def test_a_merge_changes_what_changed_and_adds_what_is_new(flow: Flow, overwritten: Overwritten) -> None:
    assert names(flow) == {**overwritten.airlines, "DL": "Delta", "ZZ": "New"}
    metrics = flow.ask("DESCRIBE HISTORY {flights}.bronze.airlines LIMIT 1")["operationMetrics"].iloc[0]
    metrics = json.loads(metrics) if isinstance(metrics, str) else dict(metrics)
    assert (metrics["numTargetRowsInserted"], metrics["numTargetRowsUpdated"]) == ("1", "1")
    before = overwritten.versions["bronze.airlines"]
    assert names(flow, f" VERSION AS OF {before}") == overwritten.airlines
    assert overwritten.airlines["DL"] == "Delta Air Lines Inc."


def test_what_is_written_is_reported_to_the_row(flow: Flow, overwritten: Overwritten) -> None:
    """A table that is not partitioned copies the rows of other days; they were not written by this run."""
    event = flow.instance.get_latest_materialization_event(table_key("flights.silver.flights"))
    assert event is not None and event.asset_materialization is not None
    metadata = event.asset_materialization.metadata
    written = [metadata[name].value for name in ("rows_in", "rows_written", "dagster/row_count")]
    assert written == [15, 15, overwritten.flights["n"].astype(int).sum() - 5]


def test_update_delete_and_time_travel_in_sql(flow: Flow) -> None:
    table = "{flights}.silver.scratch"
    flow.ask(f"CREATE OR REPLACE TABLE {table} PARTITIONED BY (part) AS SELECT id, id % 2 AS part FROM range(6)")
    flow.ask(f"UPDATE {table} SET id = id + 100 WHERE part = 1")
    flow.ask(f"DELETE FROM {table} WHERE part = 0")
    now = flow.ask(f"SELECT id FROM {table} ORDER BY id")["id"].tolist()
    then = flow.ask(f"SELECT id FROM {table} VERSION AS OF 0 ORDER BY id")["id"].tolist()
    assert ([int(n) for n in now], [int(n) for n in then]) == ([101, 103, 105], [0, 1, 2, 3, 4, 5])
    flow.ask(f"DROP TABLE {table}")


def test_what_belongs_nowhere_waits_among_the_dead_letters(flow: Flow, landed: Landed) -> None:
    before = flow.messages("landing-events-dead-letters")
    flow.put("hotels/hotels.json", "{}")
    flow.send("no event")
    assert flow.run_arrivals().runs == []
    assert flow.messages("landing-events-dead-letters") == before + 2
    assert flow.messages("landing-events") == 0
