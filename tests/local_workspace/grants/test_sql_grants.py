"""Grants in SQL: what a role may do succeeds, and its neighbour is refused by principal, privilege and object."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from databricks.sdk.service.catalog import Privilege
from databricks.sdk.service.sql import StatementState

from tests.local_workspace.conftest import WarmWorkspace
from tests.local_workspace.scratch import (
    BUCKET,
    EXTERNAL,
    NAME,
    SECRET,
    SHELF_PATH,
    TABLE,
    VIEW,
    Scratch,
    grant,
    run_sql,
)

MAIN = f"{NAME}.main"
ON_TABLE = f"on Table '{TABLE}'"


def refusal(workspace: WarmWorkspace, scratch: Scratch, role: str, text: str) -> str:
    """Run a statement that must be refused and return the message."""
    statements = workspace.client(role).statement_execution
    answer = statements.execute_statement(text, scratch.warehouse, wait_timeout="50s")
    assert answer.status is not None and answer.status.error is not None
    assert answer.status.state is StatementState.FAILED
    message = str(answer.status.error.message)
    assert workspace.name(role) in message, message
    return message


ALLOWED = [
    ("analyst", f"SELECT count(*) FROM {TABLE}", [["5"]]),
    ("analyst", f"SELECT count(*) FROM {EXTERNAL}", [["4"]]),
    ("analyst", f"SELECT count(*) FROM {VIEW}", [["2"]]),
    ("analyst", f"SELECT count(*) FROM {TABLE} VERSION AS OF 0", [["5"]]),
    ("analyst", f"SELECT * FROM text.`s3://{BUCKET}/files/one.txt`", [["one"]]),
    ("analyst", f"SELECT * FROM text.`{SHELF_PATH}/one.txt`", [["one"]]),
    ("pipeline", f"SELECT count(*) FROM {SECRET}", [["3"]]),
    ("outsider", f"SHOW TABLES IN {MAIN}", []),
]


@pytest.mark.parametrize(("role", "text", "expected"), ALLOWED)
def test_what_is_granted_works(
    workspace: WarmWorkspace, scratch: Scratch, role: str, text: str, expected: list[list[str]]
) -> None:
    assert run_sql(workspace, role, text) == expected


REFUSED = [
    ("outsider", f"SELECT * FROM {TABLE}", f"SELECT {ON_TABLE}"),
    ("outsider", f"SELECT * FROM {EXTERNAL}", f"SELECT on Table '{EXTERNAL}'"),
    ("outsider", f"SELECT * FROM {VIEW}", f"SELECT on Table '{VIEW}'"),
    ("outsider", f"DESCRIBE TABLE {TABLE}", ON_TABLE),
    ("outsider", f"DESCRIBE HISTORY {TABLE}", f"SELECT {ON_TABLE}"),
    ("analyst", f"SELECT * FROM {SECRET}", f"SELECT on Table '{SECRET}'"),
    ("analyst", f"INSERT INTO {TABLE} VALUES (9)", f"MODIFY {ON_TABLE}"),
    ("analyst", f"UPDATE {TABLE} SET id = 0", f"MODIFY {ON_TABLE}"),
    ("analyst", f"DELETE FROM {TABLE}", f"MODIFY {ON_TABLE}"),
    ("analyst", f"MERGE INTO {TABLE} t USING {TABLE} s ON t.id = s.id WHEN MATCHED THEN DELETE", f"MODIFY {ON_TABLE}"),
    ("analyst", f"TRUNCATE TABLE {TABLE}", f"MODIFY {ON_TABLE}"),
    ("analyst", f"OPTIMIZE {TABLE}", f"MODIFY {ON_TABLE}"),
    ("analyst", f"CREATE OR REPLACE TABLE {TABLE} AS SELECT 1 AS id", ON_TABLE),
    ("analyst", f"CREATE TABLE {MAIN}.mine (id INT)", f"CREATE TABLE on Schema '{MAIN}'"),
    ("analyst", f"CREATE VIEW {MAIN}.mine AS SELECT 1 AS id", f"CREATE TABLE on Schema '{MAIN}'"),
    ("analyst", f"CREATE SCHEMA {NAME}.mine", f"CREATE SCHEMA on Catalog '{NAME}'"),
    ("analyst", f"CREATE VOLUME {MAIN}.mine", f"CREATE VOLUME on Schema '{MAIN}'"),
    ("analyst", f"GRANT SELECT ON TABLE {TABLE} TO analysts", f"MANAGE {ON_TABLE}"),
    ("analyst", f"DROP TABLE {TABLE}", f"MANAGE {ON_TABLE}"),
    ("analyst", f"DROP VIEW {VIEW}", f"MANAGE on Table '{VIEW}'"),
    ("analyst", f"ALTER TABLE {TABLE} ADD COLUMN other INT", f"MODIFY {ON_TABLE}"),
    ("analyst", f"DROP SCHEMA {MAIN} CASCADE", f"MANAGE on Schema '{MAIN}'"),
    ("analyst", f"DROP CATALOG {NAME} CASCADE", f"MANAGE on Catalog '{NAME}'"),
    ("outsider", f"SELECT * FROM text.`s3://{BUCKET}/files/one.txt`", f"READ FILES on External Location '{NAME}'"),
    ("outsider", f"SELECT * FROM text.`{SHELF_PATH}/one.txt`", "READ VOLUME on Volume"),
    ("deployer", "SELECT * FROM text.`file:/etc/hostname`", "SELECT on any file"),
    ("deployer", "SELECT * FROM delta.`file:/tmp/some`", "SELECT on any file"),
    ("deployer", "INSERT OVERWRITE DIRECTORY 'file:/tmp/some' USING json SELECT 1 AS one", "SELECT on any file"),
    ("deployer", "CREATE TABLE delta.`file:/tmp/some` USING delta AS SELECT 1 AS one", "SELECT on any file"),
    (
        "analyst",
        f"CREATE TABLE {MAIN}.mine LOCATION 's3://{BUCKET}/mine' AS SELECT 1 AS id",
        f"CREATE TABLE on Schema '{MAIN}'|CREATE EXTERNAL TABLE on External Location '{NAME}'",
    ),
]


@pytest.mark.parametrize(("role", "text", "expected"), REFUSED)
def test_what_is_not_granted_is_refused_by_name(
    workspace: WarmWorkspace, scratch: Scratch, role: str, text: str, expected: str
) -> None:
    message = refusal(workspace, scratch, role, text)
    assert re.search(f"does not have .*({expected})", message), message
    assert run_sql(workspace, "deployer", f"SELECT count(*) FROM {TABLE}") == [["5"]]


SERVERS_OWN = [
    "SELECT java_method('java.lang.System', 'getenv', 'HOME')",
    "SELECT * FROM VALUES (1) v(x) WHERE try_reflect('java.lang.System', 'getenv', 'HOME') = x",
    "SELECT TRANSFORM(a) USING 'cat' AS (b) FROM VALUES (1) t(a)",
    "SELECT * FROM VALUES (1) v(x) WHERE x IN (SELECT TRANSFORM(a) USING 'cat' AS (b) FROM VALUES (1) t(a))",
    "ADD JAR 'file:/tmp/some.jar'",
    "ADD FILE '/etc/hostname'",
    "CREATE TEMPORARY FUNCTION f AS 'java.lang.System'",
    "SET fs.file.impl = org.apache.hadoop.fs.LocalFileSystem",
    "SET spark.sql.catalog.other = io.unitycatalog.local.GatewayCatalog",
    "RESET fs.lakehouse.token",
    "RESET",
]


@pytest.mark.parametrize("text", SERVERS_OWN)
def test_nobody_runs_code_of_the_server_or_leaves_its_own_rights(
    workspace: WarmWorkspace, scratch: Scratch, text: str
) -> None:
    statements = workspace.client("deployer").statement_execution
    answer = statements.execute_statement(text, scratch.warehouse, wait_timeout="50s")
    assert answer.status is not None and answer.status.error is not None
    assert "[UNSUPPORTED_FEATURE]" in str(answer.status.error.message)


def test_other_settings_are_the_sessions_to_change(workspace: WarmWorkspace, scratch: Scratch) -> None:
    set_to = [["spark.sql.session.timeZone", "Europe/Paris"]]
    assert run_sql(workspace, "analyst", "SET TIME ZONE 'Europe/Paris'") == set_to
    assert run_sql(workspace, "analyst", "RESET spark.sql.ansi.enabled") == []


def test_a_writer_creates_and_owns_what_it_made(workspace: WarmWorkspace, scratch: Scratch) -> None:
    run_sql(workspace, "pipeline", f"CREATE TABLE {MAIN}.made AS SELECT * FROM {TABLE}")
    run_sql(workspace, "pipeline", f"CREATE VIEW {MAIN}.made_view AS SELECT max(id) AS top FROM {MAIN}.made")
    run_sql(workspace, "pipeline", f"INSERT INTO {MAIN}.made VALUES (70)")
    run_sql(workspace, "pipeline", f"GRANT SELECT ON VIEW {MAIN}.made_view TO analysts")
    assert run_sql(workspace, "analyst", f"SELECT * FROM {MAIN}.made_view") == [["70"]]
    assert "SELECT on Table" in refusal(workspace, scratch, "analyst", f"SELECT * FROM {MAIN}.made")
    run_sql(workspace, "pipeline", f"REVOKE SELECT ON VIEW {MAIN}.made_view FROM analysts")
    assert "SELECT on Table" in refusal(workspace, scratch, "analyst", f"SELECT * FROM {MAIN}.made_view")
    run_sql(workspace, "pipeline", f"DROP VIEW {MAIN}.made_view")
    run_sql(workspace, "pipeline", f"DROP TABLE {MAIN}.made")


def test_to_write_and_to_read_are_two_rights(workspace: WarmWorkspace, scratch: Scratch) -> None:
    """A table's credential reads, whatever it is opened for: the right to write is asked for by itself."""
    inbox = f"{MAIN}.inbox"
    insert, read = f"INSERT INTO {inbox} SELECT id FROM range(3)", f"SELECT count(*) FROM {inbox}"
    run_sql(workspace, "deployer", f"CREATE TABLE {inbox} (id BIGINT)")
    run_sql(workspace, "deployer", f"GRANT MODIFY ON TABLE {inbox} TO analysts")
    run_sql(workspace, "analyst", insert)
    assert f"SELECT on Table '{inbox}'" in refusal(workspace, scratch, "analyst", read)
    run_sql(workspace, "deployer", f"GRANT SELECT ON TABLE {inbox} TO analysts")
    run_sql(workspace, "analyst", insert)
    assert run_sql(workspace, "analyst", read) == [["6"]]
    run_sql(workspace, "deployer", f"REVOKE MODIFY ON TABLE {inbox} FROM analysts")
    assert f"MODIFY on Table '{inbox}'" in refusal(workspace, scratch, "analyst", insert)
    assert run_sql(workspace, "analyst", read) == [["6"]]
    run_sql(workspace, "deployer", f"DROP TABLE {inbox}")


