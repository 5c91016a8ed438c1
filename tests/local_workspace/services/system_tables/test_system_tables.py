"""The catalog `system`: what really ran, for whom it is granted, and never to be changed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from databricks.sdk.errors import NotFound, PermissionDenied
from databricks.sdk.service.catalog import PermissionsChange, Privilege
from databricks.sdk.service.jobs import BaseRun

from tests.local_workspace.conftest import WarmWorkspace
from tests.local_workspace.grants.probes import try_pieces
from tests.local_workspace.scratch import Scratch, error_of, run_sql

USAGE, RUNS, TASKS = "system.billing.usage", "system.lakeflow.job_run_timeline", "system.lakeflow.job_task_run_timeline"
READ = {
    ("schema", "system.billing"): [Privilege.USE_SCHEMA, Privilege.SELECT],
    ("schema", "system.lakeflow"): [Privilege.USE_SCHEMA, Privilege.SELECT],
}


def grant(workspace: WarmWorkspace, role: str) -> None:
    for (kind, name), privileges in READ.items():
        change = PermissionsChange(principal=workspace.name(role), add=privileges)
        workspace.client("admin").grants.update(kind, name, changes=[change])


def revoke(workspace: WarmWorkspace, role: str) -> None:
    for (kind, name), privileges in READ.items():
        change = PermissionsChange(principal=workspace.name(role), remove=privileges)
        workspace.client("admin").grants.update(kind, name, changes=[change])


@pytest.fixture(scope="module")
def reader(workspace: WarmWorkspace, scratch: Scratch) -> Iterator[str]:
    """The analyst, who could not read before."""
    for table in (USAGE, RUNS, TASKS):
        schema = table.rpartition(".")[0]
        assert f"not have USE SCHEMA on Schema '{schema}'" in error_of(workspace, "analyst", f"TABLE {table}")
    grant(workspace, "analyst")
    yield "analyst"
    revoke(workspace, "analyst")


@pytest.fixture(scope="module")
def run(workspace: WarmWorkspace, reader: str) -> BaseRun:
    """A run of the analyst that took a while."""
    try_pieces(workspace, "analyst", {"rest": "__import__('time').sleep(1.2)"})
    return next(iter(workspace.client("analyst").jobs.list_runs(expand_tasks=True)))


def ask(workspace: WarmWorkspace, columns: str, table: str, where: str) -> list[list[Any]]:
    return run_sql(workspace, "analyst", f"SELECT {columns} FROM {table} WHERE {where}")


def test_a_run_and_its_tasks_are_there_as_they_were(workspace: WarmWorkspace, run: BaseRun) -> None:
    columns = "run_name, run_type, trigger_type, result_state, termination_code, unix_millis(period_end_time)"
    found = ask(workspace, columns, RUNS, f"run_id = '{run.run_id}'")
    assert found == [["Untitled", "SUBMIT_RUN", "ONETIME", "SUCCEEDED", "SUCCESS", str(run.end_time)]]
    (task,) = run.tasks or []
    columns = "task_key, run_id, result_state, execution_duration_seconds"
    found = ask(workspace, columns, TASKS, f"job_run_id = '{run.run_id}'")
    assert found == [["probe", str(task.run_id), "SUCCEEDED", str((task.execution_duration or 0) // 1000)]]


def test_usage_is_the_seconds_of_the_tasks_by_the_rule(workspace: WarmWorkspace, run: BaseRun) -> None:
    (task,) = run.tasks or []
    seconds = ((task.setup_duration or 0) + (task.execution_duration or 0)) / 1000
    where = f"usage_metadata.job_run_id = '{run.run_id}' AND usage_unit = 'DBU' AND product_features.is_serverless"
    ((dbu, sku, who),) = ask(
        workspace, "sum(usage_quantity), max(sku_name), max(identity_metadata.run_as)", USAGE, where
    )
    assert float(dbu) == pytest.approx(seconds / 3600)
    assert seconds > 1.2 and (sku, who) == ("LOCAL_JOBS_SERVERLESS_COMPUTE", workspace.name("analyst"))


def test_a_deleted_run_stays_on_the_bill(workspace: WarmWorkspace, run: BaseRun) -> None:
    workspace.client("analyst").jobs.delete_run(run.run_id or 0)
    assert len(ask(workspace, "record_id", USAGE, f"usage_metadata.job_run_id = '{run.run_id}'")) >= 1


def test_who_has_no_grant_reads_nothing(workspace: WarmWorkspace, reader: str) -> None:
    assert "USE SCHEMA on Schema 'system.billing'" in error_of(workspace, "outsider", f"TABLE {USAGE}")
    denied = try_pieces(workspace, "pipeline", {"spark": f"spark.table('{USAGE}').count()"})
    assert "USE SCHEMA on Schema 'system.billing'" in denied["spark"]
    table = workspace.client("admin").tables.get(USAGE)
    with pytest.raises(PermissionDenied, match="does not have SELECT on Table"):
        workspace.client("admin").api_client.do(
            "POST",
            "/api/2.1/unity-catalog/temporary-table-credentials",
            body={"table_id": table.table_id, "operation": "READ"},
        )


def test_nobody_changes_it(workspace: WarmWorkspace, reader: str) -> None:
    admin = workspace.client("admin")
    read_only = "which is read-only"
    for change in (
        lambda: admin.tables.delete(USAGE),
        lambda: admin.schemas.create("mine", "system"),
        lambda: admin.schemas.delete("system.billing"),
        lambda: admin.catalogs.delete("system", force=True),
        lambda: admin.catalogs.update("system", owner=workspace.name("admin")),
    ):
        with pytest.raises(PermissionDenied, match=read_only):
            change()
    may_write = [PermissionsChange(principal=workspace.name("analyst"), add=[Privilege.MODIFY])]
    admin.grants.update("table", USAGE, changes=may_write)
    assert read_only in error_of(workspace, "analyst", f"DELETE FROM {USAGE}")


def test_the_schemas_are_listed_for_admins(workspace: WarmWorkspace) -> None:
    admin, metastore = workspace.client("admin"), str(workspace.client("admin").metastores.summary().metastore_id)
    found = {one.schema: one.state for one in admin.system_schemas.list(metastore)}
    assert set(found) == {"access", "billing", "lakeflow"}
    admin.system_schemas.enable(metastore, "billing")
    with pytest.raises(NotFound, match="has no system schema 'storage'"):
        admin.system_schemas.enable(metastore, "storage")
    with pytest.raises(PermissionDenied, match="is not a metastore admin"):
        list(workspace.client("analyst").system_schemas.list(metastore))
