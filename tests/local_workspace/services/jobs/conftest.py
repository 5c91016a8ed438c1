"""The Jobs service with its pool behind a real HTTP server; see harness.py for the stand-in of files."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest
import uvicorn
from databricks.sdk import WorkspaceClient

from local_workspace.engines.serverless_pool import ServerlessPool
from local_workspace.gateway import principals
from local_workspace.gateway.app import create_app
from local_workspace.gateway.workspace import Workspace
from local_workspace.services.jobs.routes import ROUTES
from local_workspace.services.jobs.runner import runner_of
from local_workspace.services.pages.routes import ROUTES as PAGES
from tests.local_workspace.services.jobs.harness import POOL_SIZE, JobsServer, StandIn


@pytest.fixture(scope="session")
def jobs_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[JobsServer]:
    home = tmp_path_factory.mktemp("jobs")
    listener = socket.create_server(("127.0.0.1", 0))
    workspace = Workspace(name="jobs", home=home, host=f"http://127.0.0.1:{listener.getsockname()[1]}")
    for name in ("admin", "pipeline", "analyst", "outsider"):
        principals.put_principal(workspace.store, name, "user", name.title())
    principals.put_group(workspace.store, "admins", ["admin"])
    workspace.engines.pool = ServerlessPool(home, POOL_SIZE).start()
    stand_in = StandIn()
    app = create_app(workspace, [*ROUTES, *PAGES, *stand_in.routes()])
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
    thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
    thread.start()
    yield JobsServer(workspace, stand_in)
    server.should_exit = True
    thread.join(10)
    runner_of(workspace).close()
    workspace.engines.pool.stop()


@pytest.fixture
def client(jobs_server: JobsServer) -> WorkspaceClient:
    return jobs_server.client()
