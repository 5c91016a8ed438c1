"""A gateway served over HTTP with moto behind it and a table of volume grants instead of Unity Catalog.

For services that need no Spark; tests of the whole use the session's `workspace` fixture.
"""

import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest
import uvicorn
from databricks.sdk import WorkspaceClient

from local_workspace.engines.moto_server import MotoServer
from local_workspace.engines.processes import free_port
from local_workspace.gateway import principals
from local_workspace.gateway.app import create_app
from local_workspace.gateway.calls import Principal
from local_workspace.gateway.errors import not_found, permission_denied
from local_workspace.gateway.workspace import AWS_ACCOUNT, Workspace, new_root_keys

SERVICES = (
    *("files", "workspace", "dbfs", "warehouses", "tokens", "secrets", "cluster_policies"),
    *("experiments", "pipelines", "queries", "alerts", "dashboards"),
    *("git_credentials", "repos"),
)


@dataclass(frozen=True)
class Location:
    full_name: str
    storage_location: str


@dataclass
class VolumeGrants:
    """Stands where Unity Catalog does: (principal, volume) -> privileges."""

    volumes: dict[str, str] = field(default_factory=dict)
    grants: set[tuple[str, str, str]] = field(default_factory=set)

    def volume_access(self, caller: Principal, full_name: str, write: bool) -> Location:
        if full_name not in self.volumes:
            raise not_found(f"Volume '{full_name}' does not exist.", "VOLUME_DOES_NOT_EXIST")
        privilege = "WRITE_VOLUME" if write else "READ_VOLUME"
        if (caller.name, full_name, privilege) not in self.grants:
            raise permission_denied(f"User '{caller.name}' does not have {privilege} on Volume '{full_name}'.")
        return Location(full_name, self.volumes[full_name])


@dataclass
class ServedGateway:
    workspace: Workspace
    grants: VolumeGrants

    def client(self, principal: str) -> WorkspaceClient:
        token = self.workspace.mint_token(principal, 3600, "test")
        return WorkspaceClient(host=self.workspace.host, token=token, auth_type="pat")


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedGateway]:
    home = tmp_path_factory.mktemp("gateway")
    keys = new_root_keys()
    moto = MotoServer(home, AWS_ACCOUNT, *keys.values())
    moto.start()
    moto.wait_ready()
    workspace = Workspace("t", home, f"http://127.0.0.1:{free_port()}", aws_endpoint=moto.url, root_keys=keys)
    grants = VolumeGrants()
    workspace.__dict__["unity"] = grants
    _add_principals(workspace)
    stop = _serve(workspace)
    yield ServedGateway(workspace, grants)
    stop()
    moto.stop()


@pytest.fixture(scope="session")
def volume(served: ServedGateway) -> str:
    """An external volume that ann may read and write, bob only read, eve neither."""
    served.workspace.aws("s3").create_bucket(
        Bucket="files-test", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
    )
    served.grants.volumes["main.default.box"] = "s3://files-test/boxes/one"
    for name, privilege in (("ann", "READ_VOLUME"), ("ann", "WRITE_VOLUME"), ("bob", "READ_VOLUME")):
        served.grants.grants.add((name, "main.default.box", privilege))
    return "/Volumes/main/default/box"


def _add_principals(workspace: Workspace) -> None:
    for name in ("root", "ann", "bob", "eve"):
        principals.put_principal(workspace.store, name, "user", name.title())
    principals.put_group(workspace.store, "admins", ["root"])
    principals.put_group(workspace.store, "users", ["root", "ann", "bob"])


def _serve(workspace: Workspace) -> Callable[[], None]:
    from local_workspace.gateway.app import load_routes

    port = int(workspace.host.rsplit(":", 1)[1])
    app = create_app(workspace, load_routes(SERVICES))
    server = uvicorn.Server(uvicorn.Config(app, "127.0.0.1", port, log_level="warning"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.02)

    def stop() -> None:
        server.should_exit = True
        thread.join()

    return stop


@pytest.fixture
def ann(served: ServedGateway) -> WorkspaceClient:
    """A user who is no admin."""
    return served.client("ann")


@pytest.fixture
def folder(ann: WorkspaceClient) -> str:
    """An empty one in Ann's home."""
    path = f"/Users/ann/{uuid.uuid4().hex}"
    ann.workspace.mkdirs(path)
    return path


@pytest.fixture
def warehouse(ann: WorkspaceClient) -> str:
    """One that every member may use."""
    return str(next(iter(ann.warehouses.list())).id)
