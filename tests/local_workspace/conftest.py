"""The warm workspace as tests of the whole see it: a client per role, and a small estate to try grants on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from databricks.sdk import WorkspaceClient

from lakehouse.targets import Target
from lakehouse.workspace import open_aws, open_workspace
from tests.local_workspace.scratch import Scratch, make_scratch, remove_scratch


@dataclass(frozen=True)
class WarmWorkspace:
    """The session's workspace."""

    target: Target

    def client(self, role: str) -> WorkspaceClient:
        return open_workspace(self.target, role)

    def aws(self, service: str, role: str = "deployer") -> Any:
        return open_aws(self.target, role).client(service)  # type: ignore[call-overload]

    def name(self, role: str) -> str:
        """The principal's name, as messages say it."""
        return str(self.client(role).current_user.me().user_name)


@pytest.fixture(scope="session")
def workspace(warm_target: Target) -> WarmWorkspace:
    return WarmWorkspace(warm_target)


@pytest.fixture(scope="session")
def scratch(workspace: WarmWorkspace) -> Iterator[Scratch]:
    """A catalog with tables, views and volumes; the analyst reads, the pipeline writes, the outsider only passes."""
    yield make_scratch(workspace)
    remove_scratch(workspace)
