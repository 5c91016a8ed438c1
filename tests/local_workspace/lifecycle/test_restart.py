"""What outlives crashes and restarts with all engines: tables, files, grants, the audit log."""

from __future__ import annotations

import io
import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
import pytest
from databricks.sdk.service.catalog import PermissionsChange, Privilege, VolumeType
from databricks.sdk.service.sql import StatementStatus

from lakehouse.serverless import ServerlessRuns
from lakehouse.targets import local_target, read_settings
from local_workspace import lifecycle
from tests.lakehouse.serverless.conftest import Remote
from tests.local_workspace.conftest import WarmWorkspace
from tests.waiting import wait_until

BOX = "/Volumes/kept/s/v"
ENDLESS = "SELECT sum(t.id * a.id * b.id % 7) FROM kept.s.t t, range(1000000000) a, range(100000) b"
SLOW = [("analyst", ENDLESS), ("deployer", f"INSERT INTO kept.s.t {ENDLESS}")]
# its first try goes on for as long as it is let
ONCE_LONG = f"""
import os, time
from dagster_pipes import (PipesCliArgsParamsLoader, PipesUnityCatalogVolumesMessageWriter, open_dagster_pipes)
loader, writer = PipesCliArgsParamsLoader(), PipesUnityCatalogVolumesMessageWriter(interval=0.05)
with open_dagster_pipes(params_loader=loader, message_writer=writer) as pipes:
    if not os.path.exists("{BOX}/began"):
        open("{BOX}/began", "w").close()
        time.sleep(600)
    pipes.report_asset_materialization(metadata={{"n": 7}})
"""


class Whole:
    """A workspace of its own with all engines."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.seen = WarmWorkspace(local_target(home, "whole"))

    def up(self) -> lifecycle.Endpoints:
        return lifecycle.up("whole", self.home, read_settings().cache_home)

    def warehouse(self) -> str:
        return next(str(one.id) for one in self.seen.client("admin").warehouses.list())

    def sql(self, text: str) -> list[list[str]]:
        role = "analyst" if text.startswith("SELECT") else "deployer"
        _, statement_id = submit(self, role, text)
        assert end_of(self, role, statement_id) == ("SUCCEEDED", "")
        answer = self.seen.client(role).statement_execution.get_statement(statement_id)
        return (answer.result.data_array if answer.result else None) or []


@pytest.fixture
def whole(tmp_path: Path) -> Iterator[Whole]:
    workspace = Whole(tmp_path)
    workspace.up()
    yield workspace
    lifecycle.down("whole", tmp_path)


def declare(whole: Whole) -> None:
    uc = whole.seen.client("deployer")
    uc.catalogs.create("kept")
    uc.schemas.create("s", "kept")
    uc.volumes.create("kept", "s", "v", VolumeType.MANAGED)
    uc.files.upload("/Volumes/kept/s/v/a", io.BytesIO(b"kept"))
    use = [Privilege.USE_CATALOG, Privilege.USE_SCHEMA, Privilege.SELECT, Privilege.READ_VOLUME]
    uc.grants.update("catalog", "kept", changes=[PermissionsChange(principal="analysts", add=use)])
    read = PermissionsChange(principal="analysts", add=[Privilege.USE_SCHEMA, Privilege.SELECT])
    whole.seen.client("admin").grants.update("schema", "system.access", changes=[read])
    whole.sql("CREATE TABLE kept.s.t AS SELECT id FROM range(7)")


def assert_kept(whole: Whole, rows: str) -> None:
    assert whole.sql("SELECT count(*) FROM kept.s.t") == [[rows]]
    content = whole.seen.client("analyst").files.download("/Volumes/kept/s/v/a").contents
    assert content is not None and content.read() == b"kept"
    told = "service_name = 'unityCatalog' AND coalesce(request_params.catalog_name, request_params.name) = 'kept'"
    actions = whole.sql(f"SELECT action_name FROM system.access.audit WHERE {told} ORDER BY event_time")
    assert actions == [["createCatalog"], ["createSchema"], ["createVolume"], ["createTable"]], "the audit log is kept"


@pytest.mark.timeout(600)  # a minute or two on an idle machine: Spark starts four times
def test_tables_files_and_grants_outlive_crashes_and_restarts(whole: Whole) -> None:
    declare(whole)
    first = whole.up()
    number, readers = requests_since(whole, 0)[0], {whole.seen.name(role) for role, _ in SLOW}
    statements = [submit(whole, role, text) for role, text in SLOW]
    wait_until(lambda: requests_since(whole, number)[1] >= readers, "Spark has begun with both", 60)
    left = scratch_of(whole)
    os.kill(first.pids["spark"], signal.SIGKILL)
    whole.seen.client("analyst").statement_execution.cancel_execution(statements[0][1])  # does not hang
    statements.append(submit(whole, "admin", "SELECT 1"))
    assert_ended_once(whole, statements)
    wait_for_spark(whole, first.pids["spark"])
    assert left and not left & scratch_of(whole), "what the dead Spark left is gone"
    whole.sql("INSERT INTO kept.s.t VALUES (8)")
    with step_under_way(whole) as outcome:
        kill_gateway(first)
        whole.up()
    assert outcome == {"success": True, "tries": ["INTERNAL_ERROR", "TERMINATED"]}
    assert_kept(whole, "8")
    lifecycle.down("whole", whole.home)
    whole.up()
    assert_kept(whole, "8")


def submit(whole: Whole, role: str, text: str) -> tuple[str, str]:
    api = whole.seen.client(role).statement_execution
    return role, str(api.execute_statement(text, whole.warehouse(), wait_timeout="0s").statement_id)


def requests_since(whole: Whole, number: int) -> tuple[int, set[str]]:
    """Return the last request's number, and for whom Spark has loaded the table since that one."""
    query = {"path": "*/tables/kept.s.t", "since": str(number)}
    found = whole.seen.client("admin").api_client.do("GET", "/local/requests", query=query)
    assert isinstance(found, dict)
    return found["last"], {one["principal"] for one in found["requests"]}


