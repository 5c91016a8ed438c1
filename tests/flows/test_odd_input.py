"""Input that a reader could drop in silence: every line of it is a row somewhere, and the newest file counts."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest

from demo.flights_data import make_files
from tests.flows.conftest import Flow

DAY = "2013-03-05"
HOUR = {"origin": "EWR", "time_hour": "2013-03-05T12:00:00Z", "temp": 39.0, "precip": 0.0, "visib": 10.0}
FLIGHTS, WEATHER = f"flights/date={DAY}/odd.json", f"weather/date={DAY}/odd.json"


def good_flights(count: int) -> list[dict[str, Any]]:
    parsed = date.fromisoformat(DAY)
    (file,) = make_files(parsed, parsed, ["flights"])
    return [json.loads(line) for line in file.body.decode().splitlines()[:count]]


def odd_flights() -> list[str]:
    """Three good lines and seven that are not, one of them a repetition that only types tell."""
    good = good_flights(9)
    two_in_one_line = json.dumps(good[3]) + json.dumps(good[4])
    same_flight = {**good[0], "flight": f"0{good[0]['flight']}", "carrier": f" {good[0]['carrier']}"}
    return [
        *(json.dumps(row) for row in good[:3]),
        two_in_one_line,
        json.dumps(good[5]) + " and more",
        json.dumps(same_flight),
        json.dumps({**good[6], "month": 13}),
        json.dumps({**good[7], "time_hour": "2013-03-09T12:00:00Z"}),
        json.dumps({**good[8], "dep_delay": "late", "gate": None}),
        json.dumps({**good[8], "dest": " "}),
    ]


@pytest.fixture(scope="module")
def landed(flow: Flow) -> Flow:
    """One arrival of everything odd."""
    flow.put(FLIGHTS, "\n".join(odd_flights()) + "\n")
    flow.put_rows(WEATHER, [HOUR, {**HOUR, "temp": "mild", "time_hour": "2013-03-05T13:00:00Z"}])
    flow.put(f"weather/date={DAY}/empty.json", "")
    flow.put("airlines/airlines.json", '{"carrier": "UA", "name": "United"}\n{"name": "one"}\n{"name": "two"}\n')
    flow.put_rows("airports/airports.json", [{"faa": "EWR", "name": "Newark"}])
    flow.put_rows("planes/planes.json", [{"tailnum": "N1", "year": 1999}])
    flow.run_arrivals()
    return flow


def test_every_line_of_flights_is_somewhere(landed: Flow) -> None:
    found = landed.ask("SELECT reason FROM {flights}.silver.flights_quarantine")
    assert sorted(found["reason"]) == [
        "corrupt line",
        "corrupt line",
        "dep_delay is no number: late",
        "duplicate: a newer row has this key",
        "missing dest",
        "time_hour is no hour of that day in New York: 2013-03-09T12:00:00Z",
        f"wrong day: landed as {DAY}",
    ]
    assert landed.ask("SELECT count(*) AS n FROM {flights}.silver.flights")["n"].tolist() == [3]


def test_the_second_object_of_a_line_is_kept(landed: Flow) -> None:
    found = landed.ask("SELECT record FROM {flights}.silver.flights_quarantine WHERE reason = 'corrupt line'")
    assert odd_flights()[3] in found["record"].tolist()


def test_lines_without_a_key_do_not_merge_into_one(landed: Flow) -> None:
    found = landed.ask("SELECT _corrupt_record FROM {flights}.bronze.airlines WHERE carrier IS NULL ORDER BY 1")
    assert found["_corrupt_record"].tolist() == ['{"name": "one"}', '{"name": "two"}']


def test_a_value_that_is_misread_is_told(landed: Flow) -> None:
    evaluation = latest_check(landed, ("flights", "silver", "weather"), "values_readable")
    assert evaluation.passed is False
    assert evaluation.metadata["rows_with_misread_values"].value == 1


def test_weather_that_is_overwritten_comes_again(landed: Flow) -> None:
    """The stream knows both files by their paths; S3 tells versions apart by the second."""
    import time

    time.sleep(1.1)
    landed.put_rows(WEATHER, [{**HOUR, "temp": 50.5}])
    landed.put_rows(f"weather/date={DAY}/empty.json", [{**HOUR, "time_hour": "2013-03-05T14:00:00Z"}])
    landed.run_arrivals()
    found = landed.ask("SELECT temp, hour(time_hour) AS h FROM {flights}.silver.weather ORDER BY h")
    assert [(float(temp), int(hour)) for temp, hour in found.to_numpy()] == [(50.5, 12), (39.0, 14)]
    bronze = landed.ask("SELECT count(*) AS n FROM {flights}.bronze.weather")["n"].tolist()
    landed.put_rows(f"weather/date={DAY}/new.json", [{**HOUR, "time_hour": "2013-03-05T15:00:00Z"}])
    landed.run_arrivals()
    assert landed.ask("SELECT count(*) AS n FROM {flights}.bronze.weather")["n"].tolist() == [bronze[0] + 1]


def test_what_was_written_is_reported_to_the_row(landed: Flow) -> None:
    """A table that is not partitioned copies the rows of other days; they were not written by this run."""
    other = "2013-03-06"
    (file,) = make_files(date.fromisoformat(other), date.fromisoformat(other), ["flights"])
    landed.put(f"flights/date={other}/flights.json", "\n".join(file.body.decode().splitlines()[:4]) + "\n")
    landed.run_arrivals()
    metadata = latest_metadata(landed, ("flights", "silver", "flights"))
    assert [metadata[name].value for name in ("rows_in", "rows_written", "dagster/row_count")] == [4, 4, 7]


def latest_metadata(flow: Flow, key: tuple[str, ...]) -> Any:
    import dagster as dg

    event = flow.instance.get_latest_materialization_event(dg.AssetKey(list(key)))
    assert event is not None and event.asset_materialization is not None
    return event.asset_materialization.metadata


def latest_check(flow: Flow, key: tuple[str, ...], name: str) -> Any:
    import dagster as dg

    check = dg.AssetCheckKey(dg.AssetKey(list(key)), name)
    record = flow.instance.event_log_storage.get_latest_asset_check_execution_by_key([check])[check]
    assert record.event is not None and record.event.dagster_event is not None
    return record.event.dagster_event.asset_check_evaluation_data
