"""Makes what is tried: tables and views by SQL, files, jobs, warehouses, the other objects of the workspace."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from demo.authorization.kind import MARK, Kind
from demo.authorization.stage import EVERYBODY, FILE, TEXT, Stage
from demo.authorization.tree_objects import TREE
from demo.authorization.workspace_objects import OTHERS
from demo.failures import DemoFailed
from platform_assets.resource_types.model import Clients

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient

ROWS = 3
HALL = "matrix hall"
PREFIX = "matrix "  # of the names of jobs and warehouses
FUNCTION = "(x INT) RETURNS INT RETURN x + 1"
KINDS: dict[str, Kind] = {**TREE, **OTHERS}


def open_hall(admin: WorkspaceClient) -> str:
    """Make the warehouse that everybody may use; return its id."""
    from databricks.sdk.service.iam import AccessControlRequest, PermissionLevel

    made = str(admin.warehouses.create(name=HALL, cluster_size="2X-Small", max_num_clusters=1, auto_stop_mins=10).id)
    control = [AccessControlRequest(group_name=EVERYBODY, permission_level=PermissionLevel.CAN_USE)]
    admin.permissions.update("warehouses", made, access_control_list=control)
    return made


def make_objects(stage: Stage) -> dict[str, str]:
    """Make a job, two warehouses and one object of each other kind with their permissions; return ids by object."""
    warehouses = {kind: make_warehouse(stage, kind) for kind in ("warehouse", "spare warehouse")}
    others = {kind: make_object(stage, kind, f"{MARK}{kind.replace(' ', '_')}") for kind in KINDS}
    return {"job": str(make_job(stage, "job")), **warehouses, **others}


def make_object(stage: Stage, target: str, name: str) -> str:
    """Make an object of a kind, with its levels; return its id, name or path."""
    kind = KINDS[target.removeprefix("spare ")]
    made = kind.make(stage, name)
    share_object(stage, stage.admin, target, made)
    return made


def share_object(stage: Stage, client: WorkspaceClient, target: str, identity: str) -> None:
    """Give those their levels who are to have them."""
    from demo.authorization.holdings import list_levels

    levels = list_levels(stage.target, stage.principals, target)
    KINDS[target.removeprefix("spare ")].share(stage, client, identity, levels)


def make_job(stage: Stage, kind: str) -> int:
    """Make a job as its creator; return its id."""
    from databricks.sdk.service.compute import Environment
    from databricks.sdk.service.jobs import JobAccessControlRequest, JobEnvironment, SparkPythonTask, Task

    from demo.authorization.holdings import access_control

    task = Task(
        "main", spark_python_task=SparkPythonTask(f"{stage.path('scripts')}/none.py"), environment_key="default"
    )
    control = access_control(stage.target, stage.principals, kind)
    made = stage.clients["job_creator"].jobs.create(
        name=f"{PREFIX}{kind}",
        tasks=[task],
        environments=[JobEnvironment("default", Environment(environment_version="4"))],
        access_control_list=[JobAccessControlRequest.from_dict(one.as_dict()) for one in control],
    )
    assert made.job_id is not None
    return made.job_id


def make_warehouse(stage: Stage, kind: str, suffix: str = "") -> str:
    """Make a warehouse as an admin; return its id."""
    from demo.authorization.holdings import access_control

    api, name = stage.admin.warehouses, f"{PREFIX}{kind}{suffix}"
    made = str(api.create(name=name, cluster_size="2X-Small", max_num_clusters=1, auto_stop_mins=10).id)
    control = access_control(stage.target, stage.principals, kind)
    stage.admin.permissions.update("warehouses", made, access_control_list=control)
    return made


def make_tables(stage: Stage) -> None:
    """Make a managed and an external table with rows, a view of the first, and a function."""
    names = stage.names
    place = f"s3://{stage.target.bucket('lake')}/outside"
    for statement in (
        f"CREATE TABLE {names['table']} AS SELECT id FROM range({ROWS})",
        f"CREATE TABLE {names['external table']} LOCATION '{place}' AS SELECT id FROM range({ROWS})",
        f"CREATE FUNCTION {names['function']}{FUNCTION}",
        f"CREATE VIEW {names['view']} AS SELECT count(*) AS orders FROM {names['table']}",
    ):
        run_statement(stage.maker, statement, stage.warehouse)


def put_files(stage: Stage) -> None:
    """Put a file into both volumes and into the location."""
    for volume in ("volume", "external volume"):
        stage.maker.files.upload(f"{stage.path(volume)}/{FILE}", io.BytesIO(TEXT), overwrite=True)
    s3 = Clients(stage.target).aws("s3")
    s3.put_object(Bucket=stage.target.bucket("lake"), Key=f"loose/{FILE}", Body=TEXT)


def run_statement(client: WorkspaceClient, text: str, warehouse: str) -> list[list[str]]:
    """Run a statement and return its rows.

    Raises:
        DemoFailed: with the message of the statement's failure.
    """
    from databricks.sdk.service.sql import StatementState

    answer = client.statement_execution.execute_statement(text, warehouse, wait_timeout="50s")
    if answer.status is None or answer.status.state is not StatementState.SUCCEEDED:
        error = answer.status.error if answer.status else None
        raise DemoFailed(str(error.message if error else answer.status))
    return (answer.result.data_array if answer.result else None) or []
