"""A view reads as its owner: so nobody gives one away, changes somebody else's, or sets what it is read under.

Attacks that got through once: a view over a closed table, given to who may read that; settings that load a class.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import BadRequest, NotFound, PermissionDenied
from databricks.sdk.service.catalog import PermissionsChange, Privilege
from pyspark.errors import AnalysisException

from lakehouse.targets import read_settings
from local_workspace import lifecycle
from local_workspace.engines.spark_session import open_session
from tests.local_workspace.conftest import WarmWorkspace
from tests.local_workspace.scratch import BUCKET, NAME, SECRET, Scratch, error_of, grant, run_sql

MINE, SHOWN = f"{NAME}.main.mine", f"{NAME}.main.shown"
TABLES = "/api/2.1/unity-catalog/tables"
JDBC = "org.apache.spark.sql.execution.datasources.v2.jdbc.JDBCTableCatalog"
CLOSED = {
    "view.sqlConfig.spark.sql.catalog.evil": JDBC,
    "view.sqlConfig.spark.sql.catalog.evil.url": "jdbc:derby:memory:x;create=true",
    "view.sqlConfig.spark.sql.catalog.evil.driver": "org.apache.derby.iapi.jdbc.AutoloadedDriver",
    "view.sqlConfig.spark.sql.variable.substitute": "true",
    "view.sqlConfig.fs.lakehouse.token": "",
    "view.sqlConfig.fs.file.impl": "org.apache.hadoop.fs.LocalFileSystem",
}


@pytest.fixture
def outsider(workspace: WarmWorkspace, scratch: Scratch) -> Iterator[WorkspaceClient]:
    grant(workspace, "schema", f"{NAME}.main", "outsider", Privilege.CREATE_TABLE)
    yield workspace.client("outsider")
    with suppress(NotFound):
        workspace.client("admin").tables.delete(MINE)
    change = PermissionsChange(principal=workspace.name("outsider"), remove=[Privilege.CREATE_TABLE])
    workspace.client("deployer").grants.update("schema", f"{NAME}.main", changes=[change])


def make_view(client: WorkspaceClient, definition: str, **properties: str) -> None:
    """Register a view of one text column through REST, which asks nobody whether its text resolves."""
    column = {"name": "a", "type_text": "string", "type_name": "STRING", "position": 0, "nullable": True}
    column["type_json"] = '{"name":"a","type":"string","nullable":true,"metadata":{}}'
    catalog, schema, name = MINE.split(".")
    body = {"name": name, "catalog_name": catalog, "schema_name": schema, "table_type": "VIEW"}
    client.api_client.do(
        "POST", TABLES, body={**body, "view_definition": definition, "columns": [column], "properties": properties}
    )


def test_a_view_is_not_given_to_who_may_read_more(workspace: WarmWorkspace, outsider: WorkspaceClient) -> None:
    make_view(outsider, f"SELECT word AS a FROM {SECRET}")
    assert "does not have SELECT on Table" in error_of(workspace, "outsider", f"SELECT * FROM {MINE}")
    with pytest.raises(PermissionDenied, match="Only a metastore admin transfers Table .* to itself or to a group"):
        outsider.tables.update(MINE, owner=workspace.name("deployer"))
    assert "does not have SELECT on Table" in error_of(workspace, "outsider", f"SELECT * FROM {MINE}")
    outsider.tables.update(MINE, owner="account users")
    outsider.tables.update(MINE, owner=workspace.name("outsider"))


def test_who_manages_a_view_does_not_change_what_it_reads(workspace: WarmWorkspace, outsider: WorkspaceClient) -> None:
    run_sql(workspace, "deployer", f"CREATE VIEW {MINE} AS SELECT 'open' AS a")
    grant(workspace, "table", MINE, "outsider", Privilege.MANAGE)
    outsider.tables.update(MINE)
    for change in ({"view_definition": f"SELECT word AS a FROM {SECRET}"}, {"properties": {"view.namespace": "other"}}):
        with pytest.raises(PermissionDenied, match="is not the owner of .* and cannot change what it reads"):
            outsider.api_client.do("PATCH", f"{TABLES}/{MINE}", body=change)


CLOSED_FILE = "does not have SELECT on any file"
ATTEMPTS = {
    "SELECT TABLENAME AS a FROM evil.SYS.SYSTABLES": "TABLE_OR_VIEW_NOT_FOUND",
    "SELECT value AS a FROM text.`file:/etc/hostname`": CLOSED_FILE,
    "SELECT value AS a FROM text.`file:/etc/hostname` WITH ('fs.lakehouse.token'='')": CLOSED_FILE,
    "SELECT try_reflect('java.lang.System', 'getenv', 'HOME') AS a": "Java methods are not served",
}


@pytest.mark.parametrize("definition", ATTEMPTS)
def test_a_view_is_read_under_no_setting_that_a_session_may_not_have(
    workspace: WarmWorkspace, outsider: WorkspaceClient, definition: str
) -> None:
    make_view(outsider, definition, **CLOSED)
    assert ATTEMPTS[definition] in error_of(workspace, "outsider", f"SELECT * FROM {MINE}")


def test_a_view_keeps_the_settings_that_a_session_may_have(workspace: WarmWorkspace, outsider: WorkspaceClient) -> None:
    make_view(
        outsider,
        "SELECT concat(coalesce(cast(cast('x' AS int) AS string), 'null'), '${env:HOME}', current_user()) AS a",
        **{**CLOSED, "view.sqlConfig.spark.sql.ansi.enabled": "false"},
    )
    me = workspace.name("outsider")
    assert run_sql(workspace, "outsider", f"SELECT * FROM {MINE}") == [[f"null${{env:HOME}}{me}"]]


def test_a_view_says_no_property_of_its_settings(workspace: WarmWorkspace, outsider: WorkspaceClient) -> None:
    made = f"CREATE VIEW {MINE} TBLPROPERTIES ('view.sqlConfig.spark.sql.catalog.evil'='{JDBC}') AS SELECT 'x' AS a"
    assert "Table property view.sqlConfig.spark.sql.catalog.evil is not available" in error_of(
        workspace, "outsider", made
    )


TYPE = '{"name":"a","type":"string","nullable":true,"metadata":{}}'
CLASS = TYPE.replace('"string"', '{"type":"udt","class":"org.apache.derby.jdbc.EmbeddedDriver","sqlType":"string"}')
NESTED = TYPE.replace('"string"', '{"type":"array","containsNull":true,"elementType":{"type":"udt","class":"x.Y"}}')


@pytest.mark.parametrize(
    ("source", "type_json", "told"),
    [
        ("JDBC", TYPE, "data_source_format must be one of"),
        ("org.apache.spark.sql.jdbc", TYPE, "data_source_format must be one of"),
        ("", TYPE, "data_source_format must be one of"),
        ("TEXT", CLASS, "names a class of its own"),
        ("TEXT", NESTED, "names a class of its own"),
        ("TEXT", "{", "type_json of column 'a' is no JSON object"),
    ],
)
def test_a_table_names_no_class(
    workspace: WarmWorkspace, scratch: Scratch, source: str, type_json: str, told: str
) -> None:
    column = {"name": "a", "type_text": "string", "type_name": "STRING", "position": 0, "type_json": type_json}
    catalog, schema, name = MINE.split(".")
    body = {"name": name, "catalog_name": catalog, "schema_name": schema, "table_type": "EXTERNAL"}
    place = {"storage_location": f"s3://{BUCKET}/classes", "data_source_format": source, "columns": [column]}
    with pytest.raises(BadRequest, match=told):
        workspace.client("pipeline").api_client.do("POST", TABLES, body={**body, **place})


def test_a_table_is_renamed_within_its_schema_only(workspace: WarmWorkspace, scratch: Scratch) -> None:
    """Once the schema of the new name was passed over in silence."""
    run_sql(workspace, "deployer", f"CREATE TABLE {MINE} (a INT)")
    for name in (f"{NAME}.other.mine", "other.mine", "other.main.mine"):
        assert "another schema" in error_of(workspace, "deployer", f"ALTER TABLE {MINE} RENAME TO {name}")
    run_sql(workspace, "deployer", f"ALTER TABLE {MINE} RENAME TO {NAME}.main.other")
    run_sql(workspace, "deployer", f"ALTER TABLE {NAME}.main.other RENAME TO {MINE}")
    run_sql(workspace, "deployer", f"DROP TABLE {MINE}")


def test_what_describe_says_of_a_view_gives_nobody_its_owners_rights(
    workspace: WarmWorkspace, scratch: Scratch, outsider: WorkspaceClient
) -> None:
    """Once a schema named as the view's secret made a temporary view read as the owner of that view."""
    grant(workspace, "catalog", NAME, "outsider", Privilege.CREATE_SCHEMA)
    deployer, secret = workspace.client("deployer"), ""
    run_sql(workspace, "deployer", f"CREATE TABLE {MINE} AS SELECT 1 AS id")
    run_sql(workspace, "deployer", f"CREATE VIEW {SHOWN} AS SELECT 1 AS id")
    for name in (MINE, SHOWN):
        grant(workspace, "table", name, "outsider", Privilege.SELECT)
    settings = read_settings()
    address = lifecycle.up(settings.workspace, settings.home, settings.cache_home).spark_connect
    session = open_session(address, str(outsider.config.token), workspace.name("outsider"), [NAME])
    try:
        told = str(session.sql(f"DESCRIBE EXTENDED {SHOWN}").collect())
        secret = re.findall(r"view-[0-9a-f-]{36}", told)[0]
        outsider.schemas.create(secret, NAME)
        session.sql(f"USE {NAME}.`{secret}`")
        session.sql(f"CREATE TEMPORARY VIEW posing AS SELECT * FROM {MINE}")
        assert session.table("posing").count() == 1
        change = PermissionsChange(principal=workspace.name("outsider"), remove=[Privilege.SELECT])
        deployer.grants.update("table", MINE, changes=[change])
        with pytest.raises(AnalysisException, match="does not have SELECT on Table"):
            session.table("posing").count()
    finally:
        session.stop()
        deployer.tables.delete(SHOWN)
        change = PermissionsChange(principal=workspace.name("outsider"), remove=[Privilege.CREATE_SCHEMA])
        deployer.grants.update("catalog", NAME, changes=[change])
        with suppress(NotFound, BadRequest):
            deployer.schemas.delete(f"{NAME}.{secret}")