def test_without_use_nothing_below_opens(workspace: WarmWorkspace, scratch: Scratch) -> None:
    run_sql(workspace, "deployer", f"CREATE SCHEMA {NAME}.closed")
    run_sql(workspace, "deployer", f"CREATE TABLE {NAME}.closed.t AS SELECT 1 AS one")
    grant(workspace, "table", f"{NAME}.closed.t", "analyst", Privilege.SELECT)
    message = refusal(workspace, scratch, "analyst", f"SELECT * FROM {NAME}.closed.t")
    assert f"USE SCHEMA on Schema '{NAME}.closed'" in message
    run_sql(workspace, "deployer", f"GRANT USE SCHEMA ON SCHEMA {NAME}.closed TO analysts")
    assert run_sql(workspace, "analyst", f"SELECT * FROM {NAME}.closed.t") == [["1"]]


IN_CLOSED = [
    "SELECT * FROM {name}.s.t",
    "SELECT 1 WHERE EXISTS (SELECT * FROM {name}.s.t)",
    "INSERT INTO {name}.s.t VALUES (1)",
    "DESCRIBE TABLE {name}.s.t",
    "CREATE TABLE {name}.s.mine (id INT)",
    "CREATE VIEW {name}.s.mine AS SELECT 1 AS id",
    "CREATE SCHEMA {name}.mine",
    "DROP TABLE {name}.s.t",
    "SHOW TABLES IN {name}.s",
]


