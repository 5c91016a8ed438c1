"""The system tables of one workspace: declared in Unity Catalog, filled when somebody is about to read them."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from local_workspace.gateway.principals import EVERYBODY
from local_workspace.services.jobs import records
from local_workspace.services.system_tables import rows, schemas
from local_workspace.services.system_tables.audit_rows import audit_rows
from local_workspace.services.system_tables.snapshots import Snapshots
from local_workspace.services.unity_catalog.securables import SYSTEM, SYSTEM_OWNER, new_id

if TYPE_CHECKING:
    from local_workspace.gateway.workspace import Workspace

_writing = threading.Lock()


def _ended_runs(workspace: Workspace) -> list[records.Run]:
    """Return the runs that have ended, oldest first; also those that were deleted since."""
    return [run for run in records.runs_ever(workspace.store) if run["outcome"]]


def _audit_log(workspace: Workspace) -> Iterator[dict[str, Any]]:
    return workspace.audit_log.read()


@dataclass(frozen=True)
class SystemTable:
    """A table of the catalog system, and how its rows come of what is read: the runs that have ended."""

    name: str
    comment: str
    schema: pa.Schema
    make: Callable[[Iterable[Any]], Iterator[rows.Row]]
    read: Callable[[Workspace], Iterable[Any]] = _ended_runs

    @property
    def full_name(self) -> str:
        """Catalog, schema and name."""
        return f"{SYSTEM}.{self.name}"


TABLES = (
    SystemTable(
        "billing.usage", "Billable usage (here by a rule of the local workspace)", schemas.USAGE, rows.usage_rows
    ),
    SystemTable("lakeflow.job_run_timeline", "Runs of jobs", schemas.JOB_RUN_TIMELINE, rows.job_run_rows),
    SystemTable("lakeflow.job_task_run_timeline", "Runs of tasks", schemas.JOB_TASK_RUN_TIMELINE, rows.task_run_rows),
    SystemTable("access.audit", "Who changed and started what", schemas.AUDIT, audit_rows, _audit_log),
)
SCHEMAS = tuple(sorted({table.name.split(".")[0] for table in TABLES}))
_BY_NAME = {table.full_name: table for table in TABLES}


def declare_tables(workspace: Workspace) -> None:
    """Declare catalog, schemas and tables, where they are not yet."""
    unity = workspace.unity
    with workspace.store.transaction():
        if unity.securables.find("catalog", SYSTEM) is None:
            document = {"name": SYSTEM, "catalog_id": new_id(), "catalog_type": "SYSTEM_CATALOG"}
            unity.securables.insert("catalog", SYSTEM, document, SYSTEM_OWNER)
            unity.grants.change("catalog", SYSTEM, [{"principal": EVERYBODY, "add": ["USE_CATALOG"]}])
        for schema in SCHEMAS:
            if unity.securables.find("schema", f"{SYSTEM}.{schema}") is None:
                document = {"name": schema, "catalog_name": SYSTEM, "schema_id": new_id()}
                unity.securables.insert("schema", f"{SYSTEM}.{schema}", document, SYSTEM_OWNER)
        for table in TABLES:
            if unity.securables.find("table", table.full_name) is None:
                _declare(workspace, table)


def refresh(workspace: Workspace, full_name: str) -> None:
    """Bring a table's rows up to date; another table is left alone."""
    table = _BY_NAME.get(full_name.lower())
    if table is None:
        return
    with _writing:
        location = workspace.unity.securables.load("table", table.full_name)["storage_location"]
        Snapshots(workspace, location, table.schema).write(list(table.make(table.read(workspace))))


def _declare(workspace: Workspace, table: SystemTable) -> None:
    schema, name = table.name.split(".")
    table_id = new_id()
    document = {
        "name": name,
        "catalog_name": SYSTEM,
        "schema_name": schema,
        "table_type": "MANAGED",
        "data_source_format": "DELTA",
        "comment": table.comment,
        "columns": _describe_columns(table.schema),
        "table_id": table_id,
        "storage_location": workspace.unity.paths.managed_location(f"{SYSTEM}.{schema}", "tables", table_id),
    }
    workspace.unity.securables.insert("table", table.full_name, document, SYSTEM_OWNER)
    workspace.store.put("table_id", table_id, {"full_name": table.full_name})


def _describe_columns(schema: pa.Schema) -> list[dict[str, Any]]:
    from pyspark.sql.pandas.types import from_arrow_schema

    return [
        {
            "name": field.name,
            "type_text": field.dataType.simpleString(),
            "type_name": field.dataType.typeName().upper(),
            "type_json": json.dumps(field.jsonValue()),
            "position": position,
            "nullable": True,
        }
        for position, field in enumerate(from_arrow_schema(schema).fields)
    ]
