"""Names with any letter: grants on them bind alike in SQL of a warehouse, SQL of a run, REST and Spark."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

import pytest
from databricks.sdk.errors import BadRequest, NotFound
from databricks.sdk.service.catalog import PermissionsChange, Privilege, VolumeType
from pyspark.errors import AnalysisException

from local_workspace.serverless_runtime.gateway_client import GatewayClient
from local_workspace.serverless_runtime.governance_sql import teach_governance
from tests.local_workspace.conftest import WarmWorkspace
from tests.local_workspace.scratch import NAME, Scratch, error_of, run_sql

MAIN = f"{NAME}.main"
REFUSED = ("a.b", "a b", "a/b", "a\tb")
HOSTILE = "tä`b%20%c3%a4'\"+&#?;*日ς--"


def in_sql(name: str) -> str:
    return f"{MAIN}.`{name.replace('`', '``')}`"


@pytest.fixture
def run(workspace: WarmWorkspace, scratch: Scratch) -> Callable[[str], Any]:
    """What `spark.sql` of a run of the deployer does with governance; Spark itself sees none of that."""
    config = workspace.client("deployer").config
    client = GatewayClient(str(config.host), config.authenticate()["Authorization"].removeprefix("Bearer "))
    catalog = SimpleNamespace(currentCatalog=lambda: NAME, currentDatabase=lambda: "main")
    session = SimpleNamespace(sql=pytest.fail, catalog=catalog, createDataFrame=lambda rows, _: rows)
    teach_governance(session, client)
    sql: Callable[[str], Any] = session.sql
    return sql


@pytest.fixture
def ways(workspace: WarmWorkspace, run: Callable[[str], Any]) -> list[Callable[[str], Any]]:
    return [lambda text: run_sql(workspace, "deployer", text), run]


def permissions(workspace: WarmWorkspace, kind: str, name: str) -> Any:
    client = workspace.client("deployer")
    path = f"/api/2.1/unity-catalog/permissions/{kind}/{quote(f'{MAIN}.{name}', safe='')}"
    answer: Any = client.api_client.do("GET", url=f"{client.config.host}{path}")
    return answer.get("privilege_assignments", [])


@pytest.mark.parametrize("name", ["vö", HOSTILE])
def test_a_volume_with_any_letters_is_granted_and_dropped(
    workspace: WarmWorkspace, ways: list[Callable[[str], Any]], name: str
) -> None:
    analyst, volume = workspace.name("analyst"), in_sql(name)
    for sql in ways:
        sql(f"CREATE VOLUME {volume}")
        sql(f"GRANT READ VOLUME ON VOLUME {volume} TO `{analyst}`")
        assert sql(f"SHOW GRANTS ON VOLUME {volume}") == [[analyst, "READ VOLUME", "VOLUME", f"{MAIN}.{name}"]]
        assert permissions(workspace, "volume", name) == [{"principal": analyst, "privileges": ["READ_VOLUME"]}]
        assert "MANAGE on Volume" in error_of(workspace, "analyst", f"DROP VOLUME {volume}")
        sql(f"REVOKE READ VOLUME ON VOLUME {volume} FROM `{analyst}`")
        assert permissions(workspace, "volume", name) == []
        sql(f"DROP VOLUME {volume}")
        with pytest.raises(NotFound, match="does not exist"):
            permissions(workspace, "volume", name)


def test_a_table_with_any_letters_is_read_by_whom_it_is_granted_to(
    workspace: WarmWorkspace, ways: list[Callable[[str], Any]]
) -> None:
    analyst, table = workspace.name("analyst"), in_sql(HOSTILE)
    query = f"SELECT * FROM {table}"
    run_sql(workspace, "deployer", f"CREATE TABLE {table} AS SELECT 7 AS id")
    assert "SELECT on Table" in error_of(workspace, "analyst", query)
    for sql in ways:
        sql(f"GRANT SELECT ON TABLE {table} TO `{analyst}`")
        assert run_sql(workspace, "analyst", query) == [["7"]]
        assert "SELECT on Table" in error_of(workspace, "outsider", query)
        sql(f"REVOKE SELECT ON {table} FROM `{analyst}`")
        assert "SELECT on Table" in error_of(workspace, "analyst", query)
    run_sql(workspace, "deployer", f"DROP TABLE {table}")


@pytest.mark.parametrize(("name", "neighbour"), [("n#x", "n"), ("n?x", "n"), ("n%61x", "nax"), ("n;x=1", "n")])
@pytest.mark.parametrize("kind", ["schemas", "volumes", "registered_models", "tables"])
def test_a_call_reaches_the_object_of_its_name_alone(
    workspace: WarmWorkspace, scratch: Scratch, kind: str, name: str, neighbour: str
) -> None:
    """The SDK puts names into paths as they are; our clients escape them."""
    client = workspace.client("deployer")
    api, parent = getattr(client, kind), NAME if kind == "schemas" else MAIN
    make = {
        "schemas": lambda one: api.create(one, NAME),
        "volumes": lambda one: api.create(NAME, "main", one, VolumeType.MANAGED),
        "registered_models": lambda one: api.create(catalog_name=NAME, schema_name="main", name=one),
        "tables": lambda one: run_sql(workspace, "deployer", f"CREATE TABLE {in_sql(one)} (id INT)"),
    }[kind]
    ours, theirs = f"{parent}.{name}", f"{parent}.{neighbour}"
    for one in (name, neighbour):
        make(one)
    securable = {"schemas": "schema", "volumes": "volume", "registered_models": "function", "tables": "table"}[kind]
    change = PermissionsChange(add=[Privilege.ALL_PRIVILEGES], principal=workspace.name("analyst"))
    get = api.read if kind == "volumes" else api.get
    assert get(ours).full_name == ours
    client.grants.update(securable, ours, changes=[change])
    assert not client.grants.get(securable, theirs).privilege_assignments
    api.delete(ours)
    with pytest.raises(NotFound):
        get(ours)
    assert get(theirs).full_name == theirs
    api.delete(theirs)


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_name_is_refused_as_that_on_every_way(
    workspace: WarmWorkspace, run: Callable[[str], Any], name: str
) -> None:
    told, uc = "must not contain a period, a space", workspace.client("deployer")
    for statement in ("CREATE VOLUME {}", "DROP VOLUME {}", "GRANT SELECT ON {} TO analysts", "SHOW GRANTS ON {}"):
        text = statement.format(in_sql(name))
        assert told in error_of(workspace, "deployer", text)
        with pytest.raises(AnalysisException, match=told):
            run(text)
    assert told in error_of(workspace, "deployer", f"CREATE TABLE {in_sql(name)} (id INT)")
    with pytest.raises(BadRequest, match=told):
        uc.volumes.create(NAME, "main", name, VolumeType.MANAGED)
    with pytest.raises(BadRequest, match=f"{told}|is not the full name"):
        permissions(workspace, "table", name)


def test_a_period_in_a_name_does_not_lead_to_another_object(
    workspace: WarmWorkspace, ways: list[Callable[[str], Any]]
) -> None:
    before = permissions(workspace, "table", "numbers")
    for text in (f"`{NAME}.main`.numbers", f"`{MAIN}.numbers`", "`main.numbers`"):
        for sql in ways:
            with pytest.raises((AssertionError, AnalysisException), match="must not contain"):
                sql(f"GRANT MODIFY ON TABLE {text} TO analysts")
    assert permissions(workspace, "table", "numbers") == before


def test_a_path_is_still_a_path_where_a_catalog_is_in_use(workspace: WarmWorkspace, scratch: Scratch) -> None:
    client = workspace.client("analyst").statement_execution
    for url in (f"{scratch.files_url}/one.txt", scratch.files_url):
        text = f"SELECT * FROM text.`{url}`"
        answer = client.execute_statement(text, scratch.warehouse, catalog=NAME, schema="main", wait_timeout="50s")
        assert answer.result is not None and ["one"] in (answer.result.data_array or []), answer.status