@pytest.fixture(scope="module")
def closed(workspace: WarmWorkspace, scratch: Scratch) -> Iterator[str]:
    """A catalog that nobody else may use."""
    uc = workspace.client("deployer")
    uc.catalogs.create("closed", storage_root=f"s3://{BUCKET}/closed")
    yield "closed"
    uc.catalogs.delete("closed", force=True)


@pytest.mark.parametrize("text", IN_CLOSED)
def test_who_may_not_use_the_catalog_is_told_so(
    workspace: WarmWorkspace, scratch: Scratch, closed: str, text: str
) -> None:
    message = refusal(workspace, scratch, "analyst", text.format(name=closed))
    assert f"does not have USE CATALOG on Catalog '{closed}'" in message


def test_a_catalog_that_is_not_there_is_no_denial(workspace: WarmWorkspace, scratch: Scratch) -> None:
    statements = workspace.client("analyst").statement_execution
    answer = statements.execute_statement("SELECT * FROM nowhere.s.t", scratch.warehouse, wait_timeout="50s")
    assert answer.status is not None and answer.status.error is not None
    assert "INSUFFICIENT_PERMISSIONS" not in str(answer.status.error.message)


def test_a_request_may_name_its_catalog_and_schema(workspace: WarmWorkspace, scratch: Scratch) -> None:
    statements = workspace.client("analyst").statement_execution
    answer = statements.execute_statement(
        "SELECT count(*) FROM numbers", scratch.warehouse, catalog=NAME, schema="main"
    )
    assert answer.result is not None
    assert answer.result.data_array == [["5"]]
    run_sql(workspace, "analyst", f"USE CATALOG {NAME}")
    message = refusal_of_use(workspace, scratch)
    assert "USE" in message


def refusal_of_use(workspace: WarmWorkspace, scratch: Scratch) -> str:
    run_sql(workspace, "deployer", f"CREATE SCHEMA IF NOT EXISTS {NAME}.nobody")
    return refusal(workspace, scratch, "outsider", f"USE {NAME}.nobody")


def test_who_resolves_a_table_asks_for_it_once(workspace: WarmWorkspace, scratch: Scratch) -> None:
    """Each question to the gateway is a few milliseconds of every query; a query resolves its tables thrice."""
    api = workspace.client("admin").api_client
    api.do("DELETE", "/local/requests")
    run_sql(workspace, "analyst", f"SELECT sum(id) FROM {TABLE}")
    answer: Any = api.do("GET", "/local/requests")
    asked = [one["path"].rpartition("/unity-catalog/")[2] for one in answer["requests"]]
    assert asked.count(f"tables/{TABLE}") == asked.count("temporary-table-credentials") > 0
