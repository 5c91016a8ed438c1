"""A session on the warm workspace's Spark server, as a step has one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from lakehouse.targets import Target


@pytest.fixture
def session(estate: Target, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A session as the pipeline's; functions of pyspark are then those of Connect."""
    from lakehouse.workspace import open_workspace
    from local_workspace.engines.spark_session import open_session
    from local_workspace.lifecycle.files import read_endpoints

    monkeypatch.setenv("SPARK_CONNECT_MODE_ENABLED", "1")
    assert estate.profiles_home is not None
    token = open_workspace(estate, "pipeline").config.token
    spark_url = read_endpoints(estate.profiles_home).spark_connect
    session = open_session(spark_url, token, estate.principals["pipeline"], [estate.catalog("flights")])
    yield session
    session.stop()
