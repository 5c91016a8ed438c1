"""Sessions straight on the warm workspace's Spark server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from local_workspace.engines.spark_session import open_session
from local_workspace.lifecycle.files import read_endpoints
from tests.local_workspace.conftest import WarmWorkspace
from tests.local_workspace.scratch import NAME


@pytest.fixture
def open_spark(workspace: WarmWorkspace) -> Iterator[Callable[[], Any]]:
    """Opens a session of the pipeline's each time."""
    home = workspace.target.profiles_home
    assert home is not None
    url = read_endpoints(home).spark_connect
    opened: list[Any] = []

    def open_spark() -> Any:
        token = workspace.client("pipeline").config.token or ""
        opened.append(open_session(url, token, workspace.name("pipeline"), [NAME]))
        return opened[-1]

    yield open_spark
    for session in opened:
        session.stop()
