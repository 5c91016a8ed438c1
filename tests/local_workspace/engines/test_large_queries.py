"""When Spark compiles expressions: not for little data, from a session's first query over much data on."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

from tests.local_workspace.conftest import WarmWorkspace
from tests.local_workspace.scratch import BOX_PATH, NAME, Scratch, run_sql

MODE = "spark.sql.codegen.factoryMode"
LITTLE, MUCH = 80, 3 << 20  # bytes


def test_a_session_compiles_from_its_first_large_query_on(
    workspace: WarmWorkspace, scratch: Scratch, open_spark: Callable[[], Any]
) -> None:
    spark = open_spark()
    little, much = f"{BOX_PATH}/little.txt", f"{BOX_PATH}/much.txt"
    for path, size in ((little, LITTLE), (much, MUCH)):
        workspace.client("pipeline").files.upload(path, io.BytesIO(b"abcdefg\n" * (size // 8)), overwrite=True)
    assert spark.read.text(little).count() == LITTLE // 8
    assert spark.conf.get(MODE) == "NO_CODEGEN"
    assert spark.read.text(much).count() == MUCH // 8
    assert spark.conf.get(MODE) == "FALLBACK"
    assert spark.read.text(little).count() == LITTLE // 8
    assert spark.conf.get(MODE) == "FALLBACK"


def test_a_large_write_is_a_large_query(
    workspace: WarmWorkspace, scratch: Scratch, open_spark: Callable[[], Any]
) -> None:
    """That is known before its tasks get their settings."""
    spark, table = open_spark(), f"{NAME}.main.large"
    run_sql(workspace, "deployer", f"CREATE TABLE {table} AS SELECT cast(uuid() AS string) AS mark FROM range(120000)")
    spark.sql("SELECT 'x' AS mark").writeTo(table).append()
    assert spark.conf.get(MODE) == "NO_CODEGEN"
    spark.table(table).writeTo(table).append()
    assert spark.conf.get(MODE) == "FALLBACK"
