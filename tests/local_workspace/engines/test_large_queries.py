"""When Spark compiles expressions: not for little data, from a session's first query over much data on."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import Any

import pytest

from local_workspace.engines.spark_session import open_session
from tests.local_workspace.conftest import WarmWorkspace
from tests.local_workspace.scratch import BOX_PATH, Scratch

MODE = "spark.sql.codegen.factoryMode"
LITTLE, MUCH = 80, 3 << 20  # bytes


@pytest.fixture
def spark(workspace: WarmWorkspace) -> Iterator[Any]:
    home = workspace.target.profiles_home
    assert home is not None
    endpoints = json.loads((home / "endpoints.json").read_text())
    token = workspace.client("pipeline").config.token or ""
    session = open_session(endpoints["spark_connect"], token, workspace.name("pipeline"), [])
    yield session
    session.stop()


def test_a_session_compiles_from_its_first_large_query_on(
    workspace: WarmWorkspace, scratch: Scratch, spark: Any
) -> None:
    little, much = f"{BOX_PATH}/little.txt", f"{BOX_PATH}/much.txt"
    for path, size in ((little, LITTLE), (much, MUCH)):
        workspace.client("pipeline").files.upload(path, io.BytesIO(b"abcdefg\n" * (size // 8)), overwrite=True)
    assert spark.read.text(little).count() == LITTLE // 8
    assert spark.conf.get(MODE) == "NO_CODEGEN"
    assert spark.read.text(much).count() == MUCH // 8
    assert spark.conf.get(MODE) == "FALLBACK"
    assert spark.read.text(little).count() == LITTLE // 8
    assert spark.conf.get(MODE) == "FALLBACK"
