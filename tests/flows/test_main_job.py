"""The main job as `make run` does it: all phases, the report, and a second run that has nothing to do."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from databricks.sdk.service.sql import StatementParameterListItem, StatementResponse, StatementState
from rich.console import Console

from demo.main_job import run
from demo.report import Report
from demo.tables import print_report
from demo.warehouse import QueryFailed, Warehouse
from lakehouse.targets import read_settings
from lakehouse.workspace import open_workspace
from platform_assets.declarations.insights import CARRIERS, WORST_CARRIERS
from platform_assets.resource_types.model import Clients
from platform_assets.resource_types.saved_object import SavedObject
from tests.flows.conftest import Flow

FIRST, LAST = date(2013, 1, 1), date(2013, 1, 2)


@dataclass
class Done:
    """A main job that has ended."""

    report: Report
    written: dict[str, Any]
    printed: str


def do(home: Path) -> Done:
    console = Console(file=io.StringIO(), width=120)
    settings = replace(read_settings(), dagster_home=home / "dagster")
    report = run(settings, FIRST, LAST, console, home / "report.json")
    print_report(console, report)
    assert isinstance(console.file, io.StringIO)
    return Done(report, json.loads((home / "report.json").read_text()), console.file.getvalue())


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("main-job")


@pytest.fixture(scope="module")
def first(flow: Flow, home: Path) -> Done:
    return do(home)


@pytest.fixture(scope="module")
def second(first: Done, home: Path) -> Done:
    return do(home)


def test_everything_is_in_the_report(first: Done) -> None:
    written = first.written
    assert [phase["phase"].split()[0] for phase in written["phases"]] == ["Start", "Reconcile", "Land", "Sense", "Read"]
    assert written["rows"]["flights.bronze.flights"] == written["rows"]["flights.silver.flights"] == 842 + 943
    assert written["landing"]["written"] == 7
    (arrival,) = written["arrivals"]["runs"]
    assert arrival["days"] == "2013-01-01 to 2013-01-02" and len(arrival["steps"]) == 10
    assert sorted(written["gold"]) == [
        "flights.gold.daily_carrier_performance",
        "flights.gold.route_performance",
        "flights.gold.weather_delay_impact",
    ]
    for table, answer in written["gold"].items():
        assert len(answer["rows"]) == written["rows"][table]


def test_every_check_has_run_and_none_found_an_error(first: Done) -> None:
    assert first.report.failed_checks == []
    assert {check.passed for check in first.report.checks} <= {True, False}
    assert {check.check for check in first.report.checks if not check.passed} <= {"airports_known"}


def test_answers_and_time_are_printed(first: Done) -> None:
    for text in ("United Air Lines Inc.", "What does weather do", "Where the time went", "silver.flights", "make dev"):
        assert text in first.printed


def test_a_second_run_changes_nothing_and_says_so(second: Done) -> None:
    report = second.report
    assert report.has_changed_nothing
    assert (report.estate.changed, report.landing.written, report.arrivals.runs) == ({}, 0, [])
    assert "Nothing changed" in second.printed
    assert second.written["gold"]


def test_an_analyst_may_read_gold_only(flow: Flow, first: Done) -> None:
    catalog = flow.target.catalog("flights")
    with pytest.raises(QueryFailed, match="SELECT"):
        Warehouse(flow.target, "analyst").ask(f"SELECT count(*) FROM {catalog}.silver.flights")


def identity_of(flow: Flow, declared: SavedObject) -> str:
    found = declared.find(Clients(flow.target))
    assert found is not None
    return found.identity


def count_rows(answer: StatementResponse) -> int:
    assert answer.status and answer.status.state is StatementState.SUCCEEDED, answer.status
    assert answer.manifest is not None
    return answer.manifest.total_row_count or 0


def test_the_saved_query_and_the_dashboards_answer_an_analyst(flow: Flow, first: Done) -> None:
    client = open_workspace(flow.target, "analyst")
    query = client.queries.get(identity_of(flow, WORST_CARRIERS))
    days = {one.name: one.date_value.date_value for one in query.parameters or [] if one.date_value}
    given = [StatementParameterListItem(str(name), type="DATE", value=day) for name, day in days.items()]
    execute = client.statement_execution.execute_statement
    answer = execute(str(query.query_text), str(query.warehouse_id), parameters=given, wait_timeout="50s")
    carriers = flow.ask("SELECT DISTINCT carrier_name FROM {flights}.gold.daily_carrier_performance")
    assert count_rows(answer) == len(carriers) > 10
    dashboard = client.lakeview.get(identity_of(flow, CARRIERS))
    for dataset in json.loads(dashboard.serialized_dashboard or "")["datasets"]:
        answer = execute("".join(dataset["queryLines"]), str(dashboard.warehouse_id), wait_timeout="50s")
        assert count_rows(answer) == first.written["rows"]["flights.gold.daily_carrier_performance"]
