"""Landed files that a reader could drop lines of in silence, for one day."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

from demo.flights_data import make_files
from tests.flows.conftest import Flow

DAY = "2013-02-07"
HOUR = {"origin": "EWR", "time_hour": f"{DAY}T12:00:00Z", "temp": 39.0, "precip": 0.0, "visib": 10.0}
WEATHER, EMPTY = f"weather/date={DAY}/odd.json", f"weather/date={DAY}/empty.json"
BESIDE = "weather/beside.json"  # a data set that is not loaded by day takes files beside its day folders, too
ASTRAY = f"weather/date={DAY}/deeper/astray.json"


def rows_of(day: str, count: int) -> list[dict[str, Any]]:
    """Return a day's first real flights."""
    parsed = date.fromisoformat(day)
    (file,) = make_files(parsed, parsed, ["flights"])
    return [json.loads(line) for line in file.body.decode().splitlines()[:count]]


def odd_flights() -> list[str]:
    """Three good lines and seven that are not, one of them a repetition that only types tell."""
    good = rows_of(DAY, 9)
    two_in_one_line = json.dumps(good[3]) + json.dumps(good[4])
    same_flight = {**good[0], "flight": f"0{good[0]['flight']}", "carrier": f" {good[0]['carrier']}"}
    return [
        *(json.dumps(row) for row in good[:3]),
        two_in_one_line,
        json.dumps(good[5]) + " and more",
        json.dumps(same_flight),
        json.dumps({**good[6], "month": 13}),
        json.dumps({**good[7], "time_hour": "2013-02-09T12:00:00Z"}),
        json.dumps({**good[8], "dep_delay": "late", "gate": None}),
        json.dumps({**good[8], "dest": " "}),
    ]


def put_odd_files(flow: Flow) -> None:
    """Land them, airlines among them."""
    flow.put(f"flights/date={DAY}/odd.json", "\n".join(odd_flights()) + "\n")
    flow.put_rows(WEATHER, [HOUR, {**HOUR, "temp": "mild", "time_hour": f"{DAY}T13:00:00Z"}])
    flow.put(EMPTY, "")
    flow.put_rows(BESIDE, [{**HOUR, "time_hour": f"{DAY}T15:00:00Z"}])
    flow.put_rows(ASTRAY, [{**HOUR, "time_hour": f"{DAY}T16:00:00Z"}])
    flow.put("airlines/airlines.json", '{"carrier": "UA", "name": "United"}\n{"name": "one"}\n{"name": "two"}\n')
