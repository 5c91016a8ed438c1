"""The estate's grants, executed: the pipeline builds, analysts read gold, everybody else is refused by name."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import PermissionDenied
from databricks.sdk.service.catalog import VolumeType

from lakehouse.names import volume_path
from lakehouse.targets import Target
from lakehouse.workspace import open_workspace
from tests.platform_assets.live.conftest import run_sql

Call = Callable[[WorkspaceClient, Target], Any]


@pytest.fixture(scope="module")
def tables(applied: Target) -> Target:
    """The pipeline has built a table in each layer, and an external one."""
    lake = applied.bucket("lake")
    for statement in (
        "CREATE OR REPLACE TABLE flights.bronze.raw AS SELECT 1 AS n",
        "CREATE OR REPLACE TABLE flights.gold.answers AS SELECT n + 41 AS n FROM flights.bronze.raw",
        f"CREATE OR REPLACE TABLE flights.gold.outside LOCATION 's3://{lake}/external/outside' AS SELECT 2 AS n",
    ):
        assert run_sql(applied, "pipeline", statement) == []
    return applied


def test_analysts_read_gold(tables: Target) -> None:
    assert run_sql(tables, "analyst", "SELECT n FROM flights.gold.answers") == [["42"]]
    assert run_sql(tables, "analyst", "SELECT n FROM flights.gold.outside") == [["2"]]


@pytest.mark.parametrize(
    ("role", "statement", "lacks"),
    [
        ("analyst", "SELECT * FROM flights.bronze.raw", "USE SCHEMA"),
        ("analyst", "INSERT INTO flights.gold.answers VALUES (1)", "MODIFY"),
        ("analyst", "DROP TABLE flights.gold.answers", "MANAGE"),
        ("analyst", "CREATE TABLE flights.gold.mine AS SELECT 1 AS n", "CREATE TABLE"),
        ("pipeline", "CREATE SCHEMA flights.mine", "CREATE SCHEMA"),
    ],
)
def test_what_sql_refuses(tables: Target, role: str, statement: str, lacks: str) -> None:
    answer = run_sql(tables, role, statement)
    assert isinstance(answer, str)
    assert "PERMISSION_DENIED" in answer or "does not have" in answer
    assert lacks in answer


def of_volume(name: str) -> Call:
    return lambda client, target: list(client.files.list_directory_contents(volume_path(target, name)))


def upload_to(name: str) -> Call:
    return lambda client, target: client.files.upload(
        f"{volume_path(target, name)}/x", io.BytesIO(b"x"), overwrite=True
    )


def get_schema(name: str) -> Call:
    return lambda client, target: client.schemas.get(f"{target.catalog('flights')}.{name}")


ALLOWED: dict[str, tuple[str, Call]] = {
    "pipeline lists landing": ("pipeline", of_volume("flights.bronze.landing")),
    "pipeline reads artifacts": ("pipeline", of_volume("flights.ops.artifacts")),
    "pipeline writes messages": ("pipeline", upload_to("flights.ops.pipes")),
    "pipeline writes checkpoints": ("pipeline", upload_to("flights.ops.checkpoints")),
    "analyst sees gold": ("analyst", get_schema("gold")),
}
REFUSED: dict[str, tuple[str, Call, str]] = {
    "pipeline writes landing": ("pipeline", upload_to("flights.bronze.landing"), "WRITE"),
    "pipeline writes artifacts": ("pipeline", upload_to("flights.ops.artifacts"), "WRITE"),
    "pipeline makes a catalog": ("pipeline", lambda client, _: client.catalogs.create("mine"), "CREATE CATALOG"),
    "pipeline makes a schema": (
        "pipeline",
        lambda client, target: client.schemas.create("mine", target.catalog("flights")),
        "CREATE SCHEMA",
    ),
    "pipeline makes a volume": (
        "pipeline",
        lambda client, target: client.volumes.create(target.catalog("flights"), "ops", "mine", VolumeType.MANAGED),
        "CREATE VOLUME",
    ),
    "pipeline opens the credential": (
        "pipeline",
        lambda client, target: client.storage_credentials.get(target.account_wide("lake_storage")),
        "",
    ),
    "analyst sees bronze": ("analyst", get_schema("bronze"), "USE SCHEMA"),
    "analyst lists landing": ("analyst", of_volume("flights.bronze.landing"), "USE SCHEMA"),
    "analyst reads messages": ("analyst", of_volume("flights.ops.pipes"), "USE SCHEMA"),
    "outsider sees the catalog": (
        "outsider",
        lambda client, target: client.catalogs.get(target.catalog("flights")),
        "USE CATALOG",
    ),
    "outsider sees gold": ("outsider", get_schema("gold"), "USE"),
    "outsider lists landing": ("outsider", of_volume("flights.bronze.landing"), "USE CATALOG"),
}


@pytest.mark.parametrize(("role", "call"), ALLOWED.values(), ids=ALLOWED)
def test_allowed(applied: Target, role: str, call: Call) -> None:
    call(open_workspace(applied, role), applied)


@pytest.mark.parametrize(("role", "call", "lacks"), REFUSED.values(), ids=REFUSED)
def test_refused(applied: Target, role: str, call: Call, lacks: str) -> None:
    client = open_workspace(applied, role)
    with pytest.raises(PermissionDenied) as caught:
        call(client, applied)
    assert lacks in str(caught.value)
    assert str(client.current_user.me().user_name) in str(caught.value)


def test_lists_show_outsiders_nothing(applied: Target) -> None:
    client = open_workspace(applied, "outsider")
    assert applied.catalog("flights") not in {one.name for one in client.catalogs.list()}
    assert applied.account_wide("lake") not in {one.name for one in client.external_locations.list()}
    assert applied.account_wide("lake_storage") not in {one.name for one in client.storage_credentials.list()}
