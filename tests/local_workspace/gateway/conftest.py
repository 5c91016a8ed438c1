"""All routes in this process, with moto behind them and no Spark: what malformed requests are tried on."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from local_workspace import services
from local_workspace.engines.moto_server import MotoServer
from local_workspace.gateway.app import SERVICES, create_app
from local_workspace.gateway.workspace import AWS_ACCOUNT, Workspace, new_root_keys
from local_workspace.lifecycle import identities


@pytest.fixture(scope="module")
def whole_workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    home = tmp_path_factory.mktemp("whole")
    keys = new_root_keys()
    moto = MotoServer(home, AWS_ACCOUNT, *keys.values())
    moto.start()
    moto.wait_ready()
    with contextlib.closing(contextlib.ExitStack()) as stack:
        stack.callback(moto.stop)
        workspace = Workspace("whole", home, "http://127.0.0.1:1", aws_endpoint=moto.url, root_keys=keys)
        identities.ensure_principals(workspace.store)
        for service in SERVICES:
            if (Path(services.__file__).parent / service / "bootstrap.py").exists():
                import_module(f"local_workspace.services.{service}.bootstrap").bootstrap(workspace)
        yield workspace


@pytest.fixture(scope="module")
def admin(whole_workspace: Workspace) -> TestClient:
    token = whole_workspace.mint_token("admin@lakehouse.example", None, "test")
    client = TestClient(create_app(whole_workspace), headers={"Authorization": f"Bearer {token}"})
    client.headers.pop("accept-encoding")
    return client
