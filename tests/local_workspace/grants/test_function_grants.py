"""SQL functions: who may execute them does, in SQL and through views; neighbours are refused; the API is strict."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from databricks.sdk.errors import DatabricksError, NotFound, PermissionDenied, ResourceConflict
from databricks.sdk.service.catalog import Privilege
from databricks.sdk.service.sql import StatementState

from tests.local_workspace.conftest import WarmWorkspace
from tests.local_workspace.scratch import BUCKET, NAME, TABLE, Scratch, grant, run_sql

MAIN = f"{NAME}.main"
DOUBLE, SHOUT, THROUGH = (f"{MAIN}.{name}" for name in ("double", "shout", "through"))
_API = "/api/2.1/unity-catalog/functions"


@pytest.fixture(scope="module", autouse=True)
def functions(workspace: WarmWorkspace, scratch: Scratch) -> Iterator[None]:
    for text in (
        f"CREATE FUNCTION {DOUBLE}(n DECIMAL(10, 1) COMMENT 'Any') RETURNS DECIMAL(12, 2) COMMENT 'Twice' RETURN n * 2",
        f"CREATE FUNCTION {SHOUT}(word STRING, n INT) RETURNS STRING RETURN concat(upper(word), {DOUBLE}(n))",
        f"CREATE VIEW {THROUGH} AS SELECT {SHOUT}('a', CAST(id AS INT)) AS said FROM {TABLE} WHERE id = 3",
    ):
        run_sql(workspace, "deployer", text)
    grant(workspace, "function", DOUBLE, "analyst", Privilege.EXECUTE)
    grant(workspace, "table", THROUGH, "analyst", Privilege.SELECT)
    yield
    for text in (f"DROP VIEW {THROUGH}", f"DROP FUNCTION {SHOUT}", f"DROP FUNCTION IF EXISTS {DOUBLE}"):
        run_sql(workspace, "deployer", text)


def refuse(workspace: WarmWorkspace, scratch: Scratch, role: str, text: str) -> str:
    statements = workspace.client(role).statement_execution
    answer = statements.execute_statement(text, scratch.warehouse, wait_timeout="50s")
    assert answer.status is not None and answer.status.error is not None
    assert answer.status.state is StatementState.FAILED
    return str(answer.status.error.message)


@pytest.mark.parametrize(
    ("role", "text", "expected"),
    [
        ("analyst", f"SELECT {DOUBLE}(1.5)", [["3.00"]]),
        ("analyst", f"SELECT sum({DOUBLE}(id)) FROM {TABLE} WHERE {DOUBLE}(id) > 2", [["18.00"]]),
        ("analyst", f"WITH c AS (SELECT {DOUBLE}({DOUBLE}(1)) AS n) SELECT n FROM c", [["4.00"]]),
        ("deployer", f"SELECT {SHOUT}('b', 4)", [["B8.00"]]),
        ("analyst", f"SELECT said FROM {THROUGH}", [["A6.00"]]),  # with the right of the view's owner
    ],
)
def test_who_may_execute_does(workspace: WarmWorkspace, role: str, text: str, expected: list[list[str]]) -> None:
    assert run_sql(workspace, role, text) == expected


@pytest.mark.parametrize(
    ("role", "text", "lacks"),
    [
        ("analyst", f"SELECT {SHOUT}('a', 1)", f"EXECUTE on Function '{SHOUT}'"),
        ("outsider", f"SELECT {DOUBLE}(1)", f"EXECUTE on Function '{DOUBLE}'"),
        ("pipeline", f"SELECT id FROM {TABLE} WHERE {DOUBLE}(id) > 1", f"EXECUTE on Function '{DOUBLE}'"),
        ("analyst", f"CREATE FUNCTION {MAIN}.mine(n INT) RETURNS INT RETURN n", f"CREATE FUNCTION on Schema '{MAIN}'"),
        ("analyst", f"CREATE OR REPLACE FUNCTION {DOUBLE}(n INT) RETURNS INT RETURN n", "CREATE FUNCTION on Schema"),
        ("analyst", f"DROP FUNCTION {DOUBLE}", f"MANAGE on Function '{DOUBLE}'"),
    ],
)
def test_the_neighbour_is_refused(workspace: WarmWorkspace, scratch: Scratch, role: str, text: str, lacks: str) -> None:
    message = refuse(workspace, scratch, role, text)
    assert f"User does not have {lacks}" in message
    assert f"The user is '{workspace.name(role)}'." in message


@pytest.fixture
def unseen(workspace: WarmWorkspace) -> Iterator[str]:
    """A function in a catalog that the analyst may not use, who may execute the function."""
    client, catalog = workspace.client("deployer"), "unseen"
    client.catalogs.create(catalog, storage_root=f"s3://{BUCKET}/{catalog}")
    client.schemas.create("s", catalog)
    run_sql(workspace, "deployer", f"CREATE FUNCTION {catalog}.s.f(n INT) RETURNS INT RETURN n + 1")
    grant(workspace, "function", f"{catalog}.s.f", "analyst", Privilege.EXECUTE)
    yield f"{catalog}.s.f"
    client.catalogs.delete(catalog, force=True)


@pytest.mark.parametrize(
    "text", ["SELECT {name}(1)", "SELECT abs({name}(1)) + 1", "SELECT (SELECT max({name}(id)) FROM range(3))"]
)
def test_who_may_not_use_the_catalog_is_told_so(
    workspace: WarmWorkspace, scratch: Scratch, unseen: str, text: str
) -> None:
    message = refuse(workspace, scratch, "analyst", text.format(name=unseen))
    assert "User does not have USE CATALOG on Catalog 'unseen'." in message
    assert run_sql(workspace, "deployer", text.format(name=unseen))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"SELECT {DOUBLE}(1, 2)", "[WRONG_NUM_ARGS.WITHOUT_SUGGESTION]"),
        (f"SELECT {MAIN}.nothing(1)", "[UNRESOLVED_ROUTINE]"),
        (f"CREATE FUNCTION {DOUBLE}(n INT) RETURNS INT RETURN n", "[FUNCTION_ALREADY_EXISTS]"),
        (f"CREATE FUNCTION {MAIN}.bad(n INT) RETURNS INT RETURN other", "[UNRESOLVED_COLUMN.WITH_SUGGESTION]"),
        (f"CREATE FUNCTION {MAIN}.bad(n INT) RETURNS INT RETURN sum(n)", "[INVALID_WHERE_CONDITION]"),
        (
            f"CREATE FUNCTION {MAIN}.bad(n INT) RETURNS INT RETURN (SELECT max(id) FROM {TABLE})",
            "[UNSUPPORTED_FEATURE]",
        ),
    ],
)
def test_what_cannot_be_computed_is_refused(workspace: WarmWorkspace, scratch: Scratch, text: str, said: str) -> None:
    assert said in refuse(workspace, scratch, "deployer", text)


def test_a_replaced_function_keeps_its_grants(workspace: WarmWorkspace) -> None:
    before = workspace.client("deployer").functions.get(DOUBLE)
    text = f"CREATE OR REPLACE FUNCTION {DOUBLE}(n DECIMAL(10, 1)) RETURNS DECIMAL(12, 2) RETURN n + n"
    run_sql(workspace, "deployer", text)
    after = workspace.client("deployer").functions.get(DOUBLE)
    assert (before.function_id, before.comment) == (after.function_id, "Twice")
    assert after.comment is None
    assert run_sql(workspace, "analyst", f"SELECT {DOUBLE}(2)") == [["4.00"]]


def test_the_api_gives_lists_and_refuses(workspace: WarmWorkspace) -> None:
    ours, analyst = workspace.client("deployer"), workspace.client("analyst")
    found = ours.functions.get(DOUBLE).as_dict()
    assert (found["routine_body"], found["data_type"]) == ("SQL", "DECIMAL")
    assert {one.name for one in ours.functions.list(NAME, "main")} >= {"double", "shout"}
    assert [one.name for one in analyst.functions.list(NAME, "main")] == ["double"]
    with pytest.raises(PermissionDenied):
        analyst.functions.get(SHOUT)
    with pytest.raises(PermissionDenied):
        analyst.functions.delete(DOUBLE)
    with pytest.raises(NotFound, match=f"Function '{MAIN}.nothing' does not exist"):
        ours.functions.get(f"{MAIN}.nothing")
    with pytest.raises(ResourceConflict, match="is not empty: it has .*double"):
        ours.schemas.delete(MAIN)


def test_the_api_creates_what_sql_then_calls(workspace: WarmWorkspace) -> None:
    client = workspace.client("deployer")
    info: dict[str, Any] = client.functions.get(DOUBLE).as_dict()
    info |= {"name": "triple", "specific_name": "triple", "routine_definition": "n * 3"}
    client.api_client.do("POST", _API, body={"function_info": info})
    assert run_sql(workspace, "deployer", f"SELECT {MAIN}.triple(2)") == [["6.00"]]
    client.functions.delete(f"{MAIN}.triple")
    for change, said in (
        ({"routine_body": "EXTERNAL", "external_language": "PYTHON"}, "in SQL only"),
        ({"data_type": "TABLE_TYPE"}, "none that return a table"),
        ({"input_params": {"parameters": [{"name": "n"}]}}, "input_params.parameters must be a list"),
        ({"full_data_type": None}, "function_info lacks full_data_type"),
        ({"schema_name": "nowhere"}, "does not exist"),
    ):
        with pytest.raises(DatabricksError, match=said):
            client.api_client.do("POST", _API, body={"function_info": {**info, **change}})