def scratch_of(whole: Whole) -> set[str]:
    (scratch,) = whole.home.glob("**/spark/scratch")
    return {path.name for path in scratch.iterdir()}


def assert_ended_once(whole: Whole, statements: list[tuple[str, str]]) -> None:
    """What ran when Spark died has failed and says so; what had not begun ran on the new one."""
    (cancelled, _), (lost, said), (succeeded, _) = (end_of(whole, *one) for one in statements)
    assert (cancelled in ("CANCELED", "FAILED"), lost, succeeded) == (True, "FAILED", "SUCCEEDED")
    assert said.startswith("Spark was restarted while the statement ran.") and said.endswith("run it again."), said


def end_of(whole: Whole, role: str, statement_id: str) -> tuple[str, str]:
    api, found = whole.seen.client(role).statement_execution, list[StatementStatus]()

    def has_ended() -> bool:
        status = api.get_statement(statement_id).status
        assert status is not None and status.state is not None
        found.append(status)
        return status.state.value not in ("PENDING", "RUNNING")

    wait_until(has_ended, f"the statement of {role} has ended", 120)
    assert found[-1].state is not None
    return found[-1].state.value, (found[-1].error.message if found[-1].error else None) or ""


def kill_gateway(first: lifecycle.Endpoints) -> None:
    os.kill(first.pid, signal.SIGKILL)
    left = [Path(f"/proc/{pid}/exe") for pid in first.pids.values()]
    wait_until(lambda: not any(path.exists() for path in left), "no process of the dead gateway is left", 30)


@contextmanager
def step_under_way(whole: Whole) -> Iterator[dict[str, object]]:
    """While a Dagster step waits for a run, do the block; then say how the step ended, and its runs, oldest first."""
    client = whole.seen.client("deployer")
    remote = Remote(client, ServerlessRuns(client, f"{BOX}/pipes", patience_seconds=120))
    client.files.upload(f"{BOX}/step.py", io.BytesIO(ONCE_LONG.encode()))
    step = remote.step("restarted", f"{BOX}/step.py", retry_policy=dg.RetryPolicy(1))
    with ThreadPoolExecutor(1) as threads:
        ending = threads.submit(dg.materialize, [step], instance=dg.DagsterInstance.ephemeral(), raise_on_error=False)
        while not any(one.path == f"{BOX}/began" for one in client.files.list_directory_contents(BOX)):
            assert not ending.done(), ending.result()
            time.sleep(0.1)
        outcome: dict[str, object] = {}
        yield outcome
        outcome["success"] = ending.result().success
    states = [run.state.life_cycle_state.value for run in remote.remote_runs("restarted")]
    outcome["tries"] = states


def wait_for_spark(whole: Whole, dead: int) -> None:
    deadline = time.monotonic() + 60
    while True:
        engines = {engine.name: engine for engine in lifecycle.status("whole", whole.home).engines}
        if engines["spark"].restarts == 1 and engines["spark"].state == "ready":
            assert engines["spark"].pid != dead
            return
        assert time.monotonic() < deadline, engines["spark"]
        time.sleep(0.2)
