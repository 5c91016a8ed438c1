"""What the tutorial and the how-tos it leads to show, as a reader types it; above all the main job.

The workspace is the reader's own, from its first start to its end.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from databricks.sdk.service.sql import StatementParameterListItem, StatementResponse, StatementState

from demo.report import PATH
from demo.warehouse import QueryFailed, Warehouse
from lakehouse.targets import Target, local_target
from lakehouse.workspace import open_workspace
from local_workspace.lifecycle import workspace_home
from platform_assets.declarations.insights import CARRIERS, WORST_CARRIERS
from platform_assets.resource_types.model import Clients
from platform_assets.resource_types.saved_object import SavedObject

ROOT = Path(__file__).parent.parent.parent
BLOCK = re.compile(r"^```sh\n(.*?)^```", re.DOTALL | re.MULTILINE)
TIMEOUT_S = 900  # 120 s on an idle machine; tests share it
MARK = "=== the next block ==="
CATALOG = "flights"


def blocks_of(document: str) -> list[str]:
    return BLOCK.findall((ROOT / "docs" / document).read_text())


@dataclass
class Reader:
    """Somebody with an empty state directory and nothing of ours in the environment."""

    home: Path
    printed: list[str] = field(default_factory=list)

    @property
    def target(self) -> Target:
        return local_target(self.home, "default")

    def type(self, *blocks: str) -> list[str]:
        """Run blocks one after the other in a shell and return what each printed."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("LAKEHOUSE_", "DAGSTER_"))}
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", f"\necho '{MARK}'\n".join(blocks)],
            cwd=ROOT,
            env={**kept, "LAKEHOUSE_HOME": str(self.home), "COLUMNS": "140"},
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
        )
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
        return done.stdout.split(MARK)

    def report(self, name: str) -> dict[str, Any]:
        return dict(json.loads((self.home / name).read_text()))


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    """The tutorial but its last block, which ends the workspace; the main job twice; then the how-tos."""
    reader = Reader(tmp_path_factory.mktemp("reader"))
    path, up, token, plan, again, land, run, last = blocks_of("tutorial/first-flights.md")
    kept = [f"{run}cp {PATH} $LAKEHOUSE_HOME/{name}\n" for name in ("first.json", "second.json")]
    how_tos = [*blocks_of("how-to/backfill.md"), *blocks_of("how-to/run-a-jar.md")]
    try:
        reader.printed = reader.type(path, up, token, plan, again, land, *kept, *how_tos)
        yield reader
    finally:
        (down,) = reader.type(f"{path}{last}")
    assert "is down, its state is kept" in down


@pytest.fixture(scope="module")
def first(reader: Reader) -> dict[str, Any]:
    return reader.report("first.json")


def test_every_block_does_what_the_text_says(reader: Reader) -> None:
    _path, up, _token, plan, again, land, run, _run_again, backfill, jar = reader.printed
    assert "is up" in up and "spark" in up
    assert "38 created" in plan
    assert "nothing to do" in again.lower()
    assert "flights" in land and "2,699" in land
    assert "flights.gold.route_performance" in run
    assert "flights.gold.route_performance" in backfill
    assert jar.count("Count is: 99") >= 2


def test_everything_is_in_the_report(first: dict[str, Any]) -> None:
    assert [phase["phase"].split()[0] for phase in first["phases"]] == ["Start", "Reconcile", "Land", "Sense", "Read"]
    assert first["rows"]["flights.bronze.flights"] == first["rows"]["flights.silver.flights"] == 842 + 943 + 914
    landing = first["landing"]
    assert (landing["written"], landing["unchanged"], first["changed_nothing"]) == (0, 9, False), "landed before it"
    (arrival,) = first["arrivals"]["runs"]
    assert arrival["days"] == "2013-01-01 to 2013-01-03" and len(arrival["steps"]) == 10
    assert sorted(first["gold"]) == [
        "flights.gold.daily_carrier_performance",
        "flights.gold.route_performance",
        "flights.gold.weather_delay_impact",
    ]
    for table, answer in first["gold"].items():
        assert len(answer["rows"]) == first["rows"][table]


def test_every_check_has_run_and_none_found_an_error(first: dict[str, Any]) -> None:
    assert [check for check in first["checks"] if check["passed"] is False and check["severity"] == "ERROR"] == []
    assert {check["passed"] for check in first["checks"]} <= {True, False}
    assert {check["check"] for check in first["checks"] if not check["passed"]} <= {"airports_known"}


def test_answers_and_time_are_printed(reader: Reader) -> None:
    for text in ("United Air Lines Inc.", "What does weather do", "Where the time went", "silver.flights", "make dev"):
        assert text in reader.printed[6]


def test_a_second_run_changes_nothing_and_says_so(reader: Reader) -> None:
    report = reader.report("second.json")
    assert report["changed_nothing"]
    assert (report["estate"]["changed"], report["landing"]["written"], report["arrivals"]["runs"]) == ({}, 0, [])
    assert "Nothing changed" in reader.printed[7]
    assert report["gold"]


def test_spark_was_warmed_up_and_nothing_of_it_is_left(reader: Reader) -> None:
    workspace = workspace_home(reader.home, "default")
    assert "Spark is warm" in (workspace / "logs" / "gateway.log").read_text()
    assert not (workspace / "spark" / "scratch" / "warm-up").exists()


def test_an_analyst_may_read_gold_only(reader: Reader) -> None:
    with pytest.raises(QueryFailed, match="SELECT"):
        Warehouse(reader.target, "analyst").ask(f"SELECT count(*) FROM {CATALOG}.silver.flights")


def identity_of(target: Target, declared: SavedObject) -> str:
    found = declared.find(Clients(target))
    assert found is not None
    return found.identity


def count_rows(answer: StatementResponse) -> int:
    assert answer.status and answer.status.state is StatementState.SUCCEEDED, answer.status
    assert answer.manifest is not None
    return answer.manifest.total_row_count or 0


def test_the_saved_query_and_the_dashboards_answer_an_analyst(reader: Reader, first: dict[str, Any]) -> None:
    client = open_workspace(reader.target, "analyst")
    query = client.queries.get(identity_of(reader.target, WORST_CARRIERS))
    days = {one.name: one.date_value.date_value for one in query.parameters or [] if one.date_value}
    given = [StatementParameterListItem(str(name), type="DATE", value=day) for name, day in days.items()]
    execute = client.statement_execution.execute_statement
    answer = execute(str(query.query_text), str(query.warehouse_id), parameters=given, wait_timeout="50s")
    carriers = f"SELECT DISTINCT carrier_name FROM {CATALOG}.gold.daily_carrier_performance"
    assert count_rows(answer) == len(Warehouse(reader.target, "analyst").ask(carriers).rows) > 10
    dashboard = client.lakeview.get(identity_of(reader.target, CARRIERS))
    for dataset in json.loads(dashboard.serialized_dashboard or "")["datasets"]:
        answer = execute("".join(dataset["queryLines"]), str(dashboard.warehouse_id), wait_timeout="50s")
        assert count_rows(answer) == first["rows"]["flights.gold.daily_carrier_performance"]
